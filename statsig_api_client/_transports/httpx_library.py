"""httpx and httpx2 as one: httpx2 is the continuation of httpx, with the same names and types."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from .._response import Headers
from .base import WireRequest
from .body import Incoming
from .httpx_pools import Pools
from .proxies import Origin

if TYPE_CHECKING:
    import ssl

    import httpx

Waits: TypeAlias = Mapping[str, float | None]
"""The most seconds that each kind of wait may take, in the words of httpx."""

# httpx keeps 20 connections, each for 5 seconds: a call every 6 seconds, or 30 calls at once, would
# connect anew most times. A connection that the server has closed is noticed before it is used.
_CONNECTIONS: Final = 96
_POOLS: Final = 32
_KEPT_FOR: Final = 30.0


class Library:
    """What is used of httpx, or of httpx2."""

    def __init__(self, name: str) -> None:
        module: Any = sys.modules[name]
        self.client: type[httpx.Client] = module.Client
        self.async_client: type[httpx.AsyncClient] = module.AsyncClient
        self._decoding_error: type[Exception] = module.DecodingError
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
        self._transport: type[httpx.HTTPTransport] = module.HTTPTransport
        self._async_transport: type[httpx.AsyncHTTPTransport] = module.AsyncHTTPTransport
        self._limits: type[httpx.Limits] = module.Limits
        self._create_ssl_context: Callable[[], ssl.SSLContext] = module.create_ssl_context
        self._tls_contexts: dict[tuple[str | None, ...], ssl.SSLContext] = {}
        self._request: type[httpx.Request] = module.Request
        self._body: type[httpx.ByteStream] = _watched(module.ByteStream)
        self._url: type[httpx.URL] = module.URL
        self._addresses: dict[str, Address] = {}

    def address(self, url: str) -> "Address":
        """A URL, parsed. A client has two or three, so each is parsed once."""
        address = self._addresses.get(url)
        if address is None:
            parsed = self._url(url)
            origin = Origin(scheme=parsed.scheme, host=parsed.netloc.decode())
            address = self._addresses[url] = Address(url=parsed, host=parsed.netloc, origin=origin)
        return address

    def transport(self, origin: Origin) -> "httpx.HTTPTransport":
        """Connections to a server, by way of the proxy that the environment names for it."""
        return self._transport(**self._settings(origin, _CONNECTIONS))

    def pools(self, origin: Origin) -> Pools:
        """As `transport`, for the running event loop."""
        size = _CONNECTIONS // _POOLS
        settings = self._settings(origin, size)
        return Pools([self._async_transport(**settings) for _ in range(_POOLS)], size)

    def _settings(self, origin: Origin, connections: int) -> Any:
        limits = self._limits(
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=_KEPT_FOR,
        )
        return {"verify": self._tls_context(), "limits": limits, "proxy": origin.proxy()}

    def message(self, address: "Address", request: WireRequest, waits: Waits) -> "httpx.Request":
        """The request for a transport of our own, which adds nothing to it."""
        return self._request(
            "POST",
            address.url,
            headers=[
                (b"Host", address.host),
                *[(name.encode(), value.encode()) for name, value in request.headers.items()],
                (b"Content-Length", b"%d" % len(request.body)),
            ],
            stream=self._body(request.body),
            extensions={"timeout": waits},
        )

    def incoming(self, response: "httpx.Response") -> Incoming:
        """A reply whose body is still to come."""
        raw = response.headers.raw
        encodings = [
            value.decode("latin-1") for name, value in raw if name.lower() == b"content-encoding"
        ]
        headers = Headers(partial(_texts, raw))
        return Incoming(response.status_code, headers, encodings, self._decoding_error)

    def _tls_context(self) -> "ssl.SSLContext":
        # Reading the certificates takes 25 ms, so all clients share them.
        files = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        if files not in self._tls_contexts:
            self._tls_contexts[files] = self._create_ssl_context()
        return self._tls_contexts[files]


def _texts(raw: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw]


class Address(NamedTuple):
    """A URL, and what of it each request needs."""

    url: "httpx.URL"
    host: bytes
    origin: Origin


def message_of(
    client: "httpx.Client | httpx.AsyncClient",
    address: Address,
    request: WireRequest,
    waits: Waits,
) -> "httpx.Request":
    """The request for a user's client, which adds its own headers, cookies and parameters."""
    return client.build_request(
        "POST",
        address.url,
        headers=[*request.headers.items()],
        content=request.body,
        extensions={"timeout": waits},
    )


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
    """The library of a name, which is imported already."""
    return Library(name)


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
