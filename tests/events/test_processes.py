"""Forks, signals, threads, and the end of the interpreter."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from statsig_api_client import AsyncStatsig, ConfigurationError, Statsig
from statsig_api_client.events import AsyncEventLogger, Delivery, EventLogger
from tests.chaos.chance import KEY, Late, logger
from tests.support.collector import Collector
from tests.support.programs import at_exit, run

if TYPE_CHECKING:
    from collections.abc import Callable

USER = {"userID": "42"}


def test_interpreter_exit_sends_pending_events(collector: Collector) -> None:
    process = run("events = EventLogger(statsig)\nfor n in range(7): log(events, n)", collector)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert collector.accepted == Counter(str(n) for n in range(7))


def test_handled_sigterm_sends_pending_events(collector: Collector) -> None:
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
    assert collector.accepted.total() == 7


def test_fatal_sigterm_leaves_events_in_spool(collector: Collector, tmp_path: Path) -> None:
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
    assert set(collector.accepted) == {str(n) for n in range(7)}


@pytest.mark.parametrize("where", ["memory", "spool"])
def test_forked_child_starts_empty(collector: Collector, tmp_path: Path, where: str) -> None:
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
    assert collector.accepted == Counter(wanted)


@pytest.mark.parametrize("parent", ["made it", "closed it"])
def test_children_share_unused_spool(collector: Collector, tmp_path: Path, parent: str) -> None:
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


def test_events_of_dead_child_are_recovered(collector: Collector, tmp_path: Path) -> None:
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
    assert set(collector.accepted) == {"parent", "child"}
    assert not list(tmp_path.glob("events.db.child-*"))


def test_child_without_events_leaves_no_file(collector: Collector, tmp_path: Path) -> None:
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
    assert collector.accepted == Counter({"child": 1})
    assert not list(tmp_path.glob("events.db.child-*"))


@pytest.mark.parametrize("kind", [EventLogger, AsyncEventLogger])
def test_simultaneous_threads_open_spool_once(
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


def test_logger_without_thread_sends_itself(
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
def test_dead_sender_thread_is_replaced(collector: Collector) -> None:
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
    assert collector.accepted == Counter("01")


def test_exit_handler_closes_logger(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_child_has_own_spool(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `test_forked_child_starts_empty`, seen from inside."""
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
    assert collector.accepted == Counter({"parent": 1, "child": 2})


@pytest.mark.parametrize("engine", ["httpx", "fast"])
def test_first_connection_imports_nothing(collector: Collector, engine: str) -> None:
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


def test_sender_thread_may_flush_and_close(collector: Collector) -> None:
    def end(_: Delivery) -> None:
        assert events.flush().delivered == 0
        events.close()

    with Statsig(KEY, base_url=collector.url) as statsig:
        events = EventLogger(statsig, on_delivery=end)
        events.log(USER, "purchase", metadata={"n": "0"})
        assert events.flush(20).pending == 0
    assert collector.accepted.total() == 1


def test_client_import_omits_events() -> None:
    program = "import sys, statsig_api_client; print('statsig_api_client.events' in sys.modules)"
    done: Any = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"
