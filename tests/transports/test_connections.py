"""Connections of all transports: reuse, concurrency, event loops and processes."""

import asyncio
import gc
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpcore
import pytest

from statsig_api_client._transports import httpx_connections, network, network_asyncio, pyreqwest
from statsig_api_client._transports.base import (
    RequestHeaders,
    TransportRequest,
    TransportResult,
)
from tests.support.loopback import (
    Loopback,
    raw,
    respond,
    send_in_pieces,
)

from .senders import (
    KINDS,
    OK,
    TIME_LIMIT,
    Sender,
    on_own_connections,
    response_of,
    wait_until,
)


def test_connection_is_reused(sender: Sender, server: Loopback) -> None:
    for _ in range(5):
        response_of(sender.send(server.url))
    assert server.connections == 1


def test_attempts_with_any_timeout_share_connections(sender: Sender, server: Loopback) -> None:
    for left in range(50):
        seconds = 1 + left / 100
        response_of(sender.send(server.url, timeout=seconds, connect_timeout=seconds))
    assert server.connections <= 2  # pyreqwest rounds connect timeouts to 1 and 1.25 s


def test_connection_closed_by_server_is_not_reused(sender: Sender, server: Loopback) -> None:
    server.script(raw(OK))
    for _ in range(3):
        assert response_of(sender.send(server.url)).content == b"ok"
        time.sleep(0.05)
    assert server.connections == 3


@pytest.mark.parametrize("sender", ["sync httpx", "async httpx"], indirect=True)
def test_surplus_idle_connections_are_closed(
    sender: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpx_connections, "KEEPALIVE_EXPIRY", -1)
    for _ in range(3):
        response_of(sender.send(server.url))
    assert server.connections == 3


@pytest.mark.parametrize("sender", ["async httpx"], indirect=True)
def test_connection_is_reused_without_poll(
    sender: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_asyncio, "_poll", None)  # as on Windows
    for _ in range(3):
        response_of(sender.send(server.url))
    assert server.connections == 1


def test_write_to_closed_blocking_stream_fails(server: Loopback) -> None:
    blocking = network.Network(httpcore)
    blocking.deadline = time.monotonic() + TIME_LIMIT
    stream = blocking.connect_tcp("127.0.0.1", server.port)
    blocking.close()
    with pytest.raises(httpcore.WriteError):
        stream.write(b"x")


def test_write_to_closed_stream_fails(server: Loopback) -> None:
    async def write() -> None:
        opened = network_asyncio.AsyncNetwork(httpcore)
        stream = await opened.connect_tcp("127.0.0.1", server.port)
        opened.close()
        with pytest.raises(httpcore.WriteError, match="the connection is closed"):
            await stream.write(b"x")
        await asyncio.sleep(0.01)  # closes the socket

    asyncio.run(write())


@on_own_connections
def test_surplus_response_is_not_returned_later(sender: Sender, server: Loopback) -> None:
    surplus = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nsurplus"
    server.script(raw(OK + surplus, keep=True), respond(200, b"fresh"))
    assert response_of(sender.send(server.url)).content == b"ok"
    assert response_of(sender.send(server.url)).content == b"fresh"


@pytest.mark.parametrize("sender", ["sync fast", "async fast"], indirect=True)
def test_many_connect_timeouts_share_connections(sender: Sender, server: Loopback) -> None:
    for number in range(100):
        response_of(sender.send(server.url, connect_timeout=1 + number / 50, timeout=30))
    assert server.connections <= 8 + 7


def test_connection_is_reused_after_error_response(sender: Sender, server: Loopback) -> None:
    server.script(respond(500), respond(404), respond(200))
    assert [response_of(sender.send(server.url)).status_code for _ in range(3)] == [500, 404, 200]
    assert server.connections == 1


@pytest.mark.parametrize("sender", [k for k in KINDS if k.startswith("sync")], indirect=True)
def test_many_threads_send_concurrently(sender: Sender, server: Loopback) -> None:
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: sender.send(server.url), range(160)))
    assert all(response_of(result).status_code == 200 for result in results)
    # pyreqwest starts the next request before the connection is released.
    assert server.connections <= (32 if sender.is_fast else 16)


