"""The spool as a file: opened, made, migrated, set aside when it cannot be read.

Everything is in one SQLite database in WAL mode, which processes share. What is committed survives
the end of a process, and with `durability="power"` the machine's.

    events          what waits, in the order in which it was logged; no ID is used again
    leases          which range of ids some process is sending, and until when that is its right
    dead_letters    what Statsig refused, or what was set aside
    ledger          what became of all other events
"""

import ctypes
import logging
import os
import sqlite3
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, cast

from ..errors import SpoolError
from ..options import Durability

logger: logging.Logger = logging.getLogger("statsig_api_client")

_APPLICATION: Final = 0x53744576
"""Says in the file's head whose it is: `StEv`."""
_MIGRATIONS: Final = (
    """
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    logged INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE TABLE leases (
    token INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    expires REAL NOT NULL
);
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY,
    logged INTEGER NOT NULL,
    data BLOB NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL
);
CREATE TABLE ledger (
    delivered INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    ambiguous INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0,
    retried INTEGER NOT NULL DEFAULT 0,
    resent_ambiguous INTEGER NOT NULL DEFAULT 0,
    moved INTEGER NOT NULL DEFAULT 0,
    removed_to INTEGER NOT NULL DEFAULT 0
);
INSERT INTO ledger DEFAULT VALUES;
""",
)
"""What leads from one version of the tables to the next; `user_version` counts them."""

YOUNGEST: Final = "max(removed_to, coalesce((SELECT max(id) FROM events), 0))"
"""Of the ledger: the last ID that an event was given. With AUTOINCREMENT SQLite would keep it, and
write one page more for each event.
"""
_INSERT: Final = (
    f"INSERT INTO events (id, logged, data) VALUES ((SELECT {YOUNGEST} + 1 FROM ledger), ?, ?)"  # noqa: S608
)

_BUSY: Final = 10.0
"""Seconds to wait for other processes."""
_PAGE: Final = 2048
"""Bytes. Each event that is logged writes two pages anew, so that smaller ones are faster."""
_SMALL: Final = 16 * 1024 * 1024
"""Bytes: up to here, a spool is read through when it is opened, to see whether it is whole."""
_WAL_MOST: Final = 4 * 1024 * 1024


_open_files: Final[dict[sqlite3.Connection, tuple[Path, int]]] = {}
"""What is open, and in which process. SQLite keeps account of it for the whole process, and a child
inherits this account, but not the locks that it is about: it must not open the same file.
"""


def is_inherited(path: Path) -> bool:
    """Whether a parent of this process had the spool open when it forked."""
    return any(
        opened == path and process != os.getpid() for opened, process in list(_open_files.values())
    )


class _UnusableError(Exception):
    """The file is no spool, or broken."""


