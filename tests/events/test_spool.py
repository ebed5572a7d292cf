"""The spool: events in it survive, and processes share it."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import ConfigurationError
from statsig_api_client.events import SpoolError
from statsig_api_client.events.options import check_options
from statsig_api_client.events.queue.database import SpoolDatabase
from statsig_api_client.events.queue.memory import MemoryQueue
from statsig_api_client.events.queue.spool import SpoolQueue
from tests.chaos.chance import logger
from tests.support.clock import FakeClock
from tests.support.collector import Collector, Response
from tests.support.spools import leave_pending, lock_spool, log, open_queue, run_sql

from .conftest import LoggerMaker


def test_events_outlive_logger(tmp_path: Path, collector: Collector) -> None:
    leave_pending(tmp_path / "events.db", 30)
    with logger(collector.url, spool=tmp_path / "events.db") as events:
        assert events.flush(30).delivered == 30
    assert set(collector.accepted) == {str(number) for number in range(30)}


def test_new_logger_leaves_no_file_open(tmp_path: Path, collector: Collector) -> None:
    with logger(collector.url, spool=tmp_path / "events.db"):
        assert [path.name for path in tmp_path.iterdir()] == ["events.db"]


def test_spool_files_are_private(tmp_path: Path, collector: Collector) -> None:
    spool = tmp_path / "events.db"
    spool.touch(0o644)
    with logger(collector.url, spool=spool) as events:
        log(events, 1)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(
        ("events.db", "events.db-wal", "events.db-shm", "events.db-reserve"), 0o600
    )


def test_relative_spool_survives_change_of_directory(
    tmp_path: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with logger(collector.url, spool="events.db") as events:
        monkeypatch.chdir(tmp_path / "elsewhere")
        log(events, 1)
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.parametrize("durability", ["process", "power"])
def test_threads_share_commit(tmp_path: Path, collector: Collector, durability: Any) -> None:
    with logger(collector.url, spool=tmp_path / "events.db", durability=durability) as events:
        threads = [
            threading.Thread(target=log, args=(events, 40, 40 * number)) for number in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert events.flush(30).pending == 0
    assert collector.accepted == Counter(str(number) for number in range(240))


def test_two_loggers_share_spool(tmp_path: Path, collector: Collector) -> None:
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
    assert collector.accepted == Counter(str(number) for number in range(400))


def test_closing_one_connection_keeps_locks(tmp_path: Path, clock: FakeClock) -> None:
    """Closing a file ends all locks of the process on it, even if it is open elsewhere."""
    spool = tmp_path / "events.db"
    one = open_queue(spool, clock)
    one.put(b"1")
    SpoolDatabase(spool).close()
    look = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM events')"
    subprocess.run([sys.executable, "-c", f"{look}.connection.close()", spool], check=True)
    one.put(b"2")
    with sqlite3.connect(spool) as other:
        assert other.execute("SELECT data FROM events").fetchall() == [(b"1",), (b"2",)]
    other.close()
    one.close()


@pytest.mark.parametrize("kind", ["directory", "device"])
def test_path_without_file_is_rejected(tmp_path: Path, kind: str) -> None:
    spool = tmp_path / "events.db"
    spool.mkdir(0o755) if kind == "directory" else os.mkfifo(spool, 0o644)
    before = spool.stat()
    with pytest.raises(SpoolError, match=r"events\.db: it is not a file"):
        SpoolDatabase(spool)
    assert [path.name for path in tmp_path.iterdir()] == ["events.db"]
    assert spool.stat() == before


def test_spool_of_newer_version_is_rejected(tmp_path: Path, collector: Collector) -> None:
    spool = tmp_path / "events.db"
    leave_pending(spool, 1)
    with sqlite3.connect(spool) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(SpoolError, match="newer version"), logger(collector.url, spool=spool):
        pass
    assert not list(tmp_path.glob("events.db.broken-*"))


def test_missing_directory_is_rejected(tmp_path: Path, collector: Collector) -> None:
    with pytest.raises(SpoolError, match="nowhere"):  # noqa: SIM117
        with logger(collector.url, spool=tmp_path / "nowhere" / "events.db"):
            pass


def test_group_of_events_is_atomic(tmp_path: Path) -> None:
    file = SpoolDatabase(tmp_path / "events.db")
    run_sql(
        file.path,
        "CREATE TRIGGER f BEFORE INSERT ON events WHEN new.logged = 2"
        " BEGIN SELECT RAISE(FAIL, 'full'); END",
    )
    with pytest.raises(SpoolError, match="full"):
        file.insert([(1, b"{}"), (2, b"{}")])
    assert file.row("SELECT count(*) FROM events") == (0,)
    file.close()


@pytest.fixture(params=["memory", "spool"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock
) -> Iterator[MemoryQueue | SpoolQueue]:
    made = (
        open_queue(tmp_path / "events.db", clock)
        if request.param == "spool"
        else MemoryQueue(check_options({}), clock, lambda: None)
    )
    yield made
    made.close()


def test_empty_queue_claims_nothing(store: MemoryQueue | SpoolQueue) -> None:
    assert store.claim() is None


def test_stopped_queue_rejects_events(store: MemoryQueue | SpoolQueue) -> None:
    """A thread may have come past the logger's own check when the logger is closed."""
    store.seal()
    with pytest.raises(ConfigurationError, match="closed"):
        store.put(b"{}")
    assert store.stats().accepted == 0


def test_large_spool_opens_without_check(tmp_path: Path) -> None:
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


def test_locked_file_is_opened_later(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    path.touch()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SpoolError, match="locked"):
        SpoolDatabase(path, patience=0.1)
    timer = threading.Timer(0.2, other.execute, ("COMMIT",))
    timer.start()
    SpoolDatabase(path).close()
    timer.join()
    other.close()


def test_log_waits_for_other_process(tmp_path: Path, collector: Collector) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool) as events:
        log(events, 1)
        other = lock_spool(spool)
        timer = threading.Timer(0.3, other.execute, ("COMMIT",))
        timer.start()
        log(events, 1, start=1)
        timer.join()
        other.close()
        assert events.flush(30).pending == 0
    assert set(collector.accepted) == {"0", "1"}


def test_open_spool_is_not_removed(tmp_path: Path) -> None:
    one, other = (SpoolDatabase(tmp_path / "events.db") for _ in range(2))
    one.remove()
    assert other.path.exists()
    other.remove()
    assert not list(tmp_path.iterdir())


def test_simultaneous_creation_shares_spool(tmp_path: Path) -> None:
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


def test_dead_letters_keep_reason(tmp_path: Path, collector: Collector) -> None:
    collector.plan = lambda *_: Response(400, b'{"message": "no such thing"}', accepts=False)
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


def test_reason_with_lone_surrogate_is_kept(
    tmp_path: Path, collector: Collector, make_logger: LoggerMaker
) -> None:
    collector.plan = lambda *_: Response(400, b'{"message": "half a \\ud83d"}', accepts=False)
    events = make_logger(spool=tmp_path / "events.db")
    log(events, 1)
    assert events.flush(30).rejected == 1
    with sqlite3.connect(tmp_path / "events.db") as connection:
        ((why,),) = connection.execute("SELECT why FROM dead_letters")
    connection.close()
    assert why.endswith("half a �")
