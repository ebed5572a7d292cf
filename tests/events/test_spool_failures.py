"""Failures of a spool in use, which end after a while."""

from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import pytest

from statsig_api_client.events.queue import writer
from statsig_api_client.events.queue.database import SpoolBusyError
from tests.chaos.chance import logger
from tests.support.clock import FakeClock
from tests.support.collector import Collector, Response
from tests.support.spools import break_counters, log, mend_counters, open_queue, run_sql

from .conftest import LoggerMaker


def test_results_are_written_later(
    tmp_path: Path, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that fails after the server has accepted a batch does not make it be sent twice."""
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, flush_interval=3600) as events:
        log(events, 5)
        break_counters(spool)
        assert events.flush(1.5).pending > 0
        accepted = collector.accepted.total()
        assert accepted > 0
        mend_counters(spool)
        assert events.flush(30).pending == 0
    assert collector.accepted.total() == 5
    assert not collector.doubles
    assert "trying again" in caplog.text


def test_unreadable_spool_recovers(tmp_path: Path, collector: Collector) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, flush_interval=3600) as events:
        log(events, 5)
        run_sql(spool, "ALTER TABLE leases RENAME TO gone")
        assert events.flush(0.3).pending == 5
        run_sql(spool, "ALTER TABLE gone RENAME TO leases")
        assert events.flush(30).pending == 0
    assert collector.accepted.total() == 5


def test_unreadable_stats_are_last_known(
    tmp_path: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    store = open_queue(tmp_path / "events.db", clock)
    store.put(b"{}")
    batch = store.claim()
    assert batch is not None
    store.complete(batch)
    store.put(b"{}")
    known = store.stats()
    assert (known.accepted, known.delivered, known.pending) == (2, 1, 1)
    run_sql(tmp_path / "events.db", "ALTER TABLE counters RENAME COLUMN retried TO lost")
    store.put(b"{}")
    for _ in range(2):
        store.close()
        stats = store.stats()
        assert (stats.accepted, stats.delivered, stats.pending) == (3, 1, 2)
    assert caplog.text.count("last that is known") == 1


def test_flush_of_unreadable_spool_returns_known(
    tmp_path: Path, collector: Collector, make_logger: LoggerMaker, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "events.db"
    collector.plan = lambda *_: Response(503, b"", accepts=False)
    events = make_logger(spool=spool, flush_interval=3600)
    log(events, 5)
    run_sql(spool, "ALTER TABLE counters RENAME TO hidden")
    assert events.flush(0.2).pending == 5
    assert "no such table" in caplog.text
    run_sql(spool, "ALTER TABLE hidden RENAME TO counters")
    collector.plan = lambda *_: Response()
    assert events.flush(30).pending == 0
    assert events.stats().delivered == 5
    log(events, 5, start=5)
    run_sql(spool, "ALTER TABLE counters RENAME TO hidden")
    assert events.close(1).pending == 5  # as far as known
    assert collector.accepted == Counter(str(number) for number in range(10))


def test_busy_spool_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "BUSY_SECONDS", 0.0)

    class Free:
        exclusively = staticmethod(nullcontext)

    def step() -> None:
        raise SpoolBusyError("another process writes")

    with pytest.raises(SpoolBusyError):
        writer.SpoolWriter.patiently(Free(), step)  # type: ignore[arg-type]
