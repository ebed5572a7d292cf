"""Blocking sockets for httpcore with one deadline per request.

httpcore limits each read and write, not their sum: a server that sends one byte within each timeout
could block a thread forever.
"""

import math
import socket
import time
from typing import TYPE_CHECKING, Any, Final

from .._fork import hold_forks
from .interruptions import raise_interruption

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable

    import httpcore

_WRITE_SIZE: Final = 64 * 1024
"""Maximum bytes per write, so that the deadline is checked in between."""


class Network:
    """An `httpcore.NetworkBackend` for one connection.

    Args:
        library: The module `httpcore` or `httpcore2`.
    """

    def __init__(self, library: Any) -> None:
        self._backend: httpcore.SyncBackend = library.SyncBackend()
        self._errors: tuple[type[Exception], ...] = (
            TimeoutError,
            library.ConnectError,
            library.ConnectTimeout,
        )
        self.write_error: type[Exception] = library.WriteError
        self._stream: NetworkStream | None = None
        self.deadline = math.inf
        """The value of `time.monotonic` from which on every operation fails."""

    def remaining(self, timeout: float | None) -> float:
        """Return the seconds that an operation may take, at most `timeout`.

        Raises:
            TimeoutError: The deadline has passed.
        """
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining if timeout is None or remaining < timeout else timeout

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: "Iterable[httpcore.SOCKET_OPTION] | None" = None,
    ) -> "NetworkStream":
        """Connect to the first address of `host` that accepts the connection."""
        # A host or an address as a string would import the codec `idna`. Hosts are ASCII.
        # httpcore would apply the timeout to each address. Only the system limits the lookup of
        # addresses, to 5 to 30 seconds.
        with hold_forks():
            found = socket.getaddrinfo(host.encode(), port, type=socket.SOCK_STREAM)
        *others, last = [str(address[0]).encode() for *_, address in found]
        for address in others:
            try:
                return self._connect(address, port, timeout, local_address, socket_options)
            except self._errors as error:
                raise_interruption(error)
        return self._connect(last, port, timeout, local_address, socket_options)

    def _connect(
        self, address: bytes, port: int, timeout: float | None, *options: Any
    ) -> "NetworkStream":
        host: Any = address
        stream = self._backend.connect_tcp(host, port, self.remaining(timeout), *options)
        return self.opened(stream)

    def opened(self, stream: "httpcore.NetworkStream") -> "NetworkStream":
        """Return a stream with the deadline of this network."""
        self._stream = NetworkStream(stream, self)
        return self._stream

    def close(self) -> None:
        """Close the socket, in any state of the connection."""
        if self._stream is not None:
            self._stream.close()


class NetworkStream:
    """An `httpcore.NetworkStream` with the deadline of its network."""

    def __init__(self, stream: "httpcore.NetworkStream", network: Network) -> None:
        self._stream = stream
        self._network = network
        self.close = stream.close
        self.get_extra_info = stream.get_extra_info

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes from the server, or b"" at the end of the connection."""
        return self._stream.read(max_bytes, self._network.remaining(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes to the server."""
        for start in range(0, len(buffer), _WRITE_SIZE):
            piece = buffer[start : start + _WRITE_SIZE]
            try:
                self._stream.write(piece, self._network.remaining(timeout))
            except self._network.write_error as error:  # httpcore ignores it
                raise_interruption(error)
                raise

    def start_tls(
        self,
        ssl_context: "ssl.SSLContext",
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> "NetworkStream":
        """Return a TLS stream on the same socket."""
        remaining = self._network.remaining(timeout)
        host: Any = server_hostname and server_hostname.encode()
        return self._network.opened(self._stream.start_tls(ssl_context, host, remaining))
