"""A queue of events in a spool, which threads and processes share."""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from attrs import evolve

from ..errors import SpoolError
from ..options import CheckedOptions
from ..stats import EventStats, logger
from .accounting import count, last_id, read_stats, remove_events
from .base import Batch
from .database import SpoolDatabase
from .dead_letters import add_dead_letters
from .leases import Leases
from .writer import PATIENCE, ROW_BYTES, SpoolWriter

if TYPE_CHECKING:
    from ..._clock import Clock

_HURRY_EVERY: Final = 1.0
_FILL_RESERVE_EVERY: Final = 60.0
_MAX_FREE: Final = 8 * 1024 * 1024
"""Bytes of free pages that an empty spool keeps."""
_SHRINK_PAGES: Final = 64
_SHRINK_STEPS: Final = 256
"""Pages that go back to the disk in one transaction, and transactions each time that the queue is
found empty: 128 KB while `log()` may have to wait, 32 MB in all.
"""


class SpoolQueue:
    """The queue of one process in a spool.

    The lock and the writes of `log()` are in `SpoolWriter`; this class claims events, and writes
    their final states. Everything that changes the spool runs in short transactions, since
    `log()` waits for their end.
    """

    def __init__(
        self,
        options: CheckedOptions,
        clock: "Clock",
        wake: Callable[[], None],
        *,
        path: Path,
        longest_attempt: float,
    ) -> None:
        self._options = options
        self._clock = clock
        self._wake = wake
        # An attempt ends within, even if its thread has to wait for its turn.
        self._lease_seconds = min(2 * longest_attempt + 1, 3600.0)
        self._claim_at = clock.monotonic() + options.flush_interval
        self._hurried_at = -_HURRY_EVERY
        self._filled_at = -_FILL_RESERVE_EVERY
        self._is_shrinking = False
        self._claimed: dict[int, float] = {}
        """The leases of the batches in progress, and when each was renewed."""
        self._closed = False
        self._known = EventStats()
        """The account when it was last read."""
        self._known_to = 0
        """The ID of the youngest event at that time."""
        self._reached = 0
        """All events up to this ID have their final state."""
        self._database = SpoolDatabase(path, options.durability)
        self._database.patience = PATIENCE
        self._leases = Leases(self._database, clock, self._lease_seconds)
        self._writer = SpoolWriter(options, clock, self._database, wake, self._hurry)
        self._fill_reserve()
        self.stats()

    def put(self, event: bytes, *, force: bool = False) -> bool:
        """See `EventQueue`."""
        return self._writer.put(event, force=force)

    def due_in(self) -> float | None:
        """See `EventQueue`."""
        # Without the lock, for which a thread that asks often would wait as often.
        if self._writer.fresh >= self._options.max_batch:
            return 0.0
        # Also without events of this process: another one may have died and left some.
        return max(0.0, self._claim_at - self._clock.monotonic())

    def _hurry(self) -> None:
        """Have events claimed at once, but not more often than `log()` tries again."""
        now = self._clock.monotonic()
        if now - self._hurried_at >= _HURRY_EVERY:
            self._hurried_at = self._claim_at = now
            self._wake()

    def claim(self, limit: int | None = None) -> Batch | None:
        """See `EventQueue`."""
        self._fill_reserve()
        max_events = min(limit or self._options.max_batch, self._options.max_batch)

        def claim() -> tuple[Batch | None, bool]:
            now = self._clock.monotonic()
            batch, more = None, False
            is_empty = self._database.row("SELECT EXISTS (SELECT 1 FROM events)") == (0,)
            if not is_empty:
                # By the clock that nobody sets: the time of the system may have jumped.
                valid = [
                    lease
                    for lease, renewed in self._claimed.items()
                    if now - renewed < self._lease_seconds
                ]
                batch, more = self._database.write(
                    lambda: self._leases.grant(max_events, self._options.max_batch_bytes, valid)
                )
            if batch:
                self._claimed[batch.lease] = now
            self._writer.fresh = max(0, self._writer.fresh - len(batch)) if batch else 0
            self._claim_at = now if more else now + self._options.flush_interval
            return batch, is_empty

        batch, is_empty = self._writer.patiently(claim)
        if is_empty:
            self._shrink()
        return batch

    def _fill_reserve(self) -> None:
        """Fill the reserve from time to time: the disk may have room again."""
        now = self._clock.monotonic()
        if now - self._filled_at >= _FILL_RESERVE_EVERY:
            self._filled_at = now
            # `SpoolDatabase.room` lets an event take up to 3/16 of the reserve.
            self._database.reserve.fill(
                min(
                    max(4 * 1024 * 1024, 6 * self._options.max_batch_bytes),
                    256 * 1024 + 6 * self._options.max_spool_bytes,
                )
            )

    def _shrink(self) -> None:
        """Return free pages of an empty queue to the disk, in short steps."""
        steps = 0
        # An event that is logged meanwhile will use these pages.
        while steps < _SHRINK_STEPS and self._writer.is_idle:
            steps += 1
            with suppress(SpoolError), self._writer.exclusively():  # at the next time
                if not self._is_shrinking:
                    self._is_shrinking = self._database.size().free > _MAX_FREE
                if self._is_shrinking:
                    self._is_shrinking = self._database.shrink(_SHRINK_PAGES)
            if not self._is_shrinking:
                return

    def renew(self, batch: Batch) -> bool:
        """See `EventQueue`."""

        def renew() -> bool:
            now = self._clock.monotonic()
            if now - self._claimed.get(batch.lease, -math.inf) < self._lease_seconds / 4:
                return True
            is_held = self._database.write(lambda: self._leases.renew(batch))
            if is_held:
                self._claimed[batch.lease] = now
            else:
                self._claimed.pop(batch.lease, None)
            return is_held

        return self._writer.patiently(renew)

    def complete(self, batch: Batch) -> None:
        """See `EventQueue`."""

        def complete() -> None:
            remove_events(self._database, batch.ids[0], batch.ids[-1])
            count(self._database, "delivered", len(batch))

        if not self._writer.patiently(lambda: self._complete(batch, complete)):
            _warn_of_expiry(batch)

    def dead_letter(self, batch: Batch, state: Literal["rejected", "ambiguous"], why: str) -> None:
        """See `EventQueue`."""
        need = sum(len(event) + len(why) + ROW_BYTES for event in batch.events)

        def dead_letter() -> bool:
            has_room = self._writer.make_room_for_dead_letters(need)

            def complete() -> None:
                if has_room:
                    add_dead_letters(self._database, batch, state, why)
                else:
                    remove_events(self._database, batch.ids[0], batch.ids[-1])
                count(self._database, state, len(batch))

            is_held = self._complete(batch, complete)
            if is_held and not has_room:
                self._writer.count_discarded(len(batch))
            return is_held

        if not self._writer.patiently(dead_letter):
            _warn_of_expiry(batch)

    def _complete(self, batch: Batch, work: Callable[[], None]) -> bool:
        """Run a step for a batch and end its lease; False if the lease has expired."""

        def complete() -> tuple[bool, bool]:
            if not self._leases.is_held(batch):
                return False, True
            work()
            return True, self._leases.release_part(batch)

        is_held, is_released = self._database.write(complete)
        if is_released:
            self._claimed.pop(batch.lease, None)
        return is_held

    def release(self, batches: Sequence[Batch], *, retried: int, unclear: bool) -> None:
        """See `EventQueue`."""

        def write() -> None:
            for batch in batches:
                self._leases.release(batch)
            count(self._database, "retried", retried)
            count(self._database, "resent_ambiguous", retried if unclear else 0)

        def release() -> None:
            self._database.write(write)
            for batch in batches:
                self._claimed.pop(batch.lease, None)
            self._claim_at = self._clock.monotonic()

        self._writer.patiently(release)

    def mark(self) -> int:
        """See `EventQueue`."""
        with self._writer.exclusively(nested=True):
            try:
                self._writer.youngest = last_id(self._database)
            except SpoolError as error:
                self._writer.log(str(error))
            if self._writer.youngest < self._reached:  # a new spool, in place of a broken one
                self._reached = 0
            return self._writer.youngest

    def reached(self, mark: int, *, here: bool = False) -> bool:
        """See `EventQueue`."""
        if mark <= self._reached:
            return True
        with self._writer.exclusively(nested=True):
            now = self._clock.time() if here else math.inf  # when all leases have expired
            reached = not self._leases.has_events(mark, now, list(self._claimed))
            if reached and not here:
                self._reached = mark
            return reached

    def seal(self) -> None:
        """See `EventQueue`."""
        self._writer.stop()

    def stats(self) -> EventStats:
        """See `EventQueue`."""
        writer = self._writer
        with writer.exclusively(nested=True):
            if not self._closed:
                try:
                    self._known, youngest = read_stats(self._database, self._clock.time())
                    self._known_to = max(youngest, writer.youngest)
                except SpoolError as error:
                    writer.log(f"{error}; the account is the last that is known")
            # IDs have no gaps.
            unwritten = max(0, writer.youngest - self._known_to) + writer.left
            return evolve(
                self._known,
                accepted=self._known.accepted + unwritten + writer.dropped,
                dropped=self._known.dropped + writer.dropped,
                pending=self._known.pending + unwritten,
            )

    def close(self) -> None:
        """See `EventQueue`."""
        self._writer.finish()
        self.stats()
        with self._writer.exclusively(nested=True):
            if self._closed:
                return
            self._closed = True
            if self._writer.left:
                logger.error("%d events could not be written, and are lost", self._writer.left)
            with suppress(SpoolError):
                if self._database.path != self._options.spool and self._database.is_empty():
                    self._database.remove()  # that of a forked child
            self._database.close()


def _warn_of_expiry(batch: Batch) -> None:
    logger.warning(
        "%d events were sent after their lease had expired, and may be sent twice", len(batch)
    )
