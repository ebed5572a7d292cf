"""uvicorn, set up for this server: how much it reads of a connection, and how long it waits."""

import asyncio
import json
import re
from http import HTTPStatus
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .fault_injection import EXTENSION, Connection

MAX_HEADERS: Final = 100
"""How many headers a request may have."""

MAX_HEAD: Final = 32 * 1024
"""How many bytes its line and headers may have together."""

REQUEST_TIMEOUT: Final = 30.0
"""How many seconds a request may take to arrive, and a client to take what it is sent."""

_HEAD_PROBLEM: Final = f"a request may have {MAX_HEADERS} headers and {MAX_HEAD} bytes of them"

_UPGRADE: Final = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)


def http_server(app: ASGIApp, *, request_timeout: float = REQUEST_TIMEOUT) -> uvicorn.Server:
    """Make a server that is ready to run in a thread.

    Args:
        app: What it serves.
        request_timeout: How many seconds a request may take to arrive.
    """

    class Protocol(LimitedProtocol):
        timeout = request_timeout

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=Protocol,
            access_log=False,
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            # Longer than clients keep idle connections: whoever closes one first must not be the
            # side to which a request may already be on its way.
            timeout_keep_alive=75,
            ws="none",
        )
    )


class LimitedProtocol(HttpToolsProtocol):
    """HTTP on one connection, with the limits that uvicorn leaves to a proxy in front of it."""

    timeout: float
    _connection: Connection
    _deadline: asyncio.TimerHandle | None = None
    _in_head = False
    _in_body = False
    _head_size = 0
    _held_up = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a first request, for so long."""
        self._connection = Connection(transport=cast("asyncio.Transport", transport))
        super().connection_made(self._connection.transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._connection.ended.set()
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless it is the head of a request and getting too large."""
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _HEAD_PROBLEM)
                return
        elif not self._in_body:
            data = _without_upgrade(data)
        super().data_received(data)
        self._watch_request()

    def on_message_begin(self) -> None:
        """Start with a request."""
        self._in_head, self._head_size = True, 0
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"connection": self._connection}}

    def on_headers_complete(self) -> None:
        """Refuse a request whose head is too large, whether it came in one piece or in many."""
        self._in_head, self._in_body = False, True
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if len(self.headers) > MAX_HEADERS or size > MAX_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _HEAD_PROBLEM)
            raise ValueError(_HEAD_PROBLEM)  # The parser stops, and what follows is not read.
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Be done with reading a request."""
        self._in_body = False
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Wait for the client to read, for so long."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """Go on, since the client has read."""
        self._unwatch()
        super().resume_writing()
        self._watch_request()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, in the form of every other refusal."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def shutdown(self) -> None:
        """End with the server: answer what is being answered, but not what waits for a fault."""
        self._connection.ended.set()
        super().shutdown()

    def _refuse(self, status: HTTPStatus, problem: str) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps({"status": status, "message": problem})
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write((head + body).encode())
        self.transport.close()

    def _watch_request(self) -> None:
        if self.flow.write_paused:
            return  # It is watched already, until the client reads.
        if not (self._in_head or self._in_body):
            self._unwatch()
        elif self._deadline is None:
            self._watch()

    def _watch(self) -> None:
        self._unwatch()
        self._deadline = self.loop.call_later(self.timeout, self._expire)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        if self.flow.write_paused:
            self.transport.abort()  # It would wait for the client to read, to close.
        elif self.flow.read_paused or self._held_up:
            # The server was slow here, and not the client, which gets all of its time again.
            self._held_up = self.flow.read_paused
            self._watch()
        elif self._in_head or self._in_body:
            problem = f"the request did not arrive within {self.timeout:g} seconds"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, problem)
        else:
            self.transport.close()


def _without_upgrade(data: bytes) -> bytes:
    # Java's HttpClient asks for HTTP/2 in all its requests, and llhttp then passes over the body,
    # although a server is free to go on with HTTP/1.1.
    wish = _UPGRADE.search(data, 0, max(data.find(b"\r\n\r\n"), 0))
    return data[: wish.start()] + data[wish.end() :] if wish else data