class SpoolFile:
    """An open spool. One thread at a time may use it."""

    def __init__(self, path: Path, durability: Durability = "process") -> None:
        self.path = path
        self._durability = durability
        self._opened_file = (0, 0)
        """Which one it is, by the numbers of its device and inode."""
        self._broken: str | None = None
        """What is wrong with it, until another is open in its place."""
        self._connection = self._opened()

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        """Run a statement.

        Raises:
            SpoolError: The file cannot be used.
        """
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def insert_one(self, logged: int, event: bytes) -> int:
        """Write an event; its ID.

        Raises:
            SpoolError: The file cannot be used.
        """
        try:
            return cast("int", self._connection.execute(_INSERT, (logged, event)).lastrowid)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def insert(self, events: list[tuple[int, bytes]]) -> int:
        """Write events, all or none; the ID of the last one.

        Raises:
            SpoolError: The file cannot be used.
        """
        if len(events) == 1:
            return self.insert_one(*events[0])
        with self.transaction():
            try:
                self._connection.executemany(_INSERT, events)
            except sqlite3.Error as error:
                raise self._failed(error) from error
        return self.one("SELECT last_insert_rowid()")[0]

    def delete(self, first: int, last: int) -> None:
        """Take events out, for good; within a transaction.

        Raises:
            SpoolError: The file cannot be used.
        """
        self.execute("DELETE FROM events WHERE id BETWEEN ? AND ?", first, last)
        self.execute("UPDATE ledger SET removed_to = max(removed_to, ?)", last)

    @contextmanager
    def transaction(self) -> Generator[None]:
        """What is done within is done as a whole, or not at all.

        Raises:
            SpoolError: The file cannot be used.
        """
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite may have done it
                self._connection.execute("ROLLBACK")
            raise

    def one(self, statement: str, *values: object) -> tuple[int, ...]:
        """The first row of numbers that a query has."""
        row: tuple[int, ...] = self.execute(statement, *values).fetchone()
        return row

    def used_bytes(self) -> int:
        """The size of what is in the file."""
        pages, unused, size = self.one(
            "SELECT page_count, freelist_count, page_size"
            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        )
        return (pages - unused) * size

    def shrink(self, above: int) -> None:
        """Give the disk back what an empty spool does not need."""
        pages, size = self.one(
            "SELECT page_count, page_size FROM pragma_page_count, pragma_page_size"
        )
        if pages * size > above:
            with suppress(SpoolError):  # another process is at work; the next time will do
                self.execute("VACUUM")

    def close(self) -> None:
        """Close the file."""
        _open_files.pop(self._connection, None)
        with suppress(sqlite3.Error):
            self._connection.close()

    def remove(self) -> None:
        """Close the file and delete it, unless someone else has it open."""
        with suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA journal_mode = DELETE")  # fails, if so
            self.close()
            self.path.unlink(missing_ok=True)
        self.close()

    def _failed(self, error: sqlite3.Error) -> SpoolError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            self.close()
            self._broken = str(error)
        if self._broken is not None:
            try:
                self._set_aside(self._broken)
            except OSError as problem:
                return SpoolError(f"spool {self.path}: {self._broken}; {problem}")
            self._connection = self._opened()
            self._broken = None
        return SpoolError(f"spool {self.path}: {error}")

    def _opened(self) -> sqlite3.Connection:
        turns = 5  # another process may set the file aside at any moment
        try:
            while True:
                turns -= 1
                try:
                    return self._open()
                except _UnusableError as error:
                    self._set_aside(str(error))
                    if not turns:
                        raise
                except (OSError, sqlite3.Error):
                    if not turns or self._is_at(self.path):
                        raise
        except (OSError, sqlite3.Error, _UnusableError) as error:
            raise SpoolError(f"spool {self.path}: {error}") from error

    def _is_at(self, path: Path) -> bool:
        """Whether the file is at a place, and not one with which another process replaced it."""
        try:
            found = path.stat()
        except OSError:
            return False
        return self._opened_file == (found.st_dev, found.st_ino)

    def _open(self) -> sqlite3.Connection:
        # The events of a program are for nobody else to read. SQLite gives its other files the mode
        # of this one. A file that is there is never opened but by SQLite: closing it would end the
        # locks that this process has on it.
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        found = self.path.stat()
        self._opened_file = (found.st_dev, found.st_ino)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is no file")
        if found.st_mode & 0o077:
            self.path.chmod(0o600)
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode=rw",
            timeout=_BUSY,
            isolation_level=None,
            check_same_thread=False,
            uri=True,
        )
        try:
            self._prepare(connection)
        except sqlite3.DatabaseError as error:
            connection.close()
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise _UnusableError(str(error)) from error
            raise
        except BaseException:
            connection.close()
            raise
        # A child that is forked off must not close it when the child ends, since for SQLite that
        # would be the parent closing it. So it is closed, or stays.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
        _open_files[connection] = (self.path, os.getpid())
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        _patiently(connection, f"PRAGMA page_size = {_PAGE}")
        # Both of one moment, since another process may be making the spool just now.
        connection.execute("BEGIN")
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        connection.execute("COMMIT")
        if tables and application != _APPLICATION:
            raise _UnusableError("the file is a database of another program")
        _patiently(connection, "PRAGMA journal_mode = WAL")
        synchronous = "FULL" if self._durability == "power" else "NORMAL"
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_MOST}")
        if self.path.stat().st_size <= _SMALL:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise _UnusableError(verdict)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(_MIGRATIONS):
            raise SpoolError(f"spool {self.path}: it is of a newer version of this package")
        self._migrate(connection)

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")  # what fails in between is undone by closing
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        for migration in _MIGRATIONS[version:]:
            for statement in migration.strip().split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute("COMMIT")

    def _set_aside(self, why: str) -> None:
        """Rename the file, so that a new one can take its place, unless another has done it."""
        if not self._is_at(self.path):
            return
        aside = self.path.with_name(f"{self.path.name}.broken-{time.time_ns()}")
        with suppress(FileNotFoundError):
            self.path.rename(aside)
        if not self._is_at(aside):  # another was faster, and this may be the new one
            with suppress(OSError):
                os.link(aside, self.path)
                aside.unlink()
            return
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
        logger.error(
            "the spool %s cannot be used: %s; it is kept as %s, and a new one begins",
            self.path,
            why,
            aside.name,
        )


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Run what SQLite does not wait for by itself when another process is at work."""
    deadline = time.monotonic() + _BUSY
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
