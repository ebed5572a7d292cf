"""Isolation of events on which the server fails, so that they do not block all others.

Some events make a server answer 5xx or drop the connection. Nothing in such a response tells them
from an outage.

While the server accepts other requests, a part of a batch that fails is sent again after a short
delay. After three failures it is halved, and its halves with each further failure, until the event
is alone. Other parts of the batch are sent in between: when the server accepts them, the failures
are evidence against the event. With much of it the event is given up after `_MAX_FAILURES`; with
little of it the event becomes a suspect.

While it accepts none, the oldest events are always sent first, so one of them would hold up every
event behind it. After a few failures in a row:

1. Batches are halved with each failure and doubled after two accepted ones, as in a slow start.
   An outage loses nothing by that: attempts are as rare as before, and the first accepted batches
   make the size grow again.
2. A single event that fails is put aside as a suspect, and the next event is tried.

A suspect is sent again, alone, whenever another event was accepted. Each failure after such proof
that the server works counts against it, and the failures of other events, per accepted one, count
for it. After `_MAX_FAILURES` it is given up. A server that is down makes no event be given up, and
one that fails at random at most one of 10,000 suspects, however often it fails.
"""

from typing import Final, Literal, TypeAlias

from attrs import define

from .._delivery.adaptive_limit import Failure
from .._delivery.result import SendResult
from .claim import PATIENCE, Part
from .queue.base import Batch

_MAX_FAILURES: Final = 8
_MAX_SUSPECTS: Final = 16
"""The number of suspects that are put aside at the same time; more of them are an outage."""
_PROOFS: Final = 6
"""The evidence with which an event, and not the server, is the cause of its failures."""

Verdict: TypeAlias = Literal["repeat", "split", "hold", "give up", "release"]


@define(eq=False)
class _Suspect:
    """A single event on which the server failed."""

    batch: Batch
    failures: float = 0.0
    """Failures of this event minus those of others."""
    is_next: bool = False
    """Whether another event was accepted after the last failure of this one."""
    is_sent: bool = False
    """Whether it is being sent."""
    again_at: float = 0.0
    """The time of the next attempt, at the earliest."""
    others_accepted: int = 0
    """Accepted batches since the last failure of this event."""
    others_failed: int = 0

    def failed(self, *, counts: bool) -> None:
        """Record a failure."""
        self.failures -= self.others_failed / max(1, self.others_accepted)
        self.failures = max(0.0, self.failures) + (counts and self.is_next)
        self.is_next = self.is_sent = False
        self.others_accepted = self.others_failed = 0


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
    def is_active(self) -> bool:
        """Whether to send one batch at a time: each that is accepted is proof for one suspect."""
        return bool(self._suspects) or self.limit < self._max_batch

    @property
    def waiting(self) -> list[Batch]:
        """The single events that are put aside, except those that are being sent."""
        return [it.batch for it in self._suspects if not it.is_sent]

    def accepted(self, batch: Batch) -> None:
        """Record an accepted batch."""
        self.remove(batch)
        for suspect in self._suspects:
            suspect.is_next = True
            suspect.others_accepted += 1
        self._failures = 0
        self._successes += 1
        if self._successes >= 2:
            self._successes = 0
            self.limit = min(self._max_batch, 2 * self.limit)

    def failed(
        self, part: Part, result: SendResult, failure: Failure, *, is_alone: bool
    ) -> Verdict:
        """Record a failed part and return what to do with it.

        Args:
            part: The part that was sent.
            result: Its result.
            failure: The evidence about the server.
            is_alone: Whether no other part of the claimed batch is left.
        """
        depends = may_depend_on_events(result) and failure != "late"
        suspect = next((it for it in self._suspects if it.batch is part.batch), None)
        if suspect is not None:
            suspect.failed(counts=depends)
            return "give up" if suspect.failures >= _MAX_FAILURES else "hold"
        if depends:
            for other in self._suspects:
                other.others_failed += 1
        if failure == "isolated":
            return self._failed_alone(part, is_alone=is_alone)
        return self._failed_with_all(part, is_alone=is_alone) if depends else "release"

    def _failed_alone(self, part: Part, *, is_alone: bool) -> Verdict:
        if is_proven(part):
            return "give up" if part.failures >= _MAX_FAILURES else "repeat"
        if part.failures < PATIENCE:
            return "repeat"
        if len(part.batch) > 1:
            return "split"
        return "hold" if is_alone and self._put_aside(part) else "repeat"

    def _failed_with_all(self, part: Part, *, is_alone: bool) -> Verdict:
        self._successes = 0
        self._failures += 1
        if self._failures < PATIENCE and self.limit == self._max_batch:
            return "release"
        if len(part.batch) == 1 and is_alone and self._put_aside(part):
            return "hold"
        self.limit = max(1, len(part.batch) // 2)
        return "release"

    def _put_aside(self, part: Part) -> bool:
        if len(self._suspects) >= _MAX_SUSPECTS:
            return False
        self._suspects.append(_Suspect(part.batch, part.evidence))
        return True

    def delay(self, batch: Batch, again_at: float) -> None:
        """Send a suspect at a time at the earliest."""
        for suspect in self._suspects:
            if suspect.batch is batch:
                suspect.again_at = again_at

    def next_suspect(self, now: float, *, is_proven: bool) -> Batch | None:
        """Return the suspect to send next.

        Args:
            now: The time.
            is_proven: Return only a suspect after whose last failure another event was accepted.
        """
        for suspect in self._suspects:
            is_due = not suspect.is_sent and suspect.again_at <= now
            if is_due and (suspect.is_next or not is_proven):
                suspect.is_sent = True
                return suspect.batch
        return None

    def remove(self, batch: Batch) -> None:
        """Forget a suspect."""
        self._suspects = [it for it in self._suspects if it.batch is not batch]

    def remove_waiting(self) -> list[Batch]:
        """Forget and return all suspects, except those that are being sent."""
        waiting = self.waiting
        self._suspects = [it for it in self._suspects if it.is_sent]
        return waiting


def is_proven(part: Part) -> bool:
    """Return whether an event, and not the server, is the cause of its failures."""
    return len(part.batch) == 1 and part.evidence >= _PROOFS


def may_depend_on_events(result: SendResult) -> bool:
    """Return whether a failure may be caused by the content of the batch."""
    status = None if result.error is None else result.error.status_code
    return result.status == "ambiguous" or (status is not None and status >= 500)
