"""Events in a spool for people to look at, and what can be done with dead letters.

Everything goes in steps of `_STEP` events, each a short transaction: a spool may hold
hundreds of megabytes, and `log()` waits for a transaction to end.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal, cast

from attrs import frozen

from .accounting import count, remove_events
from .base import Batch
from .database import SpoolDatabase
from .schema import INSERT_EVENT

_STEP: Final = 200
_FEW: Final = 50


@frozen(kw_only=True)
class SpooledEvent:
    """An event in a spool: a pending event, or a dead letter."""

    state: Literal["pending", "rejected", "ambiguous"]
    why: str
    logged: int
    """When it was logged, in milliseconds since 1970."""
    event: bytes


def pending_events(database: SpoolDatabase) -> Iterator[SpooledEvent]:
    """Yield the pending events, the oldest first."""
    return _events(database, "SELECT id, 'pending', '', logged, data FROM events")


def dead_letters(database: SpoolDatabase) -> Iterator[SpooledEvent]:
    """Yield the dead letters, the oldest first."""
    return _events(database, "SELECT id, state, why, logged, data FROM dead_letters")


def _events(database: SpoolDatabase, query: str) -> Iterator[SpooledEvent]:
    last: object = -1
    while rows := database.rows(f"{query} WHERE id > ? ORDER BY id LIMIT {_STEP}", last):
        for last, state, why, logged, data in rows:  # noqa: B007
            yield SpooledEvent(
                state=cast('Literal["pending", "rejected", "ambiguous"]', state),
                why=cast("str", why),
                logged=cast("int", logged),
                event=cast("bytes", data),
            )


def add_dead_letters(database: SpoolDatabase, batch: Batch, state: str, why: str) -> None:
    """Make pending events dead letters, within a transaction."""
    # Deleted before they are inserted, so that a full disk needs no new pages for the copy.
    logged = database.rows(
        "SELECT id, logged FROM events WHERE id BETWEEN ? AND ?", batch.ids[0], batch.ids[-1]
    )
    remove_events(database, batch.ids[0], batch.ids[-1])
    for (number, time), event in zip(logged, batch.events, strict=True):
        database.execute(
            "INSERT OR REPLACE INTO dead_letters (id, logged, data, state, why)"
            " VALUES (?, ?, ?, ?, ?)",
            number,
            time,
            event,
            state,
            why,
        )


def retry_dead_letters(database: SpoolDatabase) -> int:
    """Make all dead letters pending again, and return their number."""
    # Those of which a running logger makes dead letters again have a higher ID.
    (last,) = database.row("SELECT coalesce(max(id), 0) FROM dead_letters")
    total = 0
    while events := database.write(lambda: _retry_some(database, last)):
        total += events
    return total


def _retry_some(database: SpoolDatabase, last: int) -> int:
    rows = database.rows(
        "SELECT id, logged, data, state FROM dead_letters WHERE id <= ? ORDER BY id LIMIT ?",
        last,
        _STEP,
    )
    if rows:
        database.execute("DELETE FROM dead_letters WHERE id <= ?", rows[-1][0])
    for _, logged, data, _ in rows:
        database.execute(INSERT_EVENT, logged, data)
    for state, events in Counter(cast("str", row[3]) for row in rows).items():
        count(database, state, -events)
    count(database, "moved", len(rows))
    return len(rows)


def discard_dead_letters(database: SpoolDatabase) -> int:
    """Delete all dead letters, which stay counted, and return their number."""
    (last,) = database.row("SELECT coalesce(max(id), 0) FROM dead_letters")
    total = 0
    while events := _discard(database, last, _STEP):
        total += events
    return total


def discard_oldest(database: SpoolDatabase) -> int:
    """Delete a few of the oldest dead letters to make room, and return their number."""
    return _discard(database, 2**63 - 1, _FEW)


def _discard(database: SpoolDatabase, last: int, limit: int) -> int:
    return database.write(
        lambda: database.execute(
            "DELETE FROM dead_letters WHERE id IN"
            " (SELECT id FROM dead_letters WHERE id <= ? ORDER BY id LIMIT ?)",
            last,
            limit,
        )
    )
