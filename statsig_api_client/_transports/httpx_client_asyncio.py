"""Requests on an asynchronous client of httpx or httpx2 that the user supplies.

See `httpx_client`.
"""

import asyncio
from contextlib import AsyncExitStack, aclosing
from typing import TYPE_CHECKING, Any, cast

from .body import ResponseReader
from .httpx_client import build_request, pools, repair

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    import httpx

    from .base import TransportRequest, TransportResponse
    from .httpcore_library import Address
    from .httpx_library import HttpxLibrary


class AsyncSuppliedClient:
    """An `httpx.AsyncClient` or `httpx2.AsyncClient`."""

    def __init__(self, library: "HttpxLibrary", client: "httpx.AsyncClient") -> None:
        self._library = library
        self._client = client
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def prepare(self, address: "Address", request: "TransportRequest") -> "httpx.Request":
        """Return a request with the client's own headers, cookies and parameters."""
        # The timeout of the attempt limits everything else.
        timeouts = {"connect": request.connect_timeout, "read": None, "write": None, "pool": None}
        return build_request(self._client, address, request, timeouts)

    async def exchange(self, request: "httpx.Request", deadline: float) -> "TransportResponse":
        """Send a request and return the response."""
        self._leave_closed_loop()
        try:
            return await self._exchange(request, deadline)
        except BaseException:
            abandoned = [each for pool in pools(self._client) for each in repair(pool, request)]
            if abandoned:  # in a separate task, since this one may be cancelled again
                task = asyncio.get_running_loop().create_task(_close(abandoned))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            raise

    def _leave_closed_loop(self) -> None:
        """Remove the connections of an event loop that is closed.

        A request on one of them would reach the server, but its response could not be read.
        """
        loop, self._loop = self._loop, asyncio.get_running_loop()
        if loop is not None and loop.is_closed():
            for pool in pools(self._client):
                pool.__dict__.update(_requests=[], _connections=[])

    async def _exchange(self, request: "httpx.Request", deadline: float) -> "TransportResponse":
        async with AsyncExitStack() as stack:
            async with asyncio.timeout_at(deadline):
                response = await self._client.send(request, stream=True, follow_redirects=False)
                await stack.enter_async_context(aclosing(response))
            reader = ResponseReader.from_raw(
                response.status_code, response.headers.raw, self._library.decoding_error
            )
            with reader:
                decoded = response.is_stream_consumed or reader.encoding()
                chunks = response.aiter_bytes() if decoded else response.aiter_raw()
                async with (
                    asyncio.timeout_at(deadline),
                    aclosing(cast("AsyncGenerator[bytes]", chunks)),
                ):
                    async for chunk in chunks:
                        reader.add(chunk)
        return reader.response()


async def _close(connections: list[Any]) -> None:
    for connection in connections:
        await connection.aclose()
