"""Event loops one after another, by turns, and in disorder."""

import asyncio
import atexit
import socket
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest

from statsig_api_client import AsyncStatsig, ConfigurationError
from statsig_api_client.events import AsyncEventLogger, async_logger
from tests.chaos.chance import KEY
from tests.support.collector import Collector, Response, first
from tests.support.programs import at_exit, run

USER = {"userID": "42"}


def test_interpreter_exit_sends_events_of_loops(collector: Collector) -> None:
    program = f"""
async def main():
    events = AsyncEventLogger(AsyncStatsig({KEY!r}, base_url=url))
    for n in range(7):
        await events.log(user, "purchase", metadata={{"n": str(n)}})
asyncio.run(main())
"""
    process = run(program, collector)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert collector.accepted == Counter(str(n) for n in range(7))


@pytest.mark.parametrize("used_before", ["", "flush"])
def test_interpreter_exit_uses_supplied_client(collector: Collector, used_before: str) -> None:
    program = f"""
import httpx
url = url.replace("127.0.0.1", "localhost")  # no thread resolves it at exit
async def note(request):
    print(request.headers["STATSIG-EVENT-COUNT"], flush=True)
async def main():
    client = httpx.AsyncClient(event_hooks={{"request": [note]}})
    events = AsyncEventLogger(AsyncStatsig({KEY!r}, base_url=url, http_client=client))
    await events.log(user, "purchase", metadata={{"n": "0"}})
    if sys.argv[1]:
        await events.flush()
    await events.log(user, "purchase", metadata={{"n": "1"}})
asyncio.run(main())
"""
    process = run(program, collector, used_before)
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert printed.split() == (["1", "1"] if used_before else ["2"]), errors
    assert collector.accepted == Counter("01")


def test_logger_survives_several_loops(collector: Collector) -> None:
    statsig = AsyncStatsig(KEY, base_url=collector.url)
    events = AsyncEventLogger(statsig, flush_interval=3600)

    async def log(number: int) -> None:
        await events.log(USER, "purchase", metadata={"n": str(number)})

    async def end() -> None:
        await events.aclose()
        await statsig.aclose()

    for number in range(3):
        asyncio.run(log(number))
    asyncio.run(end())
    assert collector.accepted == Counter("012")


def test_loops_take_turns() -> None:
    async def take(request: httpx.Request) -> httpx.Response:
        accepted.append(int(request.headers["STATSIG-EVENT-COUNT"]))
        return httpx.Response(202, json={"success": True})

    async def log() -> None:
        await events.log(USER, "purchase")
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks()) <= 2  # this one, and one that sends

    async def end() -> None:
        await events.aclose()
        await statsig.aclose()
        await http_client.aclose()

    accepted: list[int] = []
    http_client = httpx.AsyncClient(transport=httpx.MockTransport(take))
    statsig = AsyncStatsig(KEY, base_url="http://127.0.0.1:9", http_client=http_client)
    events = AsyncEventLogger(statsig, flush_interval=0.15)
    with asyncio.Runner() as one, asyncio.Runner() as other:
        for runner in (one, other) * 4:
            runner.run(log())
        other.run(end())
    assert sum(accepted) == 8


def test_second_running_loop_is_rejected(collector: Collector) -> None:
    statsig = AsyncStatsig(KEY, base_url=collector.url)
    events = AsyncEventLogger(statsig, flush_interval=3600)

    async def log() -> None:
        await events.log(USER, "purchase", metadata={"n": "0"})

    async def refused() -> None:
        for attempt in (log(), events.flush(), events.aclose()):
            with pytest.raises(ConfigurationError, match="in another event loop"):
                await attempt

    async def both() -> None:
        await log()
        await asyncio.to_thread(asyncio.run, refused())
        assert len(asyncio.all_tasks()) == 1  # none is left behind
        await events.aclose()
        await statsig.aclose()

    asyncio.run(both())
    assert collector.accepted == Counter("0")


def test_abruptly_closed_loop_is_replaced() -> None:
    async def log() -> None:
        await events.log(USER, "purchase")
        assert (await events.flush(30)).delivered == 1

    async def end() -> None:
        await events.aclose()
        await statsig.aclose()
        await http_client.aclose()

    response = httpx.Response(202, json={"success": True})
    http_client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: response))
    statsig = AsyncStatsig(KEY, base_url="http://127.0.0.1:9", http_client=http_client)
    events = AsyncEventLogger(statsig)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(log())
    loop.close()  # without an end to its tasks
    asyncio.run(end())


