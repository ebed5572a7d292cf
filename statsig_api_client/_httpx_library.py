"""httpx and httpx2 as one: httpx2 is the continuation of httpx, with the same names and types."""

import functools
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ._engine import WireRequest

if TYPE_CHECKING:
    import ssl

    import httpx

Waits: TypeAlias = Mapping[str, float | None]
"""The most seconds that each kind of wait may take, in the words of httpx."""

# httpx keeps 20 connections, each for 5 seconds: a call every 6 seconds, or 30 calls at once, would
# connect anew most times. A connection that the server has closed is noticed before it is used.
_CONNECTIONS: Final = 100
_KEPT_FOR: Final = 30.0


class Library:
    """What is used of httpx, or of httpx2."""

    def __init__(self, name: str) -> None:
        module: Any = sys.modules[name]
        self.name = name
        self.client: type[httpx.Client] = module.Client
        self.async_client: type[httpx.AsyncClient] = module.AsyncClient
        self.decoding_error: type[Exception] = module.DecodingError
        self.connect_timeout: type[Exception] = module.ConnectTimeout
        self.timeouts: tuple[type[Exception], ...] = (TimeoutError, module.TimeoutException)
        self.unsent: tuple[type[Exception], ...] = (
            module.ConnectError,
            module.ConnectTimeout,
            module.InvalidURL,
            module.PoolTimeout,
            module.ProxyError,
            module.UnsupportedProtocol,
        )
        self.create_ssl_context: Callable[[], ssl.SSLContext] = module.create_ssl_context
        self._url: type[httpx.URL] = module.URL
        self._request: type[httpx.Request] = module.Request
        self._body: type[httpx.ByteStream] = _watched(module.ByteStream)
        self._limits: httpx.Limits = module.Limits(
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_CONNECTIONS,
            keepalive_expiry=_KEPT_FOR,
        )
        self._urls: dict[str, httpx.URL] = {}

    def own_client(self) -> "httpx.Client":
        """Make a client of our own."""
        return self.client(verify=_tls(self), limits=self._limits)

    def own_async_client(self) -> "httpx.AsyncClient":
        """Make an asynchronous client of our own."""
        return self.async_client(verify=_tls(self), limits=self._limits)

    def message(self, request: WireRequest, waits: Waits) -> "httpx.Request":
        """The request as a client of our own sends it, which has nothing to add."""
        # 60 of 380 µs less than by `build_request` of the client. The body tells when it is sent.
        url = self._parsed(request.url)
        return self._request(
            "POST",
            url,
            headers=[
                (b"Host", url.netloc),
                *request.headers,
                (b"Content-Length", b"%d" % len(request.body)),
            ],
            stream=self._body(request.body),
            extensions={"timeout": waits},
        )

    def message_of(
        self, client: "httpx.Client | httpx.AsyncClient", request: WireRequest, waits: Waits
    ) -> "httpx.Request":
        """The request as a user's client sends it, with its headers, cookies and parameters."""
        return client.build_request(
            "POST",
            self._parsed(request.url),
            headers=request.headers,
            content=request.body,
            extensions={"timeout": waits},
        )

    def _parsed(self, url: str) -> "httpx.URL":
        parsed = self._urls.get(url)
        if parsed is None:
            parsed = self._urls[url] = self._url(url)
        return parsed


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


@functools.cache
def library(name: str) -> Library:
    """The library of a name, which is imported already."""
    return Library(name)


def _tls(library: Library) -> "ssl.SSLContext":
    # Reading the certificates takes 25 ms; all clients share them.
    return _tls_context(library, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.cache
def _tls_context(library: Library, *_: str | None) -> "ssl.SSLContext":
    return library.create_ssl_context()


def _watched(stream_class: "type[httpx.ByteStream]") -> "type[httpx.ByteStream]":
    """A class of request bodies that tell in `sent` whether a part of them may have been sent."""

    def blocking(self: Any) -> Iterator[bytes]:
        self.sent = True
        return stream_class.__iter__(self)

    def asynchronous(self: Any) -> AsyncIterator[bytes]:
        self.sent = True
        return stream_class.__aiter__(self)

    return type(
        "Body", (stream_class,), {"sent": False, "__iter__": blocking, "__aiter__": asynchronous}
    )
