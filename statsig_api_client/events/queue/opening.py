"""Opening of a spool: its file is created or checked, and its tables are made or migrated."""

import os
import sqlite3
import stat
from contextlib import suppress
from typing import Final

from attrs import frozen

from ..._fork import hold_forks
from ..errors import SpoolError
from ..options import Durability
from .connection import connect, disconnect, is_broken, is_full, patiently
from .quarantine import SpoolPath
from .reserve import DiskReserve
from .schema import APPLICATION_ID, PAGE_SIZE, NewerSpoolError, NotASpoolError, migrate

_CHECKED_WHOLE: Final = 16 * 1024 * 1024
"""Bytes: a spool up to this size is checked completely when it is opened."""
_MAX_WAL: Final = 4 * 1024 * 1024
_OPEN_ATTEMPTS: Final = 5


@frozen(kw_only=True)
class SpoolOpener:
    """Opener of the file at the place of a spool."""

    place: SpoolPath
    reserve: DiskReserve
    durability: Durability
    must_exist: bool
    """Neither make a spool, nor put a new one in the place of a broken one."""
    patience: float
    """Seconds to wait for the lock of another process."""

    def open(self) -> sqlite3.Connection:
        """Return a connection to the spool, which is quarantined and replaced if it is broken.

        Raises:
            SpoolError: The file cannot be used.
        """
        attempts = _OPEN_ATTEMPTS  # another process may quarantine the file at any moment
        try:
            while True:
                attempts -= 1
                try:
                    return self._connect()
                except NotASpoolError as error:
                    if self.must_exist:
                        raise
                    self.place.quarantine(str(error))
                    if not attempts:
                        raise
                except (OSError, sqlite3.Error) as error:
                    if isinstance(error, sqlite3.Error) and is_full(error):
                        # The index of the WAL alone takes 32 KB.
                        if not self.reserve.release_half():
                            raise
                        attempts += 1
                    elif not attempts or self.place.is_current():
                        raise
        except (OSError, sqlite3.Error, NotASpoolError, NewerSpoolError) as error:
            raise SpoolError(f"spool {self.place.path}: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        # Only the owner may read a program's events. SQLite gives its other files the mode of this
        # one. Only SQLite opens an existing file: closing it would end the locks that this process
        # has on it.
        self.place.check_owner()
        with suppress(FileExistsError):
            if self.must_exist and not self.place.path.exists():
                raise FileNotFoundError("it does not exist")
            os.close(os.open(self.place.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        found = self.place.path.stat()
        self.place.remember(found)
        if not stat.S_ISREG(found.st_mode):
            raise OSError("it is not a file")
        if found.st_mode & 0o077:
            self.place.path.chmod(0o600)
        with hold_forks():
            connection = connect(self.place.path)
        try:
            self._prepare(connection)
        except sqlite3.DatabaseError as error:
            disconnect(connection)
            if is_broken(error):
                raise NotASpoolError(str(error)) from error
            raise
        except BaseException:
            disconnect(connection)
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        def run(statement: str) -> "tuple[int | str, ...]":
            return patiently(lambda: connection.execute(statement).fetchone(), self.patience)

        run(f"PRAGMA page_size = {PAGE_SIZE}")
        # One statement, since another process may be making the spool at this moment.
        tables, application = run(
            "SELECT (SELECT count(*) FROM sqlite_schema), application_id FROM pragma_application_id"
        )
        if tables and application != APPLICATION_ID:
            raise NotASpoolError("the file is a database of another program")
        if not tables and self.must_exist:
            raise NotASpoolError("the file is empty")
        if not tables:
            run("PRAGMA auto_vacuum = INCREMENTAL")
        run("PRAGMA journal_mode = WAL")
        run(f"PRAGMA synchronous = {'FULL' if self.durability == 'power' else 'NORMAL'}")
        run(f"PRAGMA journal_size_limit = {_MAX_WAL}")
        run("PRAGMA temp_store = MEMORY")  # no temporary files, for which a full disk has no room
        if self.place.path.stat().st_size <= _CHECKED_WHOLE:
            (verdict,) = run("PRAGMA quick_check(1)")
            if verdict != "ok":
                raise NotASpoolError(str(verdict))
        patiently(lambda: migrate(connection), self.patience)
