"""The clients: `Statsig`, which blocks, and `AsyncStatsig`, which does not."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeVar, Unpack

from ._clock import Clock
from ._errors import StatsigError
from ._fork import hold_forks
from ._options import ClientOptions, Options, configure
from ._parse import meaning, raw, reply_of
from ._redaction import clear_locals
from ._request import Preparation
from ._response import APIResponse
from ._retry import Attempts
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
    """What both clients have: everything that waits for nothing."""

    # A test can put another clock here; it is no option, so that the options stay few.
    _clock: ClassVar[Clock] = Clock()

    _preparation: Preparation
    _is_view: bool = False

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """The same client with other options, on the same connections.

        It costs next to nothing, so it may be made for a single call. Closing it closes nothing:
        that is for the client it came from.

        Args:
            **options: What differs; see `ClientOptions`. All else stays as it is here.

        Raises:
            ConfigurationError: An option has a value that makes no sense.
            TypeError: There is no such option, or its value has the wrong type.
        """
        try:
            changed = self._preparation.options.evolve(**options)
        except BaseException as error:
            clear_locals(error)
            del options  # a traceback would show the values of headers
            raise
        view = type(self).__new__(type(self))
        vars(view).update(
            vars(self), _is_view=True, _preparation=self._preparation.with_options(changed)
        )
        return view

    def __repr__(self) -> str:
        if not hasattr(self, "_preparation"):  # error trackers show one whose options were rejected
            return f"<{type(self).__name__}>"
        return f"<{type(self).__name__} {self._preparation.configuration.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be pickled or copied; use with_options")

    def _without_answer(self, call: Call[T], error: StatsigError) -> T:
        """What an evaluation returns when it failed, if that is wanted."""
        if call.fallback is None or self._preparation.options.on_error == "raise":
            raise error
        logger.warning("%s; the fallback is returned", error)
        # The answer keeps the error, which need not keep all that was on the stack.
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
    """The client of the Statsig HTTP API.

    One client serves a whole program: it may be used from any number of threads at once, and in
    a child process after a fork. It holds connections, so close it, or use it in a `with` block.

    Args:
        api_key: A server secret key (`secret-…`) or a client SDK key (`client-…`); the environment
            variable STATSIG_API_KEY if not given.
        base_url: The API's server, such as a proxy or the local server; the environment variable
            STATSIG_BASE_URL if not given, and Statsig's own server without that, too.
        events_url: The server for events and exposures, if it is another; `base_url` if that is
            given, and Statsig's own server for events if not.
        engine: What sends the requests: `httpx`, or `fast` for pyreqwest, which takes a fraction of
            the time and comes with `pip install 'statsig-api-client[fast]'`.
        http_client: An `httpx.Client` or `httpx2.Client` to send requests with: its proxies,
            certificates, headers, hooks and transports hold, its timeouts and redirects do not.
            It stays yours to close. A server that sends its reply in drops can hold an attempt
            longer than its timeout, which the client's own connections prevent.
        allow_http: Allow URLs of plain `http` for other hosts than this one, although the API key
            can then be read on the way.
        **options: How it behaves; see `ClientOptions`.

    Raises:
        ConfigurationError: There is no key, or it, a URL or an option makes no sense, or the engine
            is not installed.
        TypeError: An argument has the wrong type.

    Example:
        >>> with Statsig() as statsig:
        ...     user = StatsigUser(user_id="42")
        ...     if statsig.check_gate(user, "new_checkout"):
        ...         statsig.log_event(user, "checkout_shown")
    """

    def __init__(  # noqa: PLR0913  (all but the key are by name)
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
                self._preparation = Preparation(
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
        """Log one event. For more than a few, `log_events` sends many at once.

        Statsig does not deduplicate, so an event is sent again only when it was provably not
        accepted. Private attributes of the user are removed before sending.

        Args:
            user: Who did it.
            event_name: What happened.
            value: The value that metrics add up (a number) or count by (a text).
            metadata: Details, by which metrics can be broken down.
            time: When it happened: milliseconds since 1970, or text in the form of RFC 3339. Now,
                if not given.

        Returns:
            That Statsig accepted the event.

        Raises:
            TypeError: An argument is of another type than its own.
            ValueError: An argument cannot be written as JSON.
            APIStatusError: Statsig refused the call; see its subclasses.
            APIConnectionError: There was no reply within the deadline.
            ResponseValidationError: The reply is not what the contract says.
        """
        return self.log_events([self._event(user, event_name, value, metadata, time)])

    def events(self, **options: Unpack["EventLoggerOptions"]) -> "EventLogger":
        """Log events in the background: gathered, sent again until Statsig has them, accounted for.

        Close the result before the client, or use both in one `with` block.

        Args:
            **options: How it behaves; see `EventLoggerOptions` in `statsig_api_client.events`.

        Returns:
            An event logger that sends with this client.

        Raises:
            ConfigurationError: An option has a value that makes no sense.
            TypeError: There is no such option, or its value has the wrong type.
            SpoolError: The spool cannot be used.
        """
        with hold_forks():
            from .events import EventLogger  # noqa: PLC0415  (few programs need it)

        return EventLogger(self, **options)

    @property
    def with_raw_response(self) -> RawOperations:
        """The same methods, each returning the reply as it came: status, headers, body, time.

        They raise when they fail, whatever `on_error` says.
        """
        return _RawStatsig(self._send)

    def close(self) -> None:
        """Close all connections. Calls then raise a `ConfigurationError`."""
        if not self._is_view:
            self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, call: Call[T]) -> T:
        try:
            attempts, reply = self._send(call)
            return meaning(call, attempts, reply)
        except StatsigError as error:
            return self._without_answer(call, error)

    def _send(self, call: Call[T]) -> tuple[Attempts, TransportResponse]:
        try:
            attempts = self._preparation.attempts(call)
            while True:
                outcome = self._transport.send(attempts.begin())
                pause = attempts.pause_after(outcome)
                if pause is None:
                    return attempts, reply_of(attempts, outcome)
                self._clock.sleep(pause)
        except BaseException as error:
            clear_locals(error)
            raise


class AsyncStatsig(_Client, AsyncOperations):
    """The client of the Statsig HTTP API for asyncio: as `Statsig`, with `await`.

    One client serves a whole program: it may be used from any number of tasks at once, and in one
    event loop after another. Close it, or use it in an `async with` block.

    Args:
        api_key: As for `Statsig`.
        base_url: As for `Statsig`.
        events_url: As for `Statsig`.
        engine: As for `Statsig`.
        http_client: An `httpx.AsyncClient` or `httpx2.AsyncClient`; else as for `Statsig`, but that
            its attempts keep their timeout whatever a server does.
        allow_http: As for `Statsig`.
        **options: How it behaves; see `ClientOptions`.

    Raises:
        ConfigurationError: There is no key, or it, a URL or an option makes no sense, or the engine
            is not installed.
        TypeError: An argument has the wrong type.

    Example:
        >>> async with AsyncStatsig() as statsig:
        ...     user = StatsigUser(user_id="42")
        ...     if await statsig.check_gate(user, "new_checkout"):
        ...         await statsig.log_event(user, "checkout_shown")
    """

    def __init__(  # noqa: PLR0913  (all but the key are by name)
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
                self._preparation = Preparation(
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
        """Log one event. For more than a few, `log_events` sends many at once.

        Statsig does not deduplicate, so an event is sent again only when it was provably not
        accepted. Private attributes of the user are removed before sending.

        Args:
            user: Who did it.
            event_name: What happened.
            value: The value that metrics add up (a number) or count by (a text).
            metadata: Details, by which metrics can be broken down.
            time: When it happened: milliseconds since 1970, or text in the form of RFC 3339. Now,
                if not given.

        Returns:
            That Statsig accepted the event.

        Raises:
            TypeError: An argument is of another type than its own.
            ValueError: An argument cannot be written as JSON.
            APIStatusError: Statsig refused the call; see its subclasses.
            APIConnectionError: There was no reply within the deadline.
            ResponseValidationError: The reply is not what the contract says.
        """
        return await self.log_events([self._event(user, event_name, value, metadata, time)])

    def events(self, **options: Unpack["EventLoggerOptions"]) -> "AsyncEventLogger":
        """Log events in the background: gathered, sent again until Statsig has them, accounted for.

        Close the result before the client, or use both in one `with` block.

        Args:
            **options: How it behaves; see `EventLoggerOptions` in `statsig_api_client.events`.

        Returns:
            An event logger that sends with this client.

        Raises:
            ConfigurationError: An option has a value that makes no sense.
            TypeError: There is no such option, or its value has the wrong type.
            SpoolError: The spool cannot be used.
        """
        with hold_forks():
            from .events import AsyncEventLogger  # noqa: PLC0415  (few programs need it)

        return AsyncEventLogger(self, **options)

    @property
    def with_raw_response(self) -> AsyncRawOperations:
        """The same methods, each returning the reply as it came: status, headers, body, time.

        They raise when they fail, whatever `on_error` says.
        """
        return _AsyncRawStatsig(self._send)

    async def aclose(self) -> None:
        """Close all connections. Calls then raise a `ConfigurationError`."""
        if not self._is_view:
            await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _call(self, call: Call[T]) -> T:
        try:
            attempts, reply = await self._send(call)
            return meaning(call, attempts, reply)
        except StatsigError as error:
            return self._without_answer(call, error)

    async def _send(self, call: Call[T]) -> tuple[Attempts, TransportResponse]:
        try:
            attempts = self._preparation.attempts(call)
            while True:
                outcome = await self._transport.send(attempts.begin())
                pause = attempts.pause_after(outcome)
                if pause is None:
                    return attempts, reply_of(attempts, outcome)
                await self._clock.sleep_async(pause)
        except BaseException as error:
            clear_locals(error)
            raise


class _RawStatsig(RawOperations):
    def __init__(self, send: Callable[[Call[Any]], tuple[Attempts, TransportResponse]]) -> None:
        self._send = send

    def _call(self, call: Call[T]) -> APIResponse[T]:
        return raw(call, *self._send(call))


class _AsyncRawStatsig(AsyncRawOperations):
    def __init__(
        self, send: Callable[[Call[Any]], Awaitable[tuple[Attempts, TransportResponse]]]
    ) -> None:
        self._send = send

    async def _call(self, call: Call[T]) -> APIResponse[T]:
        return raw(call, *await self._send(call))
