"""The asynchronous transport on httpx and httpx2."""

import asyncio
import importlib
import warnings
from typing import TYPE_CHECKING, Any, Final

from .base import CLOSED, NO_TIME_LEFT, UNCLOSED, AsyncHTTPClient, TransportRequest, TransportResult
from .httpcore_library import Address, HttpcoreLibrary, library
from .httpx_connections_asyncio import AsyncConnections
from .interruptions import TransportErrors

if TYPE_CHECKING:
    from .base import TransportResponse
    from .httpx_client_asyncio import AsyncSuppliedClient
    from .proxies import Origin

_MODULES: Final = (
    *("anyio._backends._asyncio", "concurrent.futures.thread", "encodings.idna", "sniffio"),
)
"""Modules that the first request would otherwise import without holding forks."""


class AsyncHttpxTransport:
    """A transport on its own connections, or on an `AsyncClient` of httpx or httpx2.

    See `HttpxTransport`. Each event loop has its own connections, so a program can call
    `asyncio.run` several times.
    """

    def __init__(self, client: AsyncHTTPClient | None = None, default: str = "httpx") -> None:
        for name in _MODULES:
            importlib.import_module(name)
        self._client = client
        self._library: HttpcoreLibrary = library(default.replace("httpx", "httpcore"))
        self._supplied: AsyncSuppliedClient | None = None
        if client is not None:
            self._supplied = self._supply(client)
        self._connections: dict[tuple[asyncio.AbstractEventLoop, Origin], AsyncConnections] = {}
        """By event loop and server."""
        self._closed = False

    def _supply(self, client: AsyncHTTPClient) -> "AsyncSuppliedClient":
        from .httpx_client_asyncio import AsyncSuppliedClient
        from .httpx_library import library_of

        self._library = found = library_of(client)
        if not isinstance(client, found.async_client):
            raise TypeError(
                f"http_client: expected an AsyncClient, got {type(client).__name__}; "
                "Statsig accepts a Client"
            )
        return AsyncSuppliedClient(found, client)

    async def send(self, request: TransportRequest) -> TransportResult:
        """Send a request and return its result."""
        if self._closed or (self._client and self._client.is_closed):
            return CLOSED
        if request.timeout <= 0:
            return NO_TIME_LEFT
        deadline = asyncio.get_running_loop().time() + request.timeout
        prepared: Any = None
        with TransportErrors() as caught:
            address = self._library.address(request.url)
            route: Any = self._supplied or self._connections_to(address)
            prepared = route.prepare(address, request)
            response: TransportResponse = await route.exchange(prepared, deadline)
            return response
        return self._library.failure(caught.error, request, prepared)

    async def aclose(self) -> None:
        """Close the transport's own connections in the running event loop."""
        self._closed = True
        loop = asyncio.get_running_loop()
        opened = [connections for key, connections in self._connections.items() if key[0] is loop]
        self._connections.clear()
        for connections in opened:
            connections.close()

    def __del__(self) -> None:
        if getattr(self, "_connections", {}):
            warnings.warn(UNCLOSED, ResourceWarning, stacklevel=2, source=self)

    def _connections_to(self, address: Address) -> AsyncConnections:
        key = (asyncio.get_running_loop(), address.origin)
        found = self._connections.get(key)
        if found is None:
            for old in [key for key in self._connections if key[0].is_closed()]:
                del self._connections[old]  # the loop has closed them
            found = self._connections[key] = AsyncConnections(self._library, address)
        return found
