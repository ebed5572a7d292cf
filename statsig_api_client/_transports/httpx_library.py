"""httpx and httpx2 as one: httpx2 is the continuation of httpx, with the same names and types."""

import importlib
import os
import threading
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .._response import Headers
from .base import TransportRequest
from .body import Incoming
from .proxies import Origin

if TYPE_CHECKING:
    import ssl

    import httpcore
    import httpx

KEEPALIVE: Final = 30.0
"""Seconds for which an idle connection is kept.

httpx keeps connections for 5 seconds: a call every 6 seconds would connect each time. One that the
server has closed is noticed before it is used.
"""


_TLS_LOCK_TIMEOUT: Final = 1.0
"""Seconds."""


class Library:
    """The names of httpx or httpx2, and of the httpcore beneath it."""

    def __init__(self, name: str) -> None:
        module: Any = importlib.import_module(name)
        self.httpcore: Any = importlib.import_module(name.replace("httpx", "httpcore"))
        self.client: type[httpx.Client] = module.Client
        self.async_client: type[httpx.AsyncClient] = module.AsyncClient
        self.decoding_error: type[Exception] = module.DecodingError
        self.connect_timeouts: tuple[type[Exception], ...] = (
            module.ConnectTimeout,
            self.httpcore.ConnectTimeout,
        )
        self.timeouts: tuple[type[Exception], ...] = (
            TimeoutError,
            module.TimeoutException,
            self.httpcore.TimeoutException,
        )
        self.unsent: tuple[type[Exception], ...] = (
            module.ConnectError,
            module.ConnectTimeout,
            module.InvalidURL,
            module.PoolTimeout,
            module.ProxyError,
            module.UnsupportedProtocol,
        )
        self._create_ssl_context: Callable[[], ssl.SSLContext] = module.create_ssl_context
        self._tls_lock = threading.Lock()
        self._tls_contexts: dict[tuple[str | None, ...], ssl.SSLContext] = {}
        self._url: type[httpx.URL] = module.URL
        self._proxy: type[httpx.Proxy] = module.Proxy
        self._addresses: dict[str, Address] = {}

    def address(self, url: str) -> "Address":
        """A URL, parsed. A client has two or three, so each is parsed once."""
        address = self._addresses.get(url)
        if address is None:
            parsed = self._url(url)
            address = self._addresses[url] = Address(
                url=parsed,
                target=self._core_url(parsed),
                host=parsed.netloc,
                origin=Origin(scheme=parsed.scheme, host=parsed.netloc.decode()),
            )
        return address

    def _core_url(self, url: "httpx.URL") -> "httpcore.URL":
        return self.httpcore.URL(  # type: ignore[no-any-return]
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )

    def connection_options(self, origin: Origin) -> dict[str, Any]:
        """Return how to connect to a server, with the proxy that the environment names for it.

        The keys are the arguments of httpcore's pools.
        """
        return {
            "ssl_context": self._tls_context() if origin.scheme == "https" else None,
            "proxy": self._proxy_of(origin),
            "keepalive_expiry": KEEPALIVE,
        }

    def _proxy_of(self, origin: Origin) -> "httpcore.Proxy | None":
        url = origin.proxy()
        if url is None:
            return None
        proxy = self._proxy(url)
        if proxy.url.scheme.startswith("socks"):
            importlib.import_module("socksio")  # httpcore would miss it while sending
        return self.httpcore.Proxy(  # type: ignore[no-any-return]
            self._core_url(proxy.url), auth=proxy.raw_auth, headers=proxy.headers.raw
        )

    def request(self, address: "Address", request: TransportRequest) -> "httpcore.Request":
        """The request for a connection of our own."""
        return self.httpcore.Request(  # type: ignore[no-any-return]
            b"POST",
            address.target,
            headers=[
                (b"Host", address.host),
                *[(name.encode(), value.encode()) for name, value in request.headers.items()],
                (b"Content-Length", b"%d" % len(request.body)),
            ],
            content=Body(request.body),
            extensions={"timeout": {"connect": request.connect_timeout}},
        )

    def _tls_context(self) -> "ssl.SSLContext":
        files = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        context = self._tls_contexts.get(files)
        if context is not None:
            return context
        # Reading the certificates takes 25 ms, so that one thread does it for all. A fork may leave
        # the lock locked.
        is_locked = self._tls_lock.acquire(timeout=_TLS_LOCK_TIMEOUT)
        try:
            if files not in self._tls_contexts:
                self._tls_contexts[files] = self._create_ssl_context()
            return self._tls_contexts[files]
        finally:
            if is_locked:
                self._tls_lock.release()


class Address(NamedTuple):
    """A URL, and what of it each request needs."""

    url: "httpx.URL"
    target: "httpcore.URL"
    host: bytes
    origin: Origin


class Body:
    """A request body that knows in `sent` whether a part of it may have been sent."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.sent = False

    def __iter__(self) -> Iterator[bytes]:
        self.sent = True
        yield self._content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.sent = True
        yield self._content


def response_of(
    status_code: int, raw: list[tuple[bytes, bytes]], decoding_error: type[Exception] = zlib.error
) -> Incoming:
    """A reply whose body is still to come."""
    encodings = [
        value.decode("latin-1") for name, value in raw if name.lower() == b"content-encoding"
    ]
    return Incoming(status_code, Headers(partial(_texts, raw)), encodings, decoding_error)


def _texts(raw: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]


def library_of(client: object) -> Library:
    """The library that a client is of.

    Raises:
        TypeError: It is of neither.
    """
    for base in type(client).__mro__:
        name = base.__module__.partition(".")[0]
        if name in ("httpx", "httpx2"):
            return library(name)
    raise TypeError(
        f"http_client: expected a client of httpx or httpx2, got {type(client).__name__}"
    )


@cache
def library(name: str) -> Library:
    """The library of a name."""
    return Library(name)
