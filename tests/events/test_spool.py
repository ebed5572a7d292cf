"""The spool: what is in it survives, is shared, and is bounded."""

import logging
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import APIConnectionError, BadRequestError, ConfigurationError
from statsig_api_client._clock import Clock
from statsig_api_client._delivery.result import SendResult
from statsig_api_client.events import Delivery, EventQueueFullError, SpoolError
from statsig_api_client.events.dispatcher import Dispatch
from statsig_api_client.events.options import settings
from statsig_api_client.events.queue import connection
from statsig_api_client.events.queue.database import SpoolDatabase
from statsig_api_client.events.queue.memory import MemoryStore
from statsig_api_client.events.queue.recovery import recover
from statsig_api_client.events.queue.spool import SpoolStore
from tests.chaos.chance import logger
from tests.support.clock import FakeClock
from tests.support.collector import Answer, Collector, collecting

from .conftest import LoggerMaker

DOWN = Answer(503, b"", {"Retry-After": "60"}, takes=False)


def log(events: Any, count: int, start: int = 0, **more: str) -> None:
    for number in range(start, start + count):
        events.log({"userID": "42"}, "purchase", metadata={"n": str(number)} | more)


def left_behind(spool: Path, count: int) -> None:
    """A spool in which events wait."""
    with collecting(lambda *_: DOWN) as server, logger(server.url, spool=spool) as events:
        log(events, count)


def store_of(path: Path, clock: Clock, **options: Any) -> SpoolStore:
    made = settings({"spool": path, **options})
    return SpoolStore(made, clock, lambda: None, path=path, longest_attempt=10.0)


def test_events_outlive_the_logger(tmp_path: Path, collector: Collector) -> None:
    left_behind(tmp_path / "events.db", 30)
    with logger(collector.url, spool=tmp_path / "events.db") as events:
        assert events.flush(30).delivered == 30
    assert set(collector.taken) == {str(number) for number in range(30)}


def test_making_a_logger_leaves_no_file_open(tmp_path: Path, collector: Collector) -> None:
    with logger(collector.url, spool=tmp_path / "events.db"):
        assert [path.name for path in tmp_path.iterdir()] == ["events.db"]


def test_the_spool_is_for_its_owner_alone(tmp_path: Path, collector: Collector) -> None:
    spool = tmp_path / "events.db"
    spool.touch(0o644)
    with logger(collector.url, spool=spool) as events:
        log(events, 1)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(
        ("events.db", "events.db-wal", "events.db-shm", "events.db-reserve"), 0o600
    )


