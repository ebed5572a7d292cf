"""The uvicorn server, with limits for each connection.

uvicorn leaves these limits to a reverse proxy: its `limit_concurrency` counts requests, not idle
connections, and its httptools parser has no limit for headers. Connections that stay open would
exhaust the file descriptors of the program under test.
"""

import asyncio
import json
import logging
import re
from http import HTTPStatus
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..faults import EXTENSION, ClientConnection

_logger = logging.getLogger("statsig_api_client.local")

MAX_HEADERS: Final = 100
"""The maximum number of headers of a request."""

MAX_HEAD: Final = 32 * 1024
"""The maximum size of the request line and the headers together, in bytes."""

REQUEST_TIMEOUT: Final = 30.0
"""Maximum seconds for a request to arrive, and between two reads of a client."""

_HEAD_PROBLEM: Final = f"expected at most {MAX_HEADERS} headers with {MAX_HEAD} bytes in total"

_UPGRADE: Final = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)


def http_server(app: ASGIApp, *, request_timeout: float = REQUEST_TIMEOUT) -> uvicorn.Server:
    """Create a server that can run in a thread.

    Args:
        app: The application to serve.
        request_timeout: Seconds that a request may take to arrive.
    """

    class Protocol(LimitedProtocol):
        timeout = request_timeout

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=Protocol,
            access_log=False,
            # asyncio repeats a failed `accept` this many times a second; the default is 2048.
            backlog=128,
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            # Longer than clients keep idle connections: a server that closes first may close while
            # a request is arriving.
            timeout_keep_alive=75,
            ws="none",
        )
    )


def limit_accept_errors(loop: asyncio.AbstractEventLoop) -> None:
    """Log one line per second, without a traceback, while no file descriptor is free.

    asyncio logs a traceback for each failed `accept`, up to 8 MB per second.
    """
    logged = 0.0

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal logged
        if "accept" not in context["message"]:
            loop.default_exception_handler(context)
        elif loop.time() - logged >= 1:
            logged = loop.time()
            _logger.error("cannot accept connections: %s", context["exception"])

    loop.set_exception_handler(handle)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with limits for the size and duration of requests."""

    timeout: float
    _connection: ClientConnection
    _deadline: asyncio.TimerHandle | None = None
    _in_head = False
    _in_body = False
    _head_size = 0
    _was_paused = False
    _unsent = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the timeout of the first request."""
        self._connection = ClientConnection(transport=cast("asyncio.Transport", transport))
        super().connection_made(self._connection.transport)
        self._start_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timeout and notify the requests in progress."""
        self._connection.ended.set()
        self._cancel_timeout()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, unless the head of the request becomes too large."""
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > MAX_HEAD:
                self._reject(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _HEAD_PROBLEM)
                return
        elif not self._in_body:
            data = _without_upgrade(data)
        super().data_received(data)
        self._update_timeout()

    def on_message_begin(self) -> None:
        """Start a request."""
        self._in_head, self._head_size = True, 0
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: {"connection": self._connection}}

    def on_headers_complete(self) -> None:
        """Reject a request whose head is too large in total."""
        self._in_head, self._in_body = False, True
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if len(self.headers) > MAX_HEADERS or size > MAX_HEAD:
            self._reject(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _HEAD_PROBLEM)
            raise ValueError(_HEAD_PROBLEM)  # The exception stops the parser.
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Stop the timeout of a complete request."""
        self._in_body = False
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Start the timeout of a client that does not read."""
        super().pause_writing()
        self._unsent = self._connection.transport.get_write_buffer_size()
        self._start_timeout()

    def resume_writing(self) -> None:
        """Restore the timeout of the request."""
        self._cancel_timeout()
        super().resume_writing()
        self._update_timeout()

    def send_400_response(self, msg: str) -> None:
        """Reject invalid HTTP with an error in the usual form."""
        self._reject(HTTPStatus.BAD_REQUEST, msg)

    def shutdown(self) -> None:
        """Finish responses in progress, except those that an injected fault delays."""
        self._connection.ended.set()
        super().shutdown()

    def _reject(self, status: HTTPStatus, problem: str) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps({"status": status, "message": problem})
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write((head + body).encode())
        self.transport.close()

    def _update_timeout(self) -> None:
        if self.flow.write_paused:
            return  # The timeout of `pause_writing` is running.
        if not (self._in_head or self._in_body):
            self._cancel_timeout()
        elif self._deadline is None:
            self._start_timeout()

    def _start_timeout(self) -> None:
        self._cancel_timeout()
        self._deadline = self.loop.call_later(self.timeout, self._expire)

    def _cancel_timeout(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._deadline = None
        if self.flow.write_paused:
            unsent = self._connection.transport.get_write_buffer_size()
            if unsent == self._unsent:
                self.transport.abort()  # `close` would wait for the client to read.
            else:
                # A slow client: writing resumes only when nearly all of the response is sent.
                self._unsent = unsent
                self._start_timeout()
        elif self.flow.read_paused or self._was_paused:
            # The server was slow, not the client: restart the timeout.
            self._was_paused = self.flow.read_paused
            self._start_timeout()
        elif self._in_head or self._in_body:
            problem = f"the request did not arrive within {self.timeout:g} seconds"
            self._reject(HTTPStatus.REQUEST_TIMEOUT, problem)
        else:
            self.transport.close()


def _without_upgrade(data: bytes) -> bytes:
    # Java's HttpClient offers to upgrade each request to HTTP/2, and llhttp then skips the body,
    # although a server may continue with HTTP/1.1.
    upgrade = _UPGRADE.search(data, 0, max(data.find(b"\r\n\r\n"), 0))
    return data[: upgrade.start()] + data[upgrade.end() :] if upgrade else data
