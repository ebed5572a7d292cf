"""Spools for tests, and their failures."""

import sqlite3
from pathlib import Path
from typing import Any

from statsig_api_client._clock import Clock
from statsig_api_client.events.options import check_options
from statsig_api_client.events.queue.spool import SpoolQueue
from tests.chaos.chance import logger

from .collector import Response, collecting

DOWN = Response(503, b"", {"Retry-After": "60"}, accepts=False)


def log(events: Any, count: int, start: int = 0, **more: str) -> None:
    """Log events with consecutive numbers."""
    for number in range(start, start + count):
        events.log({"userID": "42"}, "purchase", metadata={"n": str(number)} | more)


def leave_pending(spool: Path, count: int) -> None:
    """Create a spool with pending events."""
    with collecting(lambda *_: DOWN) as server, logger(server.url, spool=spool) as events:
        log(events, count)


def open_queue(path: Path, clock: Clock, **options: Any) -> SpoolQueue:
    """Open the queue of one process."""
    made = check_options({"spool": path, **options})
    return SpoolQueue(made, clock, lambda: None, path=path, longest_attempt=10.0)


def run_sql(spool: Path, statement: str) -> None:
    """Run an SQL statement on a separate connection."""
    with sqlite3.connect(spool) as connection:
        connection.execute(statement)
    connection.close()


def break_counters(spool: Path) -> None:
    """Make every update of an event's state fail, as a full disk does."""
    run_sql(
        spool, "CREATE TRIGGER full BEFORE UPDATE ON counters BEGIN SELECT RAISE(FAIL, 'full'); END"
    )


def mend_counters(spool: Path) -> None:
    """Undo `break_counters`."""
    run_sql(spool, "DROP TRIGGER full")


def damage_pages(path: Path) -> None:
    """Make every page except the first unreadable, in place."""
    with path.open("r+b") as raw:
        raw.seek(2048)
        raw.write(b"\xaa" * (path.stat().st_size - 2048))


def lock_spool(spool: Path) -> sqlite3.Connection:
    """Lock a spool, like a slow writer in another process."""
    connection = sqlite3.connect(spool, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection
