"""What can go wrong between `log()` and the network; what the network does is never raised."""

from .._errors import ConfigurationError, StatsigError


class EventQueueFullError(StatsigError):
    """The event was not accepted: there is no room for it, and `overflow` is `raise`."""


class SpoolError(StatsigError):
    """The spool cannot be used: its folder or file is read-only, or the disk fails."""


def closed() -> ConfigurationError:
    """The error for what is asked of a logger that is closed."""
    return ConfigurationError("the event logger is closed")
