"""The spool as a SQLite database in WAL mode, which threads and processes share.

Committed events survive the end of a process, and with `durability="power"` the machine's.
"""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar, cast

from attrs import frozen

from ..._fork import hold_forks
from ..errors import SpoolError
from ..options import Durability
from .connection import BUSY_SECONDS, disconnect, is_broken, is_busy, is_full, patiently
from .opening import SpoolOpener
from .quarantine import SpoolPath
from .reserve import DiskReserve, bytes_to_limit, free_bytes
from .schema import INSERT_EVENT

_T = TypeVar("_T")

_LAST_RESERVE: Final = 256 * 1024
"""Bytes of the reserve that dead letters never take."""


class DiskFullError(SpoolError):
    """The disk has no room for a write."""


class SpoolBusyError(SpoolError):
    """Another process has the lock that a statement needs."""


@frozen
class SpoolSize:
    """Sizes of a spool, in bytes."""

    used: int
    """Pages that hold something."""
    free: int
    """Pages of the file that hold nothing and are used again."""
    in_wal: int
    """New pages, which are in the WAL alone until they are copied into the database."""


class SpoolDatabase:
    """An open spool. One thread at a time may use it.

    Args:
        path: The file.
        durability: What committed events survive.
        must_exist: Neither make a spool, nor put a new one in the place of a broken one.
        patience: Seconds to wait for the lock of another process.

    Raises:
        SpoolError: The file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        durability: Durability = "process",
        *,
        must_exist: bool = False,
        patience: float = BUSY_SECONDS,
    ) -> None:
        self.path = path
        self.reserve: DiskReserve = DiskReserve(path)
        self._must_exist = must_exist
        self.patience = patience
        """Seconds that an operation waits for the lock of another process."""
        self._place = SpoolPath(path)
        self._problem: str | None = None
        """Why the file is unusable, until it has been replaced."""
        self._opener = SpoolOpener(
            place=self._place,
            reserve=self.reserve,
            durability=durability,
            must_exist=must_exist,
            patience=patience,
        )
        self._connection = self._opener.open()

    def run(
        self, statement: str, values: tuple[object, ...]
    ) -> "tuple[list[tuple[object, ...]], int]":
        """Run a statement; return its rows, and how many rows it changed.

        Raises:
            SpoolError: The file cannot be used.
        """

        def call() -> "tuple[list[tuple[object, ...]], int]":
            cursor = self._connection.execute(statement, values)
            try:
                return cursor.fetchall(), cursor.rowcount
            finally:
                cursor.close()  # while forks are held, not when the collector comes by

        try:
            return patiently(call, self.patience)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def rows(self, statement: str, *values: object) -> "list[tuple[object, ...]]":
        """Return the rows of a query.

        Raises:
            SpoolError: The file cannot be used.
        """
        return self.run(statement, values)[0]

    def row(self, statement: str, *values: object) -> tuple[int, ...]:
        """Return the first row of a query for numbers.

        Raises:
            SpoolError: The file cannot be used.
        """
        return cast("tuple[int, ...]", self.run(statement, values)[0][0])

    def execute(self, statement: str, *values: object) -> int:
        """Run a statement, and return how many rows it changed.

        Raises:
            SpoolError: The file cannot be used.
        """
        return self.run(statement, values)[1]

    def write(self, work: Callable[[], _T]) -> _T:
        """Run `work` in a transaction and return its result; nothing of it is done if it fails.

        On a full disk, `work` is run again with room that the WAL or the reserve makes, so it must
        not change anything but the database. `insert` has no right to the reserve: it is there for
        what takes events out of the spool. Transactions must not be nested.

        Raises:
            SpoolError: The file cannot be used.
        """
        try:
            return self._transaction(work)
        except DiskFullError:
            self._checkpoint()
        while True:
            try:
                return self._transaction(work)
            except DiskFullError:
                if not self.reserve.release_half():
                    raise
                self._checkpoint()

    def insert_one(self, logged: int, event: bytes) -> int:
        """Write one event in a separate transaction, at a third of the cost; see `insert`."""
        connection = self._connection
        if not connection.in_transaction:  # pragma: no branch  (else see `_transaction`)
            try:
                with hold_forks():
                    cursor = connection.execute(INSERT_EVENT, (logged, event))
                    return cast("int", cursor.lastrowid)
            except sqlite3.Error:  # another process is writing, or the disk is full
                pass
        return self.insert([(logged, event)])

    def insert(self, events: list[tuple[int, bytes]]) -> int:
        """Write events, each with the time when it was logged; return the ID of the last one.

        Raises:
            SpoolError: The file cannot be used; no event was written.
        """
        connection = self._connection
        try:
            return self._transaction(lambda: self._insert(events))
        except DiskFullError:
            self._checkpoint()
        except SpoolError:
            if self._connection is connection:  # else a new spool is in the place of a broken one
                raise
        return self._transaction(lambda: self._insert(events))

    def _insert(self, events: list[tuple[int, bytes]]) -> int:
        try:
            with hold_forks():
                self._connection.executemany(INSERT_EVENT, events).close()
        except sqlite3.Error as error:
            raise self._failed(error) from error
        return self.row("SELECT last_insert_rowid()")[0]

    def _transaction(self, work: Callable[[], _T]) -> _T:
        if self._connection.in_transaction:  # the exception of a signal handler left it open
            self._rollback()
        try:
            self.run("BEGIN IMMEDIATE", ())
            result = work()
            self.run("COMMIT", ())
        except BaseException:
            self._rollback()
            raise
        return result

    def _rollback(self) -> None:
        with suppress(sqlite3.Error), hold_forks():  # SQLite may have done it
            self._connection.execute("ROLLBACK")

    def _checkpoint(self) -> None:
        """Copy the WAL into the database, so that the next transaction reuses the WAL in place."""
        with suppress(sqlite3.Error), hold_forks():
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").close()

    def size(self) -> SpoolSize:
        """Return the sizes of the spool.

        Raises:
            SpoolError: The file cannot be used.
        """
        # Three pragmas cost a third of one query for all of them.
        (pages,), (unused,), (size,) = (
            self.row(f"PRAGMA {name}") for name in ("page_count", "freelist_count", "page_size")
        )
        try:
            on_disk = self.path.stat().st_size
        except OSError:  # deleted by someone
            on_disk = 0
        return SpoolSize((pages - unused) * size, unused * size, max(0, pages * size - on_disk))

    def room(self, max_bytes: int) -> int:
        """Return how many bytes new events may take without harm to their delivery.

        They may use free pages. New pages must not exceed the reserve as long as they are in the
        WAL alone; half of it is left for other processes, and for what delivery itself writes.

        Args:
            max_bytes: The maximum size of the spool.

        Raises:
            SpoolError: The file cannot be used.
        """
        size, reserve = self._checkpointed_size()
        return min(max_bytes - size.used, size.free + self._growth(size, reserve))

    def room_for_dead_letters(self) -> int:
        """Return how many bytes dead letters may take: on a full disk, a part of the reserve.

        Raises:
            SpoolError: The file cannot be used.
        """
        size, reserve = self._checkpointed_size()
        of_disk = free_bytes(self.path) - size.in_wal - self.reserve.released
        of_reserve = min(
            reserve - size.in_wal - _LAST_RESERVE, bytes_to_limit(self.path) - size.in_wal
        )
        return size.free + max(0, of_disk // 4, of_reserve // 4)

    def _checkpointed_size(self) -> tuple[SpoolSize, int]:
        size, reserve = self.size(), self.reserve.size()
        if size.in_wal > reserve // 4:
            self._checkpoint()
            size = self.size()
        return size, reserve

    def _growth(self, size: SpoolSize, reserve: int) -> int:
        on_disk = free_bytes(self.path) - size.in_wal - self.reserve.released
        # An event that fills half of a page and a bit takes a whole page.
        return max(0, min((reserve - size.in_wal) // 2, on_disk)) // 2

    def is_empty(self) -> bool:
        """Return whether the spool has neither pending events nor dead letters.

        Raises:
            SpoolError: The file cannot be used.
        """
        query = "SELECT EXISTS (SELECT 1 FROM events) OR EXISTS (SELECT 1 FROM dead_letters)"
        return self.row(query) == (0,)

    def shrink(self, pages: int) -> bool:
        """Return some free pages to the disk; False if none is left.

        Raises:
            SpoolError: The file cannot be used.
        """

        def step() -> bool:
            for _ in range(pages):  # the module runs one step of a pragma without rows: one page
                self.execute("PRAGMA incremental_vacuum(1)")
            return self.row("PRAGMA freelist_count") > (0,)

        return self.write(step)

    def close(self) -> None:
        """Close the file."""
        disconnect(self._connection)
        self.reserve.restore()  # the end of the WAL may have made room

    def remove(self) -> None:
        """Close the file and delete it, unless someone else has it open."""
        with suppress(sqlite3.OperationalError):
            with hold_forks():
                # Fails while another connection is open.
                self._connection.execute("PRAGMA journal_mode = DELETE").close()
            self.close()
            self.path.unlink(missing_ok=True)
            self.reserve.remove()
        self.close()

    def _failed(self, error: sqlite3.Error) -> SpoolError:
        if is_broken(error) and not self._must_exist:
            self.close()
            self._problem = str(error)
        if self._problem is not None:
            try:
                self._place.quarantine(self._problem)
            except OSError as problem:
                return SpoolError(f"spool {self.path}: {self._problem}; {problem}")
            self._connection = self._opener.open()
            self._problem = None
        kind = SpoolError
        if is_full(error):
            kind = DiskFullError
        elif is_busy(error):
            kind = SpoolBusyError
        return kind(f"spool {self.path}: {error}")
