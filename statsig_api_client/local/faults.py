"""Fault injection: armed faults, and the middleware that applies them to calls."""

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from itertools import count
from typing import Final, Self, cast

from attrs import evolve, field, frozen
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .._runtime.parsers import (
    ObjectReader,
    array_of,
    boolean,
    integer,
    nullable,
    number,
    string,
)

EXTENSION: Final = "statsig"
"""The name of the ASGI extension that provides the `connection` of a request."""

_CALL: Final = re.compile("/v[12]/([a-z_]+)")
_OFREP: Final = re.compile("/ofrep/v1/evaluate/flags(/?)")

_GARBAGE: Final = b'\x00\xff{"value": tru'


@frozen(kw_only=True)
class InjectedFault:
    """A fault that is armed for the next calls."""

    id: int = 0
    """The ID, assigned by `FaultQueue.add`."""
    calls: frozenset[str] | None
    """The calls that it applies to, such as `check_gate`; None for all."""
    times: int | None
    """The number of calls that will still fail; None for all, until the fault is removed."""
    delay: int
    """Milliseconds before the response."""
    status: int | None
    """The status of the response; None for the real response."""
    retry_after: float | None
    """Seconds, for the header `Retry-After`."""
    body: str | None
    drop: bool
    """Close the connection without a response."""
    garbage: bool
    """Respond with status 200 and a body that is not JSON."""

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Create a fault from its JSON form."""
        fields = ObjectReader(data, path)
        calls = fields.required("calls", nullable(array_of(string)))
        return cls(
            id=fields.required("id", integer),
            calls=None if calls is None else frozenset(calls),
            times=fields.required("times", nullable(integer)),
            delay=fields.required("delay", integer),
            status=fields.required("status", nullable(integer)),
            retry_after=fields.required("retryAfter", nullable(number)),
            body=fields.required("body", nullable(string)),
            drop=fields.required("drop", boolean),
            garbage=fields.required("garbage", boolean),
        )


class FaultQueue:
    """The armed faults, oldest first.

    Args:
        changed: A function to call after each change.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self._faults: dict[int, InjectedFault] = {}
        self._ids = count(1)

    @property
    def items(self) -> Sequence[InjectedFault]:
        """The armed faults."""
        return tuple(self._faults.values())

    def add(self, fault: InjectedFault) -> InjectedFault:
        """Arm a fault and return it with its ID."""
        added = evolve(fault, id=next(self._ids))
        self._faults[added.id] = added
        self._changed()
        return added

    def clear(self) -> None:
        """Remove all faults."""
        self._faults.clear()
        self._changed()

    def use(self, call: str) -> InjectedFault | None:
        """Return the first fault that applies to a call, and count it as used once."""
        for fault in self._faults.values():
            if fault.calls is None or call in fault.calls:
                if fault.times == 1:
                    del self._faults[fault.id]
                elif fault.times is not None:
                    self._faults[fault.id] = evolve(fault, times=fault.times - 1)
                self._changed()
                return fault
        return None


@frozen(kw_only=True)
class ClientConnection:
    """The connection of a request."""

    transport: asyncio.Transport
    ended: asyncio.Event = field(factory=asyncio.Event, init=False)
    """Set when the client disconnects or the server shuts down."""

    @classmethod
    def of(cls, scope: Scope) -> "ClientConnection":
        """Return the connection of a request, which an ASGI extension provides."""
        return cast("ClientConnection", scope["extensions"][EXTENSION]["connection"])


class FaultInjection:
    """ASGI middleware that injects faults into calls of the API, except those below `/local`."""

    def __init__(self, app: ASGIApp, faults: FaultQueue) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or apply a fault to it."""
        fault = self._faults.use(call) if (call := _call(scope)) else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        connection = ClientConnection.of(scope)
        if await _ends_within(fault.delay / 1000, connection) or fault.drop:
            await _drop(connection, receive)
        elif (response := _response(fault)) is not None:
            # Read the complete request: a client that is still sending would not read the response.
            while (await receive()).get("more_body"):
                pass
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _call(scope: Scope) -> str | None:
    if scope["type"] != "http":
        return None
    if found := _OFREP.match(scope["path"]):
        return "evaluate_flag" if found[1] else "evaluate_flags"
    found = _CALL.match(scope["path"])
    return found[1] if found else None


def _response(fault: InjectedFault) -> Response | None:
    if fault.garbage:
        return Response(_GARBAGE, 200, media_type="application/json")
    if fault.status is None:
        return None
    after = {} if fault.retry_after is None else {"retry-after": _seconds(fault.retry_after)}
    message = {"status": fault.status, "message": "injected fault"}
    body = json.dumps(message) if fault.body is None else fault.body
    # HTTP does not allow a body with these statuses.
    content = "" if fault.status in {204, 304} else body
    return Response(content, fault.status, after, media_type="application/json")


def _seconds(seconds: float) -> str:
    # HTTP allows only integers; fractions are for clients that parse them.
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


async def _ends_within(seconds: float, connection: ClientConnection) -> bool:
    try:
        await asyncio.wait_for(connection.ended.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _drop(connection: ClientConnection, receive: Receive) -> None:
    connection.transport.abort()
    # uvicorn would respond 500 to a request that ends before it detects the disconnect.
    while (await receive())["type"] != "http.disconnect":
        pass
