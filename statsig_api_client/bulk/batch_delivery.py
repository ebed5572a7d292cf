"""Delivery of one batch, in parts if necessary."""

import threading
from typing import Final, NamedTuple

from attrs import define, field

from .._delivery.concurrency import RequestLimiter
from .._delivery.result import SendResult
from .._delivery.sender import EventSender
from .._errors import InternalServerError
from .errors import EventsRejectedError

_SPLIT_AFTER: Final = 3
"""Failures of a part after which it is halved."""
_GIVE_UP_AFTER: Final = 8
"""Failures of an event after which it is dead-lettered, if others are accepted in between."""
_MIN_INTERLEAVED: Final = 2
"""In an outage, at most one failure is interleaved with requests that were in progress."""


@define
class BatchResult:
    """Results of the events of a batch, by index; all other events were not sent."""

    delivered: list[tuple[int, int]] = field(factory=list[tuple[int, int]])
    """Consecutive events: the first, and the one after the last."""
    rejected: list[tuple[int, str]] = field(factory=list[tuple[int, str]])
    ambiguous: list[tuple[int, str]] = field(factory=list[tuple[int, str]])
    requests: int = 0
    retried: int = 0
    resent: int = 0


class RejectionLimit:
    """Limit on events that the server rejects before it accepts any.

    Such a server probably rejects the project or the API key, not the events.
    """

    def __init__(self, limiter: RequestLimiter, max_rejected: int | None) -> None:
        self._limiter = limiter
        self._max_rejected = max_rejected
        self._rejected = 0
        self._lock = threading.Lock()

    def count(self, reason: str) -> None:
        """Count a rejected event, and stop the limiter when the limit is reached."""
        with self._lock:
            self._rejected += 1
            is_reached = self._rejected == self._max_rejected
        if is_reached and not self._limiter.accepted:
            self._limiter.stop(
                EventsRejectedError(
                    f"Statsig accepted no event and rejected {self._max_rejected:,} events one "
                    f"by one, the maximum that max_rejected allows: {reason}"
                )
            )


class BatchPart(NamedTuple):
    """Events of a batch that are sent together, and their failures so far."""

    start: int
    end: int
    failures: int = 0
    interleaved: int = 0
    """Failures with an accepted request between each one and the one before."""
    accepted: int | None = None
    """Number of requests that the server had accepted at the last failure."""

    @property
    def is_single(self) -> bool:
        """True if the part is one event."""
        return self.end - self.start == 1

    def after_failure(self, accepted: int) -> "BatchPart":
        """Return the part after one more failure.

        Args:
            accepted: Number of requests that the server has accepted so far.
        """
        is_interleaved = self.accepted is not None and accepted > self.accepted
        return self._replace(
            failures=self.failures + 1,
            interleaved=self.interleaved + is_interleaved,
            accepted=accepted,
        )

    def halves(self) -> "list[BatchPart]":
        """Return the halves, the first one last."""
        middle = (self.start + self.end) // 2
        return [self._slice(middle, self.end), self._slice(self.start, middle)]

    def _slice(self, start: int, end: int) -> "BatchPart":
        # One more failure halves it again, until the event that causes the failures is alone.
        failures = min(self.failures, _SPLIT_AFTER - 1) if end - start > 1 else 0
        return self._replace(start=start, end=end, failures=failures)


@define
class BatchDelivery:
    """Delivery of one batch.

    A part that was not accepted is sent again. A part that the server rejects is halved until the
    invalid event is alone. A part that fails repeatedly is halved, too, since one event may be the
    cause; a single event that keeps failing while others are accepted is dead-lettered.
    """

    sender: EventSender
    limiter: RequestLimiter
    rejections: RejectionLimit
    resend_ambiguous: bool
    events: list[bytes]
    result: BatchResult = field(factory=BatchResult)
    parts: list[BatchPart] = field(factory=list[BatchPart])

    def run(self) -> BatchResult:
        """Send all parts until the limiter stops, and return the result."""
        self.parts.append(BatchPart(0, len(self.events)))
        while self.parts:
            part = self.parts.pop()
            request = self.limiter.start(part.end - part.start)
            if request is None:
                break
            self.result.requests += 1
            sent = self.sender.send(self.events[part.start : part.end])
            match sent.status:
                case "accepted":
                    self.limiter.record_accepted(request)
                    self.result.delivered.append((part.start, part.end))
                case "invalid":
                    self.limiter.record_invalid(request)
                    self._reject(part, sent)
                case "fatal":
                    assert sent.error is not None
                    self.limiter.record_fatal(sent.error)
                case _:  # ambiguous or retryable
                    assert sent.error is not None
                    self.limiter.record_failure(request, sent.error, sent.retry_after)
                    self._repeat(part, sent)
        return self.result

    def _reject(self, part: BatchPart, sent: SendResult) -> None:
        if part.is_single:
            self.rejections.count(sent.reason)
            self.result.rejected.append((part.start, sent.reason))
        else:
            self.parts += part.halves()

    def _repeat(self, part: BatchPart, sent: SendResult) -> None:
        result, is_ambiguous = self.result, sent.status == "ambiguous"
        if is_ambiguous and not self.resend_ambiguous:
            result.ambiguous += [(index, sent.reason) for index in range(part.start, part.end)]
            return
        result.retried += part.end - part.start
        result.resent += part.end - part.start if is_ambiguous else 0
        # Rate limits and failed connections do not depend on the events.
        if is_ambiguous or isinstance(sent.error, InternalServerError):
            part = part.after_failure(self.limiter.accepted)
        if part.failures >= _SPLIT_AFTER and not part.is_single:
            self.parts = part.halves() + self.parts
        elif part.failures >= _GIVE_UP_AFTER and part.interleaved >= _MIN_INTERLEAVED:
            reason = f"the server fails on this event, but accepts others: {sent.reason}"
            (result.ambiguous if is_ambiguous else result.rejected).append((part.start, reason))
        else:
            self.parts.insert(0, part)  # other parts first: they show whether the server works
