"""The blocking transport on httpx and httpx2."""

import os
import time
import warnings
from typing import TYPE_CHECKING, Any

from .base import CLOSED, NO_TIME_LEFT, UNCLOSED, HTTPClient, TransportRequest, TransportResult
from .httpcore_library import Address, HttpcoreLibrary, library
from .httpx_connections import Connections
from .interruptions import TransportErrors
from .proxies import Origin

if TYPE_CHECKING:
    from .base import TransportResponse
    from .httpx_client import SuppliedClient


class HttpxTransport:
    """A transport on its own connections, or on an `httpx.Client` or `httpx2.Client`.

    Its own connections have no cookies, redirects, authentication or hooks. They are opened on
    first use, separately in each process, since processes cannot share connections. A client that
    the user supplies is not closed.

    Args:
        client: The client to send requests with.
        default: The library of the transport's own connections, `httpx` or `httpx2`.
    """

    def __init__(self, client: HTTPClient | None = None, default: str = "httpx") -> None:
        self._client = client
        self._library: HttpcoreLibrary = library(default.replace("httpx", "httpcore"))
        self._supplied: SuppliedClient | None = None
        if client is not None:
            self._supplied = self._supply(client)
        self._connections: dict[tuple[int, Origin], Connections] = {}
        """By process and server."""
        self._closed = False

    def _supply(self, client: HTTPClient) -> "SuppliedClient":
        from .httpx_client import SuppliedClient
        from .httpx_library import library_of

        self._library = found = library_of(client)
        if not isinstance(client, found.client):
            raise TypeError(
                f"http_client: expected a Client, got {type(client).__name__}; "
                "AsyncStatsig accepts an AsyncClient"
            )
        return SuppliedClient(found, client)

    def send(self, request: TransportRequest) -> TransportResult:
        """Send a request and return its result."""
        if self._closed or (self._client and self._client.is_closed):
            return CLOSED
        if request.timeout <= 0:
            return NO_TIME_LEFT
        deadline = time.monotonic() + request.timeout
        prepared: Any = None
        with TransportErrors() as caught:
            address = self._library.address(request.url)
            route: Any = self._supplied or self._connections_to(address)
            prepared = route.prepare(address, request)
            response: TransportResponse = route.exchange(prepared, deadline)
            return response
        return self._library.failure(caught.error, request, prepared)

    def close(self) -> None:
        """Close the transport's own connections."""
        self._closed = True
        for key in self._of_this_process():
            self._connections.pop(key).close()

    def __del__(self) -> None:
        if self._of_this_process():
            self.close()
            warnings.warn(UNCLOSED, ResourceWarning, stacklevel=2, source=self)

    def _of_this_process(self) -> list[tuple[int, Origin]]:
        return [key for key in getattr(self, "_connections", {}) if key[0] == os.getpid()]

    def _connections_to(self, address: Address) -> Connections:
        key = (os.getpid(), address.origin)
        found = self._connections.get(key)
        return found or self._connections.setdefault(key, Connections(self._library, address))
