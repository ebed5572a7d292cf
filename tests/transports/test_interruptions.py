"""Exceptions that interrupt a request: those of signal handlers, hooks and other foreign code."""

import gc
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import httpx
import httpx2
import pytest

from statsig_api_client import Statsig, StatsigUser
from statsig_api_client._transports.base import RequestHeaders, TransportRequest, TransportResponse
from statsig_api_client._transports.httpx import HttpxTransport
from statsig_api_client._transports.pyreqwest import PyreqwestTransport
from tests.support.loopback import Connection, Loopback, Script, respond

KINDS = ["httpx", "httpx2", "httpx client", "httpx2 client"]

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class SoftTimeLimitExceeded(Exception):  # noqa: N818  (as celery names it)
    """An exception like those of job runners."""


class JobTimeoutError(TimeoutError):
    """An exception whose class resembles a network error."""


class JobLostError(ConnectionError):
    """Another exception whose class resembles a network error."""


EXCEPTIONS = [
    SoftTimeLimitExceeded,
    JobTimeoutError,
    JobLostError,
    TimeoutError,
    OSError,
    ConnectionResetError,
    ValueError,
    RuntimeError,
    KeyboardInterrupt,
]


@contextmanager
def opened(kind: str) -> Iterator[Any]:
    if kind == "fast":
        transport: Any = PyreqwestTransport()
        yield transport
        transport.close()
    elif "client" not in kind:
        transport = HttpxTransport(default=kind)
        yield transport
        transport.close()
    else:
        library: Any = httpx2 if "httpx2" in kind else httpx
        with library.Client(limits=library.Limits(max_connections=2)) as client:
            yield HttpxTransport(client)


@contextmanager
def handler_raising(error: type[BaseException]) -> Iterator[None]:
    """Install a signal handler like those of job runners."""

    def handler(_: int, __: FrameType | None) -> None:
        raise error("the job has taken too long")

    previous = signal.signal(signal.SIGALRM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, previous)


def interrupting(before: bytes = b"", after: bytes = b"") -> Script:
    """Return a script that sends bytes, signals the main thread, and sends more bytes."""

    def script(connection: Connection) -> None:
        connection.send(before)
        identity = threading.main_thread().ident
        assert identity is not None
        signal.pthread_kill(identity, signal.SIGALRM)
        connection.send(after)
        connection.keep = bool(after)

    return script


@contextmanager
def raising_at(line: int, error: type[BaseException], *, locks: bool) -> Iterator[list[str]]:
    """Raise an exception before the n-th line is executed, like a signal handler.

    Yields the place that was interrupted, if any.
    """
    left = line
    interrupted: list[str] = []

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        file = frame.f_code.co_filename
        locked = "_synchronization" in file or "connection_pool" in file
        if (locked and not locks) or frame.f_code.co_name == "__del__":
            return None
        if event == "line" and ("_transports" in file or "httpcore" in file):
            left -= 1
            if left < 0:
                sys.settrace(None)
                interrupted.append(f"{file}:{frame.f_lineno}")
                raise error
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        yield interrupted
    finally:
        sys.settrace(previous)


def chain(error: BaseException | None) -> list[BaseException]:
    """Return an error and those before it, in the order in which tracebacks show them."""
    errors: list[BaseException] = []
    while error is not None and error not in errors:  # rich does not stop at a cycle
        errors.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert error is None, "the chain is a cycle"
    return errors


def request_to(server: Loopback) -> TransportRequest:
    return TransportRequest(
        url=server.url, headers=RequestHeaders(), body=b"{}", connect_timeout=5, timeout=5
    )


unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGALRM")


@unix
@pytest.mark.parametrize("kind", [*KINDS, "fast"])
@pytest.mark.parametrize("error", EXCEPTIONS)
def test_signal_handler_exception_surfaces_immediately(
    server: Loopback, kind: str, error: type[BaseException]
) -> None:
    # pyreqwest holds signals back until it has the response.
    server.script(interrupting(after=OK), respond())
    with opened(kind) as transport:
        with (
            handler_raising(error),
            pytest.raises(error, match="the job has taken too long") as raised,
        ):
            transport.send(request_to(server))
        assert chain(raised.value) == [raised.value]
        assert isinstance(transport.send(request_to(server)), TransportResponse)
    assert len(server.requests) == 2


@unix
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("error", [SoftTimeLimitExceeded, JobTimeoutError, TimeoutError])
def test_exception_while_body_is_read_surfaces(
    server: Loopback, error: type[BaseException], status: int
) -> None:
    start = b"HTTP/1.1 %d Status\r\ncontent-length: 9\r\n\r\n" % status
    server.script(interrupting(start + b"{"))
    with opened("httpx") as transport, handler_raising(error), pytest.raises(error):
        transport.send(request_to(server))


@unix
def test_signal_handler_exception_is_not_retried(server: Loopback) -> None:
    server.script(interrupting())
    options: Any = {"max_retries": 5, "on_error": "fallback"}
    with Statsig("secret-key", base_url=server.url, **options) as statsig:
        with handler_raising(TimeoutError), pytest.raises(TimeoutError, match="the job"):
            statsig.check_gate(StatsigUser(user_id="1"), "gate")
        assert len(server.requests) == 1
        server.script(respond())
        assert statsig.check_gate(StatsigUser(user_id="1"), "gate").error is None


# The garbage collector closes a socket that is interrupted before its first use.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", [SoftTimeLimitExceeded, TimeoutError, KeyboardInterrupt])
def test_request_interrupted_at_any_line_leaks_nothing(
    server: Loopback, kind: str, error: type[BaseException]
) -> None:
    # A pool of httpcore hangs if its own lock is interrupted, which no caller can prevent.
    locks = "client" not in kind
    line = 0
    with opened(kind) as transport:
        while True:
            surfaced = False
            with raising_at(line, error, locks=locks) as interrupted:
                try:
                    transport.send(request_to(server))
                except error:
                    surfaced = True
            assert surfaced == bool(interrupted), interrupted
            if not interrupted:
                break
            line += 3
        assert line > 100
        for _ in range(3):
            assert isinstance(transport.send(request_to(server)), TransportResponse)
    gc.collect()
