"""Events logged by code that interrupts a logger: signal handlers and finalizers."""

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from statsig_api_client import ConfigurationError, Statsig
from statsig_api_client.events import Delivery, EventLogger, EventQueueFullError, EventStats
from statsig_api_client.events import worker as worker_module
from statsig_api_client.events.options import check_options
from statsig_api_client.events.queue import memory
from statsig_api_client.events.queue.base import Batch
from statsig_api_client.events.queue.memory import MemoryQueue
from tests.chaos import reentrancy
from tests.chaos.chance import logger
from tests.support.clients import KEY
from tests.support.clock import FakeClock
from tests.support.collector import Collector, Response
from tests.support.interruptions import Interruption


class Scene:
    """A queue in memory, and what was logged into it."""

    def __init__(self, overflow: str = "block", **options: Any) -> None:
        self.reported: list[Delivery] = []
        self.wake: Callable[[], object] = lambda: None
        options = {
            "overflow": overflow,
            "max_pending": 4,
            "max_batch": 2,
            "on_delivery": self.reported.append,
        } | options
        checked = check_options(options)  # type: ignore[arg-type]
        self.queue = MemoryQueue(checked, FakeClock(), lambda: self.wake())  # noqa: PLW0108
        self.accepted: Counter[bytes] = Counter()
        self.delivered: Counter[bytes] = Counter()
        self.numbers = itertools.count()

    def log(self) -> None:
        event = b"%d" % next(self.numbers)
        try:
            accepted = self.queue.put(event)
        except EventQueueFullError:
            accepted = False
        self.accepted[event] += accepted

    def send(self) -> None:
        batch = self.queue.claim()
        if batch is not None:
            self.queue.complete(batch)
            self.delivered.update(batch.events)

    def fail(self) -> None:
        batch = self.queue.claim()
        if batch is not None:
            self.queue.release(batch.halves(), retried=len(batch), unclear=False)

    def check(self) -> None:
        """The account is exact and complete, and another event can be delivered."""
        while self.queue.stats().pending:
            self.send()
        dropped = Counter(event for delivery in self.reported for event in delivery.encoded)
        assert self.delivered + dropped == +self.accepted
        stats = self.queue.stats()
        assert stats.delivered == self.delivered.total()
        assert stats.dropped == dropped.total()
        assert stats.accepted == self.accepted.total()
        assert self.queue.reached(self.queue.mark())
        self.log()
        self.send()
        assert self.queue.stats().delivered == stats.delivered + 1


def steps(module: str) -> Iterator[Interruption]:
    """Interruptions before every step of a call in turn."""
    for step in itertools.count():
        interruption = Interruption(step, module)
        yield interruption
        if not interruption.happened:
            assert step > 5
            return


@pytest.mark.parametrize("waiting", [0, 1, 3, 4])
@pytest.mark.parametrize("overflow", reentrancy.POLICIES)
@pytest.mark.parametrize("interrupted", [Scene.log, Scene.send, Scene.fail])
def test_event_logged_at_any_step_is_counted(
    interrupted: Callable[[Scene], None], overflow: str, waiting: int
) -> None:
    for interruption in steps(memory.__name__):
        scene = Scene(overflow)
        for _ in range(waiting):
            scene.log()
        scene.fail()  # so that some events wait to be sent again
        interruption.run(lambda scene=scene: interrupted(scene), scene.log)
        scene.check()


def test_event_logged_during_close_is_withdrawn() -> None:
    scene = Scene()
    scene.wake = scene.queue.seal
    with pytest.raises(ConfigurationError, match="closed"):
        scene.log()
    assert scene.queue.stats() == EventStats()
    assert scene.queue.reached(scene.queue.mark())


def test_event_claimed_during_close_is_accepted() -> None:
    scene = Scene()

    def wake() -> None:
        scene.send()
        scene.queue.seal()

    scene.wake = wake
    scene.log()
    assert scene.queue.stats() == EventStats(accepted=1, delivered=1)
    with pytest.raises(ConfigurationError, match="closed"):
        scene.log()


def test_drop_oldest_spares_events_being_sent() -> None:
    scene = Scene("drop_oldest", max_pending=2)
    scene.log()
    scene.log()
    batch = scene.queue.claim()
    scene.log()
    assert [delivery.encoded for delivery in scene.reported] == [[b"2"]]
    assert batch is not None
    scene.queue.release([batch], retried=2, unclear=False)
    scene.log()
    assert [delivery.encoded for delivery in scene.reported] == [[b"2"], [b"0"]]
    scene.check()


def test_released_events_are_due_at_once() -> None:
    scene = Scene(max_batch=3)
    scene.log()
    assert scene.queue.due_in()
    scene.fail()
    assert scene.queue.due_in() == 0.0
    scene.check()


def test_released_events_are_claimed_within_size() -> None:
    scene = Scene(max_batch=3, max_batch_bytes=64 + 4)
    scene.log()
    scene.log()
    batch = scene.queue.claim()
    assert batch is not None
    assert batch.events == [b"0", b"1"]
    scene.queue.release([batch.halves()[1]], retried=1, unclear=False)
    scene.log()
    scene.queue.release([batch.halves()[0]], retried=1, unclear=False)
    assert scene.queue.claim() == batch
    scene.queue.release([Batch([b"0" * 3], [0]), batch.halves()[1]], retried=0, unclear=False)
    claimed = scene.queue.claim()
    assert claimed is not None
    assert claimed.events == [b"000"]


def test_thread_started_twice_sends_once(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start
    nested = iter([True])

    def start_late(thread: threading.Thread) -> None:
        if thread.name == "statsig-events" and next(nested, False):
            program.log()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_late)
    with logger(collector.url) as events:
        program = reentrancy.Program(events)
        program.log()
        assert events.flush(30).delivered == 2
        assert len(senders()) == 1


def test_first_log_interrupted_has_one_sender(collector: Collector) -> None:
    collector.plan = lambda *_: Response(accepts=len(senders()) == 1)
    with Statsig(KEY, base_url=collector.url) as statsig:
        for number, interruption in enumerate(steps(worker_module.__name__)):
            with EventLogger(statsig, max_batch=1) as events:

                def log(name: str, events: EventLogger = events) -> None:
                    events.log({"userID": "1"}, "a", metadata={"n": name})

                interruption.run(
                    lambda log=log, number=number: log(f"{number}-outer"),
                    lambda log=log, number=number: log(f"{number}-inner"),
                )
                assert events.flush(30).pending == 0
    assert not collector.doubles


def senders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "statsig-events"]


@pytest.mark.parametrize("overflow", reentrancy.POLICIES)
@pytest.mark.parametrize("interrupt", reentrancy.INTERRUPTS)
def test_interrupted_logger_balances(interrupt: str, overflow: str) -> None:
    reentrancy.start(
        "log_all", interrupt=interrupt, overflow=overflow, spool=None, seconds=0.4, failing=0.0
    )


def test_signal_handler_may_flush() -> None:
    reentrancy.start("flush_in_handler")


def test_signal_handler_may_close() -> None:
    reentrancy.start("close_in_handler")
