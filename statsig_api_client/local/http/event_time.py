"""When an event happened: what its client says, made good for a clock that is wrong."""

import time
from datetime import UTC, datetime
from typing import Final

_LIMIT: Final = 2**63
"""Times, in milliseconds, are below this, for the database to hold them."""

_TRAVEL: Final = 10_000
"""How many milliseconds a request may be under way, and its client's clock still be right."""


def now() -> int:
    """The time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def clock_error(client_time: int | None) -> int:
    """How far a client's clock is behind, in milliseconds, to be added to the times that it sends.

    Args:
        client_time: The client's time when it sent its request, in milliseconds since 1970, as the
            header `STATSIG-CLIENT-TIME` says; None if there is none.

    Returns:
        Zero up to ten seconds: that may be the way of the request, and events keep the times that
        they were given.
    """
    error = 0 if client_time is None else now() - client_time
    return error if abs(error) > _TRAVEL else 0


def event_time(written: object, received: int, clock_error: int) -> int:
    """The time of an event, in milliseconds since 1970.

    Args:
        written: What its client says: milliseconds, or text that has them or is in the form of
            RFC 3339.
        received: When it arrived; that counts where the text cannot be read or is no time that can
            be, which is no reason to lose an event.
        clock_error: How far the client's clock is behind, in milliseconds.
    """
    if not isinstance(written, str | int | float):
        return received
    try:
        moment = int(_milliseconds(written)) + clock_error
    except (ValueError, OverflowError):
        return received
    return moment if 0 < moment < _LIMIT else received


def _milliseconds(written: str | float) -> float:
    try:
        return float(written) if isinstance(written, str) else written
    except ValueError:
        moment = datetime.fromisoformat(str(written))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
