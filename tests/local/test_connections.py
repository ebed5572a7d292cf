"""Limits of connections: large, slow and invalid requests."""

import asyncio
import contextlib
import logging
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from statsig_api_client.local.http.app import create_app
from statsig_api_client.local.http.connections import (
    MAX_HEAD,
    MAX_HEADERS,
    http_server,
    limit_accept_errors,
)
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import ServerState

from .conftest import SHOP

TIMEOUT = 0.4
"""Seconds that the servers of these tests wait for a request."""

Address: TypeAlias = tuple[str, int]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with the length of the body; /slow reads it slowly, /large responds with 50 MB."""
    request = Request(scope, receive)
    if request.url.path == "/slow":
        await asyncio.sleep(3 * TIMEOUT)
    if request.url.path == "/large":
        await PlainTextResponse(b"x" * 50_000_000)(scope, receive, send)
        return
    with contextlib.suppress(ClientDisconnect):
        body = await request.body()
        await PlainTextResponse(f"{request.url.path} {len(body)}")(scope, receive, send)


@contextmanager
def serving(app: ASGIApp) -> Iterator[Address]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = http_server(app, request_timeout=TIMEOUT)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield listener.getsockname()
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with serving(echo) as at:
        yield at


@pytest.fixture
def connection(address: Address) -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=20) as connected:
        yield connected


def post(path: str = "/", body: bytes = b"", *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: localhost", *headers, f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def read_all(connection: socket.socket) -> bytes:
    """Return all bytes until the server closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def read_response(connection: socket.socket, end: bytes) -> bytes:
    """Return a response that ends with the given bytes; the connection stays open."""
    received = b""
    while piece := not received.endswith(end) and connection.recv(65536):
        received += piece
    return received


def responds(address: Address, end: bytes = b"/fine 5") -> bool:
    """Return whether the server responds to an ordinary request."""
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall(post("/fine", b"12345", "connection: close"))
        return read_all(connection).endswith(end)


@pytest.mark.parametrize(
    "head",
    [
        post("/", b"", *(f"a{n}: b" for n in range(MAX_HEADERS - 1))),
        post("/", b"", "a: " + "b" * MAX_HEAD),
        post("/" + "a" * MAX_HEAD),
    ],
    ids=["count", "header", "line"],
)
def test_large_head_is_rejected(connection: socket.socket, head: bytes) -> None:
    connection.sendall(head)
    response = read_all(connection)
    assert response.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert b'{"status": 431, "message": "expected at most 100 headers' in response


def test_head_below_limit_is_accepted(connection: socket.socket) -> None:
    many = [f"a{n}: b" for n in range(MAX_HEADERS - 4)]
    connection.sendall(post("/", b"", "connection: close", *many, "c: " + "d" * (MAX_HEAD - 2000)))
    assert read_all(connection).startswith(b"HTTP/1.1 200")


