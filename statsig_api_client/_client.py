"""The blocking client."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from ._base_client import BaseClient
from ._errors import StatsigError
from ._fork import hold_forks
from ._options import ClientOptions, Options, configure
from ._parse import parse_response, raw_response, successful_response
from ._redaction import clear_locals
from ._request import RequestBuilder
from ._response import APIResponse
from ._retry import RetryState
from ._runtime.call import Call
from ._transports import EngineName, create_transport
from ._transports.base import HTTPClient, Transport, TransportResponse
from .generated import LogEventResult, Operations, RawOperations, StatsigUser, StatsigUserDict

if TYPE_CHECKING:
    from .events import EventLogger, EventLoggerOptions

T = TypeVar("T")


class Statsig(BaseClient, Operations):
    """Client for the Statsig HTTP API.

    Share one client across the program: it is thread-safe, and child processes can use it after a
    fork. It keeps connections open, so close it, or use it in a `with` block.

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
        allow_http: Allow plain `http` to other machines, which exposes the API key to the network.
        **options: Further options; see `ClientOptions`.

    Raises:
        ConfigurationError: The API key is missing, the API key, a URL or an option is invalid, or
            the engine is not installed.
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
            del api_key, options  # a traceback would show the key and header values
            raise

    def log_event(
        self,
        user: StatsigUser | StatsigUserDict,
        event_name: str,
        value: str | float | None = None,
        metadata: Mapping[str, str] | None = None,
        time: int | str | None = None,
    ) -> LogEventResult:
        """Log one event. Use `log_events` for a batch, or `events` to send in the background.

        Statsig does not deduplicate, so the client retries only if Statsig cannot have accepted the
        event. Private attributes of the user are removed.

        Args:
            user: The user of the event.
            event_name: The name of the event.
            value: A number for metrics to sum, or a string to group by.
            metadata: Details for filtering and grouping in metrics.
            time: The time as milliseconds since 1970, or as an RFC 3339 string. Default: now.

        Returns:
            The acknowledgement of the event.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument cannot be represented in JSON.
            APIStatusError: Statsig rejected the call; see its subclasses.
            APIConnectionError: No response arrived within the deadline.
            ResponseValidationError: The response does not match the API schema.
        """
        return self.log_events([self._event(user, event_name, value, metadata, time)])

    def events(self, **options: Unpack["EventLoggerOptions"]) -> "EventLogger":
        """Return a logger that sends events in the background, in batches and with retries.

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

        They raise errors regardless of `on_error`.
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


class _RawStatsig(RawOperations):
    def __init__(self, send: Callable[[Call[Any]], tuple[RetryState, TransportResponse]]) -> None:
        self._send = send

    def _call(self, call: Call[T]) -> APIResponse[T]:
        return raw_response(call, *self._send(call))
