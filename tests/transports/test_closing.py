"""Closing of transports."""

import asyncio
import gc
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from statsig_api_client._transports.base import (
    Headers,
    RequestHeaders,
    TransportFailure,
    TransportRequest,
    TransportResponse,
    TransportResult,
)
from statsig_api_client._transports.httpx import HttpxTransport
from statsig_api_client._transports.httpx_asyncio import AsyncHttpxTransport
from statsig_api_client._transports.pyreqwest import AsyncPyreqwestTransport, PyreqwestTransport
from tests.support.loopback import (
    Connection,
    Loopback,
    respond,
    silence,
    unused_port,
)

from .senders import (
    Sender,
    failure_of,
    open_sender,
    response_of,
)


def test_closed_transport_sends_nothing(sender: Sender, server: Loopback) -> None:
    sender.send(server.url)
    sender.close()
    sender.close()
    failure = failure_of(sender.send(server.url))
    assert failure == TransportFailure(reason="the client is closed", sent=False, unusable=True)
    assert len(server.requests) == 1


def test_unused_transport_closes(sender: Sender) -> None:
    sender.close()


@pytest.mark.parametrize("kind", ["httpx", "httpx2", "fast"])
def test_unclosed_transport_warns(server: Loopback, kind: str) -> None:
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=5
    )
    transport = PyreqwestTransport() if kind == "fast" else HttpxTransport(default=kind)
    transport.send(request)
    with pytest.warns(ResourceWarning, match="unclosed client"):
        del transport


@pytest.mark.parametrize("transport_class", [AsyncHttpxTransport, AsyncPyreqwestTransport])
def test_unclosed_async_transport_warns(transport_class: Any) -> None:
    url = f"http://127.0.0.1:{unused_port()}/"
    request = TransportRequest(
        url=url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=5
    )
    transport = transport_class()
    failure_of(asyncio.run(transport.send(request)))  # a connection would warn, too
    with pytest.warns(ResourceWarning, match="unclosed client"):
        del transport
        gc.collect()  # errors of the attempt may hold it in a cycle


def test_failed_construction_does_not_warn() -> None:
    with pytest.raises(TypeError):
        HttpxTransport(object())  # type: ignore[arg-type]
    gc.collect()


@pytest.mark.parametrize("transport_class", [AsyncHttpxTransport, AsyncPyreqwestTransport])
def test_cancelled_task_cancels_its_request(server: Loopback, transport_class: Any) -> None:
    server.script(silence)

    async def cancel() -> None:
        transport = transport_class()
        request = TransportRequest(
            url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=9
        )
        task = asyncio.create_task(transport.send(request))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.script(respond())
        response_of(await transport.send(request))
        await transport.aclose()

    asyncio.run(cancel())


@pytest.mark.parametrize("transport_class", [HttpxTransport, PyreqwestTransport])
def test_concurrent_first_requests_share_transport(server: Loopback, transport_class: Any) -> None:
    transport = transport_class()
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=5
    )
    gate = threading.Barrier(8)

    def send() -> TransportResult:
        gate.wait()
        return transport.send(request)

    with ThreadPoolExecutor(8) as pool:
        results = [each.result() for each in [pool.submit(send) for _ in range(8)]]
    assert all(response_of(result).status_code == 200 for result in results)
    transport.close()


def test_request_repr_hides_headers() -> None:
    request = TransportRequest(
        url="https://a",
        headers=RequestHeaders(("statsig-api-key", "secret")),
        body=b"secret",
        connect_timeout=1,
        timeout=1,
    )
    response = TransportResponse(200, Headers(lambda: [("x", "secret")]), b"secret")
    assert not re.search("secret", f"{request!r} {response!r}")


@pytest.mark.parametrize("kind", ["sync httpx", "async httpx"])
def test_used_connection_closes_after_request(server: Loopback, kind: str) -> None:
    with open_sender(kind) as sender:

        def close_and_respond(connection: Connection) -> None:
            if sender.is_async:
                closing = sender.transport.aclose()
                asyncio.run_coroutine_threadsafe(closing, sender.runner.get_loop()).result(5)
            else:
                sender.transport.close()
            respond()(connection)

        server.script(close_and_respond)
        assert response_of(sender.send(server.url)).status_code == 200
        assert failure_of(sender.send(server.url)).unusable
