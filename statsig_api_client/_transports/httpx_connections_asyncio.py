"""The transport's own connections to one server, on asyncio; see `httpx_connections`."""

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, cast

from . import httpx_connections
from .base import TransportRequest, TransportResponse
from .body import ResponseReader
from .httpx_connections import Idle, is_usable
from .network_asyncio import AsyncNetwork

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpcore

    from .httpcore_library import Address, HttpcoreLibrary


class AsyncConnection:
    """A connection in an event loop that its first request opens."""

    idle_since: float = 0

    def __init__(
        self, library: "HttpcoreLibrary", address: "Address", options: dict[str, Any]
    ) -> None:
        self._network = AsyncNetwork(library.httpcore)
        pool: httpcore.AsyncConnectionPool = library.httpcore.AsyncConnectionPool(
            network_backend=self._network, **options
        )
        self._connection = pool.create_connection(address.target.origin)

    def is_usable(self) -> bool:
        """Return whether the connection is open and idle."""
        return is_usable(self._connection)

    async def exchange(self, request: "httpcore.Request", deadline: float) -> TransportResponse:
        """Send a request and return the response."""
        self._network.deadline = deadline
        timer = asyncio.get_running_loop().call_at(deadline, self._network.expire)
        try:
            async with aclosing(await self._connection.handle_async_request(request)) as response:
                reader = ResponseReader.from_raw(response.status, response.headers)
                with reader:
                    add = reader.receiver()
                    chunks = cast("AsyncGenerator[bytes]", response.aiter_stream())
                    async with aclosing(chunks):
                        async for chunk in chunks:
                            add(chunk)
            return reader.response()
        finally:
            timer.cancel()

    def close(self) -> None:
        """Close the socket, in any state of the connection."""
        self._network.close()


class AsyncConnections:
    """The connections of one event loop to one server, for any number of tasks."""

    def __init__(self, library: "HttpcoreLibrary", address: "Address") -> None:
        self._library = library
        self._address = address
        self._options = library.connection_options(address.origin)
        self._idle: Idle[AsyncConnection] = Idle()
        self._free = asyncio.Semaphore(httpx_connections.MAX_CONNECTIONS)
        self._closed = False

    def prepare(self, address: "Address", request: "TransportRequest") -> "httpcore.Request":
        """Return a request with the headers that HTTP requires."""
        return self._library.request(address, request)

    async def exchange(self, request: "httpcore.Request", deadline: float) -> TransportResponse:
        """Send a request on an idle connection or a new one, and return the response."""
        async with asyncio.timeout_at(deadline if self._free.locked() else None):
            await self._free.acquire()
        try:
            connection = self._idle.pop() or AsyncConnection(
                self._library, self._address, self._options
            )
            try:
                response = await connection.exchange(request, deadline)
            except BaseException:
                connection.close()
                raise
            self._idle.put(connection)
        finally:
            self._free.release()
        if self._closed:
            self._idle.close()
        return response

    def close(self) -> None:
        """Close all connections; those in use are closed when their requests end."""
        self._closed = True
        self._idle.close()
