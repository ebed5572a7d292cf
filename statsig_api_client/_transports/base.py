"""Transport interface: sends one request and returns a response or a failure.

A transport knows HTTP, not Statsig. It raises only exceptions that the exchange did not cause, such
as that of a signal handler.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol, TypeAlias

LOOPBACK: Final = r"(?ai)(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?"
"""Hosts that are this machine, with or without a port."""


class RequestHeaders:
    """Request headers: names and values in visible ASCII.

    The values are secrets. This is neither a sequence nor a mapping, because error trackers would
    report their items, and `repr` shows only names.
    """

    __slots__ = ("_items",)

    def __init__(self, *items: tuple[str, str]) -> None:
        self._items = items

    def items(self) -> Iterable[tuple[str, str]]:
        """Return the names and values."""
        return self._items

    def with_header(self, name: str, value: str) -> "RequestHeaders":
        """Return a copy with one more header."""
        return RequestHeaders(*self._items, (name, value))

    def __repr__(self) -> str:
        return f"<RequestHeaders: {', '.join(name for name, _ in self._items)}>"


class Headers(Mapping[str, str]):
    """Response headers: a mapping with case-insensitive names.

    The values of a repeated header are joined by commas. `repr` shows only names.
    """

    __slots__ = ("_items", "_values")

    def __init__(self, items: Callable[[], Iterable[tuple[str, str]]]) -> None:
        # Read on demand: the headers of most responses are never used.
        self._items = items
        self._values: dict[str, str] | None = None

    def _read(self) -> dict[str, str]:
        if self._values is None:
            values: dict[str, str] = {}
            for any_case, value in self._items():
                name = any_case.lower()
                values[name] = f"{values[name]}, {value}" if name in values else value
            self._values = values
        return self._values

    def __getitem__(self, name: str) -> str:
        return self._read()[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __repr__(self) -> str:
        return f"<Headers: {', '.join(self)}>"

    def __reduce__(self) -> tuple[object, ...]:
        # A response of pyreqwest can neither be copied nor pickled.
        return Headers, (self._read().items,)


# A request contains the API key, and a server may echo it. Error trackers report the fields of
# named tuples, dataclasses and attrs classes.


class TransportRequest:
    """One attempt: a POST request.

    Args:
        url: The URL.
        headers: All headers except `Host` and `Content-Length`.
        body: The body.
        connect_timeout: Seconds for connecting, and likewise for the TLS handshake.
        timeout: Seconds for the exchange, up to the last byte of the response.
    """

    __slots__ = ("body", "connect_timeout", "headers", "timeout", "url")

    def __init__(
        self,
        *,
        url: str,
        headers: RequestHeaders,
        body: bytes,
        connect_timeout: float,
        timeout: float,
    ) -> None:
        self.url = url
        self.headers = headers
        self.body = body
        self.connect_timeout = connect_timeout
        self.timeout = timeout


class TransportResponse:
    """A response.

    Args:
        status_code: The HTTP status.
        headers: The headers.
        content: The body, decompressed.
        problem: Why `content` is not the complete body, or None.
    """

    __slots__ = ("content", "headers", "problem", "status_code")

    def __init__(
        self, status_code: int, headers: Headers, content: bytes, problem: str | None = None
    ) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content
        self.problem = problem

    def __repr__(self) -> str:
        return f"TransportResponse(status_code={self.status_code})"


class TransportFailure:
    """Failure without a response.

    Args:
        reason: The reason, which may quote the server.
        sent: Whether the request, or a part of it, may have reached the server.
        timeout: Whether the attempt timed out.
        unusable: Whether the transport is closed or misconfigured, so that another attempt would
            fail in the same way.
    """

    __slots__ = ("reason", "sent", "timeout", "unusable")

    def __init__(
        self, reason: str, *, sent: bool, timeout: bool = False, unusable: bool = False
    ) -> None:
        self.reason = reason
        self.sent = sent
        self.timeout = timeout
        self.unusable = unusable

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TransportFailure) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    __hash__ = None  # type: ignore[assignment]


TransportResult: TypeAlias = TransportResponse | TransportFailure

CLOSED: Final = TransportFailure(reason="the client is closed", sent=False, unusable=True)
NO_TIME_LEFT: Final = TransportFailure(reason="the deadline had passed", sent=False, timeout=True)
UNCLOSED: Final = "unclosed client: use it in a `with` block, or close it when it is done"
"""Warning about a transport that was not closed."""


def uncapitalize(text: str) -> str:
    """Return text with a lower-case first letter, unless it starts with a name or abbreviation."""
    first = text.partition(" ")[0]
    return text[:1].lower() + text[1:] if first == first.capitalize() else text


class Transport(Protocol):
    """A transport for any number of threads."""

    def send(self, request: TransportRequest) -> TransportResult:
        """Send a request and return its result."""
        ...

    def close(self) -> None:
        """Close all connections. Further calls have no effect."""
        ...


class AsyncTransport(Protocol):
    """A transport for any number of tasks."""

    async def send(self, request: TransportRequest) -> TransportResult:
        """Send a request and return its result."""
        ...

    async def aclose(self) -> None:
        """Close all connections. Further calls have no effect."""
        ...


class HTTPClient(Protocol):
    """An `httpx.Client` or an `httpx2.Client`."""

    @property
    def is_closed(self) -> bool: ...
    @property
    def trust_env(self) -> bool: ...
    def close(self) -> None: ...


class AsyncHTTPClient(Protocol):
    """An `httpx.AsyncClient` or an `httpx2.AsyncClient`."""

    @property
    def is_closed(self) -> bool: ...
    @property
    def trust_env(self) -> bool: ...
    async def aclose(self) -> None: ...
