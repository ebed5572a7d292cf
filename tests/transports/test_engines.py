"""How bytes reach the wire and come back: all engines, on a real server."""

import asyncio
import gc
import gzip
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest
import trustme
from attrs import define, field

from statsig_api_client._response import Headers
from statsig_api_client._transports import pyreqwest
from statsig_api_client._transports.base import (
    RequestHeaders,
    TransportFailure,
    TransportRequest,
    TransportResponse,
    TransportResult,
)
from statsig_api_client._transports.httpx import AsyncHttpxTransport, HttpxTransport
from statsig_api_client._transports.pyreqwest import AsyncPyreqwestTransport, PyreqwestTransport
from tests.support.loopback import (
    Connection,
    Loopback,
    drip,
    loopback,
    raw,
    reply,
    silence,
    then_reset,
    unused_port,
)

LATE = 5.0
"""Seconds: nothing here takes so long, but on a machine that is busy with something else."""

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@define
class Sender:
    """An engine of any kind, called the same way."""

    engine: Any
    library: ModuleType | None
    runner: asyncio.Runner
    is_async: bool = field(default=False, kw_only=True)
    supplied: bool = field(default=False, kw_only=True)

    def send(
        self,
        url: str,
        body: bytes = b"{}",
        *,
        headers: list[tuple[str, str]] | None = None,
        timeout: float = 5.0,
        connect_timeout: float = 5.0,
    ) -> TransportResult:
        request = TransportRequest(
            url=url,
            headers=RequestHeaders(*(headers or [])),
            body=body,
            connect_timeout=connect_timeout,
            timeout=timeout,
        )
        if not self.is_async:
            return self.engine.send(request)
        return self.runner.run(self.engine.send(request))

    def http_client(self, **options: Any) -> Any:
        assert self.library is not None
        return (self.library.AsyncClient if self.is_async else self.library.Client)(**options)

    def use(self, http_client: Any) -> None:
        """Send by another client from now on."""
        self.close()
        self.engine = (AsyncHttpxTransport if self.is_async else HttpxTransport)(http_client)

    def close(self) -> None:
        if self.is_async:
            self.runner.run(self.engine.aclose())
        else:
            self.engine.close()

    @property
    def is_fast(self) -> bool:
        """It is not made of httpx."""
        return self.library is None

    @property
    def bounds_everything(self) -> bool:
        """A blocking client of the user's has its own idea of time, as documented."""
        return self.is_async or not self.supplied


@contextmanager
def sender(kind: str) -> Iterator[Sender]:
    is_async = "async" in kind
    library = httpx2 if "httpx2" in kind else httpx
    supplied = "client" in kind
    engine_class: Any = AsyncHttpxTransport if is_async else HttpxTransport
    with asyncio.Runner() as runner:
        if "fast" in kind:
            fast = AsyncPyreqwestTransport() if is_async else PyreqwestTransport()
            made = Sender(fast, None, runner, is_async=is_async)
            yield made
            made.close()
        elif not supplied:
            made = Sender(
                engine_class(default=library.__name__), library, runner, is_async=is_async
            )
            yield made
            made.close()
        elif is_async:
            client = library.AsyncClient()
            made = Sender(engine_class(client), library, runner, is_async=True, supplied=True)
            yield made
            runner.run(client.aclose())
        else:
            with library.Client() as client:
                yield Sender(engine_class(client), library, runner, supplied=True)


KINDS = [
    f"{way} {what}"
    for way in ("sync", "async")
    for what in ("httpx", "httpx2", "httpx client", "httpx2 client", "fast")
]


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest) -> Iterator[Sender]:
    with sender(request.param) as made:
        yield made


on_own_connections = pytest.mark.parametrize(
    "engine", [kind for kind in KINDS if "client" not in kind], indirect=True
)
on_a_users_client = pytest.mark.parametrize(
    "engine", [kind for kind in KINDS if "client" in kind], indirect=True
)


def replied(outcome: TransportResult) -> TransportResponse:
    assert isinstance(outcome, TransportResponse), outcome
    return outcome


def failed(outcome: TransportResult) -> TransportFailure:
    assert isinstance(outcome, TransportFailure), outcome
    return outcome


# ---- What is sent and what comes back ----


def test_a_request_goes_out_as_it_is(engine: Sender, server: Loopback) -> None:
    engine.send(f"{server.url}/check_gate", b'{"a":1}', headers=[("X-Own", "1")])
    (received,) = server.requests
    assert received.raw_headers.startswith(b"POST /v1/check_gate HTTP/1.1\r\n")
    assert received.body == b'{"a":1}'
    assert received.headers["x-own"] == "1"
    assert received.headers["host"] == f"127.0.0.1:{server.port}"
    assert received.headers["content-length"] == "7"
    assert "transfer-encoding" not in received.headers


def test_a_reply_comes_back_as_it_is(engine: Sender, server: Loopback) -> None:
    server.script(reply(418, b"short and stout", {"X-Tea": "pot"}))
    answer = replied(engine.send(server.url))
    assert (answer.status_code, answer.content, answer.problem) == (418, b"short and stout", None)
    assert answer.headers["x-tea"] == "pot"


