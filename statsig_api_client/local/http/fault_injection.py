"""Calls that go wrong because someone wants to see it."""

import asyncio
import json
import re
from typing import Final, cast

from attrs import field, frozen
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..faults import Fault, Faults

EXTENSION: Final = "statsig"
"""The ASGI extension of this server, which gives the `connection` of a request."""

_CALL: Final = re.compile("/v[12]/([a-z_]+)")

_GARBAGE: Final = b'\x00\xff{"value": tru'


@frozen(kw_only=True)
class Connection:
    """The connection over which a request came."""

    transport: asyncio.Transport
    ended: asyncio.Event = field(factory=asyncio.Event, init=False)
    """Set when the client has gone, or the server ends."""


class FaultInjection:
    """Lets calls of the API go wrong as `faults` says. What steers the server never does."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or fail."""
        fault = self._faults.take(call) if (call := _call(scope)) else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        connection = cast("Connection", scope["extensions"][EXTENSION]["connection"])
        if await _ends_within(fault.delay / 1000, connection) or fault.drop:
            await _drop(connection, receive)
        elif (answer := _answer(fault)) is not None:
            # To its end, since a client that is still sending would not see the answer.
            while (await receive()).get("more_body"):
                pass
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _call(scope: Scope) -> str | None:
    found = _CALL.match(scope["path"]) if scope["type"] == "http" else None
    return found[1] if found else None


def _answer(fault: Fault) -> Response | None:
    if fault.garbage:
        return Response(_GARBAGE, 200, media_type="application/json")
    if fault.status is None:
        return None
    after = {} if fault.retry_after is None else {"retry-after": _seconds(fault.retry_after)}
    message = {"status": fault.status, "message": "a fault that was asked for"}
    body = json.dumps(message) if fault.body is None else fault.body
    # Without a body where HTTP allows none.
    content = "" if fault.status in {204, 304} else body
    return Response(content, fault.status, after, media_type="application/json")


def _seconds(seconds: float) -> str:
    # HTTP knows whole seconds alone, in digits; milliseconds are for clients that read more.
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


async def _ends_within(seconds: float, connection: Connection) -> bool:
    try:
        await asyncio.wait_for(connection.ended.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _drop(connection: Connection, receive: Receive) -> None:
    connection.transport.abort()
    # uvicorn would answer 500 for a request that ends while it believes the client to be there.
    while (await receive())["type"] != "http.disconnect":
        pass
