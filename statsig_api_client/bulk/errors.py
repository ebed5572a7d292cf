"""What can go wrong in an import: with a line, with the input, with the whole.

* StatsigError
  x ConfigurationError
    + SourceError             an input that cannot be read, or is not what it was
      + CheckpointInUseError  another import is at work with the same checkpoint
  x ImportStoppedError        an import ended before its input did
  x EventsRefusedError        why it did: Statsig accepts nothing at all
"""

from typing import TYPE_CHECKING

from .._errors import ConfigurationError, StatsigError

if TYPE_CHECKING:
    from .summary import ImportSummary


class Fault(Exception):  # noqa: N818  (it never leaves this package)
    """Why one line cannot be sent, with the path of what is wrong."""


class SourceError(ConfigurationError):
    """The input, the checkpoint or the mapping cannot be used; the message says where and why."""


class CheckpointInUseError(SourceError):
    """Another import is at work with the same checkpoint."""


class EventsRefusedError(StatsigError):
    """Statsig refused one event after the other, and accepted none."""


class ImportStoppedError(StatsigError):
    """An import ended before its input did. The same call goes on where it was.

    What stopped it is its `__cause__`.

    Attributes:
        summary: What was and what was not sent.
    """

    def __init__(self, message: str, *, summary: "ImportSummary") -> None:
        super().__init__(message)
        self.summary = summary
