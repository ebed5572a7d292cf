"""Sends requests with httpx, or with httpx2. Importing this imports httpx."""

import asyncio

# The first connection imports the others. Some thread may make it, and a child that is forked off
# meanwhile would be left with half a module.
import encodings.idna  # noqa: F401  # pyright: ignore[reportUnusedImport]
import os
import time
import warnings
from typing import Any

import certifi

from .base import (
    CLOSED,
    LATE,
    UNCLOSED,
    AsyncHTTPClient,
    HTTPClient,
    TransportRequest,
    TransportResponse,
    TransportResult,
)
from .httpx_client import AsyncSuppliedClient, SuppliedClient
from .httpx_connections import AsyncConnections, Connections
from .httpx_failure import failure
from .httpx_library import Address, library, library_of
from .interruptions import TransportErrors
from .proxies import Origin

certifi.where()  # imports the rest


class HttpxTransport:
    """Sends requests with a `Client` of httpx or httpx2, or without one, from any thread.

    Without one it uses connections of its own, since it needs nothing that a client adds to them:
    cookies, redirects, authentication, hooks. They are made when they are first needed, and anew
    in each process, since processes cannot share connections. A client of the user's is the user's
    to close.
    """

    def __init__(self, client: HTTPClient | None = None, default: str = "httpx") -> None:
        self._library = library(default) if client is None else library_of(client)
        if client is not None and not isinstance(client, self._library.client):
            raise TypeError("http_client: Statsig takes a Client, and AsyncStatsig an AsyncClient")
        self._client = client
        self._supplied = None if client is None else SuppliedClient(self._library, client)
        self._connections: dict[tuple[int, Origin], Connections] = {}
        """Those of each process and server."""
        self._closed = False

    def send(self, request: TransportRequest) -> TransportResult:
        """Send a request and wait for what comes of it."""
        if self._closed or (self._client and self._client.is_closed):
            return CLOSED
        if request.timeout <= 0:
            return LATE
        deadline = time.monotonic() + request.timeout
        message: Any = None
        with TransportErrors() as caught:
            address = self._library.address(request.url)
            route: Any = self._supplied or self._connections_to(address)
            message = route.prepare(address, request)
            reply: TransportResponse = route.exchange(message, deadline)
            return reply
        return failure(caught.error, message, request, self._library)

    def close(self) -> None:
        """Close the engine's own connections."""
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
        # Without a lock, which a fork could leave locked for ever.
        return found or self._connections.setdefault(key, Connections(self._library, address))


class AsyncHttpxTransport:
    """Sends requests with an `AsyncClient` of httpx or httpx2, or without one, from any task.

    As `HttpxTransport`, but that its connections are made anew in each event loop, to which they
    belong: a program may call `asyncio.run` again and again.
    """

    def __init__(self, client: AsyncHTTPClient | None = None, default: str = "httpx") -> None:
        self._library = library(default) if client is None else library_of(client)
        if client is not None and not isinstance(client, self._library.async_client):
            raise TypeError("http_client: AsyncStatsig takes an AsyncClient, and Statsig a Client")
        self._client = client
        self._supplied = None if client is None else AsyncSuppliedClient(self._library, client)
        self._connections: dict[tuple[asyncio.AbstractEventLoop, Origin], AsyncConnections] = {}
        """Those of each event loop and server."""
        self._closed = False

    async def send(self, request: TransportRequest) -> TransportResult:
        """Send a request and wait for what comes of it."""
        if self._closed or (self._client and self._client.is_closed):
            return CLOSED
        if request.timeout <= 0:
            return LATE
        deadline = asyncio.get_running_loop().time() + request.timeout
        message: Any = None
        with TransportErrors() as caught:
            address = self._library.address(request.url)
            route: Any = self._supplied or self._connections_to(address)
            message = route.prepare(address, request)
            reply: TransportResponse = await route.exchange(message, deadline)
            return reply
        return failure(caught.error, message, request, self._library)

    async def aclose(self) -> None:
        """Close the engine's own connections, those of the running event loop."""
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
                del self._connections[old]  # they went with their loop
            found = self._connections[key] = AsyncConnections(self._library, address)
        return found
