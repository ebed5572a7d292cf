"""Transports on pyreqwest, which is implemented in Rust.

Differences from httpx, which the README documents:

* It trusts the system's certificates, or those of SSL_CERT_FILE or SSL_CERT_DIR. httpx has its own.
* A request whose attempt times out may have been sent, unless the connect timeout expired first.
* Copies with different connect timeouts do not share connections; copies with different timeouts
  do. If the timeout does not exceed the connect timeout, connecting may take at least four fifths
  of the timeout.
* A signal, such as Ctrl-C, does not interrupt a blocking attempt. Its handler runs afterwards.
* pyreqwest's thread does not survive a fork. A child process uses httpx if its parent has sent a
  request with this transport.
* Response headers that are not ASCII are omitted.
* An error response with an incomplete body is a failure without a status.
"""

import atexit
import math
import os
import time
import warnings
from datetime import timedelta
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from pyreqwest.client import ClientBuilder, SyncClientBuilder
from pyreqwest.exceptions import BuilderError, DetailedPyreqwestError, PoolTimeoutError
from pyreqwest.http import Url
from pyreqwest.proxy import ProxyBuilder

from .._fork import hold_forks
from .base import (
    CLOSED,
    NO_TIME_LEFT,
    UNCLOSED,
    Headers,
    TransportFailure,
    TransportRequest,
    TransportResponse,
    TransportResult,
    uncapitalize,
)
from .body import ResponseReader
from .interruptions import TransportErrors
from .proxies import Origin

if TYPE_CHECKING:
    from pyreqwest.client import Client, SyncClient
    from pyreqwest.http import HeaderMap
    from pyreqwest.request import StreamRequest, SyncStreamRequest
    from pyreqwest.response import Response, SyncResponse

    from .httpx import HttpxTransport
    from .httpx_asyncio import AsyncHttpxTransport

    _Builder = TypeVar("_Builder", ClientBuilder, SyncClientBuilder)

_CONNECTIONS: Final = 96
_KEEPALIVE_EXPIRY: Final = timedelta(seconds=30)
_EXACT_CLIENTS: Final = 8
"""Number of pyreqwest clients from which on connect timeouts are rounded."""
_PROXIES: Final = ("http", "https", "socks4", "socks5", "socks5h")

_GRACE: Final = 0.02
"""Minimum seconds between a connect timeout and the end of the attempt, so that a connect timeout
is recognised: nothing was sent."""


class _Server(NamedTuple):
    """A server and how to connect to it. Each has a client of pyreqwest."""

    scheme: str
    host: str
    connect_timeout: float


class _Route(NamedTuple):
    """The target and timeout of a request."""

    server: _Server
    url: Url
    timeout: timedelta


class PyreqwestTransport:
    """A transport on pyreqwest for any number of threads."""

    def __init__(self) -> None:
        self._clients: dict[tuple[int, _Server], SyncClient] = {}
        self._substitute: HttpxTransport | None = None
        self._closed = False

    def send(self, request: TransportRequest) -> TransportResult:
        """Send a request and return its result."""
        if self._closed:
            return CLOSED
        if request.timeout <= 0:
            return NO_TIME_LEFT
        prepared = None
        with TransportErrors() as caught:
            prepared = self._prepare(request)
            return self._exchange(prepared)
        if prepared is None and isinstance(caught.error, RuntimeError):
            return self._fallback().send(request)
        return _failure(caught.error, request, prepared)

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        for key in self._of_this_process():
            self._clients.pop(key).close()
        if self._substitute is not None:
            self._substitute.close()

    def __del__(self) -> None:
        if self._of_this_process():
            self.close()
            warnings.warn(UNCLOSED, ResourceWarning, stacklevel=2, source=self)

    def _of_this_process(self) -> list[tuple[int, _Server]]:
        return [key for key in self._clients if key[0] == os.getpid()]

    def _fallback(self) -> "HttpxTransport":
        with hold_forks():
            from .httpx import HttpxTransport

        self._substitute = self._substitute or HttpxTransport()
        return self._substitute

    def _open(self, key: tuple[int, _Server]) -> "SyncClient":
        with hold_forks():  # the first client starts the runtime of pyreqwest
            client = _set_up(SyncClientBuilder(), key[1]).build()
        return self._clients.setdefault(key, client)

    def _prepare(self, request: TransportRequest) -> "SyncStreamRequest":
        route = _route(request.url, request.connect_timeout, request.timeout)
        key = (os.getpid(), _shared(route.server, len(self._clients)))
        client = self._clients.get(key) or self._open(key)
        return (
            client.post(route.url)
            .headers([*request.headers.items()])
            .body_bytes(request.body)
            .timeout(route.timeout)
            .build_streamed()
        )

    def _exchange(self, request: "SyncStreamRequest") -> TransportResponse:
        with request as response:
            if _is_simple(response):
                content = bytes(response.bytes())
                return TransportResponse(
                    response.status, Headers(partial(_header_items, response)), content
                )
            reader = _reader(response)
            with reader:
                add = reader.receiver()
                body = response.body_reader
                while (chunk := body.read_chunk()) is not None:
                    add(bytes(chunk))
        return reader.response()


