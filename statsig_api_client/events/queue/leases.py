"""Leases: which process sends which pending events, and until when."""

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from attrs import define

from .accounting import count
from .base import Batch
from .database import SpoolDatabase

if TYPE_CHECKING:
    from ..._clock import Clock

_MAX_SECONDS: Final = 3600.0


@define
class Leases:
    """The leases of a spool: ranges of event IDs, each with a random token.

    A process leases the events that it is about to send, and renews the lease before each attempt.
    When it dies, the lease expires, and another process sends the events again. A process that
    stopped for longer than its lease notices that its token is gone, and leaves the events alone.

    All methods run within a transaction of the caller.
    """

    _database: SpoolDatabase
    _clock: "Clock"
    _seconds: float
    """Seconds that a lease is valid: more than an attempt takes."""

    def grant(
        self, max_events: int, max_bytes: int, own: Sequence[int] = ()
    ) -> tuple[Batch | None, bool]:
        """Lease the oldest events that nobody is sending, and return whether there are more.

        Args:
            max_events: The maximum number of events.
            max_bytes: The maximum size of the request.
            own: The leases of this process, which do not expire while it sends.
        """
        self._delete_expired(own)
        rows = unleased_events(self._database, max_events)
        batch = _batch(rows, max_bytes)
        if batch is None:
            return None, False
        self._database.execute(
            "INSERT INTO leases (token, first, last, expires) VALUES (?, ?, ?, ?)",
            batch.lease,
            batch.ids[0],
            batch.ids[-1],
            self._expiry(),
        )
        return batch, len(batch) >= max_events or len(batch) < len(rows)

    def _delete_expired(self, own: Sequence[int]) -> None:
        """Delete the leases of processes that died, or that could not write their result.

        Their events may have been accepted, and are sent again.
        """
        now = self._clock.time()
        tokens = ", ".join("?" * len(own))
        # No lease is longer than the maximum, unless the clock has been set back since.
        expired = self._database.rows(
            "SELECT token, (SELECT count(*) FROM events WHERE id BETWEEN first AND last)"  # noqa: S608
            f" FROM leases WHERE (expires <= ? OR expires > ?) AND token NOT IN ({tokens})",
            now,
            now + _MAX_SECONDS,
            *own,
        )
        for token, events in expired:
            self._database.execute("DELETE FROM leases WHERE token = ?", token)
            count(self._database, "retried", cast("int", events))
            count(self._database, "resent_ambiguous", cast("int", events))

    def renew(self, batch: Batch) -> bool:
        """Extend the lease of a batch; False when it has expired and is gone."""
        statement = "UPDATE leases SET expires = ? WHERE token = ?"
        return self._database.execute(statement, self._expiry(), batch.lease) > 0

    def is_held(self, batch: Batch) -> bool:
        """Return whether the lease of a batch still exists."""
        query = "SELECT count(*) FROM leases WHERE token = ?"
        return self._database.row(query, batch.lease) == (1,)

    def release(self, batch: Batch) -> None:
        """Delete the lease of a batch."""
        self._database.execute("DELETE FROM leases WHERE token = ?", batch.lease)

    def release_part(self, batch: Batch) -> bool:
        """Delete the lease of a batch that has no events any more; False if some are left."""
        statement = (
            "DELETE FROM leases WHERE token = ? AND NOT EXISTS"
            " (SELECT 1 FROM events WHERE id BETWEEN first AND last)"
        )
        return self._database.execute(statement, batch.lease) > 0

    def has_events(self, last: int, now: float, own: Sequence[int]) -> bool:
        """Return whether there are events up to an ID that no other process is sending.

        Args:
            last: The ID.
            now: The time at which leases are valid; infinity to count all events.
            own: The leases of this process.
        """
        tokens = ", ".join("?" * len(own))
        query = (
            "SELECT EXISTS (SELECT 1 FROM events WHERE id <= ? AND NOT EXISTS"  # noqa: S608
            " (SELECT 1 FROM leases WHERE id BETWEEN first AND last AND expires > ?"
            f" AND token NOT IN ({tokens})))"
        )
        return self._database.row(query, last, now, *own) == (1,)

    def _expiry(self) -> float:
        return self._clock.time() + min(self._seconds, _MAX_SECONDS)


def unleased_events(database: SpoolDatabase, max_events: int) -> list[tuple[int, bytes]]:
    """Return the oldest events without a lease, up to the first one that has one."""
    leases = database.rows("SELECT first, last FROM leases ORDER BY first")
    rows: list[tuple[int, bytes]] = []
    low = 0
    for first, last in [*leases, (2**63 - 1, 0)]:
        found = database.rows(
            "SELECT id, data FROM events WHERE id > ? AND id < ? ORDER BY id LIMIT ?",
            low,
            first,
            max_events,
        )
        rows = cast("list[tuple[int, bytes]]", found)
        if rows:
            break
        low = cast("int", last)
    return rows


def _batch(rows: list[tuple[int, bytes]], max_bytes: int) -> Batch | None:
    """Return the first events that fit into one request, under a new token."""
    size = 64  # what surrounds the events
    for index, (_, data) in enumerate(rows):
        size += len(data) + 1
        if size > max_bytes and index:
            rows = rows[:index]
            break
    if not rows:
        return None
    ids, events = zip(*rows, strict=True)
    return Batch(events, ids, secrets.randbits(62))
