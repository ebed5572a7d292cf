"""A scripted server on loopback, down to single bytes and connection resets."""

import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from ssl import SSLContext, SSLError
from typing import Any

from attrs import define, field, frozen

GATE = {"name": "a_gate", "value": True, "rule_id": "r1", "group_name": "everyone"}


@frozen
class Received:
    """A received request."""

    path: str
    headers: dict[str, str]
    """By lower-case name."""
    raw_headers: bytes
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@define
class Connection:
    """One connection, as passed to a script."""

    socket: socket.socket
    stopping: threading.Event
    keep: bool = True

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_in_pieces(self, data: Iterable[bytes], pause: float) -> None:
        """Send data piece by piece, until the client disconnects."""
        for piece in data:
            if self.stopping.wait(pause):
                break
            self.send(piece)
        self.keep = False

    def reset(self) -> None:
        """Reset the connection."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.keep = False

    def wait_for_stop(self) -> None:
        """Keep the connection open without sending anything."""
        self.stopping.wait(20)
        self.keep = False


Script = Callable[[Connection], None]
"""The server's action after a request."""


def respond(
    status: int = 200, body: object = GATE, headers: dict[str, str] | None = None
) -> Script:
    """Return a script that sends a response. Bytes are sent unchanged, other bodies as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = {"content-type": "application/json", "content-length": str(len(content))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in (head | (headers or {})).items())
    return raw(f"HTTP/1.1 {status} Some Reason\r\n{lines}\r\n".encode() + content, keep=True)


def raw(data: bytes, *, keep: bool = False) -> Script:
    """Return a script that sends bytes and closes the connection."""

    def script(connection: Connection) -> None:
        connection.send(data)
        connection.keep = keep

    return script


def send_in_pieces(*pieces: bytes, pause: float) -> Script:
    """Return a script that sends pieces with pauses, repeating the last one."""

    def script(connection: Connection) -> None:
        def all_pieces() -> Iterator[bytes]:
            yield from pieces
            while True:
                yield pieces[-1]

        connection.send_in_pieces(all_pieces(), pause)

    return script


def send_and_reset(data: bytes = b"") -> Script:
    """Return a script that sends bytes and resets the connection."""

    def script(connection: Connection) -> None:
        connection.send(data)
        time.sleep(0.01)  # otherwise the reset may overtake the bytes
        connection.reset()

    return script


def silence(connection: Connection) -> None:
    """Send nothing."""
    connection.wait_for_stop()


@define
class Loopback:
    """A running server; `script` sets its next actions, the last of which is repeated."""

    listener: socket.socket
    tls: SSLContext | None = None
    requests: list[Received] = field(factory=list)
    connections: int = 0
    resets_on_accept: bool = False
    _scripts: list[Script] = field(factory=lambda: [respond()])
    _stopping: threading.Event = field(factory=threading.Event)
    _threads: list[threading.Thread] = field(factory=list)
    _open: list[Connection] = field(factory=list)

    @property
    def port(self) -> int:
        port: int = self.listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://127.0.0.1:{self.port}/v1"

    def script(self, *scripts: Script) -> None:
        self._scripts[:] = scripts

    def accept(self) -> None:
        while True:
            try:
                accepted, _ = self.listener.accept()
            except OSError:  # closed
                return
            self.connections += 1
            accepted.settimeout(20)
            connection = Connection(accepted, self._stopping)
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self, connection: Connection) -> None:
        try:
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.resets_on_accept:
                connection.reset()
            elif self.tls is not None:
                connection.socket = self.tls.wrap_socket(connection.socket, server_side=True)
            while connection.keep and (received := self._read(connection.socket)):
                self.requests.append(received)
                script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                script(connection)
        except (OSError, SSLError):  # the client has gone
            pass
        finally:
            connection.socket.close()

    def _read(self, stream: socket.socket) -> Received | None:
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = stream.recv(65536)
            if not chunk:
                return None
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        originals = dict(line.split(": ", 1) for line in lines)
        length = int(headers.get("content-length", "0"))
        while len(body) < length:
            chunk = stream.recv(65536)
            if not chunk:
                return None
            body += chunk
        return Received(
            path=first.split(" ")[1],
            headers={name.lower(): value for name, value in originals.items()},
            raw_headers=head,
            body=body,
        )

    def stop(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self._open:
            with suppress(OSError):  # it is closed already
                connection.socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)


@contextmanager
def loopback(tls: SSLContext | None = None) -> Iterator[Loopback]:
    """Yield a running server."""
    server = Loopback(socket.create_server(("127.0.0.1", 0), backlog=128), tls)
    accepting = threading.Thread(target=server.accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        server.stop()
        accepting.join(5)


def unused_port() -> int:
    """Return a port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def head(text: str) -> bytes:
    """Return HTTP lines in their wire form."""
    return re.sub("\n", "\r\n", text).encode()
