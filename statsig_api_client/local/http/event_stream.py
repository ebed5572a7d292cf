"""Server-sent events: recorded events and changes as they happen."""

import asyncio
import json
from asyncio import FIRST_COMPLETED
from collections.abc import AsyncGenerator, Mapping
from typing import Final, Literal, TypeAlias

from starlette.requests import Request
from starlette.responses import StreamingResponse

from ..faults import ClientConnection
from ..recording import EventFilter, RecordedEvent
from ..state import ServerState

HEARTBEAT: Final = 15.0
"""Seconds between comments that keep an idle connection open."""

_PAGE_SIZE: Final = 500

_Wait: TypeAlias = "asyncio.Task[Literal[True]]"


def event_stream(
    request: Request, state: ServerState, after: int | None, *, heartbeat: float = HEARTBEAT
) -> StreamingResponse:
    """Return a stream of changes and of the events after a given event.

    The stream reads from the database, so a slow client misses no events and costs no memory.

    Args:
        request: The request.
        state: The server's state.
        after: The ID of the event that precedes the stream; None for the newest.
        heartbeat: Seconds between comments on an idle connection.
    """
    connection = ClientConnection.of(request.scope)
    found = state.recording.find(EventFilter(), limit=1, newest_first=True).items
    newest = found[0].id if found else 0
    # A client may know a later event of an earlier server.
    after = newest if after is None else min(after, newest)
    return StreamingResponse(
        _messages(state, after, connection.ended, heartbeat),
        media_type="text/event-stream",
        headers={"cache-control": "no-store"},
    )


async def _messages(
    state: ServerState, after: int, ended: asyncio.Event, heartbeat: float
) -> AsyncGenerator[str]:
    sent: Mapping[str, int] = {}
    # It is set when the client disconnects or the server shuts down.
    end = asyncio.create_task(ended.wait())
    try:
        with state.changes.listener() as changed:
            while not ended.is_set():
                changed.clear()
                counts = state.changes.counts
                if counts != sent:
                    sent = counts
                    yield f"event: change\ndata: {json.dumps(counts)}\n\n"
                page = state.recording.find(EventFilter(), after=after, limit=_PAGE_SIZE)
                for event in page.items:
                    after = event.id
                    yield _message(event)
                if page.next is None and not await _woken(changed, end, heartbeat):
                    yield ": idle\n\n"
    finally:
        end.cancel()


def _message(event: RecordedEvent) -> str:
    return f"event: recorded\nid: {event.id}\ndata: {json.dumps(event.to_dict())}\n\n"


async def _woken(changed: asyncio.Event, end: _Wait, seconds: float) -> bool:
    change: _Wait = asyncio.create_task(changed.wait())
    try:
        done, _ = await asyncio.wait({change, end}, timeout=seconds, return_when=FIRST_COMPLETED)
    finally:
        change.cancel()
    return bool(done)
