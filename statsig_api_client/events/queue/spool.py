"""A queue of events in a spool, which threads and processes share."""

import math
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from attrs import define, evolve

from ..errors import EventQueueFullError, SpoolError, closed
from ..options import Settings
from ..stats import Delivery, EventStats, logger, report
from .base import Batch
from .counters import count, last_id, read_stats, remove_events
from .database import SpoolDatabase
from .dead_letters import add_dead_letters, discard_oldest
from .leases import Leases

if TYPE_CHECKING:
    from ..._clock import Clock

_CHECK_EVERY: Final = 64
"""Events after which the room is read again, for what other processes wrote."""
_ROW_BYTES: Final = 24
"""Bytes that an event takes in the spool besides its own."""
_LOG_EVERY: Final = 60.0
"""Seconds between two lines in the log about the same problem."""
_HURRY_EVERY: Final = 1.0
_CHECK_RESERVE_EVERY: Final = 60.0
_MAX_FREE: Final = 8 * 1024 * 1024
"""Bytes of free pages that an empty spool keeps."""
_SHRINK_PAGES: Final = 64
_SHRINK_STEPS: Final = 256
"""Pages that go back to the disk in one transaction, and transactions each time that the queue is
found empty: 128 KB while `log()` may have to wait, 32 MB in all.
"""


@define(eq=False)
class _Entry:
    """An event on its way to the disk."""

    event: bytes
    logged: int
    is_forced: bool
    """Whether it is written although there is no room."""
    is_left: bool = False
    """Whether a reentrant call left it to the method that it interrupted."""
    is_written: bool = False


