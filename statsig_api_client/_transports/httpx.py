"""Transports on httpx and httpx2."""

import asyncio
import importlib
import os
import time
import warnings
from typing import Any

import certifi

from .base import (
    CLOSED,
    NO_TIME_LEFT,
    UNCLOSED,
    AsyncHTTPClient,
    HTTPClient,
    TransportRequest,
    TransportResponse,
    TransportResult,
)
from .httpx_client import AsyncSuppliedClient, SuppliedClient
from .httpx_connections import AsyncConnections, Connections
from .httpx_library import Address, library, library_of
from .interruptions import TransportErrors
from .proxies import Origin

# Otherwise the first connection would import these, without a lock that forks wait for.
importlib.import_module("encodings.idna")
certifi.where()

_ASYNC_MODULES = ("anyio._backends._asyncio", "concurrent.futures.thread", "sniffio")
"""Modules that asyncio and httpcore import when they send the first request."""


class HttpxTransport:
    """A transport on its own connections, or on an `httpx.Client` or `httpx2.Client`.

    Its own connections do without the cookies, redirects, authentication and hooks of a client.
    They are opened when they are first needed, and again in each process, since processes cannot
    share connections. A client that the user supplies is not closed.

    Args:
        client: The client to send requests with.
        default: The library of the transport's own connections, `httpx` or `httpx2`.
    """

    def __init__(self, client: HTTPClient | None = None, default: str = "httpx") -> None:
        self._library = library(default) if client is None else library_of(client)
        if client is not None and not isinstance(client, self._library.client):
            raise TypeError(
                f"http_client: expected a Client, got {type(client).__name__}; "
                "AsyncStatsig accepts an AsyncClient"
            )
        self._client = client
        self._supplied = None if client is None else SuppliedClient(self._library, client)
        self._connections: dict[tuple[int, Origin], Connections] = {}
        """By process and server."""
        self._closed = False

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


class AsyncHttpxTransport:
    """A transport on its own connections, or on an `AsyncClient` of httpx or httpx2.

    See `HttpxTransport`. Its own connections belong to an event loop, so that a program may call
    `asyncio.run` several times.
    """

    def __init__(self, client: AsyncHTTPClient | None = None, default: str = "httpx") -> None:
        for name in _ASYNC_MODULES:
            importlib.import_module(name)
        self._library = library(default) if client is None else library_of(client)
        if client is not None and not isinstance(client, self._library.async_client):
            raise TypeError(
                f"http_client: expected an AsyncClient, got {type(client).__name__}; "
                "Statsig accepts a Client"
            )
        self._client = client
        self._supplied = None if client is None else AsyncSuppliedClient(self._library, client)
        self._connections: dict[tuple[asyncio.AbstractEventLoop, Origin], AsyncConnections] = {}
        """By event loop and server."""
        self._closed = False

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
