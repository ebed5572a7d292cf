"""The size of a spool: events dropped when it is full, and pages returned to the disk."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from statsig_api_client._clock import Clock
from statsig_api_client.events import EventQueueFullError
from statsig_api_client.events.options import check_options
from statsig_api_client.events.queue.database import DiskFullError, SpoolDatabase
from statsig_api_client.events.queue.dead_letters import dead_letters
from statsig_api_client.events.queue.spool import SpoolQueue
from tests.chaos.chance import logger
from tests.support.clock import FakeClock
from tests.support.collector import Collector, Response

if TYPE_CHECKING:
    from collections.abc import Callable

BAD = Response(400, b"bad", accepts=False)


def queue_of(path: Path, clock: Clock, **options: Any) -> SpoolQueue:
    made = check_options({"spool": path, **options})
    return SpoolQueue(made, clock, lambda: None, path=path, longest_attempt=10.0)


def reject_all(queue: SpoolQueue) -> None:
    while batch := queue.claim():
        queue.dead_letter(batch, "rejected", "bad")


def free_pages(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (pages,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(pages)


@pytest.mark.parametrize("overflow", ["block", "drop_oldest"])
def test_dead_letters_give_way_to_new_events(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture, overflow: str
) -> None:
    spool = tmp_path / "events.db"
    queue = queue_of(spool, clock, max_spool_bytes=200_000, overflow=overflow, max_batch=20)
    for number in range(1000):
        assert queue.put(b"%d" % number * 300)
        if number % 20 == 19:
            reject_all(queue)
    stats = queue.stats()
    queue.close()
    assert (stats.accepted, stats.rejected, stats.dropped) == (1000, 1000, 0)
    assert stats.spooled_bytes < 250_000
    with closing(SpoolDatabase(spool)) as database:
        kept = [int(letter.event[:3]) for letter in dead_letters(database)]
    assert 100 < len(kept) < 200
    assert kept == list(range(1000 - len(kept), 1000))
    assert "dead letters were discarded" in caplog.text


def test_log_continues_when_server_rejects_everything(tmp_path: Path, collector: Collector) -> None:
    collector.plan = lambda *_: BAD
    with logger(
        collector.url, spool=tmp_path / "events.db", max_spool_bytes=100_000, max_batch=10
    ) as events:
        for _ in range(300):
            events.log({"userID": "42"}, "purchase", metadata={"text": "x" * 1000})
        assert events.flush(60).pending == 0
        assert events.stats().rejected == 300


@pytest.mark.parametrize("overflow", ["raise", "drop_newest"])
def test_dead_letters_stay_under_other_policies(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture, overflow: str
) -> None:
    spool = tmp_path / "events.db"
    queue = queue_of(spool, clock, max_spool_bytes=100_000, overflow=overflow)

    def fill_up() -> None:
        while not queue.stats().dropped:
            queue.put(b"x" * 1000)

    if overflow == "raise":
        with pytest.raises(EventQueueFullError, match="discard"):
            fill_up()
    else:
        fill_up()
        assert "discard" in caplog.text
    reject_all(queue)
    rejected = queue.stats().rejected
    if overflow == "raise":
        with pytest.raises(EventQueueFullError):
            fill_up()
    else:
        queue.put(b"x" * 1000)
        assert queue.stats().dropped == 2
    queue.close()
    with closing(SpoolDatabase(spool)) as database:
        assert len(list(dead_letters(database))) == rejected


class Spy:
    """Calls of `SpoolDatabase.shrink`, and the pages that each of them returned."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.freed: list[int] = []
        self.after: Callable[[], object] = int
        shrink = SpoolDatabase.shrink

        def spy(database: SpoolDatabase, pages: int) -> bool:
            before = free_pages(path)
            more = shrink(database, pages)
            self.freed.append(before - free_pages(path))
            self.after()
            return more

        monkeypatch.setattr(SpoolDatabase, "shrink", spy)