class SpoolStore:
    """The spool of one process.

    A signal handler, or a finalizer that the garbage collector runs, may call any method while the
    thread that it interrupts is within another. The lock is reentrant, so that this does not wait
    forever; `_is_busy` tells that the thread is within a method already. Then `offer` only appends
    its event to `_entries`, and the interrupted method writes it when it is done: an event never
    becomes a part of another method's transaction, which may be rolled back.
    """

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
        # An attempt ends within, even if its thread has to wait for its turn.
        self._lease_seconds = min(2 * longest_attempt + 1, 3600.0)
        self._lock = threading.RLock()
        self._is_busy = False
        self._entries: deque[_Entry] = deque()
        """Events that threads are writing, or that reentrant calls left."""
        self._left = 0
        """Events that reentrant calls left."""
        self._unreported: deque[Delivery] = deque()
        """Dropped events, reported when the lock is free."""
        self._discarded = 0
        """Dead letters that gave way to new events, logged when the lock is free."""
        self._room = 0
        self._unchecked = 0
        """Events since the room was last read."""
        self._fresh = 0
        """Events that were written since the last claim."""
        self._claim_at = clock.monotonic() + settings.flush_interval
        self._renewed_at: dict[int, float] = {}
        """The leases of this process, and when each was renewed."""
        self._reserve_checked_at = -_CHECK_RESERVE_EVERY
        self._is_shrinking = False
        self._refused = 0
        self._sealed = False
        self._logged_at = -_LOG_EVERY
        self._hurried_at = -_HURRY_EVERY
        self._closed = False
        self._known = EventStats()
        """The account when it was last read."""
        self._since = 0
        """Events that were written here after that."""
        self._youngest = 0
        """The last known ID of an event."""
        self._reached = 0
        """All events up to this ID have their final state."""
        self._database = SpoolDatabase(path, settings.durability)
        self._leases = Leases(self._database, clock, self._lease_seconds)
        self._keep_reserve()
        self.stats()

    def offer(self, event: bytes, *, force: bool = False) -> bool:
        """See `Store`."""
        entry = _Entry(event, int(self._clock.time() * 1000), force)
        self._entries.append(entry)
        problem: SpoolError | None = None
        before = self._fresh
        try:
            with self._lock:
                if self._is_busy:
                    entry.is_left = True
                    self._left += 1
                    return True
                # The first thread that has the lock writes for all that wait for it.
                if not entry.is_written:
                    if self._sealed:
                        raise closed()
                    self._is_busy = True
                    try:
                        if len(self._entries) == 1:
                            self._write_one(entry)
                        self._write_entries()
                    except SpoolError as error:
                        problem = error
                    finally:
                        self._is_busy = False
        finally:
            if not (entry.is_written or entry.is_left):
                self._entries.remove(entry)
        if self._left or self._unreported or self._discarded:
            self._finish()
        if before < self._settings.max_batch <= self._fresh:
            self._wake()
        return entry.is_written or self._no_room(event, problem, force=force)

    @contextmanager
    def _exclusively(self, *, nested: bool = False) -> Generator[None]:
        """Keep other threads from the spool, and reentrant calls from writing to it.

        Raises:
            SpoolError: The thread is in another method already, and the call may not be `nested`.
        """
        try:
            with self._lock:
                was_busy = self._is_busy
                if was_busy and not nested:
                    raise SpoolError(f"spool {self._database.path}: in use by this thread")
                self._is_busy = True
                try:
                    yield
                finally:
                    self._is_busy = was_busy
        finally:
            self._finish()

    def _finish(self) -> None:
        """Do what had to wait until the spool is free again."""
        with self._lock:
            if self._is_busy:
                return
            if self._left:
                self._is_busy = True
                try:
                    self._write_entries()
                except SpoolError as error:  # the next operation tries again
                    self._log(f"{error}; {self._left} events wait in memory")
                finally:
                    self._is_busy = False
        while self._unreported:
            report(self._settings, self._unreported.popleft())
        if self._discarded:
            discarded, self._discarded = self._discarded, 0
            logger.error(
                "spool %s: %d dead letters were discarded, since there is no room for them",
                self._database.path,
                discarded,
            )

    def _write_one(self, entry: _Entry) -> None:
        """Write the only entry if there surely is room, at less cost than `_write_entries`."""
        need = len(entry.event) + _ROW_BYTES
        if self._room >= need and self._unchecked < _CHECK_EVERY:
            self._youngest = self._database.insert_one(entry.logged, entry.event)
            entry.is_written = True
            self._entries.remove(entry)
            self._room -= need
            self._unchecked += 1
            self._fresh += 1
            self._since += 1

    def _write_entries(self) -> None:
        while self._entries and (entries := self._fitting()):
            try:
                events = [(entry.logged, entry.event) for entry in entries]
                self._youngest = self._database.insert(events)
            except SpoolError:
                self._room = 0
                raise
            for entry in entries:
                entry.is_written = True
                self._entries.remove(entry)
                self._left -= entry.is_left
            self._fresh += len(entries)
            self._since += len(entries)

    def _fitting(self) -> list[_Entry]:
        """Return the entries for which there is room."""
        entries: list[_Entry] = []
        for entry in self._entries.copy():
            need = len(entry.event) + _ROW_BYTES
            if self._room < need or self._unchecked >= _CHECK_EVERY:
                self._read_room(sum(len(it.event) + _ROW_BYTES for it in entries))
                if self._room < need:
                    self._make_room(need)
                if self._room < need and not (entry.is_forced or entry.is_left):
                    continue
            self._room -= need
            self._unchecked += 1
            entries.append(entry)
        return entries

    def _read_room(self, taken: int = 0) -> None:
        self._room = self._database.room(self._settings.max_spool_bytes) - taken
        self._unchecked = 0

    def _make_room(self, need: int) -> None:
        """Discard dead letters, then drop events, as far as the options allow it.

        Dead letters give way before `log()` waits or drops anything: nothing would ever make room
        in a spool that is full of them.
        """
        if self._settings.overflow not in ("block", "drop_oldest"):
            return
        while self._room < need and (discarded := discard_oldest(self._database)):
            self._discarded += discarded
            self._read_room()
        if self._settings.overflow == "drop_oldest":
            while self._room < need and (dropped := self._database.write(self._drop_oldest)):
                self._unreported.append(Delivery(state="dropped", encoded=dropped))
                self._read_room()

    def _drop_oldest(self) -> list[bytes]:
        """Delete the oldest events that are not being sent, as many as a batch has."""
        found = self._leases.unleased(self._settings.max_batch)
        if found:
            remove_events(self._database, found[0][0], found[-1][0])
            count(self._database, "dropped", len(found))
        return [event for _, event in found]

    def _no_room(self, event: bytes, problem: SpoolError | None, *, force: bool) -> bool:
        why = problem or SpoolError(
            f"spool {self._database.path}: it is full (max_spool_bytes is "
            f"{self._settings.max_spool_bytes}), or its disk is; discard its dead letters or give "
            "it more room"
        )
        if self._settings.overflow == "raise" or force:
            raise EventQueueFullError(f"{why}; the event was not accepted") from problem
        if self._settings.overflow == "block":
            self._log(f"{why}; log() waits")
            now = self._clock.monotonic()
            if now - self._hurried_at >= _HURRY_EVERY:  # only a delivery makes room
                self._hurried_at = self._claim_at = now
                self._wake()
            return False
        with self._lock:
            self._refused += 1
        self._log(f"{why}; events are dropped")
        report(self._settings, Delivery(state="dropped", encoded=[event], error=why))
        return True

    def _log(self, what: str) -> None:
        now = self._clock.monotonic()
        if now - self._logged_at >= _LOG_EVERY:
            self._logged_at = now
            logger.error("%s", what)

    def due_in(self) -> float | None:
        """See `Store`."""
        # Without the lock, for which a thread that asks often would wait as often.
        if self._fresh >= self._settings.max_batch:
            return 0.0
        # Also without events of this process: another one may have died and left some.
        return max(0.0, self._claim_at - self._clock.monotonic())

    def claim(self, limit: int | None = None) -> Batch | None:
        """See `Store`."""
        self._keep_reserve()
        with self._exclusively():
            now = self._clock.monotonic()
            max_events = min(limit or self._settings.max_batch, self._settings.max_batch)
            batch, more = None, False
            is_empty = self._database.row("SELECT EXISTS (SELECT 1 FROM events)") == (0,)
            if not is_empty:
                batch, more = self._database.write(
                    lambda: self._leases.grant(max_events, self._settings.max_batch_bytes)
                )
            self._fresh = max(0, self._fresh - len(batch)) if batch else 0
            if batch:
                self._renewed_at[batch.lease] = now
            self._claim_at = now if more else now + self._settings.flush_interval
        if is_empty:
            self._shrink()
        return batch

    def _keep_reserve(self) -> None:
        """Fill the reserve from time to time: the disk may have room again."""
        now = self._clock.monotonic()
        if now - self._reserve_checked_at >= _CHECK_RESERVE_EVERY:
            self._reserve_checked_at = now
            # `SpoolDatabase.room` lets an event take up to 3/16 of the reserve.
            self._database.reserve.fill(
                min(
                    max(4 * 1024 * 1024, 6 * self._settings.max_batch_bytes),
                    256 * 1024 + 6 * self._settings.max_spool_bytes,
                )
            )

    def _shrink(self) -> None:
        """Return free pages of an empty queue to the disk, in short steps."""
        steps = 0
        # When log() waits, or has written an event, it will use these pages.
        while steps < _SHRINK_STEPS and not (self._entries or self._fresh):
            steps += 1
            with suppress(SpoolError), self._exclusively():  # at the next time
                if not self._is_shrinking:
                    self._is_shrinking = self._database.size().free > _MAX_FREE
                if self._is_shrinking:
                    self._is_shrinking = self._database.shrink(_SHRINK_PAGES)
            if not self._is_shrinking:
                return

    def renew(self, batch: Batch) -> bool:
        """See `Store`."""
        with self._exclusively():
            now = self._clock.monotonic()
            renewed_at = self._renewed_at.get(batch.lease)
            if renewed_at is not None and now - renewed_at < self._lease_seconds / 4:
                return True
            if not self._database.write(lambda: self._leases.renew(batch)):
                self._renewed_at.pop(batch.lease, None)
                return False
            self._renewed_at[batch.lease] = now
            return True

    def delivered(self, batch: Batch) -> None:
        """See `Store`."""

        def complete() -> bool:
            is_held = self._leases.is_held(batch)
            if is_held:
                remove_events(self._database, batch.ids[0], batch.ids[-1])
                count(self._database, "delivered", len(batch))
            return is_held

        with self._exclusively():
            self._complete(batch, complete)

    def set_aside(self, batch: Batch, state: Literal["rejected", "ambiguous"], why: str) -> None:
        """See `Store`."""

        def complete() -> bool:
            is_held = self._leases.is_held(batch)
            if is_held:
                if has_room:
                    add_dead_letters(self._database, batch, state, why)
                else:
                    remove_events(self._database, batch.ids[0], batch.ids[-1])
                count(self._database, state, len(batch))
            return is_held

        with self._exclusively():
            need = sum(len(event) + len(why) + _ROW_BYTES for event in batch.events)
            while not (has_room := self._database.room_for_dead_letters() >= need):
                if not (discarded := discard_oldest(self._database)):
                    self._discarded += len(batch)
                    break
                self._discarded += discarded
            self._complete(batch, complete)

    def _complete(self, batch: Batch, complete: Callable[[], bool]) -> None:
        """Remove a batch from the queue, and its lease if no part of it is left."""

        def run() -> tuple[bool, bool]:
            is_held = complete()
            return is_held, self._leases.release_part(batch) or not is_held

        is_held, is_over = self._database.write(run)
        if is_over:
            self._renewed_at.pop(batch.lease, None)
        if not is_held:
            _warn_of_expiry(batch)

    def release(self, batches: Sequence[Batch], *, retried: int, unclear: bool) -> None:
        """See `Store`."""

        def release() -> None:
            for batch in batches:
                self._leases.release(batch)
            count(self._database, "retried", retried)
            count(self._database, "resent_ambiguous", retried if unclear else 0)

        with self._exclusively():
            self._database.write(release)
            for batch in batches:
                self._renewed_at.pop(batch.lease, None)
            self._claim_at = self._clock.monotonic()

    def mark(self) -> int:
        """See `Store`."""
        with self._exclusively(nested=True):
            try:
                self._youngest = last_id(self._database)
                if self._youngest < self._reached:  # a new spool, in place of a broken one
                    self._reached = 0
            except SpoolError as error:
                self._log(str(error))
            return self._youngest

    def reached(self, mark: int, *, here: bool = False) -> bool:
        """See `Store`."""
        if mark <= self._reached:
            return True
        with self._exclusively(nested=True):
            now = self._clock.time() if here else math.inf  # when all leases have expired
            own = ", ".join("?" * len(self._renewed_at))
            reached = self._database.row(
                "SELECT NOT EXISTS (SELECT 1 FROM events WHERE id <= ? AND NOT EXISTS"  # noqa: S608
                " (SELECT 1 FROM leases WHERE id BETWEEN first AND last"
                f" AND token NOT IN ({own}) AND expires > ?))",
                mark,
                *self._renewed_at,
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
        with self._exclusively(nested=True):
            if not self._closed:
                try:
                    self._known = read_stats(self._database, self._clock.time())
                    self._since = 0
                except SpoolError as error:
                    self._log(f"{error}; the account is the last that is known")
            unwritten = self._since + self._left
            return evolve(
                self._known,
                accepted=self._known.accepted + unwritten + self._refused,
                dropped=self._known.dropped + self._refused,
                pending=self._known.pending + unwritten,
            )

    def close(self) -> None:
        """See `Store`."""
        self._finish()
        with self._lock:
            if self._closed:
                return
            self.stats()
            self._closed = True
            if self._left:
                logger.error("%d events could not be written, and are lost", self._left)
            with suppress(SpoolError):
                if self._database.path != self._settings.spool and self._database.is_empty():
                    self._database.remove()  # that of a forked child
            self._database.close()


def _warn_of_expiry(batch: Batch) -> None:
    logger.warning(
        "%d events were sent after their lease had expired, and may be sent twice", len(batch)
    )
