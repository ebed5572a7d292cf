"""A server that is down for ten minutes of injected time, and what happens when it is back."""

import random
from pathlib import Path
from typing import Final

from statsig_api_client import Statsig
from statsig_api_client._delivery.sender import EventSender
from statsig_api_client.events.dispatcher import Dispatcher
from statsig_api_client.events.options import CheckedOptions, check_options
from statsig_api_client.events.queue.base import EventQueue
from statsig_api_client.events.queue.memory import MemoryQueue
from statsig_api_client.events.queue.spool import SpoolQueue
from tests.support.clock import FakeClock
from tests.support.collector import OK, Response, collecting

from .chance import KEY

OUTAGE: Final = 600.0
PER_SECOND: Final = 50
MOST_PER_SECOND: Final = 20
"""Requests to a server that has just recovered, in its first second."""


class Chancy(FakeClock):
    """A clock that obeys, with chance from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.dice = random.Random(seed)

    def random(self) -> float:
        return self.dice.random()


def store_of(options: CheckedOptions, clock: Chancy, path: Path | None) -> EventQueue:
    if path is None:
        return MemoryQueue(options, clock, lambda: None)
    return SpoolQueue(options, clock, lambda: None, path=path, longest_attempt=1.0)


def run(directory: Path, seed: int) -> str:
    """Events come all the time; the server fails, then is well. The account of it."""
    clock = Chancy(seed)
    path = directory / f"{seed}.db" if seed % 2 else None
    options = check_options({"max_batch": 200, "flush_interval": 5.0, "spool": path})
    store = store_of(options, clock, path)
    dispatch = Dispatcher(options, store, clock)
    down = random.Random(seed).choice(
        (
            Response(503, b"", accepts=False),
            Response(reset=True, accepts=False),
            Response(429, b"", accepts=False),
        )
    )
    requests: list[float] = []
    largest = 0
    end = OUTAGE + 60.0
    logged = 0
    with (
        collecting(lambda *_: down if clock.now < 1000.0 + OUTAGE else OK) as server,
        Statsig(KEY, base_url=server.url, max_retries=0, timeout=5) as statsig,
    ):
        sender = EventSender(statsig)

        def turn(*, hurry: bool = False) -> bool:
            batch = dispatch.next(hurry=hurry)
            if batch is None:
                return False
            requests.append(clock.now - 1000.0)
            dispatch.handle(batch, sender.send(batch.events))
            return True

        while clock.now < 1000.0 + end:
            due = int((clock.now - 1000.0) * PER_SECOND) + 1
            for number in range(logged, due):
                assert store.put(b'{"eventName":"a","metadata":{"n":"%d"}}' % number)
            logged = max(logged, due)
            largest = max(largest, store.stats().spooled_bytes)
            while turn():
                clock.pass_(0.01)  # what a request takes
            clock.pass_(0.1)
        while turn(hurry=True) or store.stats().pending:
            clock.pass_(0.05)
        stats = store.stats()
    store.close()
    assert stats.delivered == logged == stats.accepted, stats
    assert server.accepted.total() == logged
    assert not server.doubles
    during = [at for at in requests if at < OUTAGE]
    assert len(during) <= 60, len(during)  # a minute at most between two, and jitter
    busiest = max(sum(begin <= at < begin + 1 for at in requests) for begin in requests)
    after = [at for at in requests if at >= OUTAGE]
    rush = sum(at < after[0] + 1 for at in after)
    assert rush <= MOST_PER_SECOND, rush
    limit = 4 * logged * 80 + 2**20
    assert largest <= limit, (largest, limit)
    return f"{len(during)} requests while down, {rush} in the first second, at most {busiest}/s"
