"""Sends one batch, in parts if need be, until it is known what became of all of it."""

from typing import Final, NamedTuple

from attrs import define, field

from .._delivery.result import SendResult
from .._delivery.sender import EventSender
from .._errors import InternalServerError
from .batches import Batch, Span
from .pace import Pace


@define
class Outcome:
    """What became of a batch's events, by their indices; what is in none was not sent."""

    delivered: list[Span] = field(factory=list[Span])
    rejected: list[tuple[int, str]] = field(factory=list[tuple[int, str]])
    ambiguous: list[tuple[int, str]] = field(factory=list[tuple[int, str]])
    requests: int = 0
    retried: int = 0
    resent: int = 0


_SPLIT_AFTER: Final = 3
"""Failures of one part after which its halves are sent."""
_GIVE_UP_AFTER: Final = 8
"""Failures of one event after which it is a dead letter, if the server accepts others meanwhile."""


class Part(NamedTuple):
    """Events of a batch that are sent together, and what their attempts say of the server."""

    low: int
    high: int
    failures: int = 0
    accepted: int | None = None
    """How many requests the server had accepted when they failed for the first time."""

    @property
    def is_single(self) -> bool:
        """Whether it is one event."""
        return self.high - self.low == 1

    def failed_again(self, accepted: int) -> "Part":
        """Return the part after one more failure.

        Args:
            accepted: How many requests the server has accepted.
        """
        before = accepted if self.accepted is None else self.accepted
        return Part(self.low, self.high, self.failures + 1, before)

    def halves(self) -> list["Part"]:
        """Return the halves, the first one last."""
        middle = (self.low + self.high) // 2
        return [self._slice(middle, self.high), self._slice(self.low, middle)]

    def _slice(self, low: int, high: int) -> "Part":
        # One more failure splits it again, until the event that causes it is alone.
        failures = min(self.failures, _SPLIT_AFTER - 1) if high - low > 1 else 0
        return Part(low, high, failures, self.accepted)


@define
class _Delivery:
    """The delivery of one batch."""

    sender: EventSender
    batch: Batch
    pace: Pace
    resend_ambiguous: bool
    outcome: Outcome = field(factory=Outcome)
    parts: list[Part] = field(factory=list[Part])

    def run(self) -> Outcome:
        """Send all parts, unless the import ends before."""
        self.parts.append(Part(0, len(self.batch.events)))
        while self.parts:
            part = self.parts.pop()
            began = self.pace.begin(part.high - part.low)
            if began is None:
                break
            self.outcome.requests += 1
            result = self.sender.send(self.batch.events[part.low : part.high])
            match result.status:
                case "accepted":
                    self.pace.succeeded(began)
                    self.outcome.delivered.append((part.low, part.high))
                case "invalid":
                    self._split(part, began, result)
                case "fatal":
                    assert result.error is not None  # noqa: S101
                    self.pace.end(result.error)
                    break
                case "ambiguous" | "retryable":
                    self._repeat(part, began, result)
        return self.outcome

    def _split(self, part: Part, began: float, result: SendResult) -> None:
        assert result.error is not None  # noqa: S101
        self.pace.refused(began, result.error, alone=part.is_single)
        if part.is_single:
            self.outcome.rejected.append((part.low, result.reason))
        else:
            self.parts += part.halves()

    def _repeat(self, part: Part, began: float, result: SendResult) -> None:
        error, is_ambiguous = result.error, result.status == "ambiguous"
        assert error is not None  # noqa: S101
        self.pace.failed(began, error, result.retry_after)
        outcome, size = self.outcome, part.high - part.low
        if is_ambiguous and not self.resend_ambiguous:
            outcome.ambiguous += [(index, str(error)) for index in range(part.low, part.high)]
            return
        outcome.retried += size
        outcome.resent += size if is_ambiguous else 0
        accepted = self.pace.accepted
        # 429, and no connection, have nothing to do with the events.
        if is_ambiguous or isinstance(error, InternalServerError):
            part = part.failed_again(accepted)
        if part.failures >= _SPLIT_AFTER and not part.is_single:
            self.parts += part.halves()
        elif part.failures >= _GIVE_UP_AFTER and accepted > (part.accepted or 0):
            reason = f"the server fails on this event, and accepts others: {error}"
            letters = outcome.ambiguous if is_ambiguous else outcome.rejected
            letters.append((part.low, reason))
        else:
            self.parts.append(part)


def deliver(sender: EventSender, batch: Batch, pace: Pace, *, resend_ambiguous: bool) -> Outcome:
    """Send a batch: again if it was not accepted, in halves if something in it is bad.

    An event that the server fails on looks like a server that is away. So a part that fails again
    and again is halved, and one event is given up if the server accepts others meanwhile.
    """
    return _Delivery(sender, batch, pace, resend_ambiguous).run()
