"""Connections to one server in small pools, for many requests at once.

Whenever a request comes or goes, httpcore looks through all connections of its pool. With 100
requests in flight that is two thirds of all the time they take; with pools of 3, next to nothing.
"""

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    import httpx


class Pool:
    """A transport, and how many requests are on it, with the bodies of their replies."""

    def __init__(self, transport: "httpx.AsyncHTTPTransport") -> None:
        self.transport = transport
        self.busy = 0


class Pools:
    """Several transports that serve as one."""

    def __init__(self, transports: "Sequence[httpx.AsyncHTTPTransport]", size: int) -> None:
        self._pools = [Pool(transport) for transport in transports]
        self._size = size
        # A queue in httpcore is looked through as often as the connections are.
        self._room = asyncio.Semaphore(size * len(transports))

    @asynccontextmanager
    async def sending(self, message: "httpx.Request") -> "AsyncGenerator[httpx.Response]":
        """Send a request by the first pool that has room, so that few requests use one pool."""
        async with self._room:
            pool = next(pool for pool in self._pools if pool.busy < self._size)
            pool.busy += 1
            try:
                async with aclosing(await pool.transport.handle_async_request(message)) as response:
                    yield response
            finally:
                pool.busy -= 1

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.transport.aclose()
