"""A server on loopback that accepts events, counts each, and fails as configured."""

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
class Response:
    """Response of the server to one request, or its failure."""

    status: int = 202
    body: bytes = ACCEPTED
    headers: dict[str, str] = field(factory=dict)
    accepts: bool = True
    """Whether the events count as accepted."""
    cut: int | None = None
    """Bytes of the response after which the connection ends."""
    reset: bool = False
    """Whether it ends by a reset."""
    raw: bytes | None = None
    """Bytes to send instead of a response."""
    hangs: float = 0.0
    """Seconds until the connection ends without a response."""


OK = Response()

Plan = Callable[[int, list[dict[str, Any]]], Response]
"""Response to a request, given its number, from 0, and its events."""


def accept_all(number: int, events: list[dict[str, Any]]) -> Response:  # noqa: ARG001
    return OK


def first(*responses: Response) -> Plan:
    """Return a plan with these responses to the first requests, and success after them."""
    return lambda number, _: responses[number] if number < len(responses) else OK


@define(eq=False)
class Collector:
    """Server that counts the events that it receives."""

    plan: Plan = accept_all
    accepted: Counter[str] = field(factory=Counter)
    """Times that each event was accepted, by the `n` in its metadata."""
    batches: list[list[str]] = field(factory=list)
    """Events of each request that was accepted."""
    requests: list[list[str]] = field(factory=list)
    """Events of each request, accepted or not."""
    times: list[float] = field(factory=list)
    """Time of each request."""
    sizes: list[int] = field(factory=list)
    """Bytes of each request before decompression."""
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
        return {name for name, times in self.accepted.items() if times > 1}

    def begin(self) -> None:
        with self._lock:
            self.in_progress += 1
            self.concurrency.append(self.in_progress)
        self.arrived()

    def end(self) -> None:
        with self._lock:
            self.in_progress -= 1

    def receive(self, body: bytes, encoding: str | None) -> Response:
        content = gzip.decompress(body) if encoding == "gzip" else body
        events = json.loads(content)["events"]
        names = [event["metadata"]["n"] for event in events if "n" in event.get("metadata", {})]
        with self._lock:
            self.times.append(time.monotonic())
            self.requests.append(names)
            self.sizes.append(len(body))
            response = self.plan(len(self.times) - 1, events)
            if response.accepts:
                self.accepted.update(names)
                self.batches.append(names)
                if self.keeps_events:
                    self.events += events
        return response


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    collector: ClassVar[Collector]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.collector.begin()
        response = self.collector.receive(body, self.headers.get("Content-Encoding"))
        if response.hangs:
            time.sleep(response.hangs)
        self.collector.end()
        if response.reset or response.hangs:
            self.close_connection = True
        breaks = response.reset or response.hangs
        if not breaks or response.raw is not None or response.cut is not None:
            self._send(response)
        if response.reset:
            time.sleep(0.005)  # else the reset may overtake the bytes
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _send(self, response: Response) -> None:
        headers = {"Content-Type": "application/json", "Content-Length": str(len(response.body))}
        lines = "".join(
            f"{name}: {value}\r\n" for name, value in (headers | response.headers).items()
        )
        content = f"HTTP/1.1 {response.status} Reason\r\n{lines}\r\n".encode() + response.body
        if response.raw is not None:
            content = response.raw
            self.close_connection = True
        if response.cut is not None:
            content = content[: response.cut]
            self.close_connection = True
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, *_: object) -> None:
        """Ignore errors of killed clients."""

    def shutdown_request(self, request: Any) -> None:
        # As inherited, except that nothing is sent before a reset.
        with suppress(OSError):
            if request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == struct.pack(
                "ii", 1, 0
            ):
                request.close()
                return
        super().shutdown_request(request)


@contextmanager
def serving(collector: Collector) -> Iterator[None]:
    """Run a server that the caller has configured."""
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
def collecting(plan: Plan = accept_all, **options: Any) -> Iterator[Collector]:
    """Run a server and yield its counts."""
    collector = Collector(plan, **options)
    with serving(collector):
        yield collector
