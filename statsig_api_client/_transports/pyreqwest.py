"""Sends requests with pyreqwest, which does its work in Rust. Importing this imports pyreqwest.

What differs from httpx, as documented in the README:

* The system's certificates are trusted, or those of SSL_CERT_FILE or SSL_CERT_DIR; httpx brings
  its own.
* What is over when an attempt's time is over may have been sent, unless it was the connect timeout
  that was over.
* Views with different connect timeouts do not share connections. Those with different timeouts do:
  where an attempt is no longer than its connect timeout, connecting has four fifths of it or more.
* Ctrl-C does not interrupt a blocking attempt, which ends with its timeout at the latest.
* pyreqwest's thread does not survive a fork. A child process sends with httpx if its parent has
  sent with this engine.
* A header of a reply whose value is not ASCII is left out.
* A refusal whose body breaks off counts as no reply, so that its status is not known.
"""

import atexit
import math
import os
import time
import warnings
import zlib
from datetime import timedelta
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from pyreqwest.client import ClientBuilder, SyncClientBuilder
from pyreqwest.exceptions import BuilderError, DetailedPyreqwestError, PoolTimeoutError
from pyreqwest.http import Url
from pyreqwest.proxy import ProxyBuilder

from .._response import Headers
from .base import (
    CLOSED,
    LATE,
    UNCLOSED,
    Failure,
    Outcome,
    Reply,
    WireRequest,
    within_a_sentence,
)
from .body import Incoming
from .inflate import Inflating
from .proxies import Origin

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyreqwest.client import Client, SyncClient
    from pyreqwest.http import HeaderMap
    from pyreqwest.request import StreamRequest, SyncStreamRequest
    from pyreqwest.response import Response, SyncResponse

    from .httpx import AsyncHttpxEngine, HttpxEngine

    _Builder = TypeVar("_Builder", ClientBuilder, SyncClientBuilder)

_CONNECTIONS: Final = 96
_KEPT_FOR: Final = timedelta(seconds=30)
_PROXIES: Final = ("http", "https", "socks4", "socks5", "socks5h")

_GRACE: Final = 0.02
"""Seconds: by so much an attempt outlasts a connect timeout that is about as long as itself, so
that it is known that it was connecting that took too long, and that nothing was sent."""


class _Server(NamedTuple):
    """What a client of pyreqwest is made for."""

    scheme: str
    host: str
    connect_timeout: float


class _Route(NamedTuple):
    """Where a request goes, and within which time."""

    server: _Server
    url: Url
    timeout: timedelta


class FastEngine:
    """Sends requests with pyreqwest, from any thread."""

    def __init__(self) -> None:
        self._clients: dict[tuple[int, _Server], SyncClient] = {}
        self._substitute: HttpxEngine | None = None
        self._closed = False

    def send(self, request: WireRequest) -> Outcome:
        """Send a request and wait for what comes of it."""
        if self._closed:
            return CLOSED
        if request.timeout <= 0:
            return LATE
        try:
            message = self._message(request)
        except RuntimeError:  # pyreqwest cannot run in this process
            return self._without_pyreqwest().send(request)
        except Exception as error:  # noqa: BLE001
            return _unsendable(error)
        try:
            return self._exchange(message)
        except Exception as error:  # noqa: BLE001
            return _failure(error, request)

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

    def _without_pyreqwest(self) -> "HttpxEngine":
        from .httpx import HttpxEngine  # noqa: PLC0415  (rare, and it imports httpx)

        self._substitute = self._substitute or HttpxEngine()
        return self._substitute

    def _message(self, request: WireRequest) -> "SyncStreamRequest":
        route = _route(request.url, request.connect_timeout, request.timeout)
        key = (os.getpid(), route.server)
        client = self._clients.get(key) or self._clients.setdefault(
            key, _set_up(SyncClientBuilder(), route.server).build()
        )
        return (
            client.post(route.url)
            .headers([*request.headers.items()])
            .body_bytes(request.body)
            .timeout(route.timeout)
            .build_streamed()
        )

    def _exchange(self, message: "SyncStreamRequest") -> Reply:
        with message as response:
            if _is_simple(response):
                content = bytes(response.bytes())
                return Reply(response.status, Headers(partial(_texts, response)), content)
            incoming = _incoming(response)
            try:
                add = _taking(incoming)
                reader = response.body_reader
                while (chunk := reader.read_chunk()) is not None:
                    add(bytes(chunk))
            except Exception as error:  # noqa: BLE001
                incoming.break_off(error)
        return incoming.reply()


