"""Exit codes of `statsig-api`."""

from enum import IntEnum

from .._errors import ConfigurationError, StatsigError


class ExitCode(IntEnum):
    """Exit codes of `statsig-api`."""

    OK = 0
    GATE_FAILED = 1
    """A gate does not pass, and `--exit-code` is given."""
    USAGE = 2
    """The arguments are invalid, or a file that they name cannot be read."""
    CONFIGURATION = 3
    """The key is missing, it or a URL is malformed, or an extra is not installed."""
    API = 4
    """Statsig returned an error response, or there was no response."""
    INCOMPLETE_IMPORT = 5
    """Some lines of an import were not delivered."""
    INTERRUPTED = 130
    """Ctrl-C."""


def exit_code_for(error: StatsigError) -> ExitCode:
    """Return the exit code for an error of the client."""
    return ExitCode.CONFIGURATION if isinstance(error, ConfigurationError) else ExitCode.API
