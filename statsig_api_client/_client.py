"""The clients `Statsig` and `AsyncStatsig`."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeVar, Unpack, overload

from ._clock import Clock
from ._errors import StatsigError
from ._fork import hold_forks
from ._options import ClientOptions, Options, configure
from ._parse import parse_response, raw_response, successful_response
from ._redaction import clear_locals
from ._request import RequestBuilder
from ._response import APIResponse
from ._retry import RetryState
from ._runtime.call import Call
from ._runtime.parsers import UNSET
from ._transports import EngineName, create_async_transport, create_transport
from ._transports.base import (
    AsyncHTTPClient,
    AsyncTransport,
    HTTPClient,
    Transport,
    TransportResponse,
)
from .generated import (
    AsyncOperations,
    AsyncRawOperations,
    LogEventResult,
    Operations,
    RawOperations,
    StatsigEvent,
    StatsigUser,
    StatsigUserDict,
)

if TYPE_CHECKING:
    from .events import AsyncEventLogger, EventLogger, EventLoggerOptions

T = TypeVar("T")

logger = logging.getLogger("statsig_api_client")


class _Client:
    """I/O-free state and behaviour shared by both clients."""

    _clock: ClassVar[Clock] = Clock()  # replaced by tests

    _builder: RequestBuilder
    _is_copy: bool = False

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """Return a copy of this client with different options, sharing its connections.

        A copy is cheap enough for a single call. Closing it has no effect; close the original.

        Args:
            **options: The options to change; see `ClientOptions`.

        Raises:
            ConfigurationError: The value of an option is invalid.
            TypeError: An option does not exist, or its value has the wrong type.
        """
        try:
            builder = self._builder.with_options(self._builder.options.evolve(**options))
        except BaseException as error:
            clear_locals(error)
            del options  # a traceback would show the values of headers
            raise
        copy = type(self).__new__(type(self))
        vars(copy).update(vars(self), _is_copy=True, _builder=builder)
        return copy

    def __repr__(self) -> str:
        if not hasattr(self, "_builder"):  # error trackers show clients with invalid options
            return f"<{type(self).__name__}>"
        return f"<{type(self).__name__} {self._builder.configuration.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be pickled or copied; use with_options")

    def _fallback(self, call: Call[T], error: StatsigError) -> T:
        """Return the fallback of a failed call, or raise its error."""
        if call.fallback is None or self._builder.options.on_error == "raise":
            raise error
        logger.warning("%s; the fallback is returned", error)
        # The result keeps the error. A traceback would keep the stack alive.
        return call.fallback(error.with_traceback(None))

    def _event(
        self,
        user: StatsigUser | StatsigUserDict,
        event_name: str,
        value: str | float | None,
        metadata: Mapping[str, str] | None,
        time: int | str | None,
    ) -> StatsigEvent:
        return StatsigEvent(
            event_name=event_name,
            user=user,
            value=UNSET if value is None else value,
            metadata=metadata,
            time=int(self._clock.time() * 1000) if time is None else time,
        )


class Statsig(_Client, Operations):
    """Client for the Statsig HTTP API.

    Share one client in the whole program: it is thread-safe, and child processes can use it after a
    fork. It holds connections, so close it, or use it in a `with` block.

    Args:
        api_key: A server secret key (`secret-…`) or a client SDK key (`client-…`). Default: the
            environment variable STATSIG_API_KEY.
        base_url: URL of the server, for example of a proxy or the local server. Default: the
            environment variable STATSIG_BASE_URL, else Statsig's own server.
        events_url: URL of the server for events and exposures. Default: `base_url` if it is set,
            else Statsig's own server for events.
        engine: The HTTP implementation: `httpx`, or `fast` for pyreqwest, which is several times
            faster and is installed by `pip install 'statsig-api-client[fast]'`.
        http_client: An `httpx.Client` or `httpx2.Client` to send requests with. Its proxies,
            certificates, headers, hooks and transports apply; its timeouts and redirects do not. It
            is not closed with this client. Unlike the client's own connections, it may exceed the
            timeout of an attempt if a server sends its response byte by byte.
        allow_http: Allow plain `http` for other hosts than this machine, although others on the
            network can then read the API key.
        **options: Further options; see `ClientOptions`.

    Raises:
        ConfigurationError: The API key is missing, it, a URL or an option is invalid, or the engine
            is not installed.
        TypeError: An argument has the wrong type.

    Example:
        >>> with Statsig() as statsig:
        ...     user = StatsigUser(user_id="42")
        ...     if statsig.check_gate(user, "new_checkout"):
        ...         statsig.log_event(user, "checkout_shown")
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        events_url: str | None = None,
        engine: EngineName = "httpx",
        http_client: HTTPClient | None = None,
        allow_http: bool = False,
        **options: Unpack[ClientOptions],
    ) -> None:
        try:
            with hold_forks():
                self._builder = RequestBuilder(
                    configure(api_key, base_url, events_url, allow_http=allow_http),
                    Options().evolve(**options),
                    self._clock,
                )
                self._transport: Transport = create_transport(engine, http_client)
        except BaseException as error:
            clear_locals(error)
            del api_key, options  # a traceback would show the key and the values of headers
            raise

    def log_event(
        self,
        user: StatsigUser | StatsigUserDict,
        event_name: str,
        value: str | float | None = None,
        metadata: Mapping[str, str] | None = None,
        time: int | str | None = None,
    ) -> LogEventResult:
        """Log one event. `log_events` sends many in one request, `events` in the background.

        Statsig does not deduplicate, so an event is retried only if it was certainly not accepted.
        Private attributes of the user are removed.

        Args:
            user: The user of the event.
            event_name: The name of the event.
            value: A number for metrics to add up, or a string to group by.
            metadata: Details by which metrics can be broken down.
            time: Time of the event: milliseconds since 1970, or a string in RFC 3339. Default: now.

        Returns:
            Confirmation that Statsig accepted the event.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument cannot be represented in JSON.
            APIStatusError: Statsig rejected the call; see its subclasses.
            APIConnectionError: There was no response within the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return self.log_events([self._event(user, event_name, value, metadata, time)])

    def events(self, **options: Unpack["EventLoggerOptions"]) -> "EventLogger":
        """Return a logger that sends events in the background: in batches, with retries.

        Close it before the client, or use both in one `with` block.

        Args:
            **options: Options of the logger; see `EventLoggerOptions` in
                `statsig_api_client.events`.

        Raises:
            ConfigurationError: The value of an option is invalid.
            TypeError: An option does not exist, or its value has the wrong type.
            SpoolError: The spool cannot be used.
        """
        with hold_forks():
            from .events import EventLogger

        return EventLogger(self, **options)

    @property
    def with_raw_response(self) -> RawOperations:
        """The same methods, returning raw responses: status, headers, body and duration.

        They raise errors whatever `on_error` is.
        """
        return _RawStatsig(self._send)

    def close(self) -> None:
        """Close all connections. Later calls raise a `ConfigurationError`."""
        if not self._is_copy:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, call: Call[T]) -> T:
        try:
            return parse_response(call, *self._send(call))
        except StatsigError as error:
            return self._fallback(call, error)

    def _send(self, call: Call[T]) -> tuple[RetryState, TransportResponse]:
        try:
            state = RetryState(self._builder.build(call), self._builder.options, self._clock)
            while True:
                result = self._transport.send(state.next_attempt())
                state.record(result)
                delay = state.next_delay(result)
                if delay is None:
                    return state, successful_response(state, result)
                self._clock.sleep(delay)
        except BaseException as error:
            clear_locals(error)
            raise


class AsyncStatsig(_Client, AsyncOperations):
    """Client for the Statsig HTTP API on asyncio: as `Statsig`, with `await`.

    Share one client in the whole program: any number of tasks can use it, in one event loop after
    another. Close it, or use it in an `async with` block.

    Args:
        api_key: As for `Statsig`.
        base_url: As for `Statsig`.
        events_url: As for `Statsig`.
        engine: As for `Statsig`.
        http_client: An `httpx.AsyncClient` or `httpx2.AsyncClient`. As for `Statsig`, except that
            it never exceeds the timeout of an attempt.
        allow_http: As for `Statsig`.
        **options: Further options; see `ClientOptions`.

    Raises:
        ConfigurationError: The API key is missing, it, a URL or an option is invalid, or the engine
            is not installed.
        TypeError: An argument has the wrong type.

    Example:
        >>> async with AsyncStatsig() as statsig:
        ...     user = StatsigUser(user_id="42")
        ...     if await statsig.check_gate(user, "new_checkout"):
        ...         await statsig.log_event(user, "checkout_shown")
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        events_url: str | None = None,
        engine: EngineName = "httpx",
        http_client: AsyncHTTPClient | None = None,
        allow_http: bool = False,
        **options: Unpack[ClientOptions],
    ) -> None:
        try:
            with hold_forks():
                self._builder = RequestBuilder(
                    configure(api_key, base_url, events_url, allow_http=allow_http),
                    Options().evolve(**options),
                    self._clock,
                )
                self._transport: AsyncTransport = create_async_transport(engine, http_client)
        except BaseException as error:
            clear_locals(error)
            del api_key, options  # a traceback would show the key and the values of headers
            raise

    async def log_event(
        self,
        user: StatsigUser | StatsigUserDict,
        event_name: str,
        value: str | float | None = None,
        metadata: Mapping[str, str] | None = None,
        time: int | str | None = None,
    ) -> LogEventResult:
        """Log one event. `log_events` sends many in one request, `events` in the background.

        Statsig does not deduplicate, so an event is retried only if it was certainly not accepted.
        Private attributes of the user are removed.

        Args:
            user: The user of the event.
            event_name: The name of the event.
            value: A number for metrics to add up, or a string to group by.
            metadata: Details by which metrics can be broken down.
            time: Time of the event: milliseconds since 1970, or a string in RFC 3339. Default: now.

        Returns:
            Confirmation that Statsig accepted the event.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument cannot be represented in JSON.
            APIStatusError: Statsig rejected the call; see its subclasses.
            APIConnectionError: There was no response within the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return await self.log_events([self._event(user, event_name, value, metadata, time)])

    def events(self, **options: Unpack["EventLoggerOptions"]) -> "AsyncEventLogger":
        """Return a logger that sends events in the background: in batches, with retries.

        Close it before the client, or use both in one `with` block.

        Args:
            **options: Options of the logger; see `EventLoggerOptions` in
                `statsig_api_client.events`.

        Raises:
            ConfigurationError: The value of an option is invalid.
            TypeError: An option does not exist, or its value has the wrong type.
            SpoolError: The spool cannot be used.
        """
        with hold_forks():
            from .events import AsyncEventLogger

        return AsyncEventLogger(self, **options)

    @property
    def with_raw_response(self) -> AsyncRawOperations:
        """The same methods, returning raw responses: status, headers, body and duration.

        They raise errors whatever `on_error` is.
        """
        return _AsyncRawStatsig(self._send)

    async def aclose(self) -> None:
        """Close all connections. Later calls raise a `ConfigurationError`."""
        if not self._is_copy:
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _call(self, call: Call[T]) -> T:
        try:
            return parse_response(call, *await self._send(call))
        except StatsigError as error:
            return self._fallback(call, error)

    async def _send(self, call: Call[T]) -> tuple[RetryState, TransportResponse]:
        try:
            state = RetryState(self._builder.build(call), self._builder.options, self._clock)
            while True:
                result = await self._transport.send(state.next_attempt())
                state.record(result)
                delay = state.next_delay(result)
                if delay is None:
                    return state, successful_response(state, result)
                await self._clock.sleep_async(delay)
        except BaseException as error:
            clear_locals(error)
            raise


class _RawStatsig(RawOperations):
    def __init__(self, send: Callable[[Call[Any]], tuple[RetryState, TransportResponse]]) -> None:
        self._send = send

    def _call(self, call: Call[T]) -> APIResponse[T]:
        return raw_response(call, *self._send(call))


class _AsyncRawStatsig(AsyncRawOperations):
    def __init__(
        self, send: Callable[[Call[Any]], Awaitable[tuple[RetryState, TransportResponse]]]
    ) -> None:
        self._send = send

    async def _call(self, call: Call[T]) -> APIResponse[T]:
        return raw_response(call, *await self._send(call))


@overload
def delivery_parts(client: Statsig) -> tuple[RequestBuilder, Transport]: ...
@overload
def delivery_parts(client: AsyncStatsig) -> tuple[RequestBuilder, AsyncTransport]: ...
def delivery_parts(
    client: Statsig | AsyncStatsig,
) -> tuple[RequestBuilder, Transport | AsyncTransport]:
    """Return the request builder and the transport of a client.

    The delivery layer sends events with them, on the client's connections but with retries of its
    own. Nothing else uses them.
    """
    parts: Any = client
    return parts._builder, parts._transport  # noqa: SLF001
