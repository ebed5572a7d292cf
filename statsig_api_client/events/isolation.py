"""Isolation of events on which the server fails, so that they do not block all others.

Some events make a server answer 5xx or drop the connection. Nothing in such a response tells them
from an outage, and the oldest events are always sent first, so one of them would hold up every
event behind it. After a few failures in a row:

1. Batches are halved with each failure and doubled after two accepted ones, as in a slow start.
   An outage loses nothing by that: attempts are as rare as before, and the first accepted batches
   make the size grow again.
2. A single event that fails is put aside as a suspect, and the next event is tried.
3. A suspect is sent again, alone, whenever another event was accepted. Each failure after such
   proof that the server works counts against it, and each failure of other events counts for it.
   After `_MAX_FAILURES` it is given up. A server that is down makes no event be given up, and one
   that fails at random at most one of 10,000 suspects, however often it fails.
"""

from typing import Final, Literal, TypeAlias

from attrs import define

from .._delivery.result import SendResult
from .queue.base import Batch

_PATIENCE: Final = 3
"""Failures in a row before batches are halved."""
_MAX_FAILURES: Final = 8
_MAX_SUSPECTS: Final = 16
"""The number of suspects that are put aside at the same time; more of them are an outage."""

Verdict: TypeAlias = Literal["release", "hold", "give up"]


@define(eq=False)
class _Suspect:
    """A single event on which the server failed."""

    batch: Batch
    failures: int = 0
    """Failures of this event minus those of others."""
    is_next: bool = False
    """Whether another event was accepted after the last failure of this one."""


class Isolation:
    """Finds the events on which the server fails. No I/O."""

    def __init__(self, max_batch: int) -> None:
        self._max_batch = max_batch
        self._failures = 0
        """Failures in a row, as long as batches are not halved."""
        self._successes = 0
        """Accepted batches in a row."""
        self.limit: int = max_batch
        """The maximum number of events in the next batch."""
        self._suspects: list[_Suspect] = []

    @property
    def suspects(self) -> list[Batch]:
        """Return the single events that are put aside."""
        return [it.batch for it in self._suspects]

    def accepted(self, batch: Batch) -> None:
        """Record an accepted batch."""
        self.remove(batch)
        for suspect in self._suspects:
            suspect.is_next = True
        self._failures = 0
        self._successes += 1
        if self._successes >= 2:
            self._successes = 0
            self.limit = min(self._max_batch, 2 * self.limit)

    def failed(self, batch: Batch, result: SendResult) -> Verdict:
        """Record a failed batch and return what to do with it."""
        depends = _may_depend_on_events(result)
        suspect = next((it for it in self._suspects if it.batch is batch), None)
        if suspect is not None:
            suspect.failures += depends and suspect.is_next
            suspect.is_next = False
            return "give up" if suspect.failures >= _MAX_FAILURES else "hold"
        if not depends:
            return "release"
        for other in self._suspects:
            other.failures = max(0, other.failures - 1)
        self._successes = 0
        self._failures += 1
        if self._failures < _PATIENCE and self.limit == self._max_batch:
            return "release"
        if len(batch) == 1 and len(self._suspects) < _MAX_SUSPECTS:
            self._suspects.append(_Suspect(batch))
            return "hold"
        self.limit = max(1, len(batch) // 2)
        return "release"

    def suspect(self, *, is_proven: bool) -> Batch | None:
        """Return the suspect to send next.

        Args:
            is_proven: Return only a suspect after whose last failure another event was accepted.
        """
        for suspect in self._suspects:
            if suspect.is_next or not is_proven:
                return suspect.batch
        return None

    def remove(self, batch: Batch) -> None:
        """Forget a suspect."""
        self._suspects = [it for it in self._suspects if it.batch is not batch]

    def remove_all(self) -> list[Batch]:
        """Forget and return all suspects."""
        suspects = self.suspects
        self._suspects = []
        return suspects


def _may_depend_on_events(result: SendResult) -> bool:
    """Return whether a failure may be caused by the content of the batch."""
    status = None if result.error is None else result.error.status_code
    return result.status == "ambiguous" or (status is not None and status >= 500)
