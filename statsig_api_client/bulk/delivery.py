"""Sends one batch, in parts if need be, until it is known what became of all of it."""

from attrs import define, field

from .._client import Statsig
from .._delivery.sender import send
from .._errors import APIConnectionError, APIStatusError, RateLimitError, StatsigError
from ..events.stats import Meaning, meaning_of
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


def deliver(
    statsig: Statsig, batch: Batch, pace: Pace, *, compress: bool, resend_ambiguous: bool
) -> Outcome:
    """Send a batch: again if it was not accepted, in halves if something in it is bad."""
    outcome = Outcome()
    parts = [(0, len(batch.events))]
    while parts:
        low, high = parts.pop()
        began = pace.begin(high - low)
        if began is None:
            break
        outcome.requests += 1
        error = _attempt(statsig, batch.events[low:high], compress=compress)
        match meaning_of(error):
            case Meaning.DELIVERED:
                pace.succeeded(began)
                outcome.delivered.append((low, high))
            case Meaning.GUILTY:
                assert error is not None  # noqa: S101  (else it was delivered)
                pace.refused(began, error, alone=high - low == 1)
                if high - low > 1:
                    middle = (low + high) // 2
                    parts += [(middle, high), (low, middle)]
                else:
                    outcome.rejected.append((low, str(error)))
            case meaning:
                assert error is not None  # noqa: S101  (else it was delivered)
                if is_final(error):
                    pace.end(error)
                    break
                pace.failed(began, error, _retry_after(error))
                if meaning is Meaning.UNCLEAR and not resend_ambiguous:
                    outcome.ambiguous += [(index, str(error)) for index in range(low, high)]
                    continue
                outcome.retried += high - low
                outcome.resent += high - low if meaning is Meaning.UNCLEAR else 0
                parts.append((low, high))
    return outcome


def _attempt(statsig: Statsig, events: list[bytes], *, compress: bool) -> StatsigError | None:
    try:
        send(statsig, events, compress=compress)
    except StatsigError as error:
        return error
    return None


def is_final(error: StatsigError) -> bool:
    """Whether the same request could never succeed: a refused key, a wrong URL."""
    if isinstance(error, APIStatusError):
        status = error.status_code
        return status not in (408, 425) and status < 500 and not isinstance(error, RateLimitError)
    return not isinstance(error, APIConnectionError)


def _retry_after(error: StatsigError) -> float | None:
    return error.retry_after if isinstance(error, APIStatusError) else None
