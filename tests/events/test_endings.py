"""Flushes, closes and exits that cannot deliver: bounded, and with an account of what is left."""

import _thread
import asyncio
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import AsyncStatsig, Statsig
from statsig_api_client.events import (
    AsyncEventLogger,
    EventLogger,
    EventQueueFullError,
    async_logger,
)
from statsig_api_client.events.options import check_options
from statsig_api_client.events.queue.memory import MemoryQueue
from tests.chaos.chance import KEY, Late, logger
from tests.support.clock import FakeClock
from tests.support.collector import Collector, Response
from tests.support.programs import at_exit, run
from tests.support.spools import DOWN, break_counters, lock_spool, log, mend_counters

from .conftest import finish_sending

USER = {"userID": "42"}
SOON = 5.0
"""Seconds: less than the client's timeout, however busy the machine is."""


@pytest.fixture
def silent(collector: Collector) -> Iterator[None]:
    """A server that sends no response until the test ends."""
    ended = threading.Event()

    def wait(*_: object) -> Response:
        ended.wait(30)
        return DOWN

    collector.plan = wait
    yield
    ended.set()
    finish_sending()


SYNC_PROGRAM = "events = EventLogger(statsig, flush_interval=3600)\nlog(events, 0)\n"
ASYNC_PROGRAM = f"""
async def main():
    events = AsyncEventLogger(AsyncStatsig({KEY!r}, base_url=url), flush_interval=3600)
    await events.log(user, "purchase")
asyncio.run(main())
"""


