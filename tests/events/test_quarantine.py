"""Broken spools and foreign files, which a new spool replaces."""

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.events import SpoolError
from statsig_api_client.events.queue.database import SpoolDatabase
from tests.chaos.chance import logger
from tests.support.clock import FakeClock
from tests.support.collector import Collector
from tests.support.spools import damage_pages, leave_pending, log, open_queue, run_sql


@pytest.mark.parametrize(
    "content", [b"notes of mine\n" * 500, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_foreign_file_is_quarantined(
    tmp_path: Path, collector: Collector, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "events.db"
    spool.write_bytes(content)
    with logger(collector.url, spool=spool) as events:
        log(events, 3)
        assert events.flush(30).delivered == 3
    (kept,) = tmp_path.glob("events.db.broken-*")
    assert kept.read_bytes() == content
    assert kept.name in caplog.text


def test_new_spool_forgets_broken_one(tmp_path: Path, clock: FakeClock) -> None:
    spool = tmp_path / "events.db"
    store = open_queue(spool, clock)
    for _ in range(5):
        store.put(b"{}")
    batch = store.claim()
    assert batch is not None
    store.complete(batch)
    assert store.reached(store.mark())
    run_sql(spool, "UPDATE counters SET retried = 1")  # so that the store has to read it again
    run_sql(spool, "PRAGMA wal_checkpoint(TRUNCATE)")
    spool.write_bytes(b"\xaa" * 8192)
    assert store.put(b"{}")
    assert list(tmp_path.glob("events.db.broken-*"))
    assert not store.reached(store.mark())
    store.close()


def test_foreign_database_is_quarantined(tmp_path: Path, collector: Collector) -> None:
    spool = tmp_path / "events.db"
    with sqlite3.connect(spool) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    content = spool.read_bytes()
    with logger(collector.url, spool=spool) as events:
        log(events, 3)
    (kept,) = tmp_path.glob("events.db.broken-*")
    assert kept.read_bytes() == content


def test_damaged_spool_is_quarantined(tmp_path: Path, collector: Collector) -> None:
    spool = tmp_path / "events.db"
    leave_pending(spool, 100)
    content = bytearray(spool.read_bytes())
    content[3 * 2048 : 5 * 2048] = b"\xaa" * 4096
    spool.write_bytes(content)
    with logger(collector.url, spool=spool) as events:
        log(events, 3, start=1000)
        assert events.flush(30).pending == 0
    assert {"1000", "1001", "1002"} <= set(collector.accepted)
    assert list(tmp_path.glob("events.db.broken-*"))


def test_spool_damaged_in_use_is_quarantined(
    tmp_path: Path,
    collector: Collector,  # noqa: ARG001
) -> None:
    """Found when it is next read: it is too large to be read completely here."""
    path = tmp_path / "events.db"
    file = SpoolDatabase(path)
    file.insert([(0, b"x" * 1500)] * 50)
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as raw:
        raw.seek(2048)
        raw.write(b"\xaa" * (path.stat().st_size - 2048))
    file.execute("PRAGMA cache_size = 0")
    with pytest.raises(SpoolError, match=r"malformed|not a database"):  # noqa: PT012
        file.execute("SELECT sum(length(data)) FROM events").fetchall()
        file.execute("PRAGMA schema_version = 1")
        file.rows("SELECT * FROM counters")
    assert list(tmp_path.glob("events.db.broken-*"))
    file.insert([(0, b"{}")])
    assert file.row("SELECT count(*) FROM events") == (1,)
    file.close()


def test_broken_spool_is_quarantined_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "events.db"
    one, other = SpoolDatabase(path), SpoolDatabase(path)
    one.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage_pages(path)
    for file in (one, other):
        file.execute("PRAGMA cache_size = 0")
    with pytest.raises(SpoolError, match="malformed"):
        one.rows("SELECT * FROM events")
    one.insert([(0, b"new")])
    with pytest.raises(SpoolError, match="malformed"):
        other.rows("SELECT * FROM events")
    assert other.rows("SELECT data FROM events") == [(b"new",)]
    assert caplog.text.count("a new spool begins") == 1
    one.close()
    other.close()


@pytest.mark.parametrize("begun", [True, False])
def test_late_quarantine_keeps_new_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, begun: bool
) -> None:
    path = tmp_path / "events.db"
    path.write_bytes(b"notes of mine\n" * 500)
    rename = Path.rename
    faster: list[SpoolDatabase] = []

    def too_late(old: Path, new: Path) -> Path:
        monkeypatch.undo()
        rename(path, tmp_path / "aside")
        if begun:
            faster.append(SpoolDatabase(path))
            faster[0].insert([(0, b"new")])
        return rename(old, new)

    monkeypatch.setattr(Path, "rename", too_late)
    slower = SpoolDatabase(path)
    kept = slower.rows("SELECT data FROM events")
    assert kept == ([(b"new",)] if begun else [])
    assert not list(tmp_path.glob("events.db.broken-*"))
    for file in (slower, *faster):
        file.close()


def test_repeatedly_broken_spool_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.db"
    opened = os.open

    def spoilt(place: Path, *how: Any) -> int:
        place.write_bytes(b"notes of mine\n" * 500)
        return opened(place, *how)

    monkeypatch.setattr(os, "open", spoilt)
    with pytest.raises(SpoolError, match="not a database"):
        SpoolDatabase(path)


def test_failed_quarantine_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "events.db"
    file = SpoolDatabase(path)
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage_pages(path)
    file.execute("PRAGMA cache_size = 0")
    monkeypatch.setattr("time.time_ns", lambda: 7)
    obstacle = tmp_path / "events.db.broken-7"
    obstacle.mkdir()
    for _ in range(2):
        with pytest.raises(SpoolError, match="broken-7"):
            file.rows("SELECT * FROM events")
    obstacle.rmdir()
    with pytest.raises(SpoolError, match="closed"):
        file.rows("SELECT * FROM events")
    assert file.rows("SELECT * FROM events") == []
    file.close()
