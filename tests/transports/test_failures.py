"""Failures of all transports: unsent requests, lost responses, timeouts."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from statsig_api_client._transports.base import (
    TransportFailure,
)
from tests.support.loopback import (
    Connection,
    Loopback,
    raw,
    send_and_reset,
    send_in_pieces,
    silence,
    unused_port,
)

from .senders import (
    TIME_LIMIT,
    Sender,
    deaf_port,
    failure_of,
)


def test_rejected_connection_was_not_sent(sender: Sender) -> None:
    failure = failure_of(sender.send(f"http://127.0.0.1:{unused_port()}/v1"))
    assert failure == TransportFailure("connection refused", sent=False)


def test_unknown_host_was_not_sent(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    # A label of more than 63 characters fails in every resolver.
    host = "no-such-host.example" if not sender.is_fast else f"{'a' * 64}.example"
    failure = failure_of(sender.send(f"http://{host}/v1"))
    assert (failure.sent, failure.timeout, failure.unusable) == (False, False, False)
    assert failure.reason.endswith("ame or service not known")


@pytest.mark.parametrize("sender", ["async httpx", "async httpx2"], indirect=True)
def test_failure_of_all_addresses_is_reported_once(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = socket.getaddrinfo

    def two(_: str, *args: Any, **options: Any) -> Any:
        return [
            address
            for each in ("127.0.0.1", "127.0.0.2")
            for address in found(each, *args, **options)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    failure = failure_of(sender.send(f"http://two.test:{unused_port()}/v1"))
    assert failure == TransportFailure("no address of two.test accepted the connection", sent=False)


def test_connect_timeout_was_not_sent(sender: Sender) -> None:
    with deaf_port() as port:
        start = time.monotonic()
        failure = failure_of(sender.send(f"http://127.0.0.1:{port}/v1", connect_timeout=0.2))
        assert time.monotonic() - start < TIME_LIMIT
    assert failure == TransportFailure(
        reason="connecting timed out after 0.2 s", sent=False, timeout=True
    )


def test_connecting_is_limited_by_attempt_timeout(sender: Sender) -> None:
    with deaf_port() as port:
        start = time.monotonic()
        failure = failure_of(sender.send(f"http://127.0.0.1:{port}/v1", timeout=0.2))
        assert time.monotonic() - start < TIME_LIMIT
    assert failure.timeout
    # Neither an HTTP client nor pyreqwest reports its state at the timeout.
    assert failure.sent is ((sender.supplied and sender.is_async) or sender.is_fast)


@pytest.mark.parametrize("sender", ["sync fast", "async fast"], indirect=True)
@pytest.mark.parametrize("timeout", [0.25, 0.26, 0.3])
def test_equal_timeouts_fail_as_connect_timeout(sender: Sender, timeout: float) -> None:
    with deaf_port() as port:
        url = f"http://127.0.0.1:{port}/v1"
        failure = failure_of(sender.send(url, timeout=timeout, connect_timeout=timeout))
    assert failure == TransportFailure(
        reason="connecting timed out after 0.25 s", sent=False, timeout=True
    )


@pytest.mark.parametrize("sender", ["sync httpx", "sync httpx2"], indirect=True)
def test_all_addresses_share_one_attempt_timeout(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = socket.getaddrinfo

    def many(host: str | bytes, *args: Any, **options: Any) -> Any:
        if host in ("many.test", b"many.test"):
            return found("127.0.0.1", *args, **options) * 20
        return found(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", many)
    with deaf_port() as port:
        start = time.monotonic()
        failure = failure_of(
            sender.send(f"http://many.test:{port}/v1", timeout=0.3, connect_timeout=0.1)
        )
        assert time.monotonic() - start < TIME_LIMIT
    assert (failure.sent, failure.timeout) == (False, True)


@pytest.mark.parametrize("sender", ["sync httpx client", "sync httpx2 client"], indirect=True)
def test_exhausted_pool_was_not_sent(sender: Sender, server: Loopback) -> None:
    client = sender.http_client(limits=sender.library.Limits(max_connections=1))
    sender.use(client)
    server.script(silence)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(sender.send, server.url, timeout=0.5)
        time.sleep(0.1)
        second = failure_of(sender.send(server.url, timeout=0.1))
    assert (second.sent, second.timeout) == (False, True)
    assert failure_of(first.result()).sent
    client.close()


def test_invalid_url_makes_transport_unusable(sender: Sender) -> None:
    failure = failure_of(sender.send("http://" + "a" * 70_000 + "/v1"))
    assert failure.unusable
    assert failure.reason.startswith("no request can be sent: ")


def test_invalid_header_is_not_sent(sender: Sender, server: Loopback) -> None:
    failure = failure_of(sender.send(server.url, headers=[("X-Bad", "a\r\nX-More: b")]))
    assert "header" in failure.reason
    assert server.requests == []


# ---- The request was sent, and the response was lost ----


@pytest.mark.parametrize(
    "script",
    [
        send_and_reset(),
        send_and_reset(b"HTTP/1.1 200 O"),
        send_and_reset(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
        raw(b""),
        raw(b"HTTP/1.1 200 OK\r\ncontent-len"),
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
        raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"),
        raw(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nsoup\r\n{}\r\n"),
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}"),
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}"),
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
        raw(b"HTTP/1.1 099 Hm\r\n\r\n"),
        raw(b"\x00\xff" * 300),
        raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n" + b"x-h: " + b"v" * 2_000_000 + b"\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"),
    ],
)
def test_broken_response_is_failure(
    sender: Sender, server: Loopback, script: Callable[[Connection], None]
) -> None:
    server.script(script)
    failure = failure_of(sender.send(server.url))
    assert (failure.sent, failure.unusable) == (True, False)
    assert failure.reason


def test_connection_reset_is_failure(sender: Sender, server: Loopback) -> None:
    server.resets_on_accept = True
    assert failure_of(sender.send(server.url)).reason


def test_silent_server_times_out(sender: Sender, server: Loopback) -> None:
    server.script(silence)
    start = time.monotonic()
    failure = failure_of(sender.send(server.url, timeout=0.2))
    assert 0.15 < time.monotonic() - start < TIME_LIMIT
    assert failure == TransportFailure(
        reason="the request timed out after 0.2 s", sent=True, timeout=True
    )


@pytest.mark.parametrize(
    "script",
    [
        send_in_pieces(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b"{", pause=0.03),
        send_in_pieces(b"H", b"T", b"T", b"P", b"/", b"1", b".", b"1", b" ", b"2", pause=0.03),
        send_in_pieces(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", pause=0.03),
        send_in_pieces(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.03),
        send_in_pieces(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, pause=0),
        send_in_pieces(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\n{\r\n", pause=0.03
        ),
    ],
    ids=["body", "status line", "headers", "1xx", "1xx without a pause", "chunks"],
)
def test_trickling_server_times_out(
    sender: Sender, server: Loopback, script: Callable[[Connection], None]
) -> None:
    if not sender.bounds_everything:
        pytest.skip("documented: a blocking client of the user limits only each single read")
    server.script(script)
    start = time.monotonic()
    failure = failure_of(sender.send(server.url, timeout=0.2))
    assert time.monotonic() - start < TIME_LIMIT
    assert (failure.sent, failure.timeout) == (True, True)


def test_trickling_body_times_out_with_any_client(sender: Sender, server: Loopback) -> None:
    server.script(
        send_in_pieces(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b"{", pause=0.03)
    )
    start = time.monotonic()
    assert failure_of(sender.send(server.url, timeout=0.2)).timeout
    assert time.monotonic() - start < TIME_LIMIT


def test_server_that_does_not_read_times_out(sender: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        start = time.monotonic()
        failure = failure_of(
            sender.send(
                f"http://127.0.0.1:{listener.getsockname()[1]}/", b"x" * 30_000_000, timeout=0.2
            )
        )
        assert time.monotonic() - start < TIME_LIMIT
    assert (failure.sent, failure.timeout) == (True, True)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_passed_deadline_is_unsent_timeout(
    sender: Sender, server: Loopback, seconds: float
) -> None:
    failure = failure_of(sender.send(server.url, timeout=seconds))
    assert failure == TransportFailure(reason="the deadline had passed", sent=False, timeout=True)
    assert server.requests == []
