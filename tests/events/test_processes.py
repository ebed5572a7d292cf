"""Forks, ends of the interpreter, SIGTERM, and event loops one after another."""

import asyncio
import atexit
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from statsig_api_client import AsyncStatsig, ConfigurationError, Statsig
from statsig_api_client.events import AsyncEventLogger, Delivery, EventLogger, async_logger
from tests.chaos.chance import KEY, Late, logger
from tests.support.collector import Answer, Collector, first

USER = {"userID": "42"}


def run(program: str, collector: Collector, *arguments: object) -> "subprocess.Popen[str]":
    """A program that has a client `statsig` and the function `names`."""
    head = (
        "import asyncio, atexit, os, signal, sys, time\n"
        "from statsig_api_client import AsyncStatsig, Statsig\n"
        "from statsig_api_client.events import AsyncEventLogger, EventLogger\n"
        f"url = {collector.url!r}\n"
        f"statsig = Statsig({KEY!r}, base_url=url)\n"
        "user = {'userID': '42'}\n"
        "def log(events, n): events.log(user, 'purchase', metadata={'n': str(n)})\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_end_of_the_interpreter_sends_what_is_left(collector: Collector) -> None:
    process = run("events = EventLogger(statsig)\nfor n in range(7): log(events, n)", collector)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert collector.taken == Counter(str(n) for n in range(7))


def test_the_end_of_the_interpreter_sends_what_event_loops_left(collector: Collector) -> None:
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
    assert collector.taken == Counter(str(n) for n in range(7))


@pytest.mark.parametrize("used_before", ["", "flush"])
def test_exit_sends_with_supplied_client(collector: Collector, used_before: str) -> None:
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
    assert collector.taken == Counter("01")


def test_a_sigterm_that_ends_the_program_in_order_loses_nothing(collector: Collector) -> None:
    program = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
events = EventLogger(statsig, flush_interval=3600)
for n in range(7): log(events, n)
print("ready", flush=True)
time.sleep(60)
"""
    process = run(program, collector)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert collector.taken.total() == 7


def test_a_sigterm_that_kills_leaves_all_in_the_spool(collector: Collector, tmp_path: Path) -> None:
    program = """
events = EventLogger(statsig, flush_interval=3600, spool=sys.argv[1])
for n in range(7): log(events, n)
print("ready", flush=True)
time.sleep(60)
"""
    process = run(program, collector, tmp_path / "events.db")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    with logger(collector.url, Late(), spool=tmp_path / "events.db") as events:
        assert events.flush(30).pending == 0
    assert set(collector.taken) == {str(n) for n in range(7)}


@pytest.mark.parametrize("where", ["memory", "spool"])
def test_a_forked_child_begins_empty(collector: Collector, tmp_path: Path, where: str) -> None:
    program = """
spool = sys.argv[1] if len(sys.argv) > 1 else None
events = EventLogger(statsig, flush_interval=3600, spool=spool)
for n in range(5): log(events, f"parent-{n}")
child = os.fork()
if child == 0:
    assert events.stats().pending == 0
    for n in range(5): log(events, f"child-{n}")
    sys.exit(0 if events.close(30).pending == 0 else 1)
_, status = os.waitpid(child, 0)
for n in range(5, 9): log(events, f"parent-{n}")
sys.exit(bool(status) or events.close(30).pending)
"""
    process = run(program, collector, *([tmp_path / "events.db"] if where == "spool" else []))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    wanted = [*(f"parent-{n}" for n in range(9)), *(f"child-{n}" for n in range(5))]
    assert collector.taken == Counter(wanted)


@pytest.mark.parametrize("parent", ["made it", "closed it"])
def test_children_share_a_spool_that_their_parent_does_not_use(
    collector: Collector, tmp_path: Path, parent: str
) -> None:
    program = """
events = EventLogger(statsig, flush_interval=3600, spool=sys.argv[1])
if sys.argv[2] == "closed it":
    log(events, "parent")
    events.close()
    events = EventLogger(statsig, flush_interval=3600, spool=sys.argv[1])
for n in range(2):
    if os.fork() == 0:
        log(events, f"child-{n}")
        print(events.stats().pending, flush=True)
        os._exit(0)
    os.wait()
os._exit(0)
"""
    process = run(program, collector, tmp_path / "events.db", parent)
    printed, errors = process.communicate(timeout=60)
    assert (process.returncode, printed) == (0, "1\n2\n"), errors
    assert not list(tmp_path.glob("events.db.child-*"))


def test_what_a_forked_child_left_is_adopted(collector: Collector, tmp_path: Path) -> None:
    program = """
events = EventLogger(statsig, flush_interval=3600, spool=sys.argv[1])
log(events, "parent")
if os.fork() == 0:
    log(events, "child")
    os._exit(0)
os.wait()
os._exit(0)
"""
    process = run(program, collector, tmp_path / "events.db")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert len(list(tmp_path.glob("events.db.child-*[0-9]"))) == 1
    with logger(collector.url, Late(), spool=tmp_path / "events.db") as events:
        assert events.flush(30).pending == 0
    assert set(collector.taken) == {"parent", "child"}
    assert not list(tmp_path.glob("events.db.child-*"))


def test_a_forked_child_that_leaves_no_events_leaves_no_file(
    collector: Collector, tmp_path: Path
) -> None:
    program = """
events = EventLogger(statsig, flush_interval=3600, spool=sys.argv[1])
log(events, "parent")
for n in range(2):
    if os.fork() == 0:
        if n: log(events, "child")
        os._exit(events.close(30).pending)
    assert os.wait()[1] == 0
os._exit(0)
"""
    process = run(program, collector, tmp_path / "events.db")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert collector.taken == Counter({"child": 1})
    assert not list(tmp_path.glob("events.db.child-*"))


@pytest.mark.parametrize("kind", [EventLogger, AsyncEventLogger])
def test_threads_that_begin_at_the_same_moment_open_the_spool_once(
    collector: Collector, tmp_path: Path, kind: Any
) -> None:
    """The account is what opens it, and needs no event loop."""
    client: Any = (Statsig if kind is EventLogger else AsyncStatsig)(KEY, base_url=collector.url)
    for turn in range(5):
        events, together = kind(client, spool=tmp_path / f"{turn}.db"), threading.Barrier(8)

        def begin(events: Any = events, together: threading.Barrier = together) -> None:
            together.wait(10)
            events.stats()

        threads = [threading.Thread(target=begin) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        asyncio.run(events.aclose(0)) if kind is AsyncEventLogger else events.close(0)
        assert not list(tmp_path.glob("*-wal"))  # which stays as long as someone has it open


def test_an_asynchronous_logger_lives_through_several_loops(collector: Collector) -> None:
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
    assert collector.taken == Counter("012")


def test_loops_may_take_turns() -> None:
    async def take(request: httpx.Request) -> httpx.Response:
        taken.append(int(request.headers["STATSIG-EVENT-COUNT"]))
        return httpx.Response(202, json={"success": True})

    async def log() -> None:
        await events.log(USER, "purchase")
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks()) <= 2  # this one, and one that sends

    async def end() -> None:
        await events.aclose()
        await statsig.aclose()
        await http_client.aclose()

    taken: list[int] = []
    http_client = httpx.AsyncClient(transport=httpx.MockTransport(take))
    statsig = AsyncStatsig(KEY, base_url="http://127.0.0.1:9", http_client=http_client)
    events = AsyncEventLogger(statsig, flush_interval=0.15)
    with asyncio.Runner() as one, asyncio.Runner() as other:
        for runner in (one, other) * 4:
            runner.run(log())
        other.run(end())
    assert sum(taken) == 8


def test_two_loops_that_run_need_a_logger_each(collector: Collector) -> None:
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
    assert collector.taken == Counter("0")


def test_a_loop_that_was_closed_in_disorder_is_left_behind() -> None:
    async def log() -> None:
        await events.log(USER, "purchase")
        assert (await events.flush(30)).delivered == 1

    async def end() -> None:
        await events.aclose()
        await statsig.aclose()
        await http_client.aclose()

    reply = httpx.Response(202, json={"success": True})
    http_client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: reply))
    statsig = AsyncStatsig(KEY, base_url="http://127.0.0.1:9", http_client=http_client)
    events = AsyncEventLogger(statsig)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(log())
    loop.close()  # without an end to its tasks
    asyncio.run(end())


def test_a_loop_goes_on_while_another_process_writes_to_the_spool(
    collector: Collector, tmp_path: Path
) -> None:
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
            assert (await events.flush(30)).pending == 0
            await waiting
            watching.cancel()
            await asyncio.to_thread(timer.join)
            other.close()

    asyncio.run(log())
    assert longest < 2
    assert collector.taken == Counter("01")


def test_an_end_that_is_broken_off_is_made_up_for_at_exit(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    endings = at_exit(monkeypatch)
    monkeypatch.setattr(atexit, "unregister", endings.remove)
    collector.plan = lambda *_: Answer(
        503, b"", {"Retry-After": "1", "Connection": "close"}, takes=False
    )

    async def end() -> None:
        events = AsyncEventLogger(statsig)
        await events.log(USER, "purchase", metadata={"n": "0"})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(events.aclose(), 0.3)

    statsig = AsyncStatsig(KEY, base_url=collector.url)
    asyncio.run(end())
    collector.plan = lambda *_: Answer()
    assert len(endings) == 1
    endings[0]()
    assert collector.taken == Counter("0")


def test_a_loop_that_ends_during_an_attempt_loses_nothing(collector: Collector) -> None:
    collector.plan = lambda number, _: Answer(hangs=1.0, takes=False) if number == 0 else Answer()
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


def test_a_program_that_can_start_no_thread_sends_by_itself(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "statsig-events":
            raise RuntimeError("can't start new thread")
        start(thread)

    with Statsig(KEY, base_url=collector.url) as statsig:
        events = EventLogger(statsig)
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            events.log(USER, "purchase", metadata={"n": "0"})
            assert events.flush(5).delivered == 1
            events.log(USER, "purchase", metadata={"n": "1"})
            assert events.close(5).delivered == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_has_a_successor(collector: Collector) -> None:
    class EndOfTheWorldError(BaseException):
        pass

    def fail_once(_: httpx.Request) -> None:
        hooks["request"].clear()
        raise EndOfTheWorldError

    hooks: dict[str, list[Callable[[httpx.Request], None]]] = {"request": [fail_once]}
    with (
        httpx.Client(event_hooks=hooks) as http_client,
        Statsig(KEY, base_url=collector.url, http_client=http_client) as statsig,
    ):
        hooks = http_client.event_hooks
        events = EventLogger(statsig)
        events.log(USER, "purchase", metadata={"n": "0"})
        assert events.flush(30).delivered == 1
        events.log(USER, "purchase", metadata={"n": "1"})
        assert events.close(30).pending == 0
        assert events.stats().resent_ambiguous == 1
    for thread in threading.enumerate():  # pytest hears of its end when it has ended
        if thread.name == "statsig-events":
            thread.join(10)
    assert collector.taken == Counter("01")


def at_exit(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What is registered for the end of the interpreter."""
    registered: list[Callable[[], object]] = []
    monkeypatch.setattr(atexit, "register", registered.append)
    return registered


def test_the_end_closes_what_is_open(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    endings = at_exit(monkeypatch)
    with Statsig(KEY, base_url=collector.url) as statsig:
        events = EventLogger(statsig, flush_interval=3600)
        (end,) = endings
        end()  # nothing was used
        events.log(USER, "purchase", metadata={"n": "0"})
        end()
        assert events.stats().delivered == 1
        with pytest.raises(ConfigurationError, match="closed"):
            events.log(USER, "purchase")


@pytest.mark.parametrize("well", [True, False])
def test_the_end_sends_what_event_loops_left(
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
    collector.plan = first(Answer(503, b"", {"Retry-After": "1"}, takes=False))
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


def test_a_child_has_a_spool_of_its_own(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `test_a_forked_child_begins_empty`, seen from inside."""
    with Statsig(KEY, base_url=collector.url) as statsig:
        events = EventLogger(statsig, spool=tmp_path / "events.db")
        events.log(USER, "purchase", metadata={"n": "parent"})
        assert events.flush(30).pending == 0
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: 7)
            late = EventLogger(statsig, spool=tmp_path / "events.db")
            for logger in (events, late):
                logger.log(USER, "purchase", metadata={"n": "child"})
                assert list(tmp_path.glob("events.db.child-7-*"))
                assert logger.close(30).pending == 0
            statsig.close()
        events.close(0)
    assert collector.taken == Counter({"parent": 1, "child": 2})


@pytest.mark.parametrize("engine", ["httpx", "fast"])
def test_the_first_connection_imports_nothing(collector: Collector, engine: str) -> None:
    """A thread makes it, and a child that is forked off meanwhile would have half a module."""
    if engine == "fast":
        pytest.importorskip("pyreqwest")
    program = """
events = EventLogger(Statsig(%r, base_url=url, engine=sys.argv[1]), flush_interval=3600)
log(events, 0)
before = set(sys.modules)
events.flush(30)
print(sorted(set(sys.modules) - before))
"""
    process = run(program % KEY, collector, engine)
    printed, errors = process.communicate(timeout=60)
    assert printed == "[]\n", errors


def test_the_thread_that_sends_may_flush_and_close(collector: Collector) -> None:
    def end(_: Delivery) -> None:
        assert events.flush().delivered == 0
        events.close()

    with Statsig(KEY, base_url=collector.url) as statsig:
        events = EventLogger(statsig, on_delivery=end)
        events.log(USER, "purchase", metadata={"n": "0"})
        assert events.flush(20).pending == 0
    assert collector.taken.total() == 1


def test_importing_the_client_does_not_import_events() -> None:
    program = "import sys, statsig_api_client; print('statsig_api_client.events' in sys.modules)"
    done: Any = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"
