"""Events that wait in a spool, which threads and processes share."""

import math
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from attrs import define, evolve, frozen

from ..errors import EventQueueFullError, SpoolError, closed
from ..options import Settings
from ..stats import Delivery, EventStats, logger, report
from .base import Batch
from .database import YOUNGEST, SpoolFile

if TYPE_CHECKING:
    from ..._clock import Clock

_CHECK_EVERY: Final = 64
"""Events after which the size of the spool is looked at again, for what others wrote to it."""
_ROW: Final = 24
"""Bytes that an event takes besides its own."""
_SHRINK: Final = 8 * 1024 * 1024
_COMPLAIN_EVERY: Final = 60.0


@define(eq=False)
class _Entry:
    """An event on its way to the disk."""

    event: bytes
    logged: int
    written: bool = False


@frozen(kw_only=True)
class Letter:
    """An event in a spool, as it is shown to people: one that waits, or one that was set aside."""

    state: Literal["pending", "rejected", "ambiguous"]
    why: str
    logged: int
    """When it was logged, in milliseconds since 1970."""
    event: bytes


class SpoolStore:
    """The spool of one process."""

    def __init__(
        self,
        settings: Settings,
        clock: "Clock",
        wake: Callable[[], None],
        *,
        path: Path,
        longest_attempt: float,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._wake = wake
        self._lease = min(2 * longest_attempt + 1, 3600)  # no more: see `_end_leases`
        """Seconds: an attempt ends within, even if its thread has to wait for its turn."""
        # A signal handler may log while the thread that it interrupts does.
        self._lock = threading.RLock()
        self._writing = False
        self._entries: deque[_Entry] = deque()
        self._untold: deque[Delivery] = deque()
        """What was given up, of which nobody was told while the lock was held."""
        self._room = 0
        self._unchecked = 0
        self._fresh = 0
        """Events that were written since the last look at what is there."""
        self._look_at = clock.monotonic() + settings.flush_interval
        self._refused = 0
        self._sealed = False
        self._complained = -_COMPLAIN_EVERY
        self._own: dict[int, float] = {}
        """The leases of the batches in hand, and when each was renewed."""
        self._closed = False
        self._known = EventStats()
        """The account when it was last read."""
        self._since = 0
        """Events that were written here after that."""
        self._youngest = 0
        """The place of the youngest event, as far as it is known."""
        self._reached = 0
        """The place up to which all events are known to have their final state."""
        self._file = SpoolFile(path, settings.durability)
        self.stats()

    def offer(self, event: bytes, *, force: bool = False) -> bool:
        """See `Store`."""
        if self._lock.acquire(blocking=False):  # so no other thread is writing
            try:
                before = self._fresh
                written = self._is_simple(event) and self._write_one(event)
                full = before < self._settings.max_batch <= self._fresh
            finally:
                self._lock.release()
            if written:
                if full:
                    self._wake()
                return True
        entry = _Entry(event, int(self._clock.time() * 1000))
        self._entries.append(entry)
        problem = None
        with self._lock:
            # Whoever comes first writes for all who wait. The handler of a signal that came while
            # this thread was writing leaves its event to what it interrupted.
            if entry.written or self._writing:
                return True
            if self._sealed:
                self._entries.remove(entry)
                raise closed()
            self._writing = True
            before = self._fresh
            try:
                self._write_entries(force=force)
            except SpoolError as error:
                problem = error
            finally:
                self._writing = False
            full = before < self._settings.max_batch <= self._fresh
            if not entry.written:
                self._entries.remove(entry)
            untold, self._untold = self._untold, deque()
        for delivery in untold:
            report(self._settings, delivery)
        if full:
            self._wake()
        return entry.written or self._no_room(event, problem, force=force)

    def _is_simple(self, event: bytes) -> bool:
        """Whether an event can be written at once: nobody waits, and there is room for sure."""
        return not (
            self._writing
            or self._entries
            or self._sealed
            or self._room < len(event) + _ROW
            or self._unchecked >= _CHECK_EVERY
        )

    def _write_one(self, event: bytes) -> bool:
        """Go the short way of `offer`; False if that fails, and the long way has to tell why."""
        self._writing = True
        try:
            self._youngest = self._file.insert_one(int(self._clock.time() * 1000), event)
            self._room -= len(event) + _ROW
            self._unchecked += 1
            self._fresh += 1
            self._since += 1
            if self._entries:  # The handler of a signal left one, which came meanwhile.
                with suppress(SpoolError):
                    self._write_entries(force=False)
        except SpoolError:
            self._room = 0
            return False
        finally:
            self._writing = False
        return True

    def _write_entries(self, *, force: bool) -> None:
        while self._entries and (taken := self._fitting(force=force)):
            try:
                last = self._file.insert([(entry.logged, entry.event) for entry in taken])
            except SpoolError:
                self._room = 0
                raise
            for entry in taken:
                entry.written = True
                self._entries.popleft()
            self._fresh += len(taken)
            self._since += len(taken)
            self._youngest = last

    def _fitting(self, *, force: bool) -> list[_Entry]:
        """The first of the entries, for which there is room."""
        taken: list[_Entry] = []
        for entry in list(self._entries):
            need = len(entry.event) + _ROW
            if self._room < need or self._unchecked >= _CHECK_EVERY:
                self._room = self._free() - sum(len(e.event) + _ROW for e in taken)
                self._unchecked = 0
                if self._room < need and self._settings.overflow == "drop_oldest":
                    self._drop_oldest(need)
                if self._room < need and not force:
                    break
            self._room -= need
            self._unchecked += 1
            taken.append(entry)
        return taken

    def _free(self) -> int:
        return self._settings.max_spool_bytes - self._file.used_bytes()

    def _drop_oldest(self, need: int) -> None:
        """Give up the oldest events, as many at once as a batch has, until there is room."""
        while self._room < need:
            with self._file.transaction():
                found = self._unleased(self._settings.max_batch)
                if not found:
                    return  # all that there is is being sent
                first, last = found[0][0], found[-1][0]
                self._file.delete(first, last)
                self._count("dropped", len(found))
            self._room = self._free()
            self._untold.append(Delivery(state="dropped", encoded=[data for _, data in found]))

    def _no_room(self, event: bytes, problem: SpoolError | None, *, force: bool) -> bool:
        why = problem or SpoolError(
            f"spool {self._file.path}: it holds max_spool_bytes, {self._settings.max_spool_bytes}"
        )
        if self._settings.overflow == "raise" or force:
            raise EventQueueFullError(f"{why}; the event was not accepted") from problem
        if self._settings.overflow == "block":
            self._complain(f"{why}; log() waits")
            return False
        with self._lock:
            self._refused += 1
        self._complain(f"{why}; events are dropped")
        report(self._settings, Delivery(state="dropped", encoded=[event], error=why))
        return True

    def _complain(self, what: str) -> None:
        now = self._clock.monotonic()
        if now - self._complained >= _COMPLAIN_EVERY:
            self._complained = now
            logger.error("%s", what)

    def due_in(self) -> float | None:
        """See `Store`."""
        # Without the lock, for which a thread that asks often would wait as often.
        if self._fresh >= self._settings.max_batch:
            return 0.0
        # Also without events of this process: those of one that died are for all others.
        return max(0.0, self._look_at - self._clock.monotonic())

    def claim(self, limit: int | None = None) -> Batch | None:
        """See `Store`."""
        with self._lock:
            now = self._clock.monotonic()
            most = min(limit or self._settings.max_batch, self._settings.max_batch)
            if self._file.one("SELECT EXISTS (SELECT 1 FROM events)") == (0,):
                self._fresh = 0
                self._look_at = now + self._settings.flush_interval
                return None
            with self._file.transaction():
                self._end_leases()
                rows = self._unleased(most)
                batch = self._within_size(rows)
                if batch:
                    expires = self._clock.time() + self._lease
                    statement = (
                        "INSERT INTO leases (token, first, last, expires) VALUES (?, ?, ?, ?)"
                    )
                    self._file.execute(statement, batch.lease, batch.ids[0], batch.ids[-1], expires)
                    self._own[batch.lease] = now
            self._fresh = max(0, self._fresh - len(batch)) if batch else 0
            # A batch that was full, or cut off, says that there may be more.
            more = batch is not None and (len(batch) >= most or len(batch) < len(rows))
            self._look_at = now if more else now + self._settings.flush_interval
            return batch

    def _end_leases(self) -> None:
        """End the leases of processes that died, or that took longer than they said."""
        # One that ends too far in the future is of a time before the clock was set back.
        now = self._clock.time()
        self._file.execute("DELETE FROM leases WHERE expires <= ? OR expires > ?", now, now + 3600)

    def _unleased(self, most: int) -> list[tuple[int, bytes]]:
        """The oldest events that no process is sending, as far as they lie side by side."""
        leases = self._file.execute("SELECT first, last FROM leases ORDER BY first").fetchall()
        rows: list[tuple[int, bytes]] = []
        low = 0
        for first, last in [*leases, (2**63 - 1, 0)]:
            statement = "SELECT id, data FROM events WHERE id > ? AND id < ? ORDER BY id LIMIT ?"
            rows = self._file.execute(statement, low, first, most).fetchall()
            if rows:
                break
            low = last
        return rows

    def _within_size(self, rows: list[tuple[int, bytes]]) -> Batch | None:
        size = 64
        for index, (_, data) in enumerate(rows):
            size += len(data) + 1
            if size > self._settings.max_batch_bytes and index:
                rows = rows[:index]
                break
        if not rows:
            return None
        ids, events = zip(*rows, strict=True)
        return Batch(events, ids, secrets.randbits(62))

    def renew(self, batch: Batch) -> bool:
        """See `Store`."""
        with self._lock:
            if self._clock.monotonic() - self._own.get(batch.lease, -1e9) < self._lease / 4:
                return True
            statement = "UPDATE leases SET expires = ? WHERE token = ?"
            expires = self._clock.time() + self._lease
            if self._file.execute(statement, expires, batch.lease).rowcount == 0:
                self._own.pop(batch.lease, None)
                return False
            self._own[batch.lease] = self._clock.monotonic()
            return True

    def delivered(self, batch: Batch) -> None:
        """See `Store`."""
        with self._lock:
            with self._file.transaction():
                if not self._remove(batch):
                    return
                self._count("delivered", len(batch))
            if self._file.one("SELECT EXISTS (SELECT 1 FROM events)") == (0,):
                self._file.shrink(_SHRINK)

    def moved(self, batch: Batch) -> None:
        """A claimed batch is in another spool now, and in the account of that one."""
        with self._lock, self._file.transaction():
            if self._remove(batch):
                self._count("moved", len(batch))

    def requeue(self) -> int:
        """Queue all dead letters once more; how many there were."""
        with self._lock, self._file.transaction():
            states = self._file.execute(
                "SELECT state, count(*) FROM dead_letters GROUP BY state"
            ).fetchall()
            self._file.execute(
                "INSERT INTO events (id, logged, data)"  # noqa: S608
                f" SELECT {YOUNGEST} + row_number() OVER (ORDER BY id), logged, data"
                " FROM dead_letters, ledger"
            )
            self._file.execute("DELETE FROM dead_letters")
            for state, events in states:
                self._count(state, -events)
                self._count("moved", events)
            return sum(events for _, events in states)

    def discard(self) -> int:
        """Forget all dead letters, which stay in the account; how many there were."""
        with self._lock, self._file.transaction():
            return self._file.execute("DELETE FROM dead_letters").rowcount

    def set_aside(self, batch: Batch, state: Literal["rejected", "ambiguous"], why: str) -> None:
        """See `Store`."""
        with self._lock, self._file.transaction():
            statement = (
                "INSERT OR REPLACE INTO dead_letters SELECT id, logged, data, ?, ? FROM events"
                " WHERE id BETWEEN ? AND ?"
            )
            if self._is_ours(batch):
                self._file.execute(statement, state, why, batch.ids[0], batch.ids[-1])
                self._remove(batch)
                self._count(state, len(batch))

    def _is_ours(self, batch: Batch) -> bool:
        return self._file.one("SELECT count(*) FROM leases WHERE token = ?", batch.lease) == (1,)

    def _remove(self, batch: Batch) -> bool:
        """Take events out of the queue, if they are still ours; within a transaction."""
        if not self._is_ours(batch):
            logger.warning(
                "%d events were sent later than their lease allowed, and may be sent twice",
                len(batch),
            )
            self._own.pop(batch.lease, None)
            return False
        self._file.delete(batch.ids[0], batch.ids[-1])
        # The rest of the lease, if any, is what is still in hand.
        ended = self._file.execute(
            "DELETE FROM leases WHERE token = ? AND NOT EXISTS"
            " (SELECT 1 FROM events WHERE id BETWEEN first AND last)",
            batch.lease,
        ).rowcount
        if ended:
            self._own.pop(batch.lease, None)
        return True

    def _count(self, column: str, events: int) -> None:
        self._file.execute(f"UPDATE ledger SET {column} = {column} + ?", events)  # noqa: S608

    def release(self, batches: Sequence[Batch], *, retried: int, unclear: bool) -> None:
        """See `Store`."""
        with self._lock, self._file.transaction():
            for token in {batch.lease for batch in batches}:
                self._own.pop(token, None)
                self._file.execute("DELETE FROM leases WHERE token = ?", token)
            self._count("retried", retried)
            self._count("resent_ambiguous", retried if unclear else 0)
            self._look_at = self._clock.monotonic()

    def mark(self) -> int:
        """See `Store`."""
        with self._lock:
            try:
                (self._youngest,) = self._file.one(f"SELECT {YOUNGEST} FROM ledger")  # noqa: S608
                if self._youngest < self._reached:  # a new file, in place of one that was broken
                    self._reached = 0
            except SpoolError as error:
                self._complain(str(error))
            return self._youngest

    def reached(self, mark: int, *, here: bool = False) -> bool:
        """See `Store`."""
        if mark <= self._reached:
            return True
        with self._lock:
            now = self._clock.time() if here else math.inf  # when no lease holds
            own = ", ".join("?" * len(self._own))
            reached = self._file.one(
                "SELECT NOT EXISTS (SELECT 1 FROM events WHERE id <= ? AND NOT EXISTS"  # noqa: S608
                " (SELECT 1 FROM leases WHERE id BETWEEN first AND last"
                f" AND token NOT IN ({own}) AND expires > ?))",
                mark,
                *self._own,
                now,
            ) == (1,)
            if reached and not here:
                self._reached = mark
            return reached

    def seal(self) -> None:
        """See `Store`."""
        with self._lock:
            self._sealed = True

    def stats(self) -> EventStats:
        """See `Store`."""
        with self._lock:
            if not self._closed:
                try:
                    self._known = self._account()
                    self._since = 0
                except SpoolError as error:
                    self._complain(f"{error}; the account is the last that is known")
            return evolve(
                self._known,
                accepted=self._known.accepted + self._since,
                pending=self._known.pending + self._since,
            )

    def _account(self) -> EventStats:
        # One statement, so that it is of one moment.
        (
            youngest,
            pending,
            oldest,
            delivered,
            rejected,
            ambiguous,
            dropped,
            retried,
            resent,
            moved,
        ) = self._file.one(
            f"SELECT {YOUNGEST}, (SELECT count(*) FROM events),"  # noqa: S608
            " coalesce((SELECT logged FROM events ORDER BY id LIMIT 1), 0), delivered,"
            " rejected, ambiguous, dropped, retried, resent_ambiguous, moved FROM ledger"
        )
        age = self._clock.time() - oldest / 1000
        return EventStats(
            # Each event that came has a number, but for those that were refused. Those that came
            # back from the dead letters have two, and those that went elsewhere need none.
            accepted=youngest - moved + self._refused,
            delivered=delivered,
            rejected=rejected,
            ambiguous=ambiguous,
            dropped=dropped + self._refused,
            pending=pending,
            retried=retried,
            resent_ambiguous=resent,
            spooled_bytes=self._file.used_bytes(),
            oldest_age=max(0.0, age) if pending else 0.0,
        )

    def waiting(self) -> list[Letter]:
        """What waits, the oldest first."""
        return self._letters("SELECT 'pending', '', logged, data FROM events ORDER BY id")

    def dead_letters(self) -> list[Letter]:
        """What was set aside, the oldest first."""
        return self._letters("SELECT state, why, logged, data FROM dead_letters ORDER BY id")

    def _letters(self, query: str) -> list[Letter]:
        with self._lock:
            return [
                Letter(state=state, why=why, logged=logged, event=event)
                for state, why, logged, event in self._file.execute(query)
            ]

    def close(self) -> None:
        """See `Store`."""
        with self._lock:
            if not self._closed:
                left = self.stats()
                self._closed = True
                is_needed = left.pending or left.rejected or left.ambiguous
                if is_needed or self._file.path == self._settings.spool:
                    self._file.close()
                else:  # that of a child
                    self._file.remove()
