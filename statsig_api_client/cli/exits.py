"""The exit statuses of `statsig-api`, and which of them an error has."""

from enum import IntEnum

from .._errors import ConfigurationError, StatsigError


class Exit(IntEnum):
    """What the command says to the shell."""

    OK = 0
    DOES_NOT_PASS = 1
    """A gate does not pass, and `--exit-code` asked to say so."""
    USAGE = 2
    """The words of the command make no sense, or a file that they name cannot be read."""
    CONFIGURATION = 3
    """There is no key, it or a URL is malformed, or an extra is not installed."""
    API = 4
    """Statsig refused, or there was no reply."""
    PARTLY_IMPORTED = 5
    """Not every line of an import was delivered."""
    INTERRUPTED = 130
    """Ctrl-C."""


def exit_of(error: StatsigError) -> Exit:
    """The exit status for an error of the client."""
    return Exit.CONFIGURATION if isinstance(error, ConfigurationError) else Exit.API
