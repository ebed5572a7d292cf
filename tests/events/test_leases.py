"""Leases: which process sends which events."""

import logging
import time
from pathlib import Path

import pytest

from statsig_api_client import APIConnectionError, BadRequestError
from statsig_api_client._clock import Clock
from statsig_api_client._delivery.result import SendResult
from statsig_api_client.events.dispatcher import Dispatcher
from statsig_api_client.events.options import check_options
from statsig_api_client.events.queue.database import SpoolDatabase
from statsig_api_client.events.queue.recovery import recover
from statsig_api_client.events.queue.spool import SpoolQueue
from tests.chaos.chance import logger
from tests.support.clock import FakeClock
from tests.support.collector import Collector
from tests.support.spools import (
    break_counters,
    leave_pending,
    log,
    mend_counters,
    open_queue,
    run_sql,
)

from .conftest import LoggerMaker


def test_expired_lease_moves_batch(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = (open_queue(tmp_path / "events.db", clock, max_batch=2) for _ in range(2))
    for number in range(3):
        one.put(b"%d" % number)
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
        one.complete(first)
    assert "may be sent twice" in caplog.text
    other.complete(again)
    one.dead_letter(first, "rejected", "too late to matter")
    assert one.stats().delivered == 2
    assert one.stats().rejected == 0
    one.close()
    other.close()


def test_lease_is_renewed(tmp_path: Path, clock: FakeClock) -> None:
    one, other = (open_queue(tmp_path / "events.db", clock) for _ in range(2))
    one.put(b"{}")
    batch = one.claim()
    assert batch is not None
    for _ in range(5):
        clock.pass_(15)
        assert one.renew(batch)
        assert one.renew(batch)
    assert other.claim() is None
    one.close()
    other.close()


def test_lease_lasts_one_hour_at_most(tmp_path: Path, clock: FakeClock) -> None:
    made = check_options({"spool": tmp_path / "events.db"})
    one, other = (
        SpoolQueue(made, clock, lambda: None, path=tmp_path / "events.db", longest_attempt=3000.0)
        for _ in range(2)
    )
    one.put(b"{}")
    assert one.claim() is not None
    assert other.claim() is None
    clock.pass_(3599)
    assert other.claim() is None
    clock.pass_(1)
    assert other.claim() is not None
    one.close()
    other.close()


def test_lease_from_future_is_ignored(tmp_path: Path, clock: FakeClock) -> None:
    one, other = (open_queue(tmp_path / "events.db", clock) for _ in range(2))
    one.put(b"{}")
    assert one.claim() is not None
    clock.wall -= 86400  # the clock was wrong, and is set back
    assert other.claim() is not None
    one.close()
    other.close()


@pytest.mark.parametrize("jump", [-86400, 86400])
def test_own_lease_outlasts_clock_jump(tmp_path: Path, clock: FakeClock, jump: float) -> None:
    queue = open_queue(tmp_path / "events.db", clock)
    queue.put(b"{}")
    assert queue.claim() is not None
    clock.wall += jump
    assert queue.claim() is None
    queue.close()


def test_close_ignores_batches_of_others(
    tmp_path: Path, collector: Collector, make_logger: LoggerMaker
) -> None:
    spool = tmp_path / "events.db"
    leave_pending(spool, 30)
    other = SpoolQueue(
        check_options({"spool": spool, "max_batch": 20}),
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
    assert set(collector.accepted) == {str(number) for number in range(20, 35)}
    other.close()


def test_results_of_parts_keep_order(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "events.db"
    store = open_queue(spool, clock)
    dispatch = Dispatcher(check_options({"spool": spool, "resend_ambiguous": False}), store, clock)
    for _ in range(4):
        store.put(b"{}")
    batch = dispatch.next(hurry=True)
    assert batch is not None
    dispatch.handle(batch, SendResult.from_error(BadRequestError("no", status_code=400)))
    part = dispatch.next(hurry=True)
    assert part is not None
    break_counters(spool)
    dispatch.handle(part, SendResult.from_error(APIConnectionError("no", ambiguous=True)))
    assert "full" in caplog.text
    mend_counters(spool)
    clock.pass_(10)
    rest = dispatch.next(hurry=True)
    assert rest is not None
    assert len(rest) == 2
    assert (store.stats().ambiguous, store.stats().pending) == (2, 2)
    store.close()


def test_part_with_expired_lease_is_left(tmp_path: Path, clock: FakeClock) -> None:
    spool = tmp_path / "events.db"
    one, other = open_queue(spool, clock), open_queue(spool, clock)
    dispatch = Dispatcher(check_options({"spool": spool}), one, clock)
    for _ in range(4):
        one.put(b"{}")
    batch = dispatch.next(hurry=True)
    assert batch is not None
    dispatch.handle(batch, SendResult.from_error(BadRequestError("no", status_code=400)))
    clock.pass_(30)
    assert other.claim() is not None
    assert dispatch.next(hurry=True) is None
    one.close()
    other.close()


def test_recovery_leaves_claimed_events_to_child(tmp_path: Path, collector: Collector) -> None:
    child = open_queue(tmp_path / "events.db.child-7-7", Clock(), max_batch=2)
    for number in range(3):
        child.put(b'{"metadata":{"n":"%d"}}' % number)
    assert child.claim() is not None
    with logger(collector.url, spool=tmp_path / "events.db") as events:
        assert events.flush(30).delivered == 1
    assert set(collector.accepted) == {"2"}
    assert child.stats().pending == 2
    child.close()


def test_recovery_after_lost_lease_repeats(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may recover the same spool when this one was stopped for too long."""

    def insert_late(database: SpoolDatabase, events: list[tuple[int, bytes]]) -> int:
        monkeypatch.undo()
        run_sql(child.path, "DELETE FROM leases")
        return database.insert(events)

    spool = tmp_path / "events.db"
    child = SpoolDatabase(tmp_path / "events.db.child-7-7")
    child.insert([(0, b"{}")])
    monkeypatch.setattr(SpoolDatabase, "insert", insert_late)
    recover(spool, check_options({"spool": spool}), clock)
    queue = open_queue(spool, clock)
    assert queue.stats().pending == 2
    queue.close()
    child.close()
