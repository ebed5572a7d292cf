"""Signal handlers and finalizers that log, while the thread that they interrupt does.

It runs in a separate process, since the measurement of coverage takes a lock that is not reentrant.
"""

import faulthandler
import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from attrs import define, field

from statsig_api_client import ConfigurationError
from statsig_api_client.events import EventLogger, EventQueueFullError
from tests.support.collector import OK, Response, collecting
from tests.support.interruptions import Garbage, eager_collector, signals

from .chance import logger

DOWN = Response(503, b"", accepts=False)


@define(eq=False)
class Program:
    """A program that logs, and counts what `log()` accepted."""

    events: EventLogger
    numbers: "itertools.count[int]" = field(factory=itertools.count)
    returned: list[str] = field(factory=list)
    """The events that `log()` accepted; those dropped later are among them."""

    def log(self) -> None:
        name = str(next(self.numbers))
        try:
            self.events.log({"userID": "42"}, "purchase", metadata={"n": name})
        except EventQueueFullError:
            return
        self.returned.append(name)


@contextmanager
def by_signals(program: Program) -> Iterator[None]:
    with signals(program.log):
        yield


@contextmanager
def by_finalizers(program: Program) -> Iterator[None]:
    ending = threading.Event()

    def finalise() -> None:
        # In a thread of the server, a log() that waits for room would stop the deliveries that
        # make it.
        thread = threading.current_thread()
        if thread is threading.main_thread() or thread.name.startswith("statsig-events"):
            program.log()
        if not ending.is_set():
            Garbage(finalise)

    with eager_collector():
        for _ in range(3):
            Garbage(finalise)
        yield
        ending.set()


INTERRUPTS: Final = {"signals": by_signals, "finalizers": by_finalizers}
POLICIES: Final = ("block", "drop_oldest", "drop_newest", "raise")


def log_all(
    interrupt: str, overflow: str, spool: str | None, seconds: float, failing: float
) -> str:
    """Log for some seconds and check the account; `failing` is the share of failed requests."""
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
        with INTERRUPTS[interrupt](program):
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
    assert server.accepted + dropped == logged, (
        (server.accepted + dropped) - logged,
        logged - (server.accepted + dropped),
    )
    assert stats.accepted == len(program.returned), (stats, len(program.returned))
    assert stats.delivered == server.accepted.total(), stats
    assert stats.dropped == dropped.total(), stats
    assert stats.accepted == stats.delivered + stats.dropped, stats
    return f"{len(program.returned)} logged, {interrupt}, {overflow}"


def flush_in_handler() -> str:
    """Flush, and read the account, in a signal handler."""
    with collecting() as server, logger(server.url, max_batch=20) as events:
        program = Program(events)

        def handle() -> None:
            program.log()
            events.flush(0.002)
            assert events.stats().accepted <= len(program.returned) + 2

        with signals(handle, 0.005):
            for _ in range(100):
                for _ in range(20):
                    program.log()
                events.flush(0.002)
        assert events.flush(30).pending == 0
    assert server.accepted == Counter(program.returned)
    return f"{len(program.returned)} logged"


def close_in_handler() -> str:
    """Close in a signal handler while the program logs."""
    with collecting() as server, logger(server.url, max_batch=20) as events:
        program = Program(events)
        try:
            with signals(events.close, 0.05):
                while True:
                    program.log()
        except ConfigurationError as error:
            assert "closed" in str(error)  # noqa: PT017
        assert events.close().pending == 0
        stats = events.stats()
    assert server.accepted == Counter(program.returned)
    assert stats.accepted == stats.delivered == len(program.returned)
    return f"{len(program.returned)} logged"


def start(name: str, **arguments: Any) -> str:
    """Call one of these functions in a new process, and return its result."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos.reentrancy", name, json.dumps(arguments)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    return done.stdout.strip()


def run(directory: Path, seed: int, seconds: float = 3.0) -> str:
    """None lost, none doubled, and the account exact."""
    dice = random.Random(seed)
    return start(
        "log_all",
        interrupt=dice.choice(list(INTERRUPTS)),
        overflow=dice.choice(POLICIES),
        spool=str(directory / f"{seed}.db") if seed % 2 else None,
        seconds=seconds,
        failing=0.02,
    )


if __name__ == "__main__":
    faulthandler.dump_traceback_later(100, exit=True)  # before the parent gives up
    print(globals()[sys.argv[1]](**json.loads(sys.argv[2])))
