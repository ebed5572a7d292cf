"""A server on loopback that takes events, keeps account of each, and fails as configured."""

import gzip
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from attrs import define, field, frozen

ACCEPTED = b'{"success": true}'


@frozen
class Answer:
    """What the server does with one request."""

    status: int = 202
    body: bytes = ACCEPTED
    headers: dict[str, str] = field(factory=dict)
    takes: bool = True
    """Whether the events count as taken."""
    cut: int | None = None
    """The bytes of the reply after which the connection ends."""
    reset: bool = False
    """Whether it ends by a reset."""
    raw: bytes | None = None
    """Bytes to send instead of a reply."""
    hangs: float = 0.0
    """Seconds to wait before the connection ends without a reply."""


OK = Answer()

Plan = Callable[[int, list[dict[str, Any]]], Answer]
"""What to answer to a request, given its number, from 0, and its events."""


def always_well(number: int, events: list[dict[str, Any]]) -> Answer:  # noqa: ARG001
    return OK


def first(*answers: Answer) -> Plan:
    """These answers to the first requests; then all is well."""
    return lambda number, _: answers[number] if number < len(answers) else OK


@define(eq=False)
class Collector:
    """The account of a server."""

    plan: Plan = always_well
    taken: Counter[str] = field(factory=Counter)
    """How often each event was taken, by the `n` in its metadata."""
    batches: list[list[str]] = field(factory=list)
    """The events of each request that was taken."""
    requests: list[list[str]] = field(factory=list)
    """The events of each request, taken or not."""
    times: list[float] = field(factory=list)
    """When each request came."""
    sizes: list[int] = field(factory=list)
    """The bytes of each request before it was decompressed."""
    events: list[dict[str, Any]] = field(factory=list)
    keeps_events: bool = True
    arrived: Callable[[], object] = field(default=lambda: None)
    """Called when a request came, before anything else."""
    in_progress: int = 0
    """Requests without a response yet."""
    concurrency: list[int] = field(factory=list)
    """How many requests were in progress when each came."""
    port: int = 0
    _lock: threading.Lock = field(factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def doubles(self) -> set[str]:
        return {name for name, times in self.taken.items() if times > 1}

    def begin(self) -> None:
        with self._lock:
            self.in_progress += 1
            self.concurrency.append(self.in_progress)
        self.arrived()

    def end(self) -> None:
        with self._lock:
            self.in_progress -= 1

    def receive(self, body: bytes, encoding: str | None) -> Answer:
        content = gzip.decompress(body) if encoding == "gzip" else body
        events = json.loads(content)["events"]
        names = [event["metadata"]["n"] for event in events if "n" in event.get("metadata", {})]
        with self._lock:
            self.times.append(time.monotonic())
            self.requests.append(names)
            self.sizes.append(len(body))
            answer = self.plan(len(self.times) - 1, events)
            if answer.takes:
                self.taken.update(names)
                self.batches.append(names)
                if self.keeps_events:
                    self.events += events
        return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    collector: ClassVar[Collector]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.collector.begin()
        answer = self.collector.receive(body, self.headers.get("Content-Encoding"))
        if answer.hangs:
            time.sleep(answer.hangs)
        self.collector.end()
        if answer.reset or answer.hangs:
            self.close_connection = True
        if answer.raw is not None or answer.cut is not None or not (answer.reset or answer.hangs):
            self._send(answer)
        if answer.reset:
            time.sleep(0.005)  # else the reset may overtake the bytes
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _send(self, answer: Answer) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(answer.body))}
        lines = "".join(
            f"{name}: {value}\r\n" for name, value in (headers | answer.headers).items()
        )
        reply = f"HTTP/1.1 {answer.status} Reason\r\n{lines}\r\n".encode() + answer.body
        if answer.raw is not None:
            reply = answer.raw
            self.close_connection = True
        if answer.cut is not None:
            reply = reply[: answer.cut]
            self.close_connection = True
        self.wfile.write(reply)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Ignore errors of killed clients."""

    def shutdown_request(self, request: Any) -> None:
        # As inherited, but that a reset stays one: no farewell before it.
        with suppress(OSError):
            if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == struct.pack(
                "ii", 1, 0
            ):
                request.close()
                return
        super().shutdown_request(request)


@contextmanager
def serving(collector: Collector) -> Iterator[None]:
    """A running server, with an account that the caller made."""
    handler = type("Handler", (_Handler,), {"collector": collector})
    with _Server(("127.0.0.1", 0), handler) as server:
        collector.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join(10)


@contextmanager
def collecting(plan: Plan = always_well, **options: Any) -> Iterator[Collector]:
    """A running server."""
    collector = Collector(plan, **options)
    with serving(collector):
        yield collector
