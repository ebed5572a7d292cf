"""Delivery of encoded events, one attempt at a time.

The client's own retries do not apply: the caller decides when to send a batch again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from .._client import delivery_parts
from .._errors import StatsigError
from .._parse import meaning, reply_of
from .._redaction import clear_locals
from .._request import GZIP, compressed
from .._retry import Attempts
from .._runtime.call import Call
from .._transports.base import RequestHeaders
from ..generated import LogEventResult
from .result import ACCEPTED, SendResult

if TYPE_CHECKING:
    from .._client import AsyncStatsig, Statsig
    from .._request import Preparation
    from .._transports.base import TransportResult

_CALL: Final = Call(
    operation="log_events",
    path="/log_event",
    body={},
    parse=LogEventResult.from_dict,
    delivers="events",
)


class _Sender:
    """I/O-free state and behaviour shared by both senders."""

    def __init__(self, preparation: "Preparation", *, compress: bool) -> None:
        options = preparation.options
        self._preparation = preparation
        self._compress = compress
        self.environment = options.environment
        """The environment for users that have none; None if the client has none."""
        self.longest_attempt = min(options.timeout, options.deadline)
        """The maximum duration of one attempt in seconds."""

    def _attempt(self, events: Sequence[bytes]) -> Attempts:
        body = b'{"events":[' + b",".join(events) + b"]}"
        headers = RequestHeaders(("STATSIG-EVENT-COUNT", str(len(events))))
        if self._compress:
            headers += RequestHeaders(GZIP)
            body = compressed(body)
        return self._preparation.encoded(_CALL, headers, body)


class EventSender(_Sender):
    """Sends batches of encoded events on the connections of a `Statsig` client."""

    def __init__(self, client: "Statsig", *, compress: bool = True) -> None:
        preparation, self._transport = delivery_parts(client)
        super().__init__(preparation, compress=compress)

    def send(self, events: Sequence[bytes]) -> SendResult:
        """Send a batch once and return the result; no `StatsigError` is raised."""
        try:
            attempt = self._attempt(events)
            return _result(attempt, self._transport.send(attempt.begin()))
        except BaseException as error:
            clear_locals(error)
            raise


class AsyncEventSender(_Sender):
    """Sends batches of encoded events on the connections of an `AsyncStatsig` client."""

    def __init__(self, client: "AsyncStatsig", *, compress: bool = True) -> None:
        preparation, self._transport = delivery_parts(client)
        super().__init__(preparation, compress=compress)

    async def send(self, events: Sequence[bytes]) -> SendResult:
        """Send a batch once and return the result; no `StatsigError` is raised."""
        try:
            attempt = self._attempt(events)
            return _result(attempt, await self._transport.send(attempt.begin()))
        except BaseException as error:
            clear_locals(error)
            raise

    async def aclose(self) -> None:
        """Close the client's own connections, at the exit of the interpreter."""
        await self._transport.aclose()


def _result(attempt: Attempts, outcome: "TransportResult") -> SendResult:
    attempt.pause_after(outcome)  # records the outcome; the delay is the caller's to choose
    try:
        meaning(_CALL, attempt, reply_of(attempt, outcome))
    except StatsigError as error:
        # A traceback would keep the batch alive for as long as the error is kept.
        return SendResult.from_error(error.with_traceback(None))
    return ACCEPTED
