"""httpx and httpx2 as one library: httpx2 continues httpx, with the same names and types."""

import importlib
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .._fork import hold_forks
from .base import TransportFailure, TransportRequest, uncapitalize
from .interruptions import causes
from .proxies import Origin

if TYPE_CHECKING:
    import ssl

    import httpcore
    import httpx

KEEPALIVE_EXPIRY: Final = 30.0
"""Seconds for which an idle connection is kept.

httpx keeps connections for 5 seconds: a call every 6 seconds would connect each time. A connection
that the server has closed is noticed before it is used.
"""


class Address(NamedTuple):
    """A parsed URL."""

    url: "httpx.URL"
    target: "httpcore.URL"
    host: bytes
    origin: Origin


class Body:
    """A request body that records in `sent` whether a part of it may have been sent."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.sent = False

    def __iter__(self) -> Iterator[bytes]:
        self.sent = True
        yield self._content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.sent = True
        yield self._content


class Library:
    """The names of httpx or httpx2, and of the httpcore below it."""

    def __init__(self, name: str) -> None:
        module: Any = importlib.import_module(name)
        self.httpcore: Any = importlib.import_module(name.replace("httpx", "httpcore"))
        self.client: type[httpx.Client] = module.Client
        self.async_client: type[httpx.AsyncClient] = module.AsyncClient
        self.decoding_error: type[Exception] = module.DecodingError
        self._connect_timeouts: tuple[type[Exception], ...] = (
            module.ConnectTimeout,
            self.httpcore.ConnectTimeout,
        )
        self._timeouts: tuple[type[Exception], ...] = (
            TimeoutError,
            module.TimeoutException,
            self.httpcore.TimeoutException,
        )
        self._unsent: tuple[type[Exception], ...] = (
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

    def address(self, url: str) -> Address:
        """Return a parsed URL. A client has two or three, so that each is parsed once."""
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

    def connection_options(self, origin: Origin) -> dict[str, Any]:
        """Return the arguments of httpcore's pools for a server."""
        return {
            "ssl_context": self._tls_context() if origin.scheme == "https" else None,
            "proxy": self._core_proxy(origin.proxy()),
            "keepalive_expiry": KEEPALIVE_EXPIRY,
        }

    def request(self, address: Address, request: TransportRequest) -> "httpcore.Request":
        """Return a request for httpcore, which adds no headers."""
        prepared: httpcore.Request = self.httpcore.Request(
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
        return prepared

    def failure(
        self, error: Exception, request: TransportRequest, prepared: Any
    ) -> TransportFailure:
        """Return the failure that an error of the library means.

        Args:
            error: The error.
            request: The request.
            prepared: The request in the form of the library; None if it could not be created.
        """
        if prepared is None:  # the URL, the certificates or the proxy of the environment is invalid
            reason = f"no request can be sent: {reason_of(error)}"
            return TransportFailure(reason, sent=False, unusable=True)
        timeout = isinstance(error, self._timeouts)
        if isinstance(error, self._connect_timeouts):
            seconds = min(request.connect_timeout, request.timeout)
            reason = f"connecting timed out after {seconds:.3g} s"
        elif timeout:
            reason = f"the request timed out after {request.timeout:.3g} s"
        else:
            reason = reason_of(error)
        # With a user's client the class of the error must do, since its transport may read the
        # body before it sends anything.
        sent = getattr(prepared.stream, "sent", not isinstance(error, self._unsent))
        return TransportFailure(reason, sent=sent, timeout=timeout)

    def _core_url(self, url: "httpx.URL") -> "httpcore.URL":
        parsed: httpcore.URL = self.httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        return parsed

    def _core_proxy(self, url: str | None) -> "httpcore.Proxy | None":
        if url is None:
            return None
        parsed = self._proxy(url)
        if parsed.url.scheme.startswith("socks"):
            importlib.import_module("socksio")  # httpcore would miss it after connecting
        proxy: httpcore.Proxy = self.httpcore.Proxy(
            self._core_url(parsed.url), auth=parsed.raw_auth, headers=parsed.headers.raw
        )
        return proxy

    def _tls_context(self) -> "ssl.SSLContext":
        files = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        context = self._tls_contexts.get(files)
        if context is not None:
            return context
        with hold_forks(), self._tls_lock:  # one thread reads the certificates for all, in 25 ms
            if files not in self._tls_contexts:
                self._tls_contexts[files] = self._create_ssl_context()
            return self._tls_contexts[files]


@cache
def library(name: str) -> Library:
    """Return the library with a name."""
    return Library(name)


def library_of(client: object) -> Library:
    """Return the library that a client belongs to.

    Raises:
        TypeError: The client belongs to neither.
    """
    for base in type(client).__mro__:
        name = base.__module__.partition(".")[0]
        if name in ("httpx", "httpx2"):
            return library(name)
    raise TypeError(
        f"http_client: expected a client of httpx or httpx2, got {type(client).__name__}"
    )


def reason_of(error: Exception) -> str:
    """Return the message of the root cause of an error."""
    *_, cause = causes(error)
    message = str(cause) or type(cause).__name__
    if isinstance(cause, ConnectionError) and cause.errno:
        message = os.strerror(cause.errno)  # without the address, which the user knows
    elif isinstance(cause, OSError) and cause.strerror:
        message = cause.strerror
    return uncapitalize(message)