@pytest.mark.parametrize("status", [200, 202, 299, 301, 404, 500, 599, 600, 999])
def test_any_status_is_a_reply(engine: Sender, server: Loopback, status: int) -> None:
    server.script(reply(status, b"x"))
    assert replied(engine.send(server.url)).status_code == status


@pytest.mark.parametrize("status", [204, 304])
def test_a_reply_without_a_body_is_empty(engine: Sender, server: Loopback, status: int) -> None:
    server.script(raw(f"HTTP/1.1 {status} Fine\r\n\r\n".encode(), keep=True))
    assert replied(engine.send(server.url)).content == b""


def test_switching_protocols_is_no_reply_to_wait_for(engine: Sender, server: Loopback) -> None:
    server.script(raw(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"))
    outcome = engine.send(server.url, timeout=2)
    assert isinstance(outcome, TransportFailure) or outcome.status_code == 101


def test_what_a_server_says_before_its_reply_is_skipped(engine: Sender, server: Loopback) -> None:
    server.script(raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + OK))
    assert replied(engine.send(server.url)).content == b"ok"


def test_a_chunked_reply_is_put_together(engine: Sender, server: Loopback) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    server.script(raw(chunked + b"2\r\n{}\r\n3;x=y\r\n   \r\n0\r\nTrailer: 1\r\n\r\n", keep=True))
    assert replied(engine.send(server.url)).content == b"{}   "


def test_a_reply_without_a_length_ends_with_the_connection(
    engine: Sender, server: Loopback
) -> None:
    server.script(raw(b"HTTP/1.1 200 OK\r\n\r\nall of it"))
    assert replied(engine.send(server.url)).content == b"all of it"


def test_a_large_request_and_a_large_reply_get_through(engine: Sender, server: Loopback) -> None:
    server.script(reply(200, b"r" * 9_000_000))
    assert len(replied(engine.send(server.url, b"q" * 9_000_000, timeout=20)).content) == 9_000_000
    assert len(server.requests[0].body) == 9_000_000


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("GZIP", gzip.compress),
    ],
)
def test_a_compressed_reply_is_unpacked(
    engine: Sender, server: Loopback, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    server.script(reply(200, encode(b'{"name":"x"}'), {"Content-Encoding": encoding}))
    assert replied(engine.send(server.url)).content == b'{"name":"x"}'


def test_a_host_with_several_addresses_is_reached_by_the_one_that_works(
    engine: Sender, server: Loopback
) -> None:
    url = server.url.replace("127.0.0.1", "localhost")  # often ::1 first, where nobody listens
    assert replied(engine.send(url)).status_code == 200
    assert server.requests[0].headers["host"] == f"localhost:{server.port}"


def test_a_reply_that_says_deflate_may_leave_out_its_head(engine: Sender, server: Loopback) -> None:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packing.compress(b'{"name":"x"}') + packing.flush()
    server.script(reply(200, packed, {"Content-Encoding": "deflate"}))
    assert replied(engine.send(server.url)).content == b'{"name":"x"}'


def test_a_header_that_is_not_ascii_harms_no_other(engine: Sender, server: Loopback) -> None:
    head = b"HTTP/1.1 200 OK\r\nx-odd: \xff\r\nx-more: 1\r\ncontent-length: 2\r\n\r\nok"
    server.script(raw(head, keep=True))
    answer = replied(engine.send(server.url))
    assert answer.content == b"ok"
    assert answer.headers["x-more"] == "1"


def test_an_encoding_that_is_not_ascii_is_a_reply_all_the_same(
    engine: Sender, server: Loopback
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: \xff\r\ncontent-length: 2\r\n\r\nok"
    server.script(raw(head, keep=True))
    answer = replied(engine.send(server.url))
    if engine.is_fast:  # documented: such a header is left out
        assert (answer.content, answer.problem) == (b"ok", None)
    else:
        assert answer.problem == "it has a content-encoding that was not asked for"


# ---- Connections ----


def test_a_connection_is_used_again(engine: Sender, server: Loopback) -> None:
    for _ in range(5):
        replied(engine.send(server.url))
    assert server.connections == 1


def test_attempts_of_any_length_share_connections(engine: Sender, server: Loopback) -> None:
    for left in range(50):
        seconds = 1 + left / 100
        replied(engine.send(server.url, timeout=seconds, connect_timeout=seconds))
    assert server.connections <= 2  # pyreqwest has them of a second and of 1.25 seconds


def test_a_connection_that_the_server_has_closed_is_not_used_again(
    engine: Sender, server: Loopback
) -> None:
    server.script(raw(OK))
    for _ in range(3):
        assert replied(engine.send(server.url)).content == b"ok"
        time.sleep(0.05)
    assert server.connections == 3


def test_a_connection_is_used_again_after_an_error(engine: Sender, server: Loopback) -> None:
    server.script(reply(500), reply(404), reply(200))
    assert [replied(engine.send(server.url)).status_code for _ in range(3)] == [500, 404, 200]
    assert server.connections == 1


@pytest.mark.parametrize("engine", [k for k in KINDS if k.startswith("sync")], indirect=True)
def test_many_threads_send_at_once(engine: Sender, server: Loopback) -> None:
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda _: engine.send(server.url), range(160)))
    assert all(replied(outcome).status_code == 200 for outcome in outcomes)
    # pyreqwest lets the next request in a moment before the connection is free.
    assert server.connections <= (32 if engine.is_fast else 16)