def test_endless_head_is_rejected(
    connection: socket.socket,
) -> None:
    connection.sendall(b"POST / HTTP/1.1\r\na: ")
    with contextlib.suppress(ConnectionError):
        for _ in range(2 * MAX_HEAD // 1000):
            connection.sendall(b"b" * 1000)
            time.sleep(0.001)
    assert read_all(connection)[:12] in {b"HTTP/1.1 431", b""}  # A reset may overtake the response.


@pytest.mark.parametrize(
    "start",
    [b"P", b"POST / HTTP/1.1\r\nhost: x\r\n", post("/", b"12345")[:-1]],
    ids=["line", "headers", "body"],
)
def test_incomplete_request_times_out(
    connection: socket.socket, address: Address, start: bytes
) -> None:
    connection.sendall(start)
    assert responds(address)
    response = read_all(connection)
    assert response.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert response.endswith(b'"the request did not arrive within 0.4 seconds"}')


def test_incomplete_second_request_times_out(
    connection: socket.socket,
) -> None:
    connection.sendall(post("/", b"12345"))
    assert b"200 OK" in read_response(connection, b"/ 5")
    connection.sendall(b"POST")
    assert read_all(connection).startswith(b"HTTP/1.1 408")


def test_slow_request_times_out(connection: socket.socket) -> None:
    connection.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
    with contextlib.suppress(ConnectionError):
        for _ in range(1000):
            connection.sendall(b"x")
            time.sleep(TIMEOUT / 10)
    # The response may be lost, because the client continued to send.
    assert read_all(connection)[:12] in {b"HTTP/1.1 408", b""}


def test_silent_connection_is_closed(
    connection: socket.socket,
) -> None:
    assert read_all(connection) == b""


def test_idle_connection_stays_open(connection: socket.socket) -> None:
    for _ in range(2):
        connection.sendall(post("/", b"12345"))
        assert b"200 OK" in read_response(connection, b"/ 5")
        time.sleep(2 * TIMEOUT)


@pytest.mark.parametrize("more", [b"", post("/large"), b"POST"])
def test_client_that_does_not_read_is_disconnected(connection: socket.socket, more: bytes) -> None:
    connection.sendall(post("/large"))
    time.sleep(TIMEOUT / 2)
    connection.sendall(more)
    time.sleep(3 * TIMEOUT)
    assert len(read_all(connection)) < 50_000_000


def test_slow_reader_receives_complete_response(connection: socket.socket) -> None:
    connection.sendall(post("/large", b"", "connection: close"))
    received = 0
    while piece := connection.recv(5_000_000):
        received += len(piece)
        time.sleep(TIMEOUT / 5)
    assert received > 50_000_000


@pytest.mark.parametrize("size", [5, 1_000_000])
def test_slow_server_does_not_time_out_client(connection: socket.socket, size: int) -> None:
    connection.sendall(post("/slow", b"x" * size, "connection: close"))
    assert read_all(connection).endswith(f"/slow {size}".encode())


def test_pipelined_responses_keep_order(connection: socket.socket) -> None:
    connection.sendall(
        post("/slow", b"1") + post("/b", b"22") + post("/c", b"333", "connection: close")
    )
    assert re.findall(rb"/\w+ \d", read_all(connection)) == [b"/slow 1", b"/b 2", b"/c 3"]


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # The hello of TLS.
        b"\r\n\r\nhello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n12345",
        b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"POST http://[ HTTP/1.1\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\n\r\n",
        post("/", b"12345") + b"67890",
    ],
)
def test_invalid_http_is_rejected(
    connection: socket.socket, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    connection.sendall(request_)
    responses = read_all(connection)
    assert responses.endswith(b'{"status": 400, "message": "Invalid HTTP request received."}')
    assert all(record.exc_info is None for record in caplog.records)


def test_upgrade_header_is_ignored(connection: socket.socket) -> None:
    wish = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEA")
    connection.sendall(post("/", b"12345", *wish))
    assert b"200 OK" in read_response(connection, b"/ 5")


@given(noise=st.binary(max_size=200), valid=st.booleans())
def test_random_bytes_leave_server_running(address: Address, noise: bytes, *, valid: bool) -> None:
    with socket.create_connection(address, timeout=20) as connection:
        connection.sendall((post("/", b"12345") if valid else b"") + noise)
        connection.shutdown(socket.SHUT_WR)
        assert b"Traceback" not in read_all(connection)
    assert responds(address)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_exhausted_descriptors_are_logged_once_per_second() -> None:
    serve = f'ulimit -n 64; exec "{sys.executable}" -m statsig_api_client.cli serve --example'
    with (
        subprocess.Popen(
            ["sh", "-c", f"{serve} --port 0 --no-watch"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        contextlib.ExitStack() as cleanup,
        contextlib.ExitStack() as connections,
    ):
        cleanup.callback(process.kill)  # a failed assertion must not leave the server running
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        port = int(url.rpartition(":")[2].partition("/")[0])
        for _ in range(80):
            connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
        time.sleep(2.5)
        stat = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        connections.close()
        assert responds(("127.0.0.1", port), b'{"status":404,"message":"Not Found"}')
        process.terminate()
        _, errors = process.communicate(timeout=20)
    lines = errors.splitlines()
    assert all("cannot accept connections: [Errno 24]" in line for line in lines), errors
    assert 1 <= len(lines) <= 6
    assert sum(map(int, stat[11:13])) / os.sysconf("SC_CLK_TCK") < 10


def test_exception_handler_keeps_other_errors(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    limit_accept_errors(loop)
    loop.call_exception_handler({"message": "another problem"})
    loop.close()
    assert "another problem" in caplog.text


def test_internal_error_hides_traceback(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(_request: Request) -> Response:
        raise ZeroDivisionError("the secret of line 42")

    recording = Recording(None)
    state = ServerState(SHOP, recording)
    app = create_app(state, loopback_only=True)
    app.add_route("/fail", fail, methods=["POST"])
    with serving(app) as at, socket.create_connection(at, timeout=20) as connection:
        connection.sendall(post("/fail", b"", "connection: close"))
        response = read_all(connection)
    state.close()
    recording.close()
    assert response.startswith(b"HTTP/1.1 500")
    assert response.endswith(b'{"status":500,"message":"internal error of the local server"}')
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert "line 42" in str(record.exc_info[1])


def test_accept_errors_are_logged_once_per_second(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.new_event_loop()
    limit_accept_errors(loop)
    error = OSError(24, "Too many open files")
    for _ in range(3):
        loop.call_exception_handler({"message": "socket.accept() failed", "exception": error})
    loop.close()
    assert caplog.text.count("cannot accept connections") == 1
