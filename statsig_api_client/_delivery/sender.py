"""One attempt to deliver events that are encoded already: what `statsig_api_client.events` sends.

Whoever sends so decides alone when to send again; the client's own retries have no part in it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from .._parse import meaning, reply_of
from .._redaction import clear_locals
from .._request import GZIP, compressed
from .._retry import Attempts
from .._runtime.call import Call
from .._transports.base import RequestHeaders
from ..generated import LogEventResult

if TYPE_CHECKING:
    from .._client import AsyncStatsig, Statsig
    from .._request import Preparation
    from .._transports.base import Engine

_CALL: Final = Call(
    operation="log_events",
    path="/log_event",
    body={},
    parse=LogEventResult.from_dict,
    delivers="events",
)


# Events are sent on a client's own connections, which are nobody else's business.
# ruff: noqa: SLF001
# pyright: reportPrivateUsage=false


def environment_of(client: "Statsig | AsyncStatsig") -> str | None:
    """The environment of users that have none."""
    return client._preparation.options.environment


def longest_attempt(client: "Statsig | AsyncStatsig") -> float:
    """The seconds that one attempt may take."""
    options = client._preparation.options
    return min(options.timeout, options.deadline)


def send(client: "Statsig", events: Sequence[bytes], *, compress: bool) -> None:
    """Send a batch once, and return when Statsig has accepted it.

    Raises:
        StatsigError: It has not, or it is not known.
    """
    _send(client._engine, client._preparation, events, compress=compress)


async def send_async(client: "AsyncStatsig", events: Sequence[bytes], *, compress: bool) -> None:
    """As `send`, without blocking the event loop."""
    try:
        attempt = _attempt(client._preparation, events, compress=compress)
        outcome = await client._engine.send(attempt.begin())
        attempt.pause_after(outcome)  # notes what the outcome says of the attempt
        meaning(_CALL, attempt, reply_of(attempt, outcome))
    except BaseException as error:
        clear_locals(error)
        raise


def send_at_exit(client: "AsyncStatsig", events: Sequence[bytes], *, compress: bool) -> None:
    """As `send`, for a client whose event loop has ended."""
    from .._transports.httpx import HttpxEngine  # noqa: PLC0415

    engine = HttpxEngine()
    try:
        _send(engine, client._preparation, events, compress=compress)
    finally:
        engine.close()


def _send(
    engine: "Engine", preparation: "Preparation", events: Sequence[bytes], *, compress: bool
) -> None:
    try:
        attempt = _attempt(preparation, events, compress=compress)
        outcome = engine.send(attempt.begin())
        attempt.pause_after(outcome)
        meaning(_CALL, attempt, reply_of(attempt, outcome))
    except BaseException as error:
        clear_locals(error)
        raise


def _attempt(preparation: "Preparation", events: Sequence[bytes], *, compress: bool) -> Attempts:
    body = b'{"events":[' + b",".join(events) + b"]}"
    headers = RequestHeaders(("STATSIG-EVENT-COUNT", str(len(events))))
    if compress:
        headers += RequestHeaders(GZIP)
        body = compressed(body)
    return preparation.encoded(_CALL, headers, body)