def written_bytes() -> int:
    """Return the bytes that this process has written so far."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def test_spool_with_dead_letters_never_shrinks(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A spool that is large because of its dead letters has no pages to return."""
    spool = tmp_path / "events.db"
    queue = queue_of(spool, clock)
    for _ in range(120):
        queue.put(b"x" * 100_000)
    reject_all(queue)
    spy = Spy(spool, monkeypatch)
    before = written_bytes()
    for _ in range(100):
        queue.put(b"{}")
        while batch := queue.claim():
            queue.complete(batch)
    assert not spy.freed
    assert written_bytes() - before < 12_000_000  # once the size of the spool, not 100 times
    queue.close()


def test_spool_shrinks_in_small_steps(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = tmp_path / "events.db"
    queue = queue_of(spool, clock, max_batch=1)
    for number in range(240):
        queue.put((b"%03d" % number) * 30_000)
    spy = Spy(spool, monkeypatch)
    while batch := queue.claim():
        if batch.events[0].startswith(b"200"):  # its pages have to be moved
            queue.dead_letter(batch, "rejected", "bad")
        else:
            queue.complete(batch)
    assert sum(spy.freed) > 10_000
    assert max(spy.freed) <= 64
    queue.close()
    assert spool.stat().st_size < 200_000


def test_shrinking_stops_at_new_event(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def log() -> None:
        if len(spy.freed) == 3:
            queue.put(b"{}")

    spool = tmp_path / "events.db"
    queue = queue_of(spool, clock)
    for _ in range(120):
        queue.put(b"x" * 100_000)
    spy = Spy(spool, monkeypatch)
    spy.after = log
    while batch := queue.claim():
        queue.complete(batch)
    assert len(spy.freed) == 3
    assert queue.claim() is not None
    queue.close()


def test_stats_read_no_events(tmp_path: Path, clock: FakeClock) -> None:
    """The account of a large spool is as cheap as that of a small one."""
    spool = tmp_path / "events.db"
    queue = queue_of(spool, clock, max_batch=10)
    for number in range(50):
        queue.put(b"%d" % number)
    for act in (queue.complete, lambda it: queue.dead_letter(it, "ambiguous", "lost")):
        batch = queue.claim()
        assert batch is not None
        act(batch)
    with closing(sqlite3.connect(spool)) as connection:
        # Not what happens, but it shows that no row is counted.
        connection.execute("DELETE FROM events WHERE id BETWEEN 30 AND 40")
        connection.commit()
    stats = queue.stats()
    assert (stats.accepted, stats.delivered, stats.ambiguous, stats.pending) == (50, 10, 10, 30)
    queue.close()


def test_largest_event_fits_into_empty_spool(tmp_path: Path, clock: FakeClock) -> None:
    queue = queue_of(tmp_path / "events.db", clock, overflow="raise")
    for _ in range(20):
        queue.put(b"x" * 2**20)
    assert queue.stats().pending == 20
    queue.close()


def test_deleted_spool_has_stats(tmp_path: Path, clock: FakeClock) -> None:
    queue = queue_of(tmp_path / "events.db", clock)
    queue.put(b"{}")
    (tmp_path / "events.db").unlink()
    assert queue.stats().pending == 1
    queue.close()


def test_full_disk_exhausts_reserve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(database: SpoolDatabase, statement: str, values: tuple[object, ...]) -> Any:
        if statement == "COMMIT":
            raise DiskFullError("full")
        return run(database, statement, values)

    run = SpoolDatabase.run
    database = SpoolDatabase(tmp_path / "events.db")
    database.reserve.fill(2**20)
    attempts: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(SpoolDatabase, "run", full)
        with pytest.raises(DiskFullError):
            database.write(lambda: attempts.append(database.reserve.size()))
    assert attempts[:4] == [2**20, 2**20, 2**19, 2**18]
    assert attempts[-1] == 0
    database.close()
    assert database.reserve.size() == 2**20
