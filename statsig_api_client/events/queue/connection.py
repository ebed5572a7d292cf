"""SQLite connections of a process that may fork at any moment.

SQLite must not be carried across a fork in two ways, and this module prevents both.

* SQLite has mutexes of the whole process: of its allocator, of its list of open files. A child that
  is forked while another thread holds one of them waits for it forever, at its own first use of
  SQLite (measured: 37 of 150 children while a thread opened databases, 3 of 150 while one wrote).
  So each call into SQLite holds forks. Nothing waits for another process meanwhile, so that a fork
  is delayed by single statements only.
* SQLite keeps account of open files and of the locks on them. A child inherits the account, but not
  the locks, so it must not open the same file again, and must not close the inherited connection:
  see `is_inherited`.
"""

import ctypes
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeVar

from ..._fork import hold_forks

_T = TypeVar("_T")

BUSY_SECONDS: Final = 10.0
"""Seconds to wait for the locks of other processes."""
_FULL_CODES: Final = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_TRUNCATE,
)
"""A quota and a limit on the size of files show as input/output errors."""
_BROKEN_CODES: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_open_files: Final[dict[sqlite3.Connection, tuple[Path, int]]] = {}
"""The open files, each with the process that opened it."""


def is_inherited(path: Path) -> bool:
    """Return whether a parent of this process had the file open when it forked."""
    return any(
        opened == path and process != os.getpid() for opened, process in list(_open_files.values())
    )


def connect(path: Path) -> sqlite3.Connection:
    """Open an existing file. It has no busy timeout; see `patiently`."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rw",
        timeout=0,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    # A forked child must not close the connection when it ends, since SQLite would take that for
    # the parent closing it. With one reference too many, it is closed explicitly or not at all.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
    _open_files[connection] = (path, os.getpid())
    return connection


def disconnect(connection: sqlite3.Connection) -> None:
    """Close a connection; twice is fine."""
    is_open = _open_files.pop(connection, None)
    with hold_forks(), suppress(sqlite3.Error):
        connection.close()
    if is_open:
        ctypes.pythonapi.Py_DecRef(ctypes.py_object(connection))


def patiently(call: Callable[[], _T], seconds: float = BUSY_SECONDS) -> _T:
    """Call into SQLite, again and again while another process has the lock that it needs.

    SQLite's own busy timeout would hold forks meanwhile, and it does not cover the change
    to WAL mode.
    """
    deadline = 0.0
    delay = 0.001
    while True:
        with hold_forks():
            try:
                return call()
            except sqlite3.OperationalError as error:
                if not is_busy(error):
                    raise
                now = time.monotonic()
                deadline = deadline or now + seconds
                if now >= deadline:
                    raise
        time.sleep(delay)
        delay = min(2 * delay, 0.05)


def code_of(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; 0 when the error is of the Python module."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def is_busy(error: sqlite3.Error) -> bool:
    """Return whether another process has the lock that a statement needs."""
    return code_of(error) == sqlite3.SQLITE_BUSY


def is_full(error: sqlite3.Error) -> bool:
    """Return whether the disk may be full."""
    return getattr(error, "sqlite_errorcode", 0) in _FULL_CODES


def is_broken(error: sqlite3.Error) -> bool:
    """Return whether the file is damaged, or not a database."""
    return code_of(error) in _BROKEN_CODES