class AsyncPyreqwestTransport:
    """A transport on pyreqwest for any number of tasks and event loops."""

    def __init__(self) -> None:
        _delay_interpreter_exit()
        self._clients: dict[tuple[int, _Server], Client] = {}
        self._substitute: AsyncHttpxTransport | None = None
        self._closed = False

    async def send(self, request: TransportRequest) -> TransportResult:
        """Send a request and return its result."""
        if self._closed:
            return CLOSED
        if request.timeout <= 0:
            return NO_TIME_LEFT
        prepared = None
        with TransportErrors() as caught:
            prepared = self._prepare(request)
            return await self._exchange(prepared)
        if prepared is None and isinstance(caught.error, RuntimeError):
            return await self._fallback().send(request)
        return _failure(caught.error, request, prepared)

    async def aclose(self) -> None:
        """Close all connections."""
        self._closed = True
        for key in self._of_this_process():
            await self._clients.pop(key).close()
        if self._substitute is not None:
            await self._substitute.aclose()

    def __del__(self) -> None:
        if self._of_this_process():
            warnings.warn(UNCLOSED, ResourceWarning, stacklevel=2, source=self)

    def _of_this_process(self) -> list[tuple[int, _Server]]:
        return [key for key in self._clients if key[0] == os.getpid()]

    def _fallback(self) -> "AsyncHttpxTransport":
        with hold_forks():
            from .httpx_asyncio import AsyncHttpxTransport

        self._substitute = self._substitute or AsyncHttpxTransport()
        return self._substitute

    def _open(self, key: tuple[int, _Server]) -> "Client":
        with hold_forks():  # the first client starts the runtime of pyreqwest
            client = _set_up(ClientBuilder(), key[1]).build()
        return self._clients.setdefault(key, client)

    def _prepare(self, request: TransportRequest) -> "StreamRequest":
        route = _route(request.url, request.connect_timeout, request.timeout)
        key = (os.getpid(), _shared(route.server, len(self._clients)))
        client = self._clients.get(key) or self._open(key)
        return (
            client.post(route.url)
            .headers([*request.headers.items()])
            .body_bytes(request.body)
            .timeout(route.timeout)
            .build_streamed()
        )

    async def _exchange(self, request: "StreamRequest") -> TransportResponse:
        async with request as response:
            if _is_simple(response):
                content = bytes(await response.bytes())
                return TransportResponse(
                    response.status, Headers(partial(_header_items, response)), content
                )
            reader = _reader(response)
            with reader:
                add = reader.receiver()
                body = response.body_reader
                while (chunk := await body.read_chunk()) is not None:
                    add(bytes(chunk))
        return reader.response()


@cache
def _delay_interpreter_exit() -> None:
    """Give pyreqwest's thread time to leave Python before the interpreter exits.

    The thread may be waiting for the GIL after it has reported a response to an event loop. Before
    Python 3.13 the interpreter ends such a thread, and Rust then aborts the process.
    """
    atexit.register(time.sleep, 0.01)


# ---- Requests ----


@lru_cache(256)
def _route(url: str, connect_timeout: float, timeout: float) -> _Route:
    scheme, _, host = url.split("/", 3)[:3]
    if connect_timeout >= timeout:
        # A program may pass its remaining time to each call.
        connect_timeout = _round_down(connect_timeout)
    grace = _GRACE if 0 <= timeout - connect_timeout < _GRACE else 0.0
    return _Route(
        server=_Server(scheme[:-1].lower(), host, connect_timeout),
        url=Url(url),
        timeout=timedelta(seconds=timeout + grace),
    )


