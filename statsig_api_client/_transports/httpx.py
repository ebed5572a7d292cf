"""Sends requests with httpx, or with httpx2. Importing this imports httpx.

Whatever a client, its transport, its hooks or its proxies raise becomes a `Failure`.
"""

import asyncio

# The first connection imports the others. Some thread may make it, and a child that is forked off
# meanwhile would be left with half a module.
import encodings.idna  # noqa: F401  # pyright: ignore[reportUnusedImport]
import os
import time
import warnings
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, cast

import certifi
import httpcore  # noqa: F401  # pyright: ignore[reportUnusedImport]
import httpx

from .base import (
    CLOSED,
    LATE,
    UNCLOSED,
    AsyncHTTPClient,
    Failure,
    HTTPClient,
    Outcome,
    Reply,
    WireRequest,
)
from .httpx_deadline import Deadline, bound
from .httpx_failure import failure, reason_of
from .httpx_library import library, library_of, message_of
from .httpx_pools import Pools
from .proxies import Origin

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractAsyncContextManager

    _Send: TypeAlias = Callable[[httpx.Request], httpx.Response]
    _AsyncSend: TypeAlias = Callable[[httpx.Request], AbstractAsyncContextManager[httpx.Response]]


certifi.where()  # imports the rest


class HttpxEngine:
    """Sends requests with a `Client` of httpx or httpx2, or without one, from any thread.

    Without one it uses the transports that a client is made of, since it needs nothing that a
    client adds to them: cookies, redirects, authentication, hooks. That saves a quarter of the
    time. They are made when they are first needed, and anew in each process, since processes
    cannot share connections. A client of the user's is the user's to close.
    """

    def __init__(self, client: HTTPClient | None = None, default: str = "httpx") -> None:
        self._library = library(default) if client is None else library_of(client)
        if client is not None and not isinstance(client, self._library.client):
            raise TypeError("http_client: Statsig takes a Client, and AsyncStatsig an AsyncClient")
        self._client = client
        self._transports: dict[tuple[int, Origin], httpx.HTTPTransport] = {}
        """Those of each process and server."""
        self._deadline = Deadline()
        self._closed = False

    def send(self, request: WireRequest) -> Outcome:
        """Send a request and wait for what comes of it."""
        if self._closed or (self._client and self._client.is_closed):
            return CLOSED
        if request.timeout <= 0:
            return LATE
        try:
            message, send = self._route(request)
        except Exception as error:  # noqa: BLE001
            return _unsendable(error)
        try:
            return self._exchange(message, send, request.timeout)
        except Exception as error:  # noqa: BLE001
            return failure(error, message, request, self._library)

    def close(self) -> None:
        """Close the engine's own connections."""
        self._closed = True
        for key in self._of_this_process():
            self._transports.pop(key).close()

    def __del__(self) -> None:
        if self._of_this_process():
            self.close()
            warnings.warn(UNCLOSED, ResourceWarning, stacklevel=2, source=self)

    def _of_this_process(self) -> list[tuple[int, Origin]]:
        return [key for key in getattr(self, "_transports", {}) if key[0] == os.getpid()]

    def _route(self, request: WireRequest) -> "tuple[httpx.Request, _Send]":
        """The request in the words of httpx, and what sends it."""
        address = self._library.address(request.url)
        longest = request.timeout
        connect = min(request.connect_timeout, longest)
        waits = {"connect": connect, "read": longest, "write": longest, "pool": longest}
        if self._client is None:
            key = (os.getpid(), address.origin)
            transport = self._transports.get(key) or self._open(key)
            return self._library.message(address, request, waits), transport.handle_request
        message = message_of(self._client, address, request, waits)
        return message, partial(self._client.send, stream=True, follow_redirects=False)

    def _open(self, key: tuple[int, Origin]) -> httpx.HTTPTransport:
        # Without a lock, which a fork could leave locked for ever: of two threads that come here
        # at once, one has made its transport for nothing.
        transport = bound(self._library.transport(key[1]), self._deadline)
        return self._transports.setdefault(key, transport)

    def _exchange(self, message: httpx.Request, send: "_Send", seconds: float) -> Reply:
        self._deadline.at = time.monotonic() + seconds
        with closing(send(message)) as response:
            incoming = self._library.incoming(response)
            try:
                encoded = response.is_stream_consumed or incoming.encoding()
                for chunk in response.iter_bytes() if encoded else response.iter_raw():
                    incoming.add(chunk)
                    self._deadline.left(None)  # a user's client does not look at it
            except Exception as error:  # noqa: BLE001
                incoming.break_off(error)
        return incoming.reply()


