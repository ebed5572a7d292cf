"""Errors of imports.

* StatsigError
  x ConfigurationError
    + SourceError             an input that cannot be read, or has changed
      + CheckpointInUseError  another import uses the same checkpoint
  x ImportStoppedError        an import ended before its input did
  x EventsRejectedError       its cause if Statsig accepts no event at all
"""

from typing import TYPE_CHECKING

from .._errors import ConfigurationError, StatsigError

if TYPE_CHECKING:
    from .summary import ImportSummary


class RowError(Exception):
    """The reason why one line or row cannot be sent, with the path of the wrong field."""


class SourceError(ConfigurationError):
    """An input, a checkpoint or a mapping that cannot be used."""


class CheckpointInUseError(SourceError):
    """A checkpoint that another import uses."""


class EventsRejectedError(StatsigError):
    """A server that rejected one event after another, and accepted none."""


class ImportStoppedError(StatsigError):
    """An import that ended before its input did; its `__cause__` is the reason.

    The same call resumes it.

    Attributes:
        summary: The counts of sent and unsent lines.
    """

    def __init__(self, message: str, *, summary: "ImportSummary") -> None:
        super().__init__(message)
        self.summary = summary
