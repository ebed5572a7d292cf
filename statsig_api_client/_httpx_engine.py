"""Sends requests with httpx, or with httpx2. Importing this imports httpx.

Whatever a client, its transport, its hooks or its proxies raise becomes a `Failure`.
"""

import asyncio
import os
import time
import warnings
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Final, cast

import httpx

from ._engine import AsyncHTTPClient, Failure, HTTPClient, Outcome, Reply, WireRequest
from ._httpx_deadline import Deadline, bound
from ._httpx_library import library, library_of
from ._httpx_reply import Incoming, failure, reason_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_CLOSED: Final = Failure(reason="the client is closed", sent=False, unusable=True)
# Sockets take 0 for "do not wait", and report that as another error.
_LEAST_WAIT: Final = 0.001


class HttpxEngine:
    """Sends requests with a `Client` of httpx or httpx2, from any number of threads.

    Its own client is made when it is first needed, and anew in each process, since processes that
    a fork made cannot share connections. A client that was handed in is its owner's to close.
    """

    def __init__(self, client: HTTPClient | None = None, default: str = "httpx") -> None:
        self._library = library(default) if client is None else library_of(client)
        if client is not None and not isinstance(client, self._library.client):
            raise TypeError("http_client: Statsig takes a Client, and AsyncStatsig an AsyncClient")
        self._supplied = client
        self._own: dict[int, httpx.Client] = {}
        """By process."""
        self._deadline = Deadline()
        self._closed = False

    def send(self, request: WireRequest) -> Outcome:
        """Send a request and wait for what comes of it."""
        if self._closed:
            return _CLOSED
        try:
            client = self._supplied or self._own.get(os.getpid()) or self._open()
        except Exception as error:  # noqa: BLE001
            return _no_client(error)
        if client.is_closed:
            return _CLOSED
        message = None
        try:
            message = self._message(client, request)
            return self._exchange(client, message, request)
        except Exception as error:  # noqa: BLE001
            return failure(error, message, request, self._library)

    def close(self) -> None:
        """Close the engine's own connections."""
        self._closed = True
        client = self._own.pop(os.getpid(), None)
        if client is not None:
            client.close()

    def __del__(self) -> None:
        if os.getpid() in getattr(self, "_own", {}):
            self.close()
            warnings.warn(_UNCLOSED, ResourceWarning, stacklevel=2, source=self)

    def _open(self) -> httpx.Client:
        client = self._library.own_client()
        bound(client, self._deadline)
        # Without a lock, which a fork could leave locked for ever: of two threads that come here
        # at once, one has made its client for nothing.
        first = self._own.setdefault(os.getpid(), client)
        if first is not client:
            client.close()
        return first

    def _message(self, client: httpx.Client, request: WireRequest) -> httpx.Request:
        longest = max(request.timeout, _LEAST_WAIT)
        connect = min(request.connect_timeout, longest)
        waits = {"connect": connect, "read": longest, "write": longest, "pool": longest}
        if client is self._supplied:
            return self._library.message_of(client, request, waits)
        return self._library.message(request, waits)

    def _exchange(
        self, client: httpx.Client, message: httpx.Request, request: WireRequest
    ) -> Reply:
        self._deadline.at = time.monotonic() + request.timeout
        with closing(client.send(message, stream=True, follow_redirects=False)) as response:
            incoming = Incoming(response, self._library)
            try:
                for chunk in response.iter_bytes() if incoming.encoded() else response.iter_raw():
                    incoming.add(chunk)
                    self._deadline.left(None)  # a user's client does not look at it
            except Exception as error:  # noqa: BLE001
                incoming.break_off(error)
        return incoming.reply()


class AsyncHttpxEngine:
    """Sends requests with an `AsyncClient` of httpx or httpx2, from any number of tasks.

    Its own client is made when it is first needed, and anew in each event loop, since connections
    belong to theirs: a program may call `asyncio.run` again and again.
    """

    def __init__(self, client: AsyncHTTPClient | None = None, default: str = "httpx") -> None:
        self._library = library(default) if client is None else library_of(client)
        if client is not None and not isinstance(client, self._library.async_client):
            raise TypeError("http_client: AsyncStatsig takes an AsyncClient, and Statsig a Client")
        self._supplied = client
        self._own: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}
        self._closed = False

    async def send(self, request: WireRequest) -> Outcome:
        """Send a request and wait for what comes of it."""
        if self._closed:
            return _CLOSED
        try:
            client = self._supplied or self._own.get(asyncio.get_running_loop()) or self._open()
        except Exception as error:  # noqa: BLE001
            return _no_client(error)
        if client.is_closed:
            return _CLOSED
        message = None
        try:
            message = self._message(client, request)
            return await self._exchange(client, message, request)
        except Exception as error:  # noqa: BLE001
            return failure(error, message, request, self._library)

    async def aclose(self) -> None:
        """Close the engine's own connections, those of the running event loop."""
        self._closed = True
        client = self._own.pop(asyncio.get_running_loop(), None)
        self._own.clear()
        if client is not None:
            await client.aclose()

    def __del__(self) -> None:
        if getattr(self, "_own", {}):
            warnings.warn(_UNCLOSED, ResourceWarning, stacklevel=2, source=self)

    def _open(self) -> httpx.AsyncClient:
        for loop in [*self._own]:
            if loop.is_closed():  # its connections went with it
                del self._own[loop]
        client = self._library.own_async_client()
        self._own[asyncio.get_running_loop()] = client
        return client

    def _message(self, client: httpx.AsyncClient, request: WireRequest) -> httpx.Request:
        # All else is bounded by the timeout of the whole attempt.
        waits = {"connect": request.connect_timeout, "read": None, "write": None, "pool": None}
        if client is self._supplied:
            return self._library.message_of(client, request, waits)
        return self._library.message(request, waits)

    async def _exchange(
        self, client: httpx.AsyncClient, message: httpx.Request, request: WireRequest
    ) -> Reply:
        deadline = asyncio.get_running_loop().time() + request.timeout
        async with asyncio.timeout_at(deadline):
            response = await client.send(message, stream=True, follow_redirects=False)
        async with aclosing(response):
            incoming = Incoming(response, self._library)
            try:
                chunks = response.aiter_bytes() if incoming.encoded() else response.aiter_raw()
                async with (
                    asyncio.timeout_at(deadline),
                    aclosing(cast("AsyncGenerator[bytes]", chunks)),
                ):
                    async for chunk in chunks:
                        incoming.add(chunk)
            except Exception as error:  # noqa: BLE001
                incoming.break_off(error)
        return incoming.reply()


_UNCLOSED: Final = "unclosed client: use it in a `with` block, or close it when it is done"


def _no_client(error: Exception) -> Failure:
    """The certificates, or the proxies that the environment names, are of no use."""
    reason = f"the HTTP client cannot be made: {reason_of(error)}"
    return Failure(reason=reason, sent=False, unusable=True)
