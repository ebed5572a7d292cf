"""What stands between a call and the wire: an engine takes a request and gives what came of it.

An engine knows nothing of Statsig, and raises nothing: what went wrong is a result like another.
"""

from typing import Final, NamedTuple, Protocol, TypeAlias

from .._response import Headers

LOOPBACK: Final = r"(?ai)(localhost|.+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?"
"""The hosts that are this machine, with a port or without."""

HeaderList: TypeAlias = list[tuple[str, str]]
"""Names and values, all of them visible ASCII."""


class WireRequest(NamedTuple):
    """One attempt: a POST."""

    url: str
    headers: HeaderList
    """All but `Host` and `Content-Length`."""
    body: bytes
    connect_timeout: float
    """Seconds for connecting, and then for the TLS handshake."""
    timeout: float
    """Seconds for everything, to the last byte of the reply."""

    def __repr__(self) -> str:
        return f"<WireRequest to {self.url}>"  # and not the key


class Reply(NamedTuple):
    """A server answered."""

    status_code: int
    headers: Headers
    content: bytes
    """The body, decompressed."""
    problem: str | None = None
    """Why `content` is not the whole body, if it is not."""

    def __repr__(self) -> str:
        return f"<Reply {self.status_code}>"  # and not what it says, which may be the key


class Failure(NamedTuple):
    """No server answered."""

    reason: str
    sent: bool
    """Whether the request, or a part of it, may have reached the server."""
    timeout: bool = False
    unusable: bool = False
    """The engine is closed, or cannot work as it is set up: trying again is of no use."""

    def __repr__(self) -> str:
        return "<Failure>"  # and not what a server may have said, which may be the key


Outcome: TypeAlias = Reply | Failure

CLOSED: Final = Failure(reason="the client is closed", sent=False, unusable=True)
LATE: Final = Failure(reason="no time was left", sent=False, timeout=True)
UNCLOSED: Final = "unclosed client: use it in a `with` block, or close it when it is done"
"""How an engine warns that nobody closed it."""


def within_a_sentence(words: str) -> str:
    """Words without the capital of a sentence's start; names and abbreviations keep theirs."""
    first = words.partition(" ")[0]
    return words[:1].lower() + words[1:] if first == first.capitalize() else words


class Engine(Protocol):
    """Sends requests, from any number of threads at once."""

    def send(self, request: WireRequest) -> Outcome:
        """Send a request and wait for what comes of it."""
        ...

    def close(self) -> None:
        """Close all connections; doing it again does nothing."""
        ...


class AsyncEngine(Protocol):
    """Sends requests, from any number of tasks at once."""

    async def send(self, request: WireRequest) -> Outcome:
        """Send a request and wait for what comes of it."""
        ...

    async def aclose(self) -> None:
        """Close all connections; doing it again does nothing."""
        ...


class HTTPClient(Protocol):
    """An `httpx.Client` or an `httpx2.Client`."""

    @property
    def is_closed(self) -> bool: ...
    @property
    def trust_env(self) -> bool: ...
    def close(self) -> None: ...


class AsyncHTTPClient(Protocol):
    """An `httpx.AsyncClient` or an `httpx2.AsyncClient`."""

    @property
    def is_closed(self) -> bool: ...
    @property
    def trust_env(self) -> bool: ...
    async def aclose(self) -> None: ...
