"""Events on which the server fails, and the events behind them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import (
    APIConnectionError,
    BadRequestError,
    InternalServerError,
    RateLimitError,
    StatsigError,
)
from statsig_api_client._delivery.result import ACCEPTED, SendResult
from statsig_api_client.events.dispatcher import Dispatcher
from statsig_api_client.events.options import check_options
from statsig_api_client.events.queue.memory import MemoryQueue
from statsig_api_client.events.queue.spool import SpoolQueue
from tests.support.clock import FakeClock

CRASH = APIConnectionError("reset", ambiguous=True)
BROKEN = InternalServerError("oops", status_code=500, ambiguous=True)
BUSY = InternalServerError("busy", status_code=503)
LIMITED = RateLimitError("slow down", status_code=429)

Server = Callable[[list[int]], StatsigError | None]


class Sender:
    """A queue, a dispatcher, and a server that fails as configured."""

    def __init__(self, clock: FakeClock, spool: Path | None, *, resend: bool = True) -> None:
        self.clock = clock
        self.reported: list[Any] = []
        options = check_options(
            {
                "max_batch": 8,
                "spool": spool,
                "resend_ambiguous": resend,
                "on_delivery": self.reported.append,
            }
        )
        self.queue: MemoryQueue | SpoolQueue
        if spool is None:
            self.queue = MemoryQueue(options, clock, lambda: None)
        else:
            self.queue = SpoolQueue(options, clock, lambda: None, path=spool, longest_attempt=10.0)
        self.dispatch = Dispatcher(options, self.queue, clock)
        self.logged = 0
        self.sent: list[list[int]] = []

    def log(self, count: int) -> None:
        for number in range(self.logged, self.logged + count):
            assert self.queue.put(b"%d" % number)
        self.logged += count

    def turn(self, server: Server) -> list[int]:
        """Send a batch to the server; return its events."""
        batch = None
        for _ in range(25):  # more than the longest delay while others are accepted
            if (delay := self.dispatch.wait(hurry=True)) is not None:
                self.clock.pass_(delay)
            if batch := self.dispatch.next(hurry=True):
                break
        if batch is None:
            return []
        events = [int(event) for event in batch.events]
        self.sent.append(events)
        error = server(events)
        self.dispatch.handle(batch, SendResult.from_error(error) if error else ACCEPTED)
        return events

    def run(self, server: Server, turns: int) -> None:
        for _ in range(turns):
            self.turn(server)

    def events(self, state: str) -> list[int]:
        return sorted(
            int(event) for it in self.reported if it.state == state for event in it.encoded
        )


def failing_on(error: StatsigError, *bad: int) -> Server:
    return lambda events: error if set(bad).intersection(events) else None


def accepting(_: list[int]) -> None:
    return None


@pytest.fixture(params=["memory", "spool"])
def sender(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Sender]:
    made = Sender(clock, tmp_path / "events.db" if request.param == "spool" else None)
    yield made
    made.queue.close()


@pytest.mark.parametrize(
    ("error", "state"),
    [
        pytest.param(CRASH, "ambiguous", id="crash"),
        pytest.param(BROKEN, "ambiguous", id="500"),
        pytest.param(BUSY, "rejected", id="503"),
    ],
)
@pytest.mark.parametrize("bad", [(0,), (5,), (3, 4), (1, 9)], ids=str)
def test_failing_event_is_given_up(
    sender: Sender, error: StatsigError, state: str, bad: tuple[int, ...]
) -> None:
    server = failing_on(error, *bad)
    sender.log(60)
    for _ in range(40):  # others come all the time
        sender.run(server, 2)
        sender.log(1)
    sender.run(server, 20)
    assert sender.events(state) == list(bad)
    assert sender.events("delivered") == sorted(set(range(100)) - set(bad))
    stats = sender.queue.stats()
    assert (stats.accepted, stats.pending, getattr(stats, state)) == (100, 0, len(bad))
    assert stats.retried > 0
    assert (stats.resent_ambiguous > 0) is error.ambiguous


def test_outage_gives_up_nothing(sender: Sender) -> None:
    sender.log(40)
    sender.run(lambda _: BROKEN, 300)
    sender.log(10)
    assert sender.queue.stats().pending == 50
    sender.run(accepting, 60)
    assert sender.events("delivered") == list(range(50))
    assert {it.state for it in sender.reported} == {"delivered"}


def test_batches_grow_again_after_outage(sender: Sender) -> None:
    sender.log(20)
    sender.run(lambda _: BROKEN, 30)
    sender.run(accepting, 60)
    sender.log(8)
    assert len(sender.turn(accepting)) == 8


def test_failing_event_without_others_stays_pending(sender: Sender) -> None:
    sender.log(1)
    sender.run(failing_on(CRASH, 0), 40)
    assert sender.queue.stats().pending == 1
    sender.log(1)
    sender.run(failing_on(CRASH, 0), 3)
    assert sender.events("delivered") == [1]
    sender.run(accepting, 3)
    assert sender.events("delivered") == [0, 1]


def test_rate_limit_does_not_count_against_event(sender: Sender) -> None:
    sender.log(60)
    sender.run(failing_on(CRASH, 0), 9)
    sender.run(lambda events: LIMITED if events == [0] else None, 60)
    assert sender.events("delivered") == list(range(1, 60))
    assert sender.queue.stats().pending == 1
    sender.run(accepting, 3)
    assert sender.queue.stats().delivered == 60


def test_suspect_that_turns_out_invalid_is_rejected(sender: Sender) -> None:
    sender.log(2)
    sender.run(failing_on(CRASH, 0), 5)
    sender.run(failing_on(BadRequestError("bad", status_code=400), 0), 5)
    assert (sender.events("rejected"), sender.events("delivered")) == ([0], [1])
    assert sender.turn(accepting) == []


def test_close_releases_suspects(sender: Sender) -> None:
    sender.log(3)
    sender.run(failing_on(CRASH, 0), 12)
    sender.dispatch.finish()
    batch = sender.queue.claim()
    assert batch is not None
    assert batch.events[0] == b"0"
    assert sender.queue.stats().pending == sender.logged - sender.queue.stats().delivered


def test_interrupted_suspect_is_released(sender: Sender) -> None:
    sender.log(1)
    sender.run(failing_on(CRASH, 0), 4)
    sender.clock.pass_(100)
    batch = sender.dispatch.next(hurry=True)
    assert batch is not None
    sender.dispatch.interrupted(batch)
    sender.run(accepting, 2)
    assert sender.events("delivered") == [0]


def test_suspect_with_ended_lease_is_left_to_other_process(
    tmp_path: Path, clock: FakeClock
) -> None:
    one, other = (Sender(clock, tmp_path / "events.db") for _ in range(2))
    one.log(1)
    one.run(failing_on(CRASH, 0), 4)
    clock.pass_(30)
    batch = other.dispatch.next(hurry=True)
    assert batch is not None
    clock.pass_(1)
    assert one.dispatch.next(hurry=True) is None
    assert not one.dispatch.is_behind(1, here=True)
    other.dispatch.handle(batch, ACCEPTED)
    for sender in (one, other):
        sender.queue.close()


def test_suspect_keeps_its_lease_while_others_are_sent(tmp_path: Path, clock: FakeClock) -> None:
    sender = Sender(clock, tmp_path / "events.db")
    sender.log(2)
    for _ in range(4):
        sender.turn(failing_on(CRASH, 0))
    assert sender.dispatch.is_behind(1, here=True)
    assert sender.dispatch.is_behind(2, here=True)
    sender.queue.close()


def test_interrupted_batch_is_ambiguous(clock: FakeClock) -> None:
    sender = Sender(clock, None, resend=False)
    sender.log(2)
    batch = sender.dispatch.next(hurry=True)
    assert batch is not None
    sender.dispatch.interrupted(batch)
    assert sender.events("ambiguous") == [0, 1]
    assert sender.queue.stats().pending == 0
