"""Requests on a client of httpx or httpx2 that the user supplies.

httpcore removes a request from its pool in several steps. Cancelling the task in between, or an
exception of a signal handler, leaves the request and its connection in the pool, until the pool
accepts no more requests. The client's pools are therefore repaired after each failed request. An
exception of a signal handler inside a lock of httpcore can still block the client.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from .body import ResponseReader
from .interruptions import raise_interruption

if TYPE_CHECKING:
    import httpx

    from .base import TransportRequest, TransportResponse
    from .httpcore_library import Address
    from .httpx_library import HttpxLibrary

_LOCK_TIMEOUT: Final = 1.0
"""Seconds after which a pool counts as abandoned; httpcore locks it for microseconds."""


class SuppliedClient:
    """An `httpx.Client` or `httpx2.Client`."""

    def __init__(self, library: "HttpxLibrary", client: "httpx.Client") -> None:
        self._library = library
        self._client = client

    def prepare(self, address: "Address", request: "TransportRequest") -> "httpx.Request":
        """Return a request with the client's own headers, cookies and parameters."""
        timeout = request.timeout
        connect = min(request.connect_timeout, timeout)
        timeouts = {"connect": connect, "read": timeout, "write": timeout, "pool": timeout}
        prepared = build_request(self._client, address, request, timeouts)
        prepared.extensions["trace"] = _check_write
        return prepared

    def exchange(self, request: "httpx.Request", deadline: float) -> "TransportResponse":
        """Send a request and return the response."""
        try:
            return self._exchange(request, deadline)
        except BaseException:
            for pool in pools(self._client):
                for connection in repair(pool, request):
                    connection.close()
            raise

    def _exchange(self, request: "httpx.Request", deadline: float) -> "TransportResponse":
        response = self._client.send(request, stream=True, follow_redirects=False)
        with closing(response):
            reader = ResponseReader.from_raw(
                response.status_code, response.headers.raw, self._library.decoding_error
            )
            with reader:
                decoded = response.is_stream_consumed or reader.encoding()
                for chunk in response.iter_bytes() if decoded else response.iter_raw():
                    reader.add(chunk)
                    if time.monotonic() > deadline:  # the client limits only each single read
                        raise TimeoutError
        return reader.response()


def build_request(
    client: "httpx.Client | httpx.AsyncClient",
    address: "Address",
    request: "TransportRequest",
    timeouts: Mapping[str, float | None],
) -> "httpx.Request":
    return client.build_request(
        "POST",
        address.text,
        headers=[*request.headers.items()],
        content=request.body,
        extensions={"timeout": timeouts},
    )


def _check_write(event: str, info: Mapping[str, Any]) -> None:
    """Raise the exception of a signal handler that interrupted a write; httpcore ignores it."""
    if event.endswith(".failed") and isinstance(error := info["exception"], Exception):
        raise_interruption(error)


# ---- Repair ----

_SEND_METHODS: Final = ("handle_request", "handle_async_request")
"""Methods that identify a transport."""

# These attributes are private to httpx and httpcore. If one is renamed, pools are not repaired, and
# the tests that cancel requests fail.


def pools(client: object) -> Iterator[Any]:
    """Return the pools of a client's transports, including nested transports."""
    pending: list[Any] = [client]
    seen = {id(client)}
    while pending:
        for each in _attributes(pending.pop()):
            is_new = id(each) not in seen
            seen.add(id(each))
            if is_new and {"_requests", "_connections"} <= getattr(each, "__dict__", {}).keys():
                yield each
            elif is_new and any(map(partial(hasattr, each), _SEND_METHODS)):
                pending.append(each)


def _attributes(owner: object) -> Iterator[Any]:
    """Return the values of all attributes, and the values of dictionaries among them."""
    attributes: dict[str, object] = getattr(owner, "__dict__", {})
    for value in list(attributes.values()):
        if isinstance(value, dict):
            yield from cast("dict[object, object]", value).values()
        else:
            yield value


def repair(pool: Any, request: "httpx.Request") -> list[Any]:
    """Remove a finished request from a pool, and return the connections to close."""
    lock = pool.__dict__["_optional_thread_lock"].__dict__.get("_lock")
    if lock is None:  # the client is asynchronous
        return _remove(pool, request)
    lock.acquire(timeout=_LOCK_TIMEOUT)
    try:
        return _remove(pool, request)
    finally:
        lock.release()


def _remove(pool: Any, request: "httpx.Request") -> list[Any]:
    state = pool.__dict__
    requests: list[Any] = state["_requests"]
    for each in list(requests):
        if each.request.extensions.get("timeout") is request.extensions["timeout"]:
            requests.remove(each)
    # A connection that is neither idle nor closed serves a request of the pool.
    serving = {id(each.connection) for each in requests}
    abandoned: list[Any] = [
        connection
        for connection in state["_connections"]
        if not (id(connection) in serving or connection.is_idle() or connection.is_closed())
    ]
    state["_connections"] = [each for each in state["_connections"] if each not in abandoned]
    # A queued request may now open a connection.
    closing: list[Any] = getattr(pool, "_assign_requests_to_connections")()  # noqa: B009
    return abandoned + closing
