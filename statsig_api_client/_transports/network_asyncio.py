"""Asyncio sockets for httpcore that can be closed at any time without cancelling a task.

A deadline closes the socket, and the request fails as if the server had disconnected. Cancelling
the task instead would leave httpcore's connection in an undefined state.
"""

# ruff: noqa: ARG002, ASYNC109  (httpcore defines the signatures)

import asyncio
import math
import select
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    import httpcore

_BUFFER_SIZE: Final = 256 * 1024
"""Maximum bytes that are buffered ahead of the reader."""

_HAPPY_EYEBALLS_DELAY: Final = 0.25
"""Seconds before the next address of a host is tried in parallel (RFC 8305)."""


class AsyncNetwork:
    """An `httpcore.AsyncNetworkBackend` for one connection.

    Args:
        library: The module `httpcore` or `httpcore2`.
    """

    def __init__(self, library: Any) -> None:
        self._httpcore = library
        self._stream: AsyncNetworkStream | None = None
        self.deadline = math.inf
        """The time of the event loop after which connecting fails."""

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """Return a context manager that times out after `seconds`, or at the deadline."""
        end = math.inf if seconds is None else asyncio.get_running_loop().time() + seconds
        return asyncio.timeout_at(min(self.deadline, end))

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: "Iterable[httpcore.SOCKET_OPTION] | None" = None,
    ) -> "AsyncNetworkStream":
        """Connect to the first address of `host` that accepts the connection."""
        loop = asyncio.get_running_loop()
        # uvloop lacks this option. If the task is cancelled in the same step in which one of
        # several addresses accepts, that socket is left to the garbage collector.
        races = isinstance(loop, asyncio.BaseEventLoop) and not _is_ip_address(host)
        race: Any = {"happy_eyeballs_delay": _HAPPY_EYEBALLS_DELAY} if races else {}
        try:
            async with self.timeout(timeout):
                _, self._stream = await loop.create_connection(
                    lambda: AsyncNetworkStream(self, self._httpcore), host, port, **race
                )
        except TimeoutError as error:
            raise self._httpcore.ConnectTimeout(error) from error
        except OSError as error:
            if error.errno is None:  # asyncio joins the messages of all addresses
                error = OSError(f"no address of {host} accepted the connection")
            raise self._httpcore.ConnectError(error) from error
        return self._stream

    def expire(self) -> None:
        """Close the socket and let the current operation fail with a timeout."""
        if self._stream is not None:
            self._stream.expire()

    def close(self) -> None:
        """Close the socket, in any state of the connection."""
        if self._stream is not None:
            self._stream.close()


class AsyncNetworkStream(asyncio.Protocol):
    """An `httpcore.AsyncNetworkStream` on an asyncio transport."""

    _transport: asyncio.Transport

    def __init__(self, network: AsyncNetwork, library: Any) -> None:
        self._network = network
        self._httpcore = library
        self._received = bytearray()
        self._ended = False
        self._expired = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._is_full = False

    # ---- Callbacks of asyncio ----

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > _BUFFER_SIZE:
            self._transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> None:
        self._ended = True
        _wake(self._reader)

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = self._error or exc
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        _wake(self._writer)

    # ---- Operations of httpcore ----

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes from the server, or b"" at the end of the connection."""
        if not self._received and not self._ended:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        if self._expired:
            raise self._httpcore.ReadTimeout
        if not self._received and self._error:
            raise self._httpcore.ReadError(self._error) from self._error
        data = bytes(self._received[:max_bytes])
        del self._received[:max_bytes]
        if len(self._received) <= _BUFFER_SIZE and not self._ended:
            self._transport.resume_reading()
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes to the server."""
        if not self._transport.is_closing():
            self._transport.write(buffer)
            if self._is_full:
                self._writer = asyncio.get_running_loop().create_future()
                await self._writer
        if self._expired:
            raise self._httpcore.WriteTimeout
        if self._transport.is_closing():
            raise self._httpcore.WriteError(self._error or "the connection is closed")

    async def start_tls(
        self,
        ssl_context: "ssl.SSLContext",
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "AsyncNetworkStream":
        """Start TLS on the connection."""
        loop = asyncio.get_running_loop()
        try:
            async with self._network.timeout(timeout):
                encrypted = await loop.start_tls(
                    self._transport, self, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            raise self._httpcore.ConnectTimeout(error) from error
        except OSError as error:
            raise self._httpcore.ConnectError(error) from error
        self._transport = encrypted  # type: ignore[assignment]  # None only when it is closing
        return self

    def get_extra_info(self, info: str) -> Any:
        """Return a property of the connection by its httpcore name."""
        if info == "is_readable":  # httpcore closes an idle connection with data or EOF
            return (
                self._ended
                or bool(self._received)
                or self._transport.is_closing()
                or _is_readable(self._transport.get_extra_info("socket").fileno())
            )
        return self._transport.get_extra_info(info)

    async def aclose(self) -> None:
        """Close the socket."""
        self.close()

    # ---- Operations outside of the request ----

    def expire(self) -> None:
        """Close the socket and let the current operation fail with a timeout."""
        self._expired = True
        self.close()

    def close(self) -> None:
        """Close the socket without waiting for anything."""
        self._transport.abort()


def _wake(waiter: "asyncio.Future[None] | None") -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(None)


def _is_ip_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _is_readable(descriptor: int) -> bool:
    if _poll is None:  # Windows, where `select` accepts any descriptor
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = _poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


_poll: Any = getattr(select, "poll", None)
