"""Policies for events for which a spool has no room."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.events import Delivery, EventQueueFullError
from tests.chaos.chance import logger
from tests.support.clock import FakeClock
from tests.support.collector import Collector, Response
from tests.support.spools import DOWN, log, open_queue, run_sql


def test_full_spool_drops_oldest(tmp_path: Path, collector: Collector) -> None:
    collector.plan = lambda *_: DOWN
    reported: list[Delivery] = []
    with logger(
        collector.url,
        spool=tmp_path / "events.db",
        max_spool_bytes=200_000,
        max_batch=20,
        flush_interval=3600,
        overflow="drop_oldest",
        on_delivery=reported.append,
    ) as events:
        log(events, 300, padding="x" * 1000)
        stats = events.stats()
    assert stats.dropped > 50
    assert stats.pending + stats.dropped == stats.accepted == 300
    assert stats.spooled_bytes < 250_000
    dropped = [event["metadata"]["n"] for it in reported for event in it.events]  # type: ignore[index, call-overload]
    assert len(dropped) == stats.dropped


def test_callback_may_wait_for_log(tmp_path: Path, clock: FakeClock) -> None:
    def wait(_: Delivery) -> None:
        waiting.set()
        assert logged.wait(30)

    def log_meanwhile() -> None:
        assert waiting.wait(30)
        store.put(b"meanwhile")
        logged.set()

    waiting, logged = threading.Event(), threading.Event()
    store = open_queue(
        tmp_path / "events.db",
        clock,
        max_spool_bytes=30_000,
        overflow="drop_oldest",
        on_delivery=wait,
    )
    other = threading.Thread(target=log_meanwhile)
    other.start()
    while not waiting.is_set():
        store.put(b"x" * 1000)
    other.join(60)
    assert logged.is_set()
    assert store.stats().dropped > 0
    store.close()


def test_full_spool_keeps_claimed_events(tmp_path: Path, clock: FakeClock) -> None:
    reported: list[Delivery] = []
    store = open_queue(
        tmp_path / "events.db",
        clock,
        max_spool_bytes=30_000,
        overflow="drop_oldest",
        max_batch=1,
        on_delivery=reported.append,
    )
    while not reported:
        store.put(b"%03d" % store.stats().accepted * 300)
        while store.claim():
            pass
    last = store.stats().accepted - 1
    assert [event for it in reported for event in it.encoded] == [b"%03d" % last * 300]
    assert store.stats().dropped == 1
    store.close()


def test_full_spool_drops_newest(
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


def test_full_spool_raises(tmp_path: Path, collector: Collector) -> None:
    collector.plan = lambda *_: DOWN
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, max_spool_bytes=100_000, overflow="raise") as events:  # noqa: SIM117
        with pytest.raises(EventQueueFullError, match="max_spool_bytes"):
            log(events, 300, padding="x" * 1000)


def test_full_spool_blocks_log(
    tmp_path: Path,
    collector: Collector,
    caplog: pytest.LogCaptureFixture,  # noqa: ARG001
) -> None:
    with logger(
        collector.url, spool=tmp_path / "events.db", max_spool_bytes=100_000, max_batch=10
    ) as events:
        collector.plan = lambda *_: (
            Response(503, b"", accepts=False) if len(collector.requests) < 3 else Response()
        )
        log(events, 300, padding="x" * 1000)
        assert events.flush(30).pending == 0
    assert collector.accepted.total() == 300


def test_sender_never_waits_for_room(tmp_path: Path, collector: Collector) -> None:
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
        assert events.flush(30).pending == 0  # for events logged during the first
        assert events.stats().delivered == 230


def test_empty_spool_shrinks(tmp_path: Path, clock: FakeClock) -> None:
    store = open_queue(tmp_path / "events.db", clock)
    for _ in range(120):
        store.put(b"x" * 100_000)
    assert store.stats().spooled_bytes > 10_000_000
    while batch := store.claim():
        store.complete(batch)
    store.close()
    assert (tmp_path / "events.db").stat().st_size < 100_000


@pytest.mark.parametrize("policy", ["raise", "drop_newest"])
def test_unwritable_spool_follows_policy(tmp_path: Path, collector: Collector, policy: Any) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, overflow=policy, flush_interval=3600) as events:
        log(events, 5)
        run_sql(
            spool, "CREATE TRIGGER f BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
        if policy == "raise":
            with pytest.raises(EventQueueFullError, match="full"):
                log(events, 1, start=5)
        else:
            log(events, 1, start=5)
        run_sql(spool, "DROP TRIGGER f")
        log(events, 1, start=6)
        assert events.flush(30).pending == 0
        stats = events.stats()
    assert set(collector.accepted) == {"0", "1", "2", "3", "4", "6"}
    assert stats.dropped == (policy == "drop_newest")


def test_log_waits_for_unwritable_spool(
    tmp_path: Path, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, flush_interval=3600) as events:
        log(events, 1)
        run_sql(
            spool, "CREATE TRIGGER f BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
        thread = threading.Thread(target=log, args=(events, 1, 1))
        thread.start()
        time.sleep(0.2)
        assert thread.is_alive()
        run_sql(spool, "DROP TRIGGER f")
        thread.join(30)
        assert events.flush(30).pending == 0
    assert set(collector.accepted) == {"0", "1"}
    assert "log() waits" in caplog.text
