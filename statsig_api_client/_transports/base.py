"""Transport interface: sends one request and returns a response or a failure.

A transport knows HTTP and not Statsig. It raises only what the exchange did not cause, such as an
exception of a signal handler.
"""

from collections.abc import Iterable
from typing import Final, Protocol, TypeAlias

from attrs import define, field

from .._response import Headers

LOOPBACK: Final = r"(?ai)(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?"
"""Hosts that are this machine, with or without a port."""


class RequestHeaders:
    """Request headers: names and values in visible ASCII.

    They hold secrets. So this is not a sequence or a mapping, which error trackers would walk
    through, and `repr` shows names only.
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


# A request holds the API key, and a server may send it back. Error trackers walk through named
# tuples and dataclasses whatever their `repr` shows, and through attrs fields unless `repr=False`.


@define(kw_only=True)
class TransportRequest:
    """One attempt: a POST."""

    url: str
    headers: RequestHeaders
    """All but `Host` and `Content-Length`."""
    body: bytes = field(repr=False)
    connect_timeout: float
    """Seconds for connecting, and again for the TLS handshake."""
    timeout: float
    """Seconds for everything, to the last byte of the response."""


@define
class TransportResponse:
    """A response."""

    status_code: int
    headers: Headers = field(repr=False)
    content: bytes = field(repr=False)
    """The body, decompressed."""
    problem: str | None = field(default=None, repr=False)
    """Why `content` is not the whole body, if it is not."""


@define
class TransportFailure:
    """No response."""

    reason: str = field(repr=False)
    """Why; it may repeat what a server sent."""
    sent: bool = field(kw_only=True)
    """Whether the request, or a part of it, may have reached the server."""
    timeout: bool = field(default=False, kw_only=True)
    unusable: bool = field(default=False, kw_only=True)
    """Whether the transport is closed, or cannot work as it is configured, so that another attempt
    would fail in the same way."""


TransportResult: TypeAlias = TransportResponse | TransportFailure

CLOSED: Final = TransportFailure(reason="the client is closed", sent=False, unusable=True)
NO_TIME_LEFT: Final = TransportFailure(reason="no time was left", sent=False, timeout=True)
UNCLOSED: Final = "unclosed client: use it in a `with` block, or close it when it is done"
"""Warning of a transport that is not closed."""


def uncapitalize(text: str) -> str:
    """Return text that can follow a colon; names and abbreviations keep their capitals."""
    first = text.partition(" ")[0]
    return text[:1].lower() + text[1:] if first == first.capitalize() else text


class Transport(Protocol):
    """A transport for any number of threads."""

    def send(self, request: TransportRequest) -> TransportResult:
        """Send a request and return its result."""
        ...

    def close(self) -> None:
        """Close all connections. Closing again does nothing."""
        ...


class AsyncTransport(Protocol):
    """A transport for any number of tasks."""

    async def send(self, request: TransportRequest) -> TransportResult:
        """Send a request and return its result."""
        ...

    async def aclose(self) -> None:
        """Close all connections. Closing again does nothing."""
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
