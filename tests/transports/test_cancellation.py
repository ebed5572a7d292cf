"""Asynchronous transports whose requests are cancelled at any moment."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import httpx2
import pytest

from statsig_api_client._transports import httpx_connections
from statsig_api_client._transports.base import (
    RequestHeaders,
    TransportRequest,
    TransportResponse,
    TransportResult,
)
from statsig_api_client._transports.httpx_asyncio import AsyncHttpxTransport
from statsig_api_client._transports.pyreqwest import AsyncPyreqwestTransport
from tests.support.loopback import Loopback, respond, silence

MAX_CONNECTIONS = 2
"""Connections of each client; few, so that leaks exhaust them."""

KINDS = ["httpx", "httpx2", "httpx client", "httpx2 client", "wrapped client", "fast"]


class Wrapping(httpx.AsyncBaseTransport):
    """A transport that wraps another one, like those that retry or cache."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self.wrapped = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.wrapped.handle_async_request(request)

    async def aclose(self) -> None:
        await self.wrapped.aclose()


@asynccontextmanager
async def opened(kind: str) -> AsyncIterator[Any]:
    if kind == "fast":
        transport: Any = AsyncPyreqwestTransport()
        client = None
    elif "client" not in kind:
        client, transport = None, AsyncHttpxTransport(default=kind)
    else:
        library: Any = httpx2 if "httpx2" in kind else httpx
        limits = library.Limits(max_connections=MAX_CONNECTIONS)
        client = (
            httpx.AsyncClient(transport=Wrapping(httpx.AsyncHTTPTransport(limits=limits)))
            if "wrapped" in kind
            else library.AsyncClient(limits=limits)
        )
        transport = AsyncHttpxTransport(client)
    yield transport
    await transport.aclose()
    if client is not None:
        await client.aclose()
    await asyncio.sleep(0.01)  # aborted sockets are closed in the next steps of the loop


@pytest.fixture(autouse=True)
def _few_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httpx_connections, "MAX_CONNECTIONS", MAX_CONNECTIONS)


def request_to(server: Loopback, timeout: float = 5.0) -> TransportRequest:
    return TransportRequest(
        url=server.url,
        headers=RequestHeaders(),
        body=b"{}",
        connect_timeout=timeout,
        timeout=timeout,
    )


async def assert_usable(transport: Any, server: Loopback) -> None:
    """Send as many requests at once as there may be connections, and one more."""
    server.script(respond())
    sending = [transport.send(request_to(server)) for _ in range(MAX_CONNECTIONS + 1)]
    for outcome in await asyncio.gather(*sending):
        assert isinstance(outcome, TransportResponse), outcome


async def cancel_after(steps: int, task: "asyncio.Task[TransportResult]", times: int) -> None:
    for _ in range(steps):
        await asyncio.sleep(0)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_request_cancelled_at_every_step_leaks_nothing(
    server: Loopback, kind: str, times: int
) -> None:
    async def run() -> None:
        async with opened(kind) as transport:
            for steps in range(80):
                task = asyncio.create_task(transport.send(request_to(server)))
                await cancel_after(steps, task, times)
            await assert_usable(transport, server)

    asyncio.run(run())
    gc.collect()


@pytest.mark.parametrize("kind", KINDS)
def test_request_cancelled_while_waiting_leaks_nothing(server: Loopback, kind: str) -> None:
    async def run() -> None:
        async with opened(kind) as transport:
            for _ in range(3):
                server.script(silence)
                tasks = [
                    asyncio.create_task(transport.send(request_to(server)))
                    for _ in range(MAX_CONNECTIONS * 2)
                ]
                await asyncio.sleep(0.05)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            await assert_usable(transport, server)

    asyncio.run(run())


@pytest.mark.parametrize("kind", KINDS)
def test_attempts_timing_out_leak_nothing(server: Loopback, kind: str) -> None:
    async def run() -> None:
        async with opened(kind) as transport:
            server.script(silence)
            for _ in range(2):
                requests = [transport.send(request_to(server, 0.03)) for _ in range(8)]
                assert not any(
                    isinstance(each, TransportResponse) for each in await asyncio.gather(*requests)
                )
            await assert_usable(transport, server)

    asyncio.run(run())
