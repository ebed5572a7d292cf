"""Errors of imports.

* StatsigError
  x ConfigurationError
    + SourceError             an input that cannot be read, or has changed
      + CheckpointInUseError  another import uses the same checkpoint
  x ImportStoppedError        an import that ended before its input
  x EventsRejectedError       the cause, if Statsig accepts no event at all
"""

from typing import TYPE_CHECKING

from .._errors import ConfigurationError, StatsigError

if TYPE_CHECKING:
    from .summary import ImportSummary


class RowError(Exception):
    """Line or row that cannot be sent; the message contains the path of the invalid field."""


class SourceError(ConfigurationError):
    """Input, checkpoint or mapping that cannot be used."""


class CheckpointInUseError(SourceError):
    """Checkpoint that another import uses."""


class EventsRejectedError(StatsigError):
    """Rejection of one event after another, without any accepted one."""


class ImportStoppedError(StatsigError):
    """Import that ended before its input; `__cause__` is the reason.

    The same call resumes it.

    Attributes:
        summary: The counts of delivered, rejected and unsent lines.
    """

    def __init__(self, message: str, *, summary: "ImportSummary") -> None:
        super().__init__(message)
        self.summary = summary