@pytest.mark.parametrize("engine", [k for k in KINDS if k.startswith("async")], indirect=True)
def test_many_tasks_send_at_once(engine: Sender, server: Loopback) -> None:
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=30, timeout=30
    )

    async def burst() -> list[TransportResult]:
        return await asyncio.gather(*(engine.engine.send(request) for _ in range(200)))

    outcomes = engine.runner.run(burst())
    assert all(replied(outcome).status_code == 200 for outcome in outcomes)
    assert engine.supplied or server.connections <= (150 if engine.is_fast else 100)


def _until(happened: Callable[[], bool]) -> None:
    start = time.monotonic()
    while not happened() and time.monotonic() - start < LATE:
        time.sleep(0.01)


@pytest.mark.parametrize("engine", ["async httpx", "async httpx2", "async fast"], indirect=True)
def test_replies_that_take_their_time_hold_up_no_other_request(
    engine: Sender, server: Loopback
) -> None:
    slow = drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b"{", pause=0.03)
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=9, timeout=9
    )

    async def behind_slow_ones() -> None:
        waiting = [asyncio.create_task(engine.engine.send(request)) for _ in range(12)]
        await asyncio.to_thread(_until, lambda: len(server.requests) == 12)
        await asyncio.sleep(0.1)
        server.script(reply())
        assert replied(await asyncio.wait_for(engine.engine.send(request), LATE))
        assert not any(task.done() for task in waiting)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    server.script(slow)
    engine.runner.run(behind_slow_ones())


@pytest.mark.parametrize("engine", ["async httpx", "async httpx2"], indirect=True)
def test_an_engine_goes_from_one_event_loop_to_the_next(engine: Sender, server: Loopback) -> None:
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=5
    )

    async def twice() -> None:
        replied(await engine.engine.send(request))
        replied(await engine.engine.send(request))

    def several_loops() -> None:
        for _ in range(3):
            asyncio.run(twice())
        replied(engine.send(server.url))
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed"):  # connections of loops that are over
        several_loops()
    assert server.connections == 4


@pytest.mark.parametrize("engine", ["async fast"], indirect=True)
def test_the_fast_engine_keeps_its_connections_from_one_event_loop_to_the_next(
    engine: Sender, server: Loopback
) -> None:
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=5
    )
    for _ in range(3):
        replied(asyncio.run(engine.engine.send(request)))
    assert server.connections == 1


FORK = """
import os, sys
from statsig_api_client._transports.base import RequestHeaders, TransportRequest
from statsig_api_client._transports.pyreqwest import PyreqwestTransport
from statsig_api_client._transports.httpx import HttpxTransport

engine = {engine}()
headers = RequestHeaders()
request = TransportRequest(url=sys.argv[1], headers=headers, body=b"", connect_timeout=5, timeout=5)
assert engine.send(request).status_code == 200
child = os.fork()
if child == 0:
    ok = engine.send(request).status_code == 200 and engine.send(request).status_code == 200
    engine.close()
    os._exit(0 if ok else 1)
assert os.waitpid(child, 0)[1] == 0
assert engine.send(request).status_code == 200
engine.close()
"""


def run_python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=30
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.parametrize("name", ["HttpxTransport", "PyreqwestTransport"])
def test_parent_and_child_have_their_own_connections_after_a_fork(
    server: Loopback, name: str
) -> None:
    result = run_python("-W", "error", "-c", FORK.format(engine=name), server.url)
    assert result.returncode == 0, result.stderr
    assert (server.connections, len(server.requests)) == (2, 4)


class Forked:
    """What builds clients of pyreqwest, in the child of a process that has used it."""

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: self

    def __init__(self) -> None:
        changing = {1: 1}
        self.build = iter(changing).__next__  # raises a RuntimeError without a frame of its own
        changing[2] = 2


