"""Bounds the time of a whole attempt on a blocking httpx client.

httpx bounds each wait for the network, and not their sum: a server that sends a byte before each
such time is over holds a thread for as long as it likes. httpx has no public hook to change that,
so the part of it that talks to sockets is wrapped.
"""

import contextlib
import math
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import ssl

    import httpcore
    import httpx

_WRITE_AT_ONCE: Final = 64 * 1024
"""Bytes: what a socket takes in one go, so that the time is looked at in between."""


class Deadline(threading.local):
    """When the attempt that runs in this thread must be over."""

    at: float = math.inf

    def left(self, timeout: float | None) -> float:
        """The seconds that a wait may take, out of the `timeout` that was meant for it.

        Raises:
            TimeoutError: There are none.
        """
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left if timeout is None or left < timeout else timeout


def bound(transport: "httpx.HTTPTransport", deadline: Deadline) -> "httpx.HTTPTransport":
    """Make every wait of `transport` end at the deadline of its thread."""
    # These attributes are private. Were one renamed, attempts would be bounded as httpx does it,
    # and a test with a server that dribbles would fail.
    pool = getattr(transport, "_pool", None)
    backend = getattr(pool, "_network_backend", None)
    if backend is not None:
        vars(pool)["_network_backend"] = _BoundBackend(backend, deadline)
    return transport


class _BoundBackend:
    """A `httpcore.NetworkBackend` that keeps a deadline."""

    def __init__(self, backend: "httpcore.NetworkBackend", deadline: Deadline) -> None:
        self._backend = backend
        self._deadline = deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, **options: Any
    ) -> "_BoundStream":
        # Each address of a host would be given the whole timeout. Nothing bounds the search for
        # addresses but the system, which gives up after 5 to 30 seconds.
        *others, last = [
            str(address[0])
            for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
        for address in others:
            with contextlib.suppress(Exception):
                return self._connect(address, port, timeout, options)
        return self._connect(last, port, timeout, options)

    def _connect(
        self, address: str, port: int, timeout: float | None, options: dict[str, Any]
    ) -> "_BoundStream":
        left = self._deadline.left(timeout)
        stream = self._backend.connect_tcp(address, port, timeout=left, **options)
        return _BoundStream(stream, self._deadline)


class _BoundStream:
    """A `httpcore.NetworkStream` that keeps a deadline."""

    def __init__(self, stream: "httpcore.NetworkStream", deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline
        self.close = stream.close
        self.get_extra_info = stream.get_extra_info

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_AT_ONCE):
            piece = buffer[start : start + _WRITE_AT_ONCE]
            self._stream.write(piece, self._deadline.left(timeout))

    def start_tls(
        self,
        ssl_context: "ssl.SSLContext",
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "_BoundStream":
        left = self._deadline.left(timeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return _BoundStream(stream, self._deadline)
