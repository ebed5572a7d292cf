"""Signal handlers and finalisers that log, while the thread that they interrupt does."""

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from attrs import define, field

from statsig_api_client.events import EventLogger, EventQueueFullError
from tests.support.collector import OK, Answer, collecting
from tests.support.interruptions import Garbage, eager_collector, signals

from .chance import logger

DOWN = Answer(503, b"", takes=False)


@define(eq=False)
class Program:
    """A program that logs, and counts what `log()` accepted."""

    events: EventLogger
    numbers: "itertools.count[int]" = field(factory=itertools.count)
    returned: list[str] = field(factory=list)
    """The events that `log()` took; those dropped later are among them."""

    def log(self) -> None:
        name = str(next(self.numbers))
        try:
            self.events.log({"userID": "42"}, "purchase", metadata={"n": name})
        except EventQueueFullError:
            return
        self.returned.append(name)


class Interrupt(Protocol):
    def __call__(self, program: Program) -> AbstractContextManager[None]: ...


@contextmanager
def by_signals(program: Program) -> Iterator[None]:
    with signals(program.log):
        yield


@contextmanager
def by_finalisers(program: Program) -> Iterator[None]:
    ending = threading.Event()

    def finalise() -> None:
        program.log()
        if not ending.is_set():
            Garbage(finalise)

    with eager_collector():
        for _ in range(3):
            Garbage(finalise)
        yield
        ending.set()


def check(
    interrupt: Interrupt, overflow: str, spool: Path | None, seconds: float, failing: float = 0.0
) -> int:
    """Log for some seconds and check the account; return the number of events logged.

    Args:
        interrupt: What interrupts the program.
        overflow: The option of the logger.
        spool: The option of the logger.
        seconds: How long to log.
        failing: The share of requests after the first that fail; the first does.
    """
    dropped: Counter[str] = Counter()

    def note(delivery: Any) -> None:
        if delivery.state == "dropped":
            dropped.update(event["metadata"]["n"] for event in delivery.events)

    dice = random.Random(7)
    with (
        collecting(
            lambda number, _: DOWN if number == 0 or dice.random() < failing else OK,
            keeps_events=False,
        ) as server,
        logger(
            server.url,
            spool=spool,
            overflow=overflow,
            max_pending=1000,
            max_batch=200,
            on_delivery=note,
        ) as events,
    ):
        program = Program(events)
        with interrupt(program):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                program.log()
        assert events.flush(60).pending == 0, events.stats()
        program.log()  # nothing is stuck
        assert events.flush(60).pending == 0, events.stats()
        stats = events.stats()
        threads = [it for it in threading.enumerate() if it.name == "statsig-events"]
        assert len(threads) == 1, threads
    logged = Counter(program.returned)
    assert server.taken + dropped == logged, (
        (server.taken + dropped) - logged,
        logged - (server.taken + dropped),
    )
    assert stats.accepted == len(program.returned), (stats, len(program.returned))
    assert stats.delivered == server.taken.total(), stats
    assert stats.dropped == dropped.total(), stats
    assert stats.accepted == stats.delivered + stats.dropped, stats
    return len(program.returned)


def run(folder: Path, seed: int, seconds: float = 3.0) -> str:
    """None lost, none doubled, and the account exact."""
    dice = random.Random(seed)
    interrupt = dice.choice((by_signals, by_finalisers))
    overflow = dice.choice(("block", "drop_oldest", "drop_newest", "raise"))
    spool = folder / f"{seed}.db" if seed % 2 else None
    logged = check(interrupt, overflow, spool, seconds, failing=0.02)
    return f"{logged} logged, {interrupt.__name__}, {overflow}"
