"""Several batches in progress at the same time."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from statsig_api_client import InternalServerError, Statsig
from statsig_api_client._delivery.result import ACCEPTED, SendResult
from statsig_api_client.events import EventLogger
from statsig_api_client.events import worker as worker_module
from statsig_api_client.events.dispatcher import Dispatcher
from statsig_api_client.events.options import check_options
from statsig_api_client.events.queue.base import Batch
from statsig_api_client.events.queue.memory import MemoryQueue
from statsig_api_client.events.request_threads import RequestThreads
from statsig_api_client.events.worker import Worker
from tests.chaos.chance import KEY, Eager, Late, logger
from tests.support.clock import FakeClock
from tests.support.collector import OK, Collector, Response
from tests.support.programs import run
from tests.support.spools import log

from .conftest import LoggerMaker, finish_sending

BUSY = SendResult.from_error(InternalServerError("busy", status_code=503))
DOWN = Response(503, b"", accepts=False)


class Together:
    """Holds the first request until a backlog waits.

    Then it holds requests until two are in progress, until three are, and so on.
    """

    def __init__(self, collector: Collector, count: int) -> None:
        self._collector = collector
        self._count = count
        self._target = 2
        self._released = threading.Event()
        self._lock = threading.Lock()
        self._backlog = threading.Event()
        collector.arrived = self._wait

    def begin(self) -> None:
        """Begin: a backlog waits."""
        self._backlog.set()

    @property
    def is_reached(self) -> bool:
        return self._target > self._count

    def _wait(self) -> None:
        if len(self._collector.concurrency) == 1:
            self._backlog.wait(30)
            return
        with self._lock:
            released = self._released
            if self._collector.in_progress >= self._target:
                self._target += 1
                self._released = threading.Event()
                released.set()
        if not self.is_reached:
            released.wait(30)


def test_backlog_uses_several_connections(make_logger: LoggerMaker, collector: Collector) -> None:
    together = Together(collector, 4)
    events = make_logger(max_batch=10, flush_interval=3600)
    log(events, 400)
    together.begin()
    assert events.flush(60).pending == 0
    assert together.is_reached
    assert max(collector.concurrency) <= 16
    assert collector.accepted == Counter(map(str, range(400)))
    for batch in collector.batches:  # each is in order
        numbers = list(map(int, batch))
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_outage_is_probed_by_one_request(collector: Collector) -> None:
    def plan(number: int, _: object) -> Response:
        return DOWN if together.is_reached and number < 100 else OK

    together = Together(collector, 3)
    collector.plan = plan
    with logger(collector.url, max_batch=10, flush_interval=3600) as events:
        log(events, 1000)
        together.begin()
        assert events.flush(60).pending == 0
        assert together.is_reached
    # Eight failures in a row, and those that were in progress then, make an outage.
    assert collector.concurrency[80:101] == [1] * 21
    assert not collector.doubles


class Gate(Dispatcher):
    """A dispatcher and its queue."""

    def __init__(self, clock: FakeClock, **options: Any) -> None:
        chosen: Any = {"max_batch": 2, **options}
        made = check_options(chosen)
        self.queue = MemoryQueue(made, clock, lambda: None)
        self.clock = clock
        super().__init__(made, self.queue, clock)
        self.logged = 0

    def log(self, count: int) -> None:
        for number in range(self.logged, self.logged + count):
            assert self.queue.put(b"%d" % number)
        self.logged += count

    def send_all(self) -> list[Batch]:
        """Return all batches that may be in progress now."""
        batches: list[Batch] = []
        while batch := self.next(hurry=True):
            batches.append(batch)
        return batches

    def warm_up(self) -> None:
        """Have some batches accepted."""
        for expected in (1, 2, 4):
            self.log(2 * expected)
            batches = self.send_all()
            assert len(batches) == expected
            for batch in batches:
                self.handle(batch, ACCEPTED)
            self.clock.pass_(1)


@pytest.fixture
def gate(clock: FakeClock) -> Gate:
    made = Gate(clock)
    made.warm_up()
    return made


def test_failed_batch_does_not_delay_others(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    gate.log(40)
    failed, *others = gate.send_all()
    gate.handle(failed, BUSY)
    gate.handle(others[0], ACCEPTED)
    assert gate.send_all()
    assert failed not in gate.send_all()
    gate.handle(others[1], BUSY)
    assert caplog.text.count("a batch is sent again, while others are accepted") == 1
    gate.clock.pass_(0.5)
    gate.handle(others[2], ACCEPTED)
    assert failed in gate.send_all()
    assert gate.queue.stats().retried == 4


def test_delayed_batch_is_due_first(gate: Gate) -> None:
    gate.log(1)
    (failed,) = gate.send_all()
    gate.handle(failed, BUSY)
    assert gate.next(hurry=False) is None
    delay = gate.wait(hurry=False)
    assert delay == pytest.approx(0.2)
    assert delay is not None
    assert not gate.has_more()
    gate.clock.pass_(delay)
    assert gate.has_more()
    assert gate.next(hurry=False) is failed


def test_close_sends_delayed_batch_at_once(gate: Gate) -> None:
    gate.log(1)
    (failed,) = gate.send_all()
    gate.handle(failed, BUSY)
    gate.skip_jitter()
    assert gate.next(hurry=False) is failed


def test_many_delayed_batches_stop_claims(clock: FakeClock) -> None:
    gate = Gate(clock, max_concurrency=1)
    for _ in range(4):
        gate.log(2)
        (batch,) = gate.send_all()
        gate.handle(batch, ACCEPTED)
    gate.log(20)
    for _ in range(2):
        (batch,) = gate.send_all()
        gate.handle(batch, BUSY)
    assert gate.next(hurry=True) is None
    assert gate.wait(hurry=False) == pytest.approx(0.2)


def test_outage_releases_delayed_batches(gate: Gate) -> None:
    gate.log(40)
    failed, *others = gate.send_all()
    gate.handle(failed, BUSY)
    gate.handle(others[0], SendResult.from_error(InternalServerError("no", status_code=501)))
    limited = InternalServerError("busy", status_code=503, retry_after=5.0)
    gate.handle(others[1], SendResult.from_error(limited))
    for batch in others[2:]:
        gate.handle(batch, BUSY)
    assert gate.send_all() == []
    assert gate.wait(hurry=False) == 5.0
    gate.clock.pass_(5.0)
    (probe,) = gate.send_all()
    assert probe.events == failed.events
    gate.handle(probe, ACCEPTED)


def test_late_acceptance_does_not_end_outage(gate: Gate) -> None:
    gate.log(40)
    failed, late, *others = gate.send_all()
    limited = InternalServerError("busy", status_code=503, retry_after=5.0)
    gate.handle(failed, SendResult.from_error(limited))
    gate.handle(late, ACCEPTED)
    for batch in others:
        gate.handle(batch, BUSY)
    gate.clock.pass_(5.0)
    assert len(gate.send_all()) == 1
    assert gate.queue.stats().delivered == 14 + len(late)


def test_lost_response_concerns_one_batch(clock: FakeClock) -> None:
    gate = Gate(clock, resend_ambiguous=False)
    gate.warm_up()
    gate.log(40)
    failed, delayed, *_ = gate.send_all()
    gate.handle(delayed, BUSY)
    lost = InternalServerError("lost", status_code=500, ambiguous=True)
    gate.handle(failed, SendResult.from_error(lost))
    assert gate.queue.stats().ambiguous == len(failed)
    gate.clock.pass_(0.5)
    assert delayed in gate.send_all()


class Held:
    """A sender whose attempts last until they are released; the third can fail before."""

    longest_attempt = 10.0

    def __init__(self) -> None:
        self.started: list[Sequence[bytes]] = []
        self.released = threading.Event()
        self.failing = threading.Event()
        self.error: BaseException | None = None
        self._lock = threading.Lock()

    def send(self, events: Sequence[bytes], within: float) -> SendResult:  # noqa: ARG002
        with self._lock:
            self.started.append(events)
            number = len(self.started)
        if number == 3:
            self.failing.wait(30)
            if self.error is not None:
                raise self.error
        elif number > 3:  # two are accepted at once
            self.released.wait(30)
        return ACCEPTED

    def release(self) -> None:
        self.failing.set()
        self.released.set()


class Scene:
    """A worker with events, several of which are being sent."""

    def __init__(self, held: Held, **options: Any) -> None:
        self.held = held
        chosen: Any = {"max_batch": 5, **options}
        self.worker = Worker(check_options(chosen), held, Eager())

    def log(self, count: int) -> None:
        for number in range(count):
            self.worker.put(b"%d" % number)

    def begin(self) -> None:
        """Log events, and wait until several batches are in progress."""
        self.log(60)
        wait_until(lambda: len(self.held.started) >= 4)


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene(Held())
    yield made
    made.held.release()
    made.worker.close(10)
    finish_sending()
    assert not request_threads()


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def request_threads() -> list[threading.Thread]:
    ending = [it for it in threading.enumerate() if it.name == "statsig-events-request"]
    for thread in ending:
        thread.join(10)
    return [thread for thread in ending if thread.is_alive()]


def test_close_accounts_for_batches_in_progress(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.begin()
    delivered = scene.worker.queue.stats().delivered
    result = scene.worker.close(0.05)
    assert result.pending == 60 - delivered
    assert f"{result.pending} events were not delivered" in caplog.text
    assert not scene.worker.is_stopped
    in_progress = sum(map(len, scene.held.started[2:]))
    scene.held.release()
    scene.worker.wait_until_stopped(30)
    stats = scene.worker.queue.stats()
    assert stats.delivered == delivered + in_progress
    assert stats.accepted == stats.delivered + stats.pending == 60


class LateWorker(Worker):
    """A worker that stops when all results have come, and their news is gone."""

    def __init__(self, held: Held) -> None:
        super().__init__(check_options({"max_batch": 5}), held, Eager())
        self.is_closing = threading.Event()
        self.held = held

    def _is_done(self) -> bool:
        if not super()._is_done():
            return False
        self.is_closing.wait(30)
        self._sleep(0)
        self.held.release()
        wait_until(lambda: self._news.qsize() >= self._threads.in_progress)
        self._sleep(0)
        return True


def test_close_collects_results_without_news(scene: Scene) -> None:
    worker = scene.worker = LateWorker(scene.held)
    scene.begin()
    worker.close(0)
    worker.is_closing.set()
    worker.wait_until_stopped(5)
    assert worker.is_stopped


def test_flush_waits_for_batches_in_progress(scene: Scene) -> None:
    scene.begin()
    assert scene.worker.flush(0.05).pending > 0
    scene.held.release()
    assert scene.worker.flush(30).pending == 0


@pytest.fixture
def raised(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Errors of a worker thread that has died while other batches are in progress."""
    types: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda it: types.append(it.exc_type))
    scene.held.error = GeneratorExit()
    scene.begin()
    scene.held.failing.set()
    finish_sending()
    return types