class AsyncFastEngine:
    """Sends requests with pyreqwest, from any task of any event loop."""

    def __init__(self) -> None:
        _end_in_peace()
        self._clients: dict[tuple[int, _Server], Client] = {}
        self._substitute: AsyncHttpxEngine | None = None
        self._closed = False

    async def send(self, request: WireRequest) -> Outcome:
        """Send a request and wait for what comes of it."""
        if self._closed:
            return CLOSED
        if request.timeout <= 0:
            return LATE
        try:
            message = self._message(request)
        except RuntimeError:  # pyreqwest cannot run in this process
            return await self._without_pyreqwest().send(request)
        except Exception as error:  # noqa: BLE001
            return _unsendable(error)
        try:
            return await self._exchange(message)
        except Exception as error:  # noqa: BLE001
            return _failure(error, request)

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

    def _without_pyreqwest(self) -> "AsyncHttpxEngine":
        from .httpx import AsyncHttpxEngine  # noqa: PLC0415  (rare, and it imports httpx)

        self._substitute = self._substitute or AsyncHttpxEngine()
        return self._substitute

    def _message(self, request: WireRequest) -> "StreamRequest":
        route = _route(request.url, request.connect_timeout, request.timeout)
        key = (os.getpid(), route.server)
        client = self._clients.get(key) or self._clients.setdefault(
            key, _set_up(ClientBuilder(), route.server).build()
        )
        return (
            client.post(route.url)
            .headers([*request.headers.items()])
            .body_bytes(request.body)
            .timeout(route.timeout)
            .build_streamed()
        )

    async def _exchange(self, message: "StreamRequest") -> Reply:
        async with message as response:
            if _is_simple(response):
                content = bytes(await response.bytes())
                return Reply(response.status, Headers(partial(_texts, response)), content)
            incoming = _incoming(response)
            try:
                add = _taking(incoming)
                reader = response.body_reader
                while (chunk := await reader.read_chunk()) is not None:
                    add(bytes(chunk))
            except Exception as error:  # noqa: BLE001
                incoming.break_off(error)
        return incoming.reply()


@cache
def _end_in_peace() -> None:
    """Let pyreqwest's thread out of Python before the interpreter ends.

    It may have told an event loop of a reply just now, and be waiting for its turn to go on. Until
    Python 3.13 the interpreter ends such a thread, and Rust then aborts the whole process.
    """
    atexit.register(time.sleep, 0.01)


# ---- What goes out ----


@lru_cache(256)  # most attempts have the same
def _route(url: str, connect_timeout: float, timeout: float) -> _Route:
    scheme, _, host = url.split("/", 3)[:3]
    if connect_timeout >= timeout:
        # One of few: a program may give each call what is left of its time, and would else have
        # connections for each.
        mantissa, exponent = math.frexp(connect_timeout)
        connect_timeout = math.ldexp(math.floor(mantissa * 8) / 8, exponent)
    grace = _GRACE if 0 <= timeout - connect_timeout < _GRACE else 0.0
    return _Route(
        server=_Server(scheme[:-1].lower(), host, connect_timeout),
        url=Url(url),
        timeout=timedelta(seconds=timeout + grace),
    )


def _set_up(builder: "_Builder", server: _Server) -> "_Builder":
    builder = (
        builder.connect_timeout(timedelta(seconds=server.connect_timeout))
        .max_connections(_CONNECTIONS)
        .pool_idle_timeout(_KEPT_FOR)
        .follow_redirects(enable=False)
        # Decompressed here, piece by piece, so that a bomb is noticed in time.
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
        raise ValueError(f"unknown kind of proxy, {kind!r}")
    return builder.proxy(ProxyBuilder.all(proxy))


# ---- What comes back ----


def _is_simple(response: "Response | SyncResponse") -> bool:
    """Whether the body may be taken as it is, in one go: it is not compressed, and short."""
    try:
        length = response.get_header("content-length")
        return (
            length is not None
            and len(length) < 5
            # A chunked body is as long as it likes, whatever length is said beside it.
            and response.get_header("transfer-encoding") is None
            and not response.get_header_all("content-encoding")
        )
    except ValueError:  # one is not ASCII
        return False


def _incoming(response: "Response | SyncResponse") -> Incoming:
    encodings = _all(response.headers, "content-encoding")
    headers = Headers(partial(_texts, response))
    return Incoming(response.status, headers, encodings, zlib.error)


def _texts(response: "Response | SyncResponse") -> list[tuple[str, str]]:
    headers = response.headers
    try:
        return list(headers.items())
    except ValueError:  # one is not ASCII
        return [(name, value) for name in headers for value in _all(headers, name)]


def _all(headers: "HeaderMap", name: str) -> list[str]:
    try:
        return headers.getall(name)
    except ValueError:
        return []


def _taking(incoming: Incoming) -> "Callable[[bytes], None]":
    """What takes the pieces of a body as they come over the wire."""
    encoding = incoming.encoding()
    return incoming.add if encoding is None else Inflating(encoding, incoming.add).feed


def _unsendable(error: Exception) -> Failure:
    """The URL, a header, the certificates, or the proxy that the environment names is of no use."""
    # What follows a colon is what was wrong, and may be a secret.
    reason = _reason(error).partition(":")[0]
    return Failure(reason=f"nothing can be sent: {reason}", sent=False, unusable=True)


def _failure(error: Exception, request: WireRequest) -> Failure:
    """Why there is no reply."""
    if isinstance(error, BuilderError):
        return _unsendable(error)
    # The class of an error does not tell a connection that was never made from one that was lost
    # after the request was sent; what hyper, below, says of it does. Were its words another some
    # day, everything would count as sent.
    connecting = "client error (Connect)" in _causes(error)
    timeout = isinstance(error, TimeoutError)
    if timeout and connecting:
        server = _route(request.url, request.connect_timeout, request.timeout).server
        reason = f"connecting took more than {server.connect_timeout:.3g} s"
    elif timeout:
        reason = f"it took more than {request.timeout:.3g} s"
    else:
        reason = _reason(error)
    unsent = connecting or isinstance(error, PoolTimeoutError)
    return Failure(reason=reason, sent=not unsent, timeout=timeout)


def _reason(error: Exception) -> str:
    """What an error says, in the words of the one that caused it all."""
    return within_a_sentence((_causes(error) or [str(error)])[-1].partition(" (os error")[0])


def _causes(error: Exception) -> list[str]:
    if not isinstance(error, DetailedPyreqwestError):
        return []
    return [cause["message"] for cause in error.details["causes"] or []]
