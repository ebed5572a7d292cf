"""httpcore, or its successor httpcore2: requests, TLS, proxies and failures.

httpcore is the part of httpx that sends requests. The transport's own connections need nothing
else, and importing httpx takes as long as the rest of a first call.
"""

import importlib
import os
import threading
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .._fork import hold_forks
from .base import TransportFailure, TransportRequest, uncapitalize
from .interruptions import causes
from .proxies import Origin

if TYPE_CHECKING:
    import ssl

    import httpcore

KEEPALIVE_EXPIRY: Final = 30.0
"""Seconds that an idle connection is kept.

httpx keeps connections for 5 seconds: a call every 6 seconds would connect each time. A connection
that the server has closed is detected before it is used.
"""


_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_HOST: Final = 253
_PATH_CHARACTERS: Final = "/%:;,@&=+$!*'()~[]|"
"""Characters of a path that are not percent-encoded."""


class Address(NamedTuple):
    """A parsed URL."""

    text: str
    target: "httpcore.URL"
    host: bytes
    """The header `Host`."""
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


class HttpcoreLibrary:
    """The names of httpcore or httpcore2.

    Args:
        name: The name of the module.
    """

    def __init__(self, name: str) -> None:
        self.httpcore: Any = importlib.import_module(name)
        self.connect_timeouts: tuple[type[Exception], ...] = (self.httpcore.ConnectTimeout,)
        self.timeouts: tuple[type[Exception], ...] = (TimeoutError, self.httpcore.TimeoutException)
        self.unsent: tuple[type[Exception], ...] = ()
        """Errors that mean that nothing was sent, for requests that do not record it."""
        self._tls_lock = threading.Lock()
        self._tls_contexts: dict[tuple[str | None, ...], ssl.SSLContext] = {}
        self._addresses: dict[str, Address] = {}

    def address(self, url: str) -> Address:
        """Parse a URL, cached because a client has only two or three."""
        address = self._addresses.get(url)
        if address is None:
            parts = urllib.parse.urlsplit(url)
            host = parts.hostname or ""
            if len(host) > _MAX_HOST:
                raise ValueError(f"the host has more than {_MAX_HOST} characters")
            port = None if parts.port == _DEFAULT_PORTS.get(parts.scheme) else parts.port
            name = f"[{host}]" if ":" in host else host
            netloc = name if port is None else f"{name}:{port}"
            path = urllib.parse.quote(parts.path, safe=_PATH_CHARACTERS)
            address = self._addresses[url] = Address(
                text=url,
                target=self._core_url(parts.scheme, host, port, path),
                host=netloc.encode(),
                origin=Origin(scheme=parts.scheme, host=netloc),
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
        """Convert an error of the library into a failure.

        Args:
            error: The error.
            request: The request.
            prepared: The library's request; None if it could not be created.
        """
        if prepared is None:  # the URL, the certificates or the proxy of the environment is invalid
            reason = f"no request can be sent: {reason_of(error)}"
            return TransportFailure(reason, sent=False, unusable=True)
        timeout = isinstance(error, self.timeouts)
        if isinstance(error, self.connect_timeouts):
            seconds = min(request.connect_timeout, request.timeout)
            reason = f"connecting timed out after {seconds:.3g} s"
        elif timeout:
            reason = f"the request timed out after {request.timeout:.3g} s"
        else:
            reason = reason_of(error)
        # With a user's client only the class of the error is reliable, since its transport may read
        # the body before it sends anything.
        sent = getattr(prepared.stream, "sent", not isinstance(error, self.unsent))
        return TransportFailure(reason, sent=sent, timeout=timeout)

    def _core_url(self, scheme: str, host: str, port: int | None, path: str) -> "httpcore.URL":
        parsed: httpcore.URL = self.httpcore.URL(
            scheme=scheme.encode(), host=host.encode(), port=port, target=path.encode()
        )
        return parsed

    def _core_proxy(self, url: str | None) -> "httpcore.Proxy | None":
        if url is None:
            return None
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https", "socks5", "socks5h"):
            raise ValueError(f"unknown proxy scheme {parts.scheme!r}")
        if parts.scheme.startswith("socks"):
            importlib.import_module("socksio")  # httpcore would miss it after connecting
        user = urllib.parse.unquote(parts.username or "").encode()
        password = urllib.parse.unquote(parts.password or "").encode()
        proxy: httpcore.Proxy = self.httpcore.Proxy(
            self._core_url(parts.scheme, parts.hostname or "", parts.port, ""),
            auth=(user, password) if user or password else None,
        )
        return proxy

    def _tls_context(self) -> "ssl.SSLContext":
        files = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        context = self._tls_contexts.get(files)
        if context is not None:
            return context
        with hold_forks(), self._tls_lock:  # one thread loads the certificates for all, in 25 ms
            if files not in self._tls_contexts:
                from .tls import create_tls_context

                self._tls_contexts[files] = create_tls_context(*files)
            return self._tls_contexts[files]


@cache
def library(name: str) -> HttpcoreLibrary:
    """Return the library `httpcore` or `httpcore2`."""
    return HttpcoreLibrary(name)


def reason_of(error: Exception) -> str:
    """Return the message of the root cause of an error."""
    *_, cause = causes(error)
    message = str(cause) or type(cause).__name__
    if isinstance(cause, ConnectionError) and cause.errno:
        message = os.strerror(cause.errno)  # omit the address, which the user knows
    elif isinstance(cause, OSError) and cause.strerror:
        message = cause.strerror
    return uncapitalize(message)
