"""Writes of `log()` to a spool: group commit, room, and calls from signal handlers."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import define

from ..errors import EventQueueFullError, SpoolError, closed
from ..options import CheckedOptions
from ..stats import Delivery, logger, report
from .accounting import count, remove_events
from .connection import BUSY_SECONDS
from .counter import AtomicCounter
from .database import SpoolBusyError, SpoolDatabase
from .dead_letters import discard_oldest
from .leases import unleased_events

if TYPE_CHECKING:
    from ..._clock import Clock

_T = TypeVar("_T")

ROW_BYTES: Final = 24
"""Bytes that an event takes in the spool besides its own."""
_CHECK_EVERY: Final = 64
_CHECK_RARELY: Final = 512
_MUCH_ROOM: Final = 1024 * 1024
"""Events after which the room is read again, for what other processes wrote: less often while there
is much room.
"""
_LOG_EVERY: Final = 60.0
"""Seconds between two lines in the log about the same problem."""
PATIENCE: Final = 0.01
"""Seconds that a thread keeps the lock while it waits for another process."""
_POLL: Final = 0.02
"""Seconds between two such waits, during which other threads may use the spool."""
_LOG_PATIENCE: Final = 1.0
"""Seconds that `log()` waits for another process, unless it waits for room anyway."""
_MAX_PASSES: Final = 10
"""Writes in a row of events that reentrant calls left; the next operation writes the rest. Without
a limit, finalizers that log whenever memory is allocated would keep the interrupted call forever.
"""


@define(eq=False)
class _Entry:
    """An event on its way to the disk."""

    event: bytes
    logged: int
    is_forced: bool
    """Whether it is written although the queue is full."""
    is_left: bool = False
    """Whether a reentrant call left it to the method that it interrupted."""
    is_written: bool = False


class SpoolWriter:
    """The write side of a spool, and the lock around all of it.

    A signal handler, or a finalizer that the garbage collector runs, may log while the thread that
    it interrupts is using the spool. The lock is reentrant, so that this does not wait forever;
    `_is_busy` shows that the thread is using the spool already. Then `put` only appends its event
    to `_entries`, and the interrupted method writes it when it is done. So an event never becomes
    a part of another method's transaction, which may be rolled back.
    """

    def __init__(
        self,
        options: CheckedOptions,
        clock: "Clock",
        database: SpoolDatabase,
        wake: Callable[[], None],
        hurry: Callable[[], None],
    ) -> None:
        self._options = options
        self._clock = clock
        self._database = database
        self._wake = wake
        self._hurry = hurry
        self._lock = threading.RLock()
        self._is_busy = False
        self._entries: deque[_Entry] = deque()
        """Events that threads are writing, or that reentrant calls left."""
        self.fresh: int = 0
        """Events written since the last claim."""
        self._dropped = AtomicCounter()
        self.youngest: int = 0
        """The last known ID of an event."""
        self._unreported: deque[Delivery] = deque()
        """Dropped events, reported when the lock is free."""
        self._discarded = 0
        """Dead letters that gave way, logged when the lock is free."""
        self._room = 0
        self._budget = 0
        """Events that may be written until the room is read again."""
        self._is_stopped = False
        self._logged_at = -_LOG_EVERY

    def put(self, event: bytes, *, force: bool) -> bool:
        """Write an event; False if the caller must wait for room.

        Raises:
            EventQueueFullError: The queue is full and `overflow` is `raise`.
            ConfigurationError: The queue accepts no more events.
        """
        entry = _Entry(event, int(self._clock.time() * 1000), force)
        self._entries.append(entry)
        problem: SpoolError | None = None
        before = self.fresh
        deadline = None
        try:
            while True:
                problem = self._write(entry)
                if entry.is_left:
                    return True
                if not isinstance(problem, SpoolBusyError):
                    break
                now = time.monotonic()
                deadline = deadline or now + _LOG_PATIENCE
                if now >= deadline:
                    break
                time.sleep(_POLL)
        finally:
            if not (entry.is_written or entry.is_left):
                self._entries.remove(entry)
        if self._entries or self._unreported or self._discarded:
            self.finish()
        if before < self._options.max_batch <= self.fresh:
            self._wake()
        return entry.is_written or self._no_room(event, problem, force=force)

    def _write(self, entry: _Entry) -> SpoolError | None:
        """Write an entry, and those of all threads that wait; return the problem if it fails."""
        with self._lock:
            if self._is_busy:
                entry.is_left = True
            # The first thread that has the lock has written for all that wait for it.
            elif not entry.is_written:
                if self._is_stopped:
                    raise closed()
                self._is_busy = True
                try:
                    if len(self._entries) == 1:
                        self._write_one(entry)
                    self._write_entries()
                except SpoolError as error:
                    self._room = 0
                    return error
                finally:
                    self._is_busy = False
        return None

    def stop(self) -> None:
        """Accept no more events."""
        with self._lock:
            self._is_stopped = True

    @property
    def is_idle(self) -> bool:
        """Whether no event is waiting to be written or claimed."""
        return not (self._entries or self.fresh)

    @property
    def left(self) -> int:
        """The number of events that reentrant calls left."""
        return sum(entry.is_left for entry in self._entries.copy())

    @property
    def dropped(self) -> int:
        """The number of events dropped because the queue was full."""
        return self._dropped.value

    def patiently(self, step: Callable[[], _T]) -> _T:
        """Run a step as by `exclusively`, again and again while another process writes.

        Other threads may use the spool in between, so that neither `log()` nor a flush with a
        timeout waits as long as this. A step must not change anything but the database if it fails.

        Raises:
            SpoolError: The thread is using the spool already, or the step failed.
        """
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                with self.exclusively():
                    return step()
            except SpoolBusyError:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(_POLL)

    @contextmanager
    def exclusively(self, *, nested: bool = False) -> Generator[None]:
        """Keep other threads from the spool, and reentrant calls from writing to it.

        Raises:
            SpoolError: The thread is using the spool already, and the call may not be `nested`.
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
            self.finish()

    def finish(self) -> None:
        """Run the steps that were postponed until the spool is free."""
        with self._lock:
            if self._is_busy:
                return
            if self.left:
                self._is_busy = True
                try:
                    self._write_entries()
                except SpoolError as error:  # the next operation tries again
                    self._room = 0
                    self.log(f"{error}; {self.left} events wait in memory")
                finally:
                    self._is_busy = False
        with suppress(IndexError):  # other threads may report, too
            while True:
                report(self._options, self._unreported.popleft())
        if self._discarded:
            discarded, self._discarded = self._discarded, 0
            logger.error(
                "spool %s: %d dead letters were discarded to make room",
                self._database.path,
                discarded,
            )

    def make_room_for_dead_letters(self, need: int) -> bool:
        """Discard the oldest dead letters for new ones; False if that does not make enough room."""
        while self._database.room_for_dead_letters() < need:
            discarded = discard_oldest(self._database)
            self._discarded += discarded
            if not discarded:
                return False
        return True

    def count_discarded(self, events: int) -> None:
        """Log dead letters as discarded when the lock is free."""
        self._discarded += events

    def log(self, what: str) -> None:
        """Log a problem, unless one was logged a moment ago."""
        now = self._clock.monotonic()
        if now - self._logged_at >= _LOG_EVERY:
            self._logged_at = now
            logger.error("%s", what)

    def _write_one(self, entry: _Entry) -> None:
        """Write the only entry if there surely is room, at less cost than `_write_entries`."""
        need = len(entry.event) + ROW_BYTES
        if self._room >= need and self._budget > 0:
            self.youngest = self._database.insert_one(entry.logged, entry.event)
            entry.is_written = True
            self._entries.remove(entry)
            self._room -= need
            self._budget -= 1
            self.fresh += 1

    def _write_entries(self) -> None:
        for _ in range(_MAX_PASSES):
            if not (self._entries and (entries := self._fitting())):
                break
            events = [(entry.logged, entry.event) for entry in entries]
            self.youngest = self._database.insert(events)
            for entry in entries:
                entry.is_written = True
                self._entries.remove(entry)
            self.fresh += len(entries)

    def _fitting(self) -> list[_Entry]:
        """Return the entries for which there is room."""
        entries: list[_Entry] = []
        for entry in self._entries.copy():
            need = len(entry.event) + ROW_BYTES
            if self._room < need or self._budget <= 0:
                self._read_room(sum(len(it.event) + ROW_BYTES for it in entries))
                if self._room < need:
                    self._make_room(need)
                if self._room < need and not (entry.is_forced or entry.is_left):
                    continue
            self._room -= need
            self._budget -= 1
            entries.append(entry)
        return entries

    def _read_room(self, taken: int = 0) -> None:
        self._room = self._database.room(self._options.max_spool_bytes) - taken
        self._budget = _CHECK_RARELY if self._room > _MUCH_ROOM else _CHECK_EVERY

    def _make_room(self, need: int) -> None:
        """Discard dead letters, then drop events, as far as the options allow it.

        Dead letters give way before `log()` waits or drops anything: nothing would ever make room
        in a spool that is full of them.
        """
        if self._options.overflow not in ("block", "drop_oldest"):
            return
        while self._room < need and (discarded := discard_oldest(self._database)):
            self._discarded += discarded
            self._read_room()
        if self._options.overflow == "drop_oldest":
            while self._room < need and (dropped := self._database.write(self._drop_oldest)):
                self._unreported.append(Delivery(state="dropped", encoded=dropped))
                self._read_room()

    def _drop_oldest(self) -> list[bytes]:
        """Delete the oldest events that are not being sent, as many as a batch has."""
        found = unleased_events(self._database, self._options.max_batch)
        if found:
            remove_events(self._database, found[0][0], found[-1][0])
            count(self._database, "dropped", len(found))
        return [event for _, event in found]

    def _no_room(self, event: bytes, problem: SpoolError | None, *, force: bool) -> bool:
        why = problem or SpoolError(
            f"spool {self._database.path}: it is full (max_spool_bytes is "
            f"{self._options.max_spool_bytes}), or its disk is; discard its dead letters or give "
            "it more room"
        )
        if self._options.overflow == "raise" or force:
            raise EventQueueFullError(f"{why}; the event was not accepted") from problem
        if self._options.overflow == "block":
            self.log(f"{why}; log() waits")
            self._hurry()  # only a delivery makes room
            return False
        self._dropped.increment()
        self.log(f"{why}; events are dropped")
        report(self._options, Delivery(state="dropped", encoded=[event], error=why))
        return True