@pytest.mark.parametrize("engine", ["sync fast", "async fast"], indirect=True)
def test_where_pyreqwest_cannot_run_httpx_does_its_work(
    engine: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SyncClientBuilder", "ClientBuilder"):
        monkeypatch.setattr(pyreqwest, name, Forked)
    assert replied(engine.send(server.url)).status_code == 200
    assert replied(engine.send(server.url)).status_code == 200
    assert "accept" not in server.requests[0].headers  # pyreqwest would add it
    assert server.connections == 1
    engine.close()


# ---- Nothing was sent ----


def test_a_refused_connection_was_not_sent(engine: Sender) -> None:
    failure = failed(engine.send(f"http://127.0.0.1:{unused_port()}/v1"))
    assert failure == TransportFailure("connection refused", sent=False)


def test_an_unknown_host_was_not_sent(engine: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    # The second cannot be looked up anywhere, since no name has a part of more than 63 letters.
    host = "no-such-host.example" if not engine.is_fast else f"{'a' * 64}.example"
    failure = failed(engine.send(f"http://{host}/v1"))
    assert (failure.sent, failure.timeout, failure.unusable) == (False, False, False)
    assert failure.reason.endswith("ame or service not known")


@contextmanager
def deaf_port() -> Iterator[int]:
    """A port that takes no more connections and does not refuse them either."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


def test_connecting_has_its_own_timeout_and_was_not_sent(engine: Sender) -> None:
    with deaf_port() as port:
        start = time.monotonic()
        failure = failed(engine.send(f"http://127.0.0.1:{port}/v1", connect_timeout=0.2))
        assert time.monotonic() - start < LATE
    assert failure == TransportFailure(
        reason="connecting took more than 0.2 s", sent=False, timeout=True
    )


def test_connecting_takes_no_longer_than_the_attempt(engine: Sender) -> None:
    with deaf_port() as port:
        start = time.monotonic()
        failure = failed(engine.send(f"http://127.0.0.1:{port}/v1", timeout=0.2))
        assert time.monotonic() - start < LATE
    assert failure.timeout
    # Of a user's client it is not known what it was about when the time was over, nor of pyreqwest.
    assert failure.sent is ((engine.supplied and engine.is_async) or engine.is_fast)


@pytest.mark.parametrize("engine", ["sync fast", "async fast"], indirect=True)
@pytest.mark.parametrize("timeout", [0.25, 0.26, 0.3])
def test_connecting_that_may_take_the_whole_attempt_is_known_to_be_connecting(
    engine: Sender, timeout: float
) -> None:
    with deaf_port() as port:
        url = f"http://127.0.0.1:{port}/v1"
        failure = failed(engine.send(url, timeout=timeout, connect_timeout=timeout))
    assert failure == TransportFailure(
        reason="connecting took more than 0.25 s", sent=False, timeout=True
    )


@pytest.mark.parametrize("engine", ["sync httpx", "sync httpx2"], indirect=True)
def test_all_addresses_of_a_host_together_take_no_longer_than_the_attempt(
    engine: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = socket.getaddrinfo

    def many(host: str, *args: Any, **options: Any) -> Any:
        if host == "many.test":
            return found("127.0.0.1", *args, **options) * 20
        return found(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", many)
    with deaf_port() as port:
        start = time.monotonic()
        failure = failed(
            engine.send(f"http://many.test:{port}/v1", timeout=0.3, connect_timeout=0.1)
        )
        assert time.monotonic() - start < LATE
    assert (failure.sent, failure.timeout) == (False, True)


@pytest.mark.parametrize("engine", ["sync httpx client", "sync httpx2 client"], indirect=True)
def test_no_free_connection_was_not_sent(engine: Sender, server: Loopback) -> None:
    client = engine.http_client(limits=engine.library.Limits(max_connections=1))
    engine.use(client)
    server.script(silence)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(engine.send, server.url, timeout=0.5)
        time.sleep(0.1)
        second = failed(engine.send(server.url, timeout=0.1))
    assert (second.sent, second.timeout) == (False, True)
    assert failed(first.result()).sent
    client.close()


def test_a_url_that_is_none_makes_the_engine_unusable(engine: Sender) -> None:
    failure = failed(engine.send("http://" + "a" * 70_000 + "/v1"))
    assert failure.unusable
    assert failure.reason.startswith("nothing can be sent: ")


def test_a_header_that_breaks_the_protocol_is_not_sent(engine: Sender, server: Loopback) -> None:
    failure = failed(engine.send(server.url, headers=[("X-Bad", "a\r\nX-More: b")]))
    assert "header" in failure.reason
    assert server.requests == []


# ---- It was sent, and the reply was lost ----


@pytest.mark.parametrize(
    "script",
    [
        then_reset(),
        then_reset(b"HTTP/1.1 200 O"),
        then_reset(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
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
def test_a_broken_reply_is_a_lost_one(
    engine: Sender, server: Loopback, script: Callable[[Connection], None]
) -> None:
    server.script(script)
    failure = failed(engine.send(server.url))
    assert (failure.sent, failure.unusable) == (True, False)
    assert failure.reason


def test_a_connection_that_is_reset_at_once_is_a_failure(engine: Sender, server: Loopback) -> None:
    server.resets_on_accept = True
    assert failed(engine.send(server.url)).reason


def test_a_silent_server_is_left_when_the_time_is_over(engine: Sender, server: Loopback) -> None:
    server.script(silence)
    start = time.monotonic()
    failure = failed(engine.send(server.url, timeout=0.2))
    assert 0.15 < time.monotonic() - start < LATE
    assert failure == TransportFailure(reason="it took more than 0.2 s", sent=True, timeout=True)


@pytest.mark.parametrize(
    "script",
    [
        drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b"{", pause=0.03),
        drip(b"H", b"T", b"T", b"P", b"/", b"1", b".", b"1", b" ", b"2", pause=0.03),
        drip(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", pause=0.03),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.03),
        drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, pause=0),
        drip(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"1\r\n{\r\n", pause=0.03),
    ],
    ids=["body", "status line", "headers", "1xx", "1xx without a pause", "chunks"],
)
def test_a_server_that_dribbles_is_left_when_the_time_is_over(
    engine: Sender, server: Loopback, script: Callable[[Connection], None]
) -> None:
    if not engine.bounds_everything:
        pytest.skip("documented: a blocking client of the user's bounds each wait alone")
    server.script(script)
    start = time.monotonic()
    failure = failed(engine.send(server.url, timeout=0.2))
    assert time.monotonic() - start < LATE
    assert (failure.sent, failure.timeout) == (True, True)


def test_a_body_that_dribbles_is_left_even_by_a_users_client(
    engine: Sender, server: Loopback
) -> None:
    server.script(drip(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", b"{", pause=0.03))
    start = time.monotonic()
    assert failed(engine.send(server.url, timeout=0.2)).timeout
    assert time.monotonic() - start < LATE


def test_a_server_that_does_not_read_is_left_when_the_time_is_over(engine: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        start = time.monotonic()
        failure = failed(
            engine.send(
                f"http://127.0.0.1:{listener.getsockname()[1]}/", b"x" * 30_000_000, timeout=0.2
            )
        )
        assert time.monotonic() - start < LATE
    assert (failure.sent, failure.timeout) == (True, True)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_time_left_is_a_timeout_and_not_sent(
    engine: Sender, server: Loopback, seconds: float
) -> None:
    failure = failed(engine.send(server.url, timeout=seconds))
    assert failure == TransportFailure(reason="no time was left", sent=False, timeout=True)
    assert server.requests == []


# ---- A reply that is not worth reading, or not all of it ----


@pytest.mark.parametrize(
    "lengths",
    [
        b"",
        b"content-length: 50000000\r\n",
        b"transfer-encoding: chunked\r\n",
        b"content-length: 2\r\ntransfer-encoding: chunked\r\n",
    ],
)
def test_a_huge_reply_is_not_read_to_its_end(
    engine: Sender, server: Loopback, lengths: bytes
) -> None:
    body = b" " * 50_000_000
    if b"chunked" in lengths:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    server.script(raw(b"HTTP/1.1 200 OK\r\n" + lengths + b"\r\n" + body))
    answer = replied(engine.send(server.url, timeout=20))
    assert answer.problem == "it is larger than 10 MiB"
    assert len(answer.content) <= 10 * 1024 * 1024


def test_a_reply_that_unpacks_to_a_huge_one_is_not_unpacked_to_its_end(
    engine: Sender, server: Loopback
) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, compresslevel=1)
    server.script(reply(200, bomb, {"Content-Encoding": "gzip"}))
    assert replied(engine.send(server.url, timeout=20)).problem == "it is larger than 10 MiB"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, deflate", "rot13", ""])
def test_an_encoding_that_was_not_asked_for_is_not_unpacked(
    engine: Sender, server: Loopback, encoding: str
) -> None:
    server.script(reply(200, b"{}", {"Content-Encoding": encoding}))
    answer = replied(engine.send(server.url))
    assert answer.problem == "it has a content-encoding that was not asked for"


def test_a_reply_that_cannot_be_unpacked_says_so(engine: Sender, server: Loopback) -> None:
    server.script(reply(200, b"not gzip at all", {"Content-Encoding": "gzip"}))
    assert replied(engine.send(server.url)).problem == "it cannot be decompressed"


@pytest.mark.parametrize(
    "script",
    [
        raw(b"HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\npartial"),
        then_reset(b"HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\npartial"),
        drip(b"HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\npartial", b"", pause=0.03),
    ],
    ids=["cut", "reset", "dribbling"],
)
def test_a_refusal_is_known_by_its_status_whatever_becomes_of_its_body(
    engine: Sender, server: Loopback, script: Callable[[Connection], None]
) -> None:
    server.script(script)
    outcome = engine.send(server.url, timeout=0.2)
    if engine.is_fast:  # documented: pyreqwest reads a small reply to its end before it shows it
        assert failed(outcome).sent
    else:
        answer = replied(outcome)
        assert (answer.status_code, answer.problem) == (503, "it broke off")


def test_a_large_refusal_is_known_by_its_status_whatever_becomes_of_its_body(
    engine: Sender, server: Loopback
) -> None:
    start = b"HTTP/1.1 503 No\r\ncontent-length: 1000000\r\n\r\n" + b" " * 200_000
    server.script(raw(start))
    answer = replied(engine.send(server.url))
    assert (answer.status_code, answer.problem) == (503, "it broke off")


# ---- Redirects ----


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(engine: Sender, server: Loopback, status: int) -> None:
    with loopback() as elsewhere:
        server.script(reply(status, b"", {"Location": f"{elsewhere.url}/thief"}))
        assert replied(engine.send(server.url)).status_code == status
        assert elsewhere.requests == []


@on_a_users_client
def test_a_redirect_is_not_followed_by_a_client_that_follows_them(
    engine: Sender, server: Loopback
) -> None:
    client = engine.http_client(follow_redirects=True)
    engine.use(client)
    server.script(reply(302, b"", {"Location": "/elsewhere"}))
    assert replied(engine.send(server.url)).status_code == 302
    assert len(server.requests) == 1
    close(engine, client)


def test_a_redirect_to_nowhere_is_no_accident(engine: Sender, server: Loopback) -> None:
    server.script(reply(302, b"", {"Location": "https://[what/"}))
    outcome = engine.send(server.url)
    # A client of httpx reads where it leads even when it does not go there.
    assert isinstance(outcome, TransportFailure) or outcome.status_code == 302


# ---- TLS ----


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[Loopback]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with loopback(context) as running:
        yield running


def test_a_certificate_of_an_unknown_authority_is_refused_before_anything_is_sent(
    engine: Sender, tls_server: Loopback
) -> None:
    failure = failed(engine.send(tls_server.url))
    assert not failure.sent
    assert "certificate" in failure.reason
    assert tls_server.requests == []


@on_own_connections
def test_a_certificate_for_another_host_is_refused(
    engine: Sender,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trust(authority, tmp_path, monkeypatch)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("somewhere.example").configure_cert(context)
    with loopback(context) as other:
        failure = failed(engine.send(other.url))
        assert other.requests == []
    assert not failure.sent
    assert re.search('mismatch|not valid for name "127.0.0.1"', failure.reason)


def trust(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


@on_own_connections
def test_ssl_cert_file_names_the_authorities_to_trust(
    engine: Sender,
    tls_server: Loopback,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trust(authority, tmp_path, monkeypatch)
    assert replied(engine.send(tls_server.url)).status_code == 200
    assert replied(engine.send(tls_server.url)).status_code == 200
    assert tls_server.connections == 1


@on_own_connections
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_bad_ssl_cert_file_makes_the_engine_unusable(
    engine: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "bad.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    failure = failed(engine.send("https://127.0.0.1:1/v1"))
    assert failure.unusable
    assert failure.reason.startswith("nothing can be sent: ")


@on_a_users_client
def test_a_users_client_brings_its_own_trust(
    engine: Sender, tls_server: Loopback, authority: trustme.CA
) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    client = engine.http_client(verify=context)
    engine.use(client)
    assert replied(engine.send(tls_server.url)).status_code == 200
    close(engine, client)


def test_a_server_that_speaks_no_tls_is_not_sent_anything(engine: Sender, server: Loopback) -> None:
    server.script(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    failure = failed(engine.send(server.url.replace("http:", "https:"), connect_timeout=0.15))
    assert not failure.sent
    assert server.requests == []


def test_a_tls_handshake_that_never_ends_is_left(engine: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
        start = time.monotonic()
        failure = failed(engine.send(url, connect_timeout=0.15))
        assert time.monotonic() - start < LATE
    assert (failure.sent, failure.timeout) == (False, True)


# ---- Proxies of the environment ----


@on_own_connections
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_of_the_environment_is_used(
    engine: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    if name == "HTTP_PROXY" and sys.platform == "win32":
        pytest.skip("the environment does not mind case")
    monkeypatch.setenv(name, f"{scheme}127.0.0.1:{server.port}")
    assert replied(engine.send("http://statsig.test/v1/check_gate")).status_code == 200
    assert server.requests[0].path == "http://statsig.test/v1/check_gate"
    assert server.requests[0].headers["host"] == "statsig.test"


@on_own_connections
def test_a_scheme_in_capitals_has_the_same_proxy(
    engine: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
    assert replied(engine.send("HTTP://statsig.test/v1/check_gate")).status_code == 200


NO_NAME_OF_THIS_MACHINE = "0.0.0.0"  # noqa: S104  (although it leads here)


@on_own_connections
@pytest.mark.skipif(sys.platform == "win32", reason="it leads nowhere")
@pytest.mark.parametrize(
    "hosts", [NO_NAME_OF_THIS_MACHINE, "*", f"example.org,{NO_NAME_OF_THIS_MACHINE}"]
)
def test_a_host_that_no_proxy_names_is_reached_without_it(
    engine: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch, hosts: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("NO_PROXY", hosts)
    url = server.url.replace("127.0.0.1", NO_NAME_OF_THIS_MACHINE)
    assert replied(engine.send(url)).status_code == 200


@on_own_connections
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_is_reached_without_a_proxy(
    engine: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    assert replied(engine.send(f"http://{host}:{server.port}/v1")).status_code == 200
    assert server.requests[0].path == "/v1"


@on_own_connections
def test_a_proxy_tunnels_tls(
    engine: Sender,
    server: Loopback,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trust(authority, tmp_path, monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("statsig.test").configure_cert(context)

    def tunnel(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.socket = context.wrap_socket(connection.socket, server_side=True)

    server.script(tunnel, reply())
    assert replied(engine.send("https://statsig.test/v1/check_gate", b'{"a":1}')).status_code == 200
    connect, request = server.requests
    assert connect.raw_headers.startswith(b"CONNECT statsig.test:443 HTTP/1.1")
    assert (request.path, request.body) == ("/v1/check_gate", b'{"a":1}')


@on_own_connections
def test_a_proxy_that_refuses_was_not_sent_the_request(
    engine: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    server.script(reply(403, b""))
    failure = failed(engine.send("https://statsig.test/v1"))
    assert not failure.sent
    assert failure.reason == ("tunnel error: unsuccessful" if engine.is_fast else "403 Some Reason")


@on_own_connections
def test_a_proxy_of_an_unknown_kind_makes_the_engine_unusable(
    engine: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://user:hunter2@127.0.0.1:70")
    failure = failed(engine.send("https://statsig.test/v1"))
    assert failure.unusable
    assert "hunter2" not in failure.reason


# ---- A client of the user's ----


def close(engine: Sender, client: Any) -> None:
    if engine.is_async:
        engine.runner.run(client.aclose())
    else:
        client.close()


@on_a_users_client
def test_what_a_users_client_adds_is_sent_and_what_we_say_wins(
    engine: Sender, server: Loopback
) -> None:
    client = engine.http_client(
        headers={"X-Gateway": "1", "Content-Type": "text/plain"},
        cookies={"session": "abc"},
        auth=("ada", "pw"),
        params={"tenant": "7"},
        base_url="https://elsewhere.example",
        timeout=None,
    )
    engine.use(client)
    engine.send(f"{server.url}/check_gate", headers=[("Content-Type", "application/json")])
    (received,) = server.requests
    assert received.path == "/v1/check_gate?tenant=7"
    assert received.headers["x-gateway"] == "1"
    assert received.headers["cookie"] == "session=abc"
    assert received.headers["authorization"].startswith("Basic ")
    assert received.headers["content-type"] == "application/json"
    close(engine, client)


@on_a_users_client
def test_hooks_of_a_users_client_see_request_and_reply(engine: Sender, server: Loopback) -> None:
    seen: list[object] = []

    def request_hook(request: Any) -> None:
        seen.append(request.content)

    def response_hook(response: Any) -> None:
        seen.append(response.read()[:7])

    async def async_request_hook(request: Any) -> None:
        request_hook(request)

    async def async_response_hook(response: Any) -> None:
        seen.append((await response.aread())[:7])

    hooks = (
        {"request": [async_request_hook], "response": [async_response_hook]}
        if engine.is_async
        else {"request": [request_hook], "response": [response_hook]}
    )
    client = engine.http_client(event_hooks=hooks)
    engine.use(client)
    server.script(reply(200, gzip.compress(b'{"name": 1}'), {"Content-Encoding": "gzip"}))
    assert replied(engine.send(server.url, b"sent")).content == b'{"name": 1}'
    assert seen == [b"sent", b'{"name"']
    close(engine, client)


@on_a_users_client
def test_hook_error_surfaces_and_client_stays_usable(engine: Sender, server: Loopback) -> None:
    errors: list[Exception] = [LookupError("no token"), ValueError(), RuntimeError()]

    def hook(_: Any) -> None:
        if errors:
            raise errors.pop()

    async def async_hook(request: Any) -> None:
        hook(request)

    hooks = [async_hook if engine.is_async else hook]
    client = engine.http_client(event_hooks={"request": hooks})
    engine.use(client)
    for expected in (RuntimeError, ValueError, LookupError):
        with pytest.raises(expected):
            engine.send(server.url)
    assert replied(engine.send(server.url)).status_code == 200
    close(engine, client)


def raising(engine: Sender, error: Exception) -> Any:
    """A client whose transport raises."""
    assert engine.library is not None

    def handler(_: Any) -> None:
        raise error

    return engine.http_client(transport=engine.library.MockTransport(handler))


@on_a_users_client
def test_an_error_is_told_in_the_words_of_the_one_that_caused_it(engine: Sender) -> None:
    refused = ExceptionGroup("all addresses", [OSError(101, "Network is unreachable")])
    error = engine.library.ConnectError("All connection attempts failed")
    error.__cause__ = refused
    client = raising(engine, error)
    engine.use(client)
    failure = failed(engine.send("http://statsig.test/"))
    assert failure == TransportFailure(reason="network is unreachable", sent=False)
    close(engine, client)


def test_an_abbreviation_keeps_its_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", f"socks5h://127.0.0.1:{unused_port()}")
    with sender("sync fast") as engine:
        failure = failed(engine.send("http://statsig.test/"))
    assert failure.reason.startswith("SOCKS error")


@on_a_users_client
def test_an_error_without_words_is_told_by_its_name(engine: Sender) -> None:
    assert engine.library is not None
    client = raising(engine, engine.library.ReadError(""))
    engine.use(client)
    assert failed(engine.send("http://statsig.test/")).reason == "ReadError"
    close(engine, client)


@on_a_users_client
def test_a_users_client_stays_open_when_the_engine_closes(engine: Sender, server: Loopback) -> None:
    client = engine.http_client()
    engine.use(client)
    engine.send(server.url)
    engine.close()
    assert not client.is_closed
    assert failed(engine.send(server.url)).unusable
    close(engine, client)


@on_a_users_client
def test_a_users_client_that_is_closed_makes_the_engine_unusable(
    engine: Sender, server: Loopback
) -> None:
    client = engine.http_client()
    engine.use(client)
    close(engine, client)
    failure = failed(engine.send(server.url))
    assert failure == TransportFailure(reason="the client is closed", sent=False, unusable=True)


@on_a_users_client
def test_a_subclass_of_a_client_is_a_client(engine: Sender, server: Loopback) -> None:
    base = engine.library.AsyncClient if engine.is_async else engine.library.Client
    client = type("CompanyClient", (base,), {"__module__": "company.http"})()
    engine.use(client)
    assert replied(engine.send(server.url)).status_code == 200
    close(engine, client)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_other_kind_of_client_is_refused(library: ModuleType) -> None:
    with pytest.raises(TypeError, match="AsyncStatsig takes an AsyncClient, and Statsig a Client"):
        AsyncHttpxTransport(library.Client())
    with pytest.raises(TypeError, match="Statsig takes a Client, and AsyncStatsig an AsyncClient"):
        HttpxTransport(library.AsyncClient())


@pytest.mark.parametrize("engine_class", [HttpxTransport, AsyncHttpxTransport])
def test_what_is_no_client_is_refused(engine_class: Any) -> None:
    with pytest.raises(TypeError, match="expected a client of httpx or httpx2, got Session"):
        engine_class(type("Session", (), {})())


# ---- The end ----


def test_a_closed_engine_sends_nothing_and_closes_again(engine: Sender, server: Loopback) -> None:
    engine.send(server.url)
    engine.close()
    engine.close()
    failure = failed(engine.send(server.url))
    assert failure == TransportFailure(reason="the client is closed", sent=False, unusable=True)
    assert len(server.requests) == 1


def test_an_engine_that_was_never_used_closes(engine: Sender) -> None:
    engine.close()


@pytest.mark.parametrize("kind", ["httpx", "httpx2", "fast"])
def test_an_engine_that_nobody_closes_warns(server: Loopback, kind: str) -> None:
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=5
    )
    engine = PyreqwestTransport() if kind == "fast" else HttpxTransport(default=kind)
    engine.send(request)
    with pytest.warns(ResourceWarning, match="unclosed client"):
        del engine


@pytest.mark.parametrize("engine_class", [AsyncHttpxTransport, AsyncPyreqwestTransport])
def test_an_asynchronous_engine_that_nobody_closes_warns(engine_class: Any) -> None:
    url = f"http://127.0.0.1:{unused_port()}/"
    request = TransportRequest(
        url=url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=5
    )
    engine = engine_class()
    failed(asyncio.run(engine.send(request)))  # without a connection, which would warn as well
    with pytest.warns(ResourceWarning, match="unclosed client"):
        del engine
        gc.collect()  # errors of the attempt may hold it in a circle


def test_an_engine_that_could_not_be_made_does_not_warn() -> None:
    with pytest.raises(TypeError):
        HttpxTransport(object())  # type: ignore[arg-type]
    gc.collect()


@pytest.mark.parametrize("engine_class", [AsyncHttpxTransport, AsyncPyreqwestTransport])
def test_cancelling_a_task_cancels_its_request(server: Loopback, engine_class: Any) -> None:
    server.script(silence)

    async def cancel() -> None:
        engine = engine_class()
        request = TransportRequest(
            url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=9
        )
        task = asyncio.create_task(engine.send(request))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.script(reply())
        replied(await engine.send(request))
        await engine.aclose()

    asyncio.run(cancel())


@pytest.mark.parametrize("engine_class", [HttpxTransport, PyreqwestTransport])
def test_threads_that_meet_at_the_first_request_share_connections(
    server: Loopback, engine_class: Any
) -> None:
    engine = engine_class()
    request = TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"", connect_timeout=5, timeout=5
    )
    gate = threading.Barrier(8)

    def send() -> TransportResult:
        gate.wait()
        return engine.send(request)

    with ThreadPoolExecutor(8) as pool:
        outcomes = [each.result() for each in [pool.submit(send) for _ in range(8)]]
    assert all(replied(outcome).status_code == 200 for outcome in outcomes)
    engine.close()


def test_a_request_does_not_show_its_headers() -> None:
    request = TransportRequest(
        url="https://a",
        headers=RequestHeaders(("statsig-api-key", "secret")),
        body=b"secret",
        connect_timeout=1,
        timeout=1,
    )
    answer = TransportResponse(200, Headers(lambda: [("x", "secret")]), b"secret")
    assert not re.search("secret", f"{request!r} {answer!r}")
