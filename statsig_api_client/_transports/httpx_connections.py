"""The transport's own connections to one server.

A connection serves one request at a time and is closed unless that request ended with a response,
so that neither a cancelled task nor an exception of a signal handler affects a later request.
httpcore's pools survive neither: connections stay occupied, and a lock can stay locked. They also
search all of their connections whenever a request starts or ends.
"""

import contextlib
import time
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from .base import TransportRequest, TransportResponse
from .body import ResponseReader
from .httpcore_library import KEEPALIVE_EXPIRY
from .network import Network

if TYPE_CHECKING:
    import httpcore

    from .httpcore_library import Address, HttpcoreLibrary

MAX_CONNECTIONS: Final = 96


class Connection:
    """A connection that its first request opens."""

    idle_since: float = 0

    def __init__(
        self, library: "HttpcoreLibrary", address: "Address", options: dict[str, Any]
    ) -> None:
        self._network = Network(library.httpcore)
        pool: httpcore.ConnectionPool = library.httpcore.ConnectionPool(
            network_backend=self._network, **options
        )
        self._connection = pool.create_connection(address.target.origin)

    def is_usable(self) -> bool:
        """Return whether the connection is open and idle."""
        return is_usable(self._connection)

    def exchange(self, request: "httpcore.Request", deadline: float) -> TransportResponse:
        """Send a request and return the response."""
        self._network.deadline = deadline
        with closing(self._connection.handle_request(request)) as response:
            reader = ResponseReader.from_raw(response.status, response.headers)
            with reader:
                add = reader.receiver()
                for chunk in response.iter_stream():
                    add(chunk)
        return reader.response()

    def close(self) -> None:
        """Close the socket, in any state of the connection."""
        self._network.close()


def is_usable(
    connection: "httpcore.ConnectionInterface | httpcore.AsyncConnectionInterface",
) -> bool:
    if not connection.is_available() or connection.has_expired():
        return False
    # httpcore would return bytes after the end of a response as the next response. They are only
    # known to h11, which httpcore keeps in a private attribute of the innermost connection.
    inner: Any = connection
    while (below := getattr(inner, "_connection", None)) is not None:
        inner = below
    parser: Any = getattr(inner, "_h11_state", None)
    return parser is None or not parser.trailing_data[0]


class Idleness(Protocol):
    """A connection that can be idle."""

    idle_since: float

    def is_usable(self) -> bool: ...
    def close(self) -> None: ...


_Connection = TypeVar("_Connection", bound=Idleness)


class Idle(Generic[_Connection]):
    """Idle connections, the most recently used on the right.

    All operations on the deque are atomic; an exception of a signal handler, or a fork, could leave
    a lock locked.
    """

    def __init__(self) -> None:
        self._connections: deque[_Connection] = deque()

    def pop(self) -> _Connection | None:
        """Remove and return the most recently used connection that is usable."""
        with contextlib.suppress(IndexError):
            while not (connection := self._connections.pop()).is_usable():
                connection.close()
            return connection
        return None

    def put(self, connection: _Connection) -> None:
        """Add a connection, and close the oldest if it has expired or exceeds the limit."""
        now = connection.idle_since = time.monotonic()
        self._connections.append(connection)
        with contextlib.suppress(IndexError, ValueError):  # another thread has taken the oldest
            oldest = self._connections[0]
            if (
                len(self._connections) > MAX_CONNECTIONS
                or oldest.idle_since < now - KEEPALIVE_EXPIRY
            ):
                self._connections.remove(oldest)
                oldest.close()

    def close(self) -> None:
        """Close all connections."""
        with contextlib.suppress(IndexError):
            while True:
                self._connections.pop().close()


class Connections:
    """The connections of one process to one server, for any number of threads."""

    def __init__(self, library: "HttpcoreLibrary", address: "Address") -> None:
        self._library = library
        self._address = address
        self._options = library.connection_options(address.origin)
        self._idle: Idle[Connection] = Idle()
        self._closed = False

    def prepare(self, address: "Address", request: "TransportRequest") -> "httpcore.Request":
        """Return a request with the headers that HTTP requires."""
        return self._library.request(address, request)

    def exchange(self, request: "httpcore.Request", deadline: float) -> TransportResponse:
        """Send a request on an idle connection or a new one, and return the response."""
        connection = self._idle.pop() or Connection(self._library, self._address, self._options)
        try:
            response = connection.exchange(request, deadline)
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection)
        if self._closed:
            self._idle.close()
        return response

    def close(self) -> None:
        """Close all connections; those in use are closed when their requests end."""
        self._closed = True
        self._idle.close()
