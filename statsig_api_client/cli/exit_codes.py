"""Exit codes of `statsig-api`."""

from enum import IntEnum

from .._errors import ConfigurationError, StatsigError


class ExitCode(IntEnum):
    """Exit codes of `statsig-api`."""

    OK = 0
    GATE_FAILED = 1
    """A gate does not pass, with `--exit-code`."""
    USAGE = 2
    """Invalid arguments, or a named file that cannot be read."""
    CONFIGURATION = 3
    """Missing key, malformed key or URL, or missing extra."""
    API = 4
    """Error response of Statsig, or no response."""
    INCOMPLETE_IMPORT = 5
    """Some lines of an import were not delivered."""
    INTERRUPTED = 130
    """Ctrl-C."""


def exit_code_for(error: StatsigError) -> ExitCode:
    """Return the exit code for an error of the client."""
    return ExitCode.CONFIGURATION if isinstance(error, ConfigurationError) else ExitCode.API