def _round_down(seconds: float) -> float:
    """Return one of four values between two powers of two."""
    mantissa, exponent = math.frexp(seconds)
    return math.ldexp(math.floor(mantissa * 8) / 8, exponent)


def _shared(server: _Server, clients: int) -> _Server:
    """Return the server whose client serves `server`.

    Each connect timeout needs its own client of 160 kB, with its own connections. The first
    timeouts are kept exactly; further ones are rounded down.
    """
    if clients < _EXACT_CLIENTS:
        return server
    return server._replace(connect_timeout=_round_down(server.connect_timeout))


def _set_up(builder: "_Builder", server: _Server) -> "_Builder":
    builder = (
        builder.connect_timeout(timedelta(seconds=server.connect_timeout))
        .max_connections(_CONNECTIONS)
        .pool_idle_timeout(_KEEPALIVE_EXPIRY)
        .follow_redirects(enable=False)
        # `ResponseReader` decompresses incrementally, so that a bomb is detected in time.
        .gzip(enable=False)
        .deflate(enable=False)
        .brotli(enable=False)
        .zstd(enable=False)
        .no_proxy()
    )
    proxy = Origin(server.scheme, server.host).proxy()
    if proxy is None:
        return builder
    kind = proxy.partition("://")[0]
    if kind not in _PROXIES:
        raise ValueError(f"unknown proxy scheme {kind!r}")
    return builder.proxy(ProxyBuilder.all(proxy))


# ---- Responses ----


def _is_simple(response: "Response | SyncResponse") -> bool:
    """Return whether the body is short and not compressed, so that it can be read at once."""
    try:
        length = response.get_header("content-length")
        return (
            length is not None
            and len(length) < 5
            # A chunked body may be longer than its content-length.
            and response.get_header("transfer-encoding") is None
            and not response.get_header_all("content-encoding")
        )
    except ValueError:  # a value is not ASCII
        return False


def _reader(response: "Response | SyncResponse") -> ResponseReader:
    encodings = _all(response.headers, "content-encoding")
    headers = Headers(partial(_header_items, response))
    return ResponseReader(response.status, headers, encodings)


def _header_items(response: "Response | SyncResponse") -> list[tuple[str, str]]:
    headers = response.headers
    try:
        return list(headers.items())
    except ValueError:  # a value is not ASCII
        return [(name, value) for name in headers for value in _all(headers, name)]


def _all(headers: "HeaderMap", name: str) -> list[str]:
    try:
        return headers.getall(name)
    except ValueError:
        return []


def _unsendable(error: Exception) -> TransportFailure:
    """Return the failure of an invalid URL, header, certificate or proxy of the environment."""
    # The invalid value follows a colon, and may be a secret.
    reason = _reason(error).partition(":")[0]
    return TransportFailure(reason=f"no request can be sent: {reason}", sent=False, unusable=True)


def _failure(error: Exception, request: TransportRequest, prepared: object) -> TransportFailure:
    """Convert an error into a failure."""
    if prepared is None or isinstance(error, BuilderError):
        return _unsendable(error)
    # The class of an error does not distinguish a failed connection from one that was lost after
    # sending; the message of hyper does. If it changes, every request counts as sent.
    connecting = "client error (Connect)" in _causes(error)
    timeout = isinstance(error, TimeoutError)
    if timeout and connecting:
        server = _route(request.url, request.connect_timeout, request.timeout).server
        reason = f"connecting timed out after {server.connect_timeout:.3g} s"
    elif timeout:
        reason = f"the request timed out after {request.timeout:.3g} s"
    else:
        reason = _reason(error)
    unsent = connecting or isinstance(error, PoolTimeoutError)
    return TransportFailure(reason=reason, sent=not unsent, timeout=timeout)


def _reason(error: Exception) -> str:
    """Return the message of the root cause of an error."""
    return uncapitalize((_causes(error) or [str(error)])[-1].partition(" (os error")[0])


def _causes(error: Exception) -> list[str]:
    if not isinstance(error, DetailedPyreqwestError):
        return []
    return [cause["message"] for cause in error.details["causes"] or []]