def test_a_spool_may_be_given_as_text_and_the_program_may_go_elsewhere(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with logger(collector.url, spool="events.db") as events:
        monkeypatch.chdir(tmp_path / "elsewhere")
        log(events, 1)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("durability", ["process", "power"])
def test_threads_share_a_commit(tmp_path: Path, collector: Collector, durability: Any) -> None:
    with logger(collector.url, spool=tmp_path / "events.db", durability=durability) as events:
        threads = [
            threading.Thread(target=log, args=(events, 40, 40 * number)) for number in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert events.flush(30).pending == 0
    assert collector.taken == Counter(str(number) for number in range(240))


def test_two_loggers_share_a_spool(tmp_path: Path, collector: Collector) -> None:
    spool = tmp_path / "events.db"
    with (
        logger(collector.url, spool=spool, max_batch=20) as one,
        logger(collector.url, spool=spool, max_batch=20) as other,
    ):
        for start in range(0, 400, 40):
            log(one, 20, start)
            log(other, 20, start + 20)
        assert one.flush(30).pending == other.flush(30).pending == 0
        assert one.stats() == other.stats()
        one.close(0)
    assert collector.taken == Counter(str(number) for number in range(400))


def test_another_process_leaves_a_spool_alone_that_two_loggers_of_this_one_have_open(
    tmp_path: Path, clock: FakeClock
) -> None:
    """A file that is closed takes all locks of its process with it, whoever else has it open."""
    spool = tmp_path / "events.db"
    one = store_of(spool, clock)
    one.offer(b"1")
    SpoolDatabase(spool).close()
    look = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM events')"
    subprocess.run([sys.executable, "-c", f"{look}.connection.close()", spool], check=True)
    one.offer(b"2")
    with sqlite3.connect(spool) as other:
        assert other.execute("SELECT data FROM events").fetchall() == [(b"1",), (b"2",)]
    other.close()
    one.close()


@pytest.mark.parametrize("kind", ["folder", "device"])
def test_what_is_no_file_is_refused_and_left_alone(tmp_path: Path, kind: str) -> None:
    spool = tmp_path / "events.db"
    spool.mkdir(0o755) if kind == "folder" else os.mkfifo(spool, 0o644)
    before = spool.stat()
    with pytest.raises(SpoolError, match=r"events\.db: it is not a file"):
        SpoolDatabase(spool)
    assert [path.name for path in tmp_path.iterdir()] == ["events.db"]
    assert spool.stat() == before


def test_a_batch_belongs_to_who_claimed_it_until_the_lease_ends(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = (store_of(tmp_path / "events.db", clock, max_batch=2) for _ in range(2))
    for number in range(3):
        one.offer(b"%d" % number)
    first = one.claim()
    assert first is not None
    assert list(first.events) == [b"0", b"1"]
    second = other.claim()
    assert second is not None
    assert list(second.events) == [b"2"]
    assert other.claim() is None
    clock.pass_(22)
    again = other.claim()
    assert again is not None
    assert list(again.events) == [b"0", b"1"]
    assert not one.renew(first)
    with caplog.at_level(logging.WARNING):
        one.delivered(first)
    assert "may be sent twice" in caplog.text
    other.delivered(again)
    one.set_aside(first, "rejected", "too late to matter")
    assert one.stats().delivered == 2
    assert one.stats().rejected == 0
    one.close()
    other.close()


def test_a_lease_can_be_renewed(tmp_path: Path, clock: FakeClock) -> None:
    one, other = (store_of(tmp_path / "events.db", clock) for _ in range(2))
    one.offer(b"{}")
    batch = one.claim()
    assert batch is not None
    for _ in range(5):
        clock.pass_(15)
        assert one.renew(batch)
        assert one.renew(batch)
    assert other.claim() is None
    one.close()
    other.close()


def test_a_lease_holds_for_an_hour_at_most(tmp_path: Path, clock: FakeClock) -> None:
    made = settings({"spool": tmp_path / "events.db"})
    one, other = (
        SpoolStore(made, clock, lambda: None, path=tmp_path / "events.db", longest_attempt=3000.0)
        for _ in range(2)
    )
    one.offer(b"{}")
    assert one.claim() is not None
    assert other.claim() is None
    clock.pass_(3599)
    assert other.claim() is None
    clock.pass_(1)
    assert other.claim() is not None
    one.close()
    other.close()


def test_a_lease_from_the_future_is_no_lease(tmp_path: Path, clock: FakeClock) -> None:
    one = store_of(tmp_path / "events.db", clock)
    one.offer(b"{}")
    assert one.claim() is not None
    clock.wall -= 86400  # the clock was wrong, and is set back
    assert one.claim() is not None
    one.close()


def test_a_full_spool_drops_its_oldest(tmp_path: Path, collector: Collector) -> None:
    collector.plan = lambda *_: DOWN
    told: list[Delivery] = []
    with logger(
        collector.url,
        spool=tmp_path / "events.db",
        max_spool_bytes=200_000,
        max_batch=20,
        flush_interval=3600,
        overflow="drop_oldest",
        on_delivery=told.append,
    ) as events:
        log(events, 300, padding="x" * 1000)
        stats = events.stats()
    assert stats.dropped > 50
    assert stats.pending + stats.dropped == stats.accepted == 300
    assert stats.spooled_bytes < 250_000
    dropped = [event["metadata"]["n"] for it in told for event in it.events]  # type: ignore[index, call-overload]
    assert len(dropped) == stats.dropped


def test_a_callback_may_wait_for_another_thread_that_logs(tmp_path: Path, clock: FakeClock) -> None:
    def wait(_: Delivery) -> None:
        waiting.set()
        assert logged.wait(30)

    def log_meanwhile() -> None:
        assert waiting.wait(30)
        store.offer(b"meanwhile")
        logged.set()

    waiting, logged = threading.Event(), threading.Event()
    store = store_of(
        tmp_path / "events.db",
        clock,
        max_spool_bytes=30_000,
        overflow="drop_oldest",
        on_delivery=wait,
    )
    other = threading.Thread(target=log_meanwhile)
    other.start()
    while not waiting.is_set():
        store.offer(b"x" * 1000)
    other.join(60)
    assert logged.is_set()
    assert store.stats().dropped > 0
    store.close()


def test_a_full_spool_where_all_is_on_its_way_has_nothing_to_drop(
    tmp_path: Path, clock: FakeClock
) -> None:
    told: list[Delivery] = []
    store = store_of(
        tmp_path / "events.db",
        clock,
        max_spool_bytes=30_000,
        overflow="drop_oldest",
        max_batch=1,
        on_delivery=told.append,
    )
    while not told:
        store.offer(b"%03d" % store.stats().accepted * 300)
        while store.claim():
            pass
    last = store.stats().accepted - 1
    assert [event for it in told for event in it.encoded] == [b"%03d" % last * 300]
    assert store.stats().dropped == 1
    store.close()


def test_a_full_spool_drops_the_newest(
    tmp_path: Path, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.plan = lambda *_: DOWN
    with logger(
        collector.url,
        spool=tmp_path / "events.db",
        max_spool_bytes=100_000,
        overflow="drop_newest",
    ) as events:
        log(events, 300, padding="x" * 1000)
        stats = events.stats()
    assert stats.dropped > 100
    assert stats.pending + stats.dropped == stats.accepted == 300
    assert caplog.text.count("events are dropped") == 1


def test_a_full_spool_raises(tmp_path: Path, collector: Collector) -> None:
    collector.plan = lambda *_: DOWN
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, max_spool_bytes=100_000, overflow="raise") as events:  # noqa: SIM117
        with pytest.raises(EventQueueFullError, match="max_spool_bytes"):
            log(events, 300, padding="x" * 1000)


def test_a_full_spool_makes_log_wait(
    tmp_path: Path,
    collector: Collector,
    caplog: pytest.LogCaptureFixture,  # noqa: ARG001
) -> None:
    with logger(
        collector.url, spool=tmp_path / "events.db", max_spool_bytes=100_000, max_batch=10
    ) as events:
        collector.plan = lambda *_: (
            Answer(503, b"", takes=False) if len(collector.requests) < 3 else Answer()
        )
        log(events, 300, padding="x" * 1000)
        assert events.flush(30).pending == 0
    assert collector.taken.total() == 300


def test_the_thread_that_makes_room_does_not_wait_for_it(
    tmp_path: Path, collector: Collector
) -> None:
    def log_more(it: Delivery) -> None:
        if it.state == "delivered" and more:
            log(events, more.pop(), start=1000)

    more = [200]
    with logger(
        collector.url,
        spool=tmp_path / "events.db",
        max_spool_bytes=60_000,
        max_batch=10,
        on_delivery=log_more,
    ) as events:
        log(events, 30)
        events.flush(30)
        assert events.flush(30).pending == 0  # for what came during the first
        assert events.stats().delivered == 230


def test_an_empty_spool_gives_the_disk_back(tmp_path: Path, clock: FakeClock) -> None:
    store = store_of(tmp_path / "events.db", clock)
    for _ in range(120):
        store.offer(b"x" * 100_000)
    assert store.stats().spooled_bytes > 10_000_000
    while batch := store.claim():
        store.delivered(batch)
    store.close()
    assert (tmp_path / "events.db").stat().st_size < 100_000


def test_dead_letters_are_kept_with_their_reason(tmp_path: Path, collector: Collector) -> None:
    collector.plan = lambda *_: Answer(400, b'{"message": "no such thing"}', takes=False)
    with logger(collector.url, spool=tmp_path / "events.db") as events:
        log(events, 2)
        assert events.flush(30).pending == 0
        assert events.stats().rejected == 2
    with sqlite3.connect(tmp_path / "events.db") as connection:
        letters = connection.execute("SELECT state, why, data FROM dead_letters").fetchall()
    connection.close()
    assert [state for state, _, _ in letters] == ["rejected", "rejected"]
    assert all("no such thing" in why for _, why, _ in letters)
    assert [b'"n":"0"' in data for _, _, data in letters] == [True, False]


def test_a_refusal_that_is_no_text_is_a_reason_too(
    tmp_path: Path, collector: Collector, make_logger: LoggerMaker
) -> None:
    collector.plan = lambda *_: Answer(400, b'{"message": "half a \\ud83d"}', takes=False)
    events = make_logger(spool=tmp_path / "events.db")
    log(events, 1)
    assert events.flush(30).rejected == 1
    with sqlite3.connect(tmp_path / "events.db") as connection:
        ((why,),) = connection.execute("SELECT why FROM dead_letters")
    connection.close()
    assert why.endswith("half a �")


@pytest.mark.parametrize(
    "content", [b"notes of mine\n" * 500, b"SQLite format 3\0" + b"\xff" * 9000]
)
def test_what_is_no_spool_is_kept_aside(
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


def test_what_is_known_of_a_spool_that_broke_does_not_hold_for_the_next(
    tmp_path: Path, clock: FakeClock
) -> None:
    spool = tmp_path / "events.db"
    store = store_of(spool, clock)
    for _ in range(5):
        store.offer(b"{}")
    batch = store.claim()
    assert batch is not None
    store.delivered(batch)
    assert store.reached(store.mark())
    run(spool, "UPDATE counters SET retried = 1")  # so that the store has to read it again
    run(spool, "PRAGMA wal_checkpoint(TRUNCATE)")
    spool.write_bytes(b"\xaa" * 8192)
    assert store.offer(b"{}")
    assert list(tmp_path.glob("events.db.broken-*"))
    assert not store.reached(store.mark())
    store.close()


def test_the_database_of_another_program_is_kept_aside(
    tmp_path: Path, collector: Collector
) -> None:
    spool = tmp_path / "events.db"
    with sqlite3.connect(spool) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    content = spool.read_bytes()
    with logger(collector.url, spool=spool) as events:
        log(events, 3)
    (kept,) = tmp_path.glob("events.db.broken-*")
    assert kept.read_bytes() == content


def test_a_spool_whose_pages_are_damaged_is_kept_aside(
    tmp_path: Path, collector: Collector
) -> None:
    spool = tmp_path / "events.db"
    left_behind(spool, 100)
    content = bytearray(spool.read_bytes())
    content[3 * 2048 : 5 * 2048] = b"\xaa" * 4096
    spool.write_bytes(content)
    with logger(collector.url, spool=spool) as events:
        log(events, 3, start=1000)
        assert events.flush(30).pending == 0
    assert {"1000", "1001", "1002"} <= set(collector.taken)
    assert list(tmp_path.glob("events.db.broken-*"))


def test_a_spool_that_breaks_while_it_is_used_is_kept_aside(
    tmp_path: Path,
    collector: Collector,  # noqa: ARG001
) -> None:
    """Found when it is next read: nothing here has read it wholly, since it is too large."""
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


def damage(path: Path) -> None:
    """Make every page but the first unreadable, in place."""
    with path.open("r+b") as raw:
        raw.seek(2048)
        raw.write(b"\xaa" * (path.stat().st_size - 2048))


def test_a_spool_is_set_aside_once_by_all_who_find_it_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.db"
    one, other = SpoolDatabase(path), SpoolDatabase(path)
    one.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path)
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
def test_who_is_too_slow_to_set_a_spool_aside_leaves_the_new_one_in_place(
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


def test_a_place_where_all_is_broken_is_told(
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


def test_a_spool_that_breaks_is_replaced_as_soon_as_it_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.db"
    file = SpoolDatabase(path)
    file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    damage(path)
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


def test_a_spool_of_a_newer_version_is_left_alone(tmp_path: Path, collector: Collector) -> None:
    spool = tmp_path / "events.db"
    left_behind(spool, 1)
    with sqlite3.connect(spool) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SpoolError, match="newer version"), logger(collector.url, spool=spool):
        pass
    assert not list(tmp_path.glob("events.db.broken-*"))


def test_a_folder_that_does_not_exist_is_told_at_once(tmp_path: Path, collector: Collector) -> None:
    with pytest.raises(SpoolError, match="nowhere"):  # noqa: SIM117
        with logger(collector.url, spool=tmp_path / "nowhere" / "events.db"):
            pass


def locked(spool: Path) -> sqlite3.Connection:
    """Another process that writes, and takes its time."""
    connection = sqlite3.connect(spool, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    return connection


def test_what_became_of_events_is_written_when_it_can_be(
    tmp_path: Path, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that fails after the server has taken a batch does not make it be sent twice."""
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, flush_interval=3600) as events:
        log(events, 5)
        break_counters(spool)
        assert events.flush(1.5).pending > 0
        taken = collector.taken.total()
        assert taken > 0
        mend_counters(spool)
        assert events.flush(30).pending == 0
    assert collector.taken.total() == 5
    assert not collector.doubles
    assert "trying again" in caplog.text


def break_counters(spool: Path) -> None:
    """Make every note of what became of events fail, as a full disk does."""
    run(
        spool, "CREATE TRIGGER full BEFORE UPDATE ON counters BEGIN SELECT RAISE(FAIL, 'full'); END"
    )


def mend_counters(spool: Path) -> None:
    run(spool, "DROP TRIGGER full")


def run(spool: Path, statement: str) -> None:
    with sqlite3.connect(spool) as connection:
        connection.execute(statement)
    connection.close()


def test_a_spool_that_cannot_be_read_for_a_while_stops_nothing(
    tmp_path: Path, collector: Collector
) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, flush_interval=3600) as events:
        log(events, 5)
        run(spool, "ALTER TABLE leases RENAME TO gone")
        assert events.flush(0.3).pending == 5
        run(spool, "ALTER TABLE gone RENAME TO leases")
        assert events.flush(30).pending == 0
    assert collector.taken.total() == 5


@pytest.mark.parametrize("policy", ["raise", "drop_newest"])
def test_a_spool_that_cannot_be_written_follows_the_policy(
    tmp_path: Path, collector: Collector, policy: Any
) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, overflow=policy, flush_interval=3600) as events:
        log(events, 5)
        run(spool, "CREATE TRIGGER f BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'full'); END")
        if policy == "raise":
            with pytest.raises(EventQueueFullError, match="full"):
                log(events, 1, start=5)
        else:
            log(events, 1, start=5)
        run(spool, "DROP TRIGGER f")
        log(events, 1, start=6)
        assert events.flush(30).pending == 0
        stats = events.stats()
    assert set(collector.taken) == {"0", "1", "2", "3", "4", "6"}
    assert stats.dropped == (policy == "drop_newest")


def test_log_waits_for_a_spool_that_cannot_be_written(
    tmp_path: Path, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, flush_interval=3600) as events:
        log(events, 1)
        run(spool, "CREATE TRIGGER f BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'full'); END")
        thread = threading.Thread(target=log, args=(events, 1, 1))
        thread.start()
        time.sleep(0.2)
        assert thread.is_alive()
        run(spool, "DROP TRIGGER f")
        thread.join(30)
        assert events.flush(30).pending == 0
    assert set(collector.taken) == {"0", "1"}
    assert "log() waits" in caplog.text


def test_several_events_are_written_all_or_none(tmp_path: Path) -> None:
    file = SpoolDatabase(tmp_path / "events.db")
    run(
        file.path,
        "CREATE TRIGGER f BEFORE INSERT ON events WHEN new.logged = 2"
        " BEGIN SELECT RAISE(FAIL, 'full'); END",
    )
    with pytest.raises(SpoolError, match="full"):
        file.insert([(1, b"{}"), (2, b"{}")])
    assert file.row("SELECT count(*) FROM events") == (0,)
    file.close()


def test_an_account_that_cannot_be_read_is_the_last_that_is_known(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = store_of(tmp_path / "events.db", clock)
    store.offer(b"{}")
    batch = store.claim()
    assert batch is not None
    store.delivered(batch)
    store.offer(b"{}")
    known = store.stats()
    assert (known.accepted, known.delivered, known.pending) == (2, 1, 1)
    run(tmp_path / "events.db", "ALTER TABLE counters RENAME COLUMN retried TO lost")
    store.offer(b"{}")
    for _ in range(2):
        store.close()
        stats = store.stats()
        assert (stats.accepted, stats.delivered, stats.pending) == (3, 1, 2)
    assert caplog.text.count("last that is known") == 1


def test_a_flush_tells_what_is_known_when_the_spool_cannot_be_read(
    tmp_path: Path, collector: Collector, make_logger: LoggerMaker, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "events.db"
    collector.plan = lambda *_: Answer(503, b"", takes=False)
    events = make_logger(spool=spool, flush_interval=3600)
    log(events, 5)
    run(spool, "ALTER TABLE counters RENAME TO hidden")
    assert events.flush(0.2).pending == 5
    assert "no such table" in caplog.text
    run(spool, "ALTER TABLE hidden RENAME TO counters")
    collector.plan = lambda *_: Answer()
    assert events.flush(30).pending == 0
    assert events.stats().delivered == 5
    log(events, 5, start=5)
    run(spool, "ALTER TABLE counters RENAME TO hidden")
    assert events.close(1).pending == 5  # as far as it is known
    assert collector.taken == Counter(str(number) for number in range(10))


def test_an_end_does_not_wait_for_what_another_process_is_sending(
    tmp_path: Path, collector: Collector, make_logger: LoggerMaker
) -> None:
    spool = tmp_path / "events.db"
    left_behind(spool, 30)
    other = SpoolStore(
        settings({"spool": spool, "max_batch": 20}),
        Clock(),
        lambda: None,
        path=spool,
        longest_attempt=60.0,
    )
    assert other.claim() is not None
    events = make_logger(spool=spool)
    log(events, 5, start=30)
    begun = time.monotonic()
    result = events.close(60)
    assert time.monotonic() - begun < 30
    assert (result.delivered, result.pending) == (15, 20)
    assert set(collector.taken) == {str(number) for number in range(20, 35)}
    other.close()


def test_the_spool_of_another_process_is_waited_for(tmp_path: Path, collector: Collector) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool) as events:
        log(events, 1)
        other = locked(spool)
        timer = threading.Timer(0.3, other.execute, ("COMMIT",))
        timer.start()
        log(events, 1, start=1)
        timer.join()
        other.close()
        assert events.flush(30).pending == 0
    assert set(collector.taken) == {"0", "1"}


def test_what_became_of_several_parts_is_written_in_order(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "events.db"
    store = store_of(spool, clock)
    dispatch = Dispatch(settings({"spool": spool, "resend_ambiguous": False}), store, clock)
    for _ in range(4):
        store.offer(b"{}")
    batch = dispatch.next(hurry=True)
    assert batch is not None
    dispatch.settle(batch, SendResult.from_error(BadRequestError("no", status_code=400)))
    part = dispatch.next(hurry=True)
    assert part is not None
    break_counters(spool)
    dispatch.settle(part, SendResult.from_error(APIConnectionError("no", ambiguous=True)))
    assert "full" in caplog.text
    mend_counters(spool)
    clock.pass_(10)
    rest = dispatch.next(hurry=True)
    assert rest is not None
    assert len(rest) == 2
    assert (store.stats().ambiguous, store.stats().pending) == (2, 2)
    store.close()


@pytest.fixture(params=["memory", "spool"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> Iterator[MemoryStore | SpoolStore]:
    made = (
        store_of(tmp_path / "events.db", clock)
        if request.param == "spool"
        else MemoryStore(settings({}), clock, lambda: None)
    )
    yield made
    made.close()


def test_an_empty_store_has_nothing_to_send(store: MemoryStore | SpoolStore) -> None:
    assert store.claim() is None


def test_a_store_that_is_sealed_takes_nothing(store: MemoryStore | SpoolStore) -> None:
    """A thread may have come past the logger's own check when the logger is closed."""
    store.seal()
    with pytest.raises(ConfigurationError, match="closed"):
        store.offer(b"{}")
    assert store.stats().accepted == 0


def test_a_large_spool_is_not_read_through_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    file = SpoolDatabase(path)
    file.insert([(0, b"x" * 100_000)] * 180)
    file.close()
    content = bytearray(path.read_bytes())
    content[10_000_000:10_002_048] = b"\xaa" * 2048
    path.write_bytes(content)
    file = SpoolDatabase(path)
    assert file.row("SELECT count(*) FROM counters") == (1,)
    file.close()
    assert not list(tmp_path.glob("events.db.broken-*"))


def test_a_file_that_another_program_writes_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.db"
    path.touch()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with monkeypatch.context() as patch:
        patch.setattr(connection, "_BUSY_SECONDS", 0.1)
        with pytest.raises(SpoolError, match="locked"):
            SpoolDatabase(path)
    timer = threading.Timer(0.2, other.execute, ("COMMIT",))
    timer.start()
    SpoolDatabase(path).close()
    timer.join()
    other.close()


def test_a_spool_that_someone_has_open_is_not_removed(tmp_path: Path) -> None:
    one, other = (SpoolDatabase(tmp_path / "events.db") for _ in range(2))
    one.remove()
    assert other.path.exists()
    other.remove()
    assert not list(tmp_path.iterdir())


def test_what_a_living_child_is_sending_stays_with_it(tmp_path: Path, collector: Collector) -> None:
    child = store_of(tmp_path / "events.db.child-7-7", Clock(), max_batch=2)
    for number in range(3):
        child.offer(b'{"metadata":{"n":"%d"}}' % number)
    assert child.claim() is not None
    with logger(collector.url, spool=tmp_path / "events.db") as events:
        assert events.flush(30).delivered == 1
    assert set(collector.taken) == {"2"}
    assert child.stats().pending == 2
    child.close()


def test_recovery_after_lost_lease_moves_events_again(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may recover the same spool when this one was stopped for too long."""

    def insert_late(database: SpoolDatabase, events: list[tuple[int, bytes]]) -> int:
        monkeypatch.undo()
        run(child.path, "DELETE FROM leases")
        return database.insert(events)

    spool = tmp_path / "events.db"
    child = SpoolDatabase(tmp_path / "events.db.child-7-7")
    child.insert([(0, b"{}")])
    monkeypatch.setattr(SpoolDatabase, "insert", insert_late)
    recover(spool, settings({"spool": spool}), clock)
    queue = store_of(spool, clock)
    assert queue.stats().pending == 2
    queue.close()
    child.close()


def test_a_part_whose_lease_has_ended_is_left_to_who_has_it_now(
    tmp_path: Path, clock: FakeClock
) -> None:
    spool = tmp_path / "events.db"
    one, other = store_of(spool, clock), store_of(spool, clock)
    dispatch = Dispatch(settings({"spool": spool}), one, clock)
    for _ in range(4):
        one.offer(b"{}")
    batch = dispatch.next(hurry=True)
    assert batch is not None
    dispatch.settle(batch, SendResult.from_error(BadRequestError("no", status_code=400)))
    clock.pass_(30)
    assert other.claim() is not None
    assert dispatch.next(hurry=True) is None
    one.close()
    other.close()


def test_who_makes_a_spool_at_the_same_moment_shares_it(tmp_path: Path) -> None:
    # That two get in each other's way takes some luck: by turns, one of five did.
    with ThreadPoolExecutor(8) as pool:
        for turn in range(25):
            path, together = tmp_path / f"{turn}.db", threading.Barrier(8)

            def opened(path: Path = path, together: threading.Barrier = together) -> SpoolDatabase:
                together.wait(10)
                return SpoolDatabase(path)

            for future in [pool.submit(opened) for _ in range(8)]:
                future.result().close()
    assert not list(tmp_path.glob("*.broken*"))