def test_failure_of_request_thread_is_raised(scene: Scene, raised: list[object]) -> None:
    assert raised == [GeneratorExit]
    scene.held.release()
    assert scene.worker.flush(30).pending == 0
    stats = scene.worker.queue.stats()
    assert (stats.delivered, stats.resent_ambiguous) == (60, 5)


@pytest.mark.usefixtures("raised")
def test_close_after_failure_waits_for_others(scene: Scene) -> None:
    assert scene.worker.close(0).pending
    assert not scene.worker.is_stopped
    scene.held.release()
    scene.worker.wait_until_stopped(30)
    assert scene.worker.queue.stats().delivered > 10


@pytest.mark.usefixtures("raised")
def test_exit_without_threads_leaves_batches_in_progress(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its end the interpreter starts no thread that could wait for them."""
    monkeypatch.setattr(Worker, "ensure_thread", lambda _: False)
    assert scene.worker.close(0).pending
    assert scene.worker.is_stopped


def test_idle_request_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "_LINGER", 0.05)
    scene = Scene(Held())
    scene.begin()
    scene.held.release()
    assert scene.worker.flush(30).pending == 0
    wait_until(lambda: not request_threads())
    scene.log(60)
    assert scene.worker.flush(30).pending == 0
    scene.worker.close(10)


def test_few_events_start_no_request_threads(collector: Collector) -> None:
    with logger(collector.url, max_batch=10) as events:
        for number in range(20):
            log(events, 3, start=3 * number)
            assert events.flush(30).pending == 0
        assert not [it for it in threading.enumerate() if it.name == "statsig-events-request"]
    assert set(collector.concurrency) == {1}


def test_backlog_without_threads_is_sent_in_turn(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "statsig-events-request":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with logger(collector.url, max_batch=10, flush_interval=3600) as events:
        log(events, 100)
        assert events.flush(30).pending == 0
    assert set(collector.concurrency) == {1}


def test_request_hook_may_log_into_full_queue(collector: Collector) -> None:
    def hook(request: httpx.Request) -> None:
        del request
        if len(extra) < 50:
            extra.append(str(1000 + len(extra)))
            log(events, 1, start=int(extra[-1]))

    extra: list[str] = []
    with (
        httpx.Client(event_hooks={"request": [hook]}) as http_client,
        Statsig(KEY, base_url=collector.url, http_client=http_client) as statsig,
    ):
        events = EventLogger(statsig, max_batch=10, max_pending=40)
        log(events, 400)
        while events.flush(60).pending:  # what the hook has logged meanwhile
            pass
        events.close()
    assert len(extra) == 50
    assert collector.accepted == Counter([*map(str, range(400)), *extra])


def test_only_starting_request_thread_may_log_into_full_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, run_target = threading.Thread.start, threading.Thread.run
    sent = threading.Event()
    elsewhere: list[bool] = []
    within: list[bool] = []

    def observed_start(thread: threading.Thread) -> None:
        elsewhere.append(threads.is_starting())
        start(thread)

    def observed_run(thread: threading.Thread) -> None:
        within.append(threads.is_starting())  # as a finalizer in the new thread
        run_target(thread)

    monkeypatch.setattr(threading.Thread, "start", observed_start)
    monkeypatch.setattr(threading.Thread, "run", observed_run)
    threads = RequestThreads(lambda *_: ACCEPTED, sent.set)
    assert threads.start(Batch([b"0"], [0]), 1.0)
    assert sent.wait(30)
    assert (elsewhere, within) == ([False], [True])
    assert not threads.is_starting()
    threads.end()


def test_killed_process_with_several_leases_loses_nothing(
    collector: Collector, tmp_path: Path
) -> None:
    spool = tmp_path / "events.db"
    logged, held = threading.Event(), threading.Event()

    def hold() -> None:
        is_first = len(collector.concurrency) == 1
        (logged if is_first else held).wait(30)

    collector.arrived = hold
    program = f"""
events = EventLogger(statsig, spool={str(spool)!r}, max_batch=10)
for n in range(200): log(events, n)
print("logged", flush=True)
time.sleep(60)
"""
    process = run(program, collector)
    assert process.stdout is not None
    assert process.stdout.readline() == "logged\n"
    logged.set()
    wait_until(lambda: collector.in_progress >= 2)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    held.set()
    wait_until(lambda: collector.in_progress == 0)
    with logger(collector.url, Late(), spool=spool) as events:
        assert events.flush(60).pending == 0
        stats = events.stats()
    assert stats.delivered == stats.accepted == 200
    assert set(collector.accepted) == set(map(str, range(200)))
    # What is on its way when a process dies may arrive, so two batches at least came twice.
    assert 20 <= len(collector.doubles) <= stats.resent_ambiguous <= 10 * 16