@pytest.mark.parametrize("program", [SYNC_PROGRAM, ASYNC_PROGRAM], ids=["sync", "async"])
def test_interrupted_exit_reports_pending_events(collector: Collector, program: str) -> None:
    collector.plan = lambda *_: DOWN
    process = run(program, collector)
    while not collector.requests:  # the attempt of the exit
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "1 events were not delivered, and end with the process\n" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("spooled", "line"),
    [(False, "1 events were not delivered"), (True, "1 events were not delivered, and stay in")],
    ids=["memory", "spool"],
)
def test_interrupted_close_reports_pending_events(
    collector: Collector,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    *,
    spooled: bool,
    line: str,
) -> None:
    def interrupt(*_: object) -> Response:
        _thread.interrupt_main()
        return DOWN

    collector.plan = interrupt
    options: dict[str, Any] = {"spool": tmp_path / "events.db"} if spooled else {}
    with logger(collector.url, flush_interval=3600, **options) as events:
        log(events, 1)
        with pytest.raises(KeyboardInterrupt):
            events.close(60)
        assert line in caplog.text
        assert events.close().pending == 1


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("kind", [EventLogger, AsyncEventLogger])
def test_silent_server_bounds_exit(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    monkeypatch.setattr(async_logger, "AT_EXIT", 0.3)
    monkeypatch.setattr("statsig_api_client.events.logger.AT_EXIT", 0.3)
    ending = at_exit(monkeypatch)
    took, events = _end_with_one_event(collector, kind, ending)
    assert took < SOON
    assert events.stats().pending == 1


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("kind", [EventLogger, AsyncEventLogger])
def test_silent_server_bounds_exit_without_threads(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    """Newer Pythons start no threads at exit, so that the main thread sends."""
    monkeypatch.setattr(async_logger, "AT_EXIT", 0.3)
    monkeypatch.setattr("statsig_api_client.events.logger.AT_EXIT", 0.3)
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "statsig-events":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    took, events = _end_with_one_event(collector, kind, at_exit(monkeypatch))
    assert took < SOON
    assert events.stats().resent_ambiguous == 1


def _end_with_one_event(
    collector: Collector, kind: Any, endings: list[Callable[[], object]]
) -> tuple[float, Any]:
    """Log an event, call the handler for the exit, and return the seconds that it took."""
    client: Any = (Statsig if kind is EventLogger else AsyncStatsig)(KEY, base_url=collector.url)
    events = kind(client, flush_interval=3600)
    logged = events.log(USER, "purchase")
    if logged is not None:
        asyncio.run(_wait_for(logged))
    (end,) = endings
    begun = time.monotonic()
    end()
    took = time.monotonic() - begun
    client.close() if kind is EventLogger else asyncio.run(client.aclose())
    return took, events


async def _wait_for(awaitable: Any) -> None:
    await awaitable


@pytest.mark.parametrize("method", ["flush", "close"])
def test_closed_client_ends_wait(collector: Collector, method: str) -> None:
    statsig = Statsig(KEY, base_url=collector.url)
    events = EventLogger(statsig, flush_interval=3600)
    log(events, 1)
    statsig.close()
    begun = time.monotonic()
    assert getattr(events, method)(30).pending == 1
    assert time.monotonic() - begun < SOON
    events.close(0)


def test_closed_async_client_ends_wait(collector: Collector) -> None:
    async def main() -> None:
        statsig = AsyncStatsig(KEY, base_url=collector.url)
        events = AsyncEventLogger(statsig, flush_interval=3600)
        await events.log({"userID": "42"}, "purchase")
        await statsig.aclose()
        begun = time.monotonic()
        assert (await events.flush(30)).pending == 1
        assert (await events.aclose(30)).pending == 1
        assert time.monotonic() - begun < SOON

    asyncio.run(main())


def test_close_timeout_bounds_with_block(collector: Collector) -> None:
    async def leave() -> None:
        async with AsyncStatsig(KEY, base_url=collector.url) as statsig:  # noqa: SIM117
            async with statsig.events(close_timeout=0.2) as events:
                await events.log({"userID": "42"}, "purchase")

    collector.plan = lambda *_: DOWN
    begun = time.monotonic()
    with Statsig(KEY, base_url=collector.url) as statsig, statsig.events(close_timeout=0.2) as it:
        log(it, 1)
    asyncio.run(leave())
    assert time.monotonic() - begun < SOON


def test_waiting_log_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    queue = MemoryQueue(check_options({"max_pending": 1}), clock, lambda: None)
    assert queue.put(b"{}")
    for seconds, lines in ((0.0, 0), (0.5, 0), (1.0, 1), (30.0, 1), (60.0, 2)):
        clock.pass_(seconds)
        assert not queue.put(b"{}")
        assert caplog.text.count("log() waits for room") == lines


def test_lock_of_other_process_bounds_waits(collector: Collector, tmp_path: Path) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, overflow="raise", flush_interval=3600) as events:
        log(events, 1)
        other = lock_spool(spool)
        begun = time.monotonic()
        assert events.flush(0.3).pending == 1
        with pytest.raises(EventQueueFullError, match="locked"):
            log(events, 1, start=1)
        assert events.stats().pending == 1
        assert time.monotonic() - begun < SOON
        other.execute("COMMIT")
        other.close()
        assert events.flush(30).pending == 0


def test_close_writes_results_that_failed(collector: Collector, tmp_path: Path) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, flush_interval=3600) as events:
        log(events, 1)
        break_counters(spool)
        assert events.flush(0.5).pending == 1
        assert collector.accepted.total() == 1
        mend_counters(spool)
        events.close(20)
        assert events.stats().delivered == 1
    assert not collector.doubles


def test_unwritten_result_is_counted_later(
    collector: Collector, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = tmp_path / "events.db"
    with logger(collector.url, spool=spool, flush_interval=3600) as events:
        log(events, 1)
        break_counters(spool)
        assert events.flush(0.5).pending == 1
        with caplog.at_level(logging.ERROR):
            events.close(0)
    assert "events that were sent may be sent again" in caplog.text
    mend_counters(spool)
    with logger(collector.url, Late(), spool=spool) as events:
        assert events.flush(30).delivered == 1
        assert events.stats().resent_ambiguous == 1
    assert collector.doubles == {"0"}
