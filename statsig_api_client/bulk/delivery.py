"""Sends one batch, in parts if need be, until it is known what became of all of it."""

from attrs import define, field

from .._delivery.sender import EventSender
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


def deliver(sender: EventSender, batch: Batch, pace: Pace, *, resend_ambiguous: bool) -> Outcome:
    """Send a batch: again if it was not accepted, in halves if something in it is bad."""
    outcome = Outcome()
    parts = [(0, len(batch.events))]
    while parts:
        low, high = parts.pop()
        began = pace.begin(high - low)
        if began is None:
            break
        outcome.requests += 1
        result = sender.send(batch.events[low:high])
        error = result.error
        if error is None:
            pace.succeeded(began)
            outcome.delivered.append((low, high))
            continue
        match result.status:
            case "invalid":
                pace.refused(began, error, alone=high - low == 1)
                if high - low > 1:
                    middle = (low + high) // 2
                    parts += [(middle, high), (low, middle)]
                else:
                    outcome.rejected.append((low, str(error)))
            case "fatal":
                pace.end(error)
                break
            case status:
                pace.failed(began, error, result.retry_after)
                if status == "ambiguous" and not resend_ambiguous:
                    outcome.ambiguous += [(index, str(error)) for index in range(low, high)]
                    continue
                outcome.retried += high - low
                outcome.resent += high - low if status == "ambiguous" else 0
                parts.append((low, high))
    return outcome
