"""Errors of event loggers. Network errors are never raised."""

from .._errors import ConfigurationError, StatsigError


class EventQueueFullError(StatsigError):
    """The event was not accepted because the queue is full and `overflow` is `raise`."""


class SpoolError(StatsigError):
    """The spool cannot be used: its directory or file is read-only, or the disk fails."""


def closed() -> ConfigurationError:
    """Return the error of calls to a closed logger."""
    return ConfigurationError("the event logger is closed")