@pytest.mark.parametrize("sender", [k for k in KINDS if k.startswith("async")], indirect=True)
def test_many_tasks_send_concurrently(sender: Sender, server: Loopback) -> None:
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=30, timeout=30
    )

    async def burst() -> list[TransportResult]:
        return await asyncio.gather(*(sender.transport.send(request) for _ in range(200)))

    results = sender.runner.run(burst())
    assert all(response_of(result).status_code == 200 for result in results)
    assert sender.supplied or server.connections <= (150 if sender.is_fast else 100)


@pytest.mark.parametrize("sender", ["async httpx", "async httpx2", "async fast"], indirect=True)
def test_slow_responses_do_not_block_other_requests(sender: Sender, server: Loopback) -> None:
    slow = send_in_pieces(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b"{", pause=0.03)
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=9, timeout=9
    )

    async def behind_slow_ones() -> None:
        waiting = [asyncio.create_task(sender.transport.send(request)) for _ in range(12)]
        await asyncio.to_thread(wait_until, lambda: len(server.requests) == 12)
        await asyncio.sleep(0.1)
        server.script(respond())
        assert response_of(await asyncio.wait_for(sender.transport.send(request), TIME_LIMIT))
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    server.script(slow)
    sender.runner.run(behind_slow_ones())


@pytest.mark.parametrize("sender", ["async httpx", "async httpx2"], indirect=True)
def test_transport_works_in_several_event_loops(sender: Sender, server: Loopback) -> None:
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=5
    )

    async def twice() -> None:
        response_of(await sender.transport.send(request))
        response_of(await sender.transport.send(request))

    def several_loops() -> None:
        for _ in range(3):
            asyncio.run(twice())
        response_of(sender.send(server.url))
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed"):  # connections of closed loops
        several_loops()
    assert server.connections == 4


@pytest.mark.parametrize("sender", ["async fast"], indirect=True)
def test_pyreqwest_shares_connections_between_event_loops(sender: Sender, server: Loopback) -> None:
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=5
    )
    for _ in range(3):
        response_of(asyncio.run(sender.transport.send(request)))
    assert server.connections == 1


FORK = """
import os, sys
from statsig_api_client._transports.base import RequestHeaders, TransportRequest
from statsig_api_client._transports.pyreqwest import PyreqwestTransport
from statsig_api_client._transports.httpx import HttpxTransport

transport = {name}()
headers = RequestHeaders()
request = TransportRequest(url=sys.argv[1], headers=headers, body=b"", connect_timeout=5, timeout=5)
assert transport.send(request).status_code == 200
child = os.fork()
if child == 0:
    ok = transport.send(request).status_code == 200 and transport.send(request).status_code == 200
    transport.close()
    os._exit(0 if ok else 1)
assert os.waitpid(child, 0)[1] == 0
assert transport.send(request).status_code == 200
transport.close()
"""


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("name", ["HttpxTransport", "PyreqwestTransport"])
def test_forked_child_has_its_own_connections(server: Loopback, name: str) -> None:
    result = run_python("-W", "error", "-c", FORK.format(name=name), server.url)
    assert result.returncode == 0, result.stderr
    assert (server.connections, len(server.requests)) == (2, 4)


class Forked:
    """A client builder of pyreqwest in a forked process."""

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: self

    def __init__(self) -> None:
        changing = {1: 1}
        self.build = iter(changing).__next__  # raises a RuntimeError without its own frame
        changing[2] = 2


@pytest.mark.parametrize("sender", ["sync fast", "async fast"], indirect=True)
def test_httpx_is_used_where_pyreqwest_fails(
    sender: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SyncClientBuilder", "ClientBuilder"):
        monkeypatch.setattr(pyreqwest, name, Forked)
    assert response_of(sender.send(server.url)).status_code == 200
    assert response_of(sender.send(server.url)).status_code == 200
    assert "accept" not in server.requests[0].headers  # pyreqwest would add it
    assert server.connections == 1
    sender.close()
