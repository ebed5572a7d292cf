"""Delivery of encoded events, one attempt at a time.

The client's own retries do not apply: the caller decides when to send a batch again.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from .._base_client import delivery_parts
from .._errors import StatsigError
from .._parse import parse_response, successful_response
from .._redaction import clear_locals
from .._request import RequestBuilder
from .._retry import RetryState
from .._runtime.call import Call
from ..generated import LogEventResult
from .result import ACCEPTED, SendResult

if TYPE_CHECKING:
    from .._async_client import AsyncStatsig
    from .._client import Statsig
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

    def __init__(self, builder: RequestBuilder, *, compress: bool) -> None:
        options = builder.options
        self._builder = builder
        self._compress = compress
        self.environment: str | None = options.environment
        """The environment for users without one, or None."""
        self.longest_attempt: float = min(options.timeout, options.deadline)
        """The maximum duration of one attempt in seconds."""

    def _start(self, events: Sequence[bytes], within: float) -> RetryState:
        request = self._builder.build_encoded(_CALL, events, compress=self._compress)
        options = self._builder.options
        if within < options.deadline:
            options = options.evolve(deadline=within)
        return RetryState(request, options, self._builder.clock)


class EventSender(_Sender):
    """Sends batches of encoded events on the connections of a `Statsig` client."""

    def __init__(self, client: "Statsig", *, compress: bool = True) -> None:
        builder, self._transport = delivery_parts(client)
        super().__init__(builder, compress=compress)

    def send(self, events: Sequence[bytes], within: float = math.inf) -> SendResult:
        """Send a batch once and return the result; no `StatsigError` is raised.

        Args:
            events: The encoded events.
            within: Maximum duration of the attempt in seconds, besides the client's timeout.
        """
        try:
            state = self._start(events, within)
            return _result(state, self._transport.send(state.next_attempt()))
        except BaseException as error:
            clear_locals(error)
            raise


class AsyncEventSender(_Sender):
    """Sends batches of encoded events on the connections of an `AsyncStatsig` client."""

    def __init__(self, client: "AsyncStatsig", *, compress: bool = True) -> None:
        builder, self._transport = delivery_parts(client)
        super().__init__(builder, compress=compress)

    async def send(self, events: Sequence[bytes], within: float = math.inf) -> SendResult:
        """Send a batch once and return the result; see `EventSender.send`."""
        try:
            state = self._start(events, within)
            return _result(state, await self._transport.send(state.next_attempt()))
        except BaseException as error:
            clear_locals(error)
            raise

    async def aclose(self) -> None:
        """Close the client's own connections, at the exit of the interpreter."""
        await self._transport.aclose()


def _result(state: RetryState, result: "TransportResult") -> SendResult:
    state.record(result)
    try:
        parse_response(_CALL, state, successful_response(state, result))
    except StatsigError as error:
        # A traceback would keep the batch alive for as long as the error is kept.
        return SendResult.from_error(error.with_traceback(None))
    return ACCEPTED