def test_loop_runs_while_spool_is_locked(collector: Collector, tmp_path: Path) -> None:
    spool = tmp_path / "events.db"
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            begun = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - begun)

    async def log() -> None:
        async with (
            AsyncStatsig(KEY, base_url=collector.url) as statsig,
            AsyncEventLogger(statsig, spool=spool, flush_interval=3600) as events,
        ):
            await events.log(USER, "purchase", metadata={"n": "0"})
            watching = asyncio.create_task(watch())
            other = sqlite3.connect(spool, isolation_level=None, check_same_thread=False)
            other.execute("BEGIN IMMEDIATE")
            timer = threading.Timer(3, other.execute, ("COMMIT",))
            timer.start()
            waiting = asyncio.create_task(events.log(USER, "purchase", metadata={"n": "1"}))
            await asyncio.sleep(0.1)
            await events.flush(30)
            await waiting
            # The first flush may end before the second event is in the spool, or after.
            assert (await events.flush(30)).pending == 0
            watching.cancel()
            await asyncio.to_thread(timer.join)
            other.close()

    asyncio.run(log())
    assert longest < 2
    assert collector.accepted == Counter("01")


def test_cancelled_close_is_repeated_at_exit(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    endings = at_exit(monkeypatch)
    monkeypatch.setattr(atexit, "unregister", endings.remove)
    collector.plan = lambda *_: Response(
        503, b"", {"Retry-After": "1", "Connection": "close"}, accepts=False
    )

    async def end() -> None:
        events = AsyncEventLogger(statsig)
        await events.log(USER, "purchase", metadata={"n": "0"})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(events.aclose(), 0.3)

    statsig = AsyncStatsig(KEY, base_url=collector.url)
    asyncio.run(end())
    collector.plan = lambda *_: Response()
    assert len(endings) == 1
    endings[0]()
    assert collector.accepted == Counter("0")


def test_loop_ending_during_attempt_keeps_events(collector: Collector) -> None:
    collector.plan = first(Response(hangs=1.0, accepts=False))
    for resend in (True, False):
        statsig = AsyncStatsig(KEY, base_url=collector.url)
        events = AsyncEventLogger(statsig, resend_ambiguous=resend)

        async def begin(events: AsyncEventLogger) -> None:
            await events.log(USER, "purchase", metadata={"n": "0"})
            await events.flush(0.3)

        async def end(events: AsyncEventLogger, statsig: AsyncStatsig) -> None:
            await events.aclose()
            await statsig.aclose()

        collector.times.clear()
        asyncio.run(begin(events))
        asyncio.run(end(events, statsig))
        stats = events.stats()
        assert (stats.delivered, stats.ambiguous) == ((1, 0) if resend else (0, 1))


@pytest.mark.parametrize("well", [True, False])
def test_exit_handler_sends_events_of_loops(
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    well: bool,
) -> None:
    def fail(*_: object) -> None:
        raise socket.gaierror

    if not well:
        monkeypatch.setattr(socket, "getaddrinfo", fail)
    collector.plan = first(Response(503, b"", {"Retry-After": "1"}, accepts=False))
    monkeypatch.setattr(async_logger, "AT_EXIT", 30.0 if well else 0.5)
    endings = at_exit(monkeypatch)
    statsig = AsyncStatsig(KEY, base_url=collector.url.replace("127.0.0.1", "localhost"))
    events = AsyncEventLogger(statsig, max_batch=2, flush_interval=3600)
    (end,) = endings
    end()  # nothing was used

    async def log() -> None:
        for number in range(3):
            await events.log(USER, "purchase", metadata={"n": str(number)})

    asyncio.run(log())
    begun = time.monotonic()
    end()
    took = time.monotonic() - begun
    assert took >= (1.0 if well else 0.5)
    assert took < 20
    stats = events.stats()
    assert (stats.delivered, stats.pending) == ((3, 0) if well else (0, 3))
    assert ("3 events were not delivered" in caplog.text) is not well
    asyncio.run(statsig.aclose())