class AsyncHttpxEngine:
    """Sends requests with an `AsyncClient` of httpx or httpx2, or without one, from any task.

    As `HttpxEngine`, but that its connections are made anew in each event loop, to which they
    belong: a program may call `asyncio.run` again and again.
    """

    def __init__(self, client: AsyncHTTPClient | None = None, default: str = "httpx") -> None:
        self._library = library(default) if client is None else library_of(client)
        if client is not None and not isinstance(client, self._library.async_client):
            raise TypeError("http_client: AsyncStatsig takes an AsyncClient, and Statsig a Client")
        self._client = client
        self._pools: dict[tuple[asyncio.AbstractEventLoop, Origin], Pools] = {}
        """Those of each event loop and server."""
        self._closed = False

    async def send(self, request: WireRequest) -> Outcome:
        """Send a request and wait for what comes of it."""
        if self._closed or (self._client and self._client.is_closed):
            return CLOSED
        if request.timeout <= 0:
            return LATE
        try:
            message, send = self._route(request)
        except Exception as error:  # noqa: BLE001
            return _unsendable(error)
        try:
            return await self._exchange(message, send, request.timeout)
        except Exception as error:  # noqa: BLE001
            return failure(error, message, request, self._library)

    async def aclose(self) -> None:
        """Close the engine's own connections, those of the running event loop."""
        self._closed = True
        loop = asyncio.get_running_loop()
        opened = [pools for key, pools in self._pools.items() if key[0] is loop]
        self._pools.clear()
        for pools in opened:
            await pools.aclose()

    def __del__(self) -> None:
        if getattr(self, "_pools", {}):
            warnings.warn(UNCLOSED, ResourceWarning, stacklevel=2, source=self)

    def _route(self, request: WireRequest) -> "tuple[httpx.Request, _AsyncSend]":
        """The request in the words of httpx, and what sends it."""
        address = self._library.address(request.url)
        # All else is bounded by the timeout of the whole attempt.
        waits = {"connect": request.connect_timeout, "read": None, "write": None, "pool": None}
        if self._client is None:
            key = (asyncio.get_running_loop(), address.origin)
            pools = self._pools.get(key) or self._open(key)
            return self._library.message(address, request, waits), pools.sending
        message = message_of(self._client, address, request, waits)
        return message, partial(_sending, self._client)

    def _open(self, key: tuple[asyncio.AbstractEventLoop, Origin]) -> Pools:
        for old in [key for key in self._pools if key[0].is_closed()]:
            del self._pools[old]  # its connections went with its loop
        pools = self._pools[key] = self._library.pools(key[1])
        return pools

    async def _exchange(self, message: httpx.Request, send: "_AsyncSend", seconds: float) -> Reply:
        deadline = asyncio.get_running_loop().time() + seconds
        async with AsyncExitStack() as stack:
            async with asyncio.timeout_at(deadline):
                response = await stack.enter_async_context(send(message))
            incoming = self._library.incoming(response)
            try:
                encoded = response.is_stream_consumed or incoming.encoding()
                chunks = response.aiter_bytes() if encoded else response.aiter_raw()
                async with (
                    asyncio.timeout_at(deadline),
                    aclosing(cast("AsyncGenerator[bytes]", chunks)),
                ):
                    async for chunk in chunks:
                        incoming.add(chunk)
            except Exception as error:  # noqa: BLE001
                incoming.break_off(error)
        return incoming.reply()


@asynccontextmanager
async def _sending(
    client: httpx.AsyncClient, message: httpx.Request
) -> "AsyncGenerator[httpx.Response]":
    response = await client.send(message, stream=True, follow_redirects=False)
    async with aclosing(response):
        yield response


def _unsendable(error: Exception) -> Failure:
    """The URL, the certificates, or the proxy that the environment names is of no use."""
    return Failure(reason=f"nothing can be sent: {reason_of(error)}", sent=False, unusable=True)
