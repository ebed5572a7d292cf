"""The account balances whatever happens, and no event is lost: a machine that tries everything."""

import json
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from statsig_api_client import (
    APIConnectionError,
    BadRequestError,
    InternalServerError,
    PayloadTooLargeError,
    RateLimitError,
    StatsigError,
)
from statsig_api_client._delivery.result import ACCEPTED, SendResult
from statsig_api_client.events import Delivery, EventQueueFullError
from statsig_api_client.events.dispatcher import Dispatcher
from statsig_api_client.events.options import check_options
from statsig_api_client.events.queue.base import Batch, EventQueue
from statsig_api_client.events.queue.memory import MemoryQueue
from statsig_api_client.events.queue.spool import SpoolQueue
from tests.support.clock import FakeClock

TROUBLE: dict[str, StatsigError] = {
    "not connected": APIConnectionError("no", ambiguous=False),
    "response lost": APIConnectionError("no", ambiguous=True),
    "503": InternalServerError("no", status_code=503, ambiguous=False),
    "500": InternalServerError("no", status_code=500, ambiguous=True),
    "429": RateLimitError("no", status_code=429, retry_after=30.0),
}


class Process:
    """One process: a store, and what sends from it."""

    def __init__(self, machine: "Deliveries") -> None:
        self.queue = machine.open()
        self.dispatch = Dispatcher(machine.options, self.queue, machine.clock)
        self.sending: list[Batch] = []


class Deliveries(RuleBasedStateMachine):
    """Events are logged and sent, time passes, servers fail, processes crash and begin again."""

    spooled = False
    processes = Bundle("processes")

    @initialize(
        target=processes,
        resend=st.booleans(),
        overflow=st.sampled_from(("block", "drop_oldest", "drop_newest", "raise")),
        batch=st.integers(1, 5),
        pending=st.integers(1, 12),
        concurrency=st.integers(1, 4),
    )
    def begin(
        self, *, resend: bool, overflow: str, batch: int, pending: int, concurrency: int
    ) -> object:
        self.directory = tempfile.TemporaryDirectory()
        self.clock = FakeClock()
        self.reported: list[Delivery] = []
        self.options = check_options(
            {
                "resend_ambiguous": resend,
                "overflow": overflow,  # type: ignore[typeddict-item]
                "max_batch": batch,
                "max_pending": pending,
                "max_concurrency": concurrency,
                "max_spool_bytes": 25_000,
                "on_delivery": self.reported.append,
                "spool": Path(self.directory.name) / "events.db" if self.spooled else None,
            }
        )
        self.logged: set[int] = set()
        self.bad: set[int] = set()
        self.accepted: Counter[int] = Counter()
        self.allowed_doubles = 0
        self.alive: list[Process] = []
        return self.start()

    def open(self) -> EventQueue:
        if self.options.spool is None:
            return MemoryQueue(self.options, self.clock, lambda: None)
        return SpoolQueue(
            self.options,
            self.clock,
            lambda: None,
            path=self.options.spool,
            longest_attempt=10.0,
        )

    def start(self) -> Process:
        process = Process(self)
        self.alive.append(process)
        return process

    @precondition(lambda self: self.spooled and len(self.alive) < 3)
    @rule(target=processes)
    def another_process(self) -> object:
        return self.start()

    @rule(process=processes, bad=st.sampled_from((False, False, False, True)), many=st.booleans())
    def log(self, process: Process, *, bad: bool, many: bool) -> None:
        for _ in range(4 if many else 1):
            number = len(self.logged) + 1000 * len(self.bad)
            while number in self.logged or number in self.bad:
                number += 1
            event = json.dumps({"n": number, "padding": "x" * 600 * self.spooled}).encode()
            before = process.queue.stats().accepted
            try:
                accepted = process.queue.put(event)
            except EventQueueFullError:
                accepted = False
                assert self.options.overflow == "raise"
            assert accepted or self.options.overflow in ("block", "raise")
            assert process.queue.stats().accepted == before + accepted
            if accepted:
                self.logged.add(number)
                if bad:
                    self.bad.add(number)

    @rule(process=processes, hurry=st.booleans(), times=st.integers(1, 4))
    def send(self, process: Process, *, hurry: bool, times: int) -> None:
        for _ in range(times):
            if batch := process.dispatch.next(hurry=hurry):
                process.sending.append(batch)
        assert len(process.sending) <= self.options.max_concurrency
        assert len(process.sending) == process.dispatch.in_progress

    @rule(
        process=processes,
        which=st.integers(0, 3),
        trouble=st.sampled_from(["none", "none", *TROUBLE]),
        took=st.booleans(),
    )
    def respond(self, process: Process, which: int, trouble: str, *, took: bool) -> None:
        if not process.sending:
            return
        batch = process.sending.pop(which % len(process.sending))
        numbers = [json.loads(event)["n"] for event in batch.events]
        error = TROUBLE.get(trouble)
        if error is None and self.bad.intersection(numbers):
            kind = BadRequestError if len(numbers) % 2 else PayloadTooLargeError
            error = kind("bad", status_code=400)
        elif error is None or (error.ambiguous and took):
            self.accepted.update(numbers)
            self.allowed_doubles += len(numbers) if error else 0
        process.dispatch.handle(batch, SendResult.from_error(error) if error else ACCEPTED)

    @rule(seconds=st.sampled_from((0.1, 1.0, 5.0, 25.0, 70.0)))
    def time_passes(self, seconds: float) -> None:
        if seconds >= 21.0:  # what is still on its way then is claimed by others
            self.allowed_doubles += sum(len(it) for p in self.alive for it in p.sending)
        self.clock.pass_(seconds)

    @precondition(lambda self: self.spooled)
    @rule(process=processes, took=st.integers(0, 4))
    def crash_and_restart(self, process: Process, took: int) -> None:
        for batch in process.sending[:took]:
            numbers = [json.loads(event)["n"] for event in batch.events]
            self.accepted.update(numbers)
            self.allowed_doubles += len(numbers)
        process.queue.close()  # as at the end of a process: claimed events are not released
        process.queue = self.open()
        process.dispatch = Dispatcher(self.options, process.queue, self.clock)
        process.sending = []

    @precondition(lambda self: not self.spooled)
    @rule(process=processes, which=st.integers(0, 3), took=st.booleans())
    def interrupt(self, process: Process, which: int, *, took: bool) -> None:
        if process.sending:
            batch = process.sending.pop(which % len(process.sending))
            if took:
                numbers = [json.loads(event)["n"] for event in batch.events]
                self.accepted.update(numbers)
                self.allowed_doubles += len(numbers)
            process.dispatch.interrupted(batch)

    @invariant()
    def the_sum_balances(self) -> None:
        for process in self.alive:
            stats = process.queue.stats()
            final = stats.delivered + stats.rejected + stats.ambiguous + stats.dropped
            assert stats.accepted == final + stats.pending, stats
            assert stats.resent_ambiguous <= stats.retried
            assert stats.pending >= sum(map(len, process.sending)) * (not self.spooled)
            sent = [event for batch in process.sending for event in batch.events]
            assert len(set(sent)) == len(sent), "an event is sent twice at the same time"

    def teardown(self) -> None:
        try:
            self.everything_has_a_final_state()
        finally:
            for process in self.alive:
                process.queue.close()
            self.directory.cleanup()

    def everything_has_a_final_state(self) -> None:
        last = self.alive[0]
        for process in self.alive:
            while process.sending:
                process.dispatch.handle(
                    process.sending.pop(), SendResult.from_error(TROUBLE["503"])
                )
        for _ in range(3000):
            if not last.queue.stats().pending:
                break
            self.clock.pass_(30.0)
            for process in self.alive:
                self.send(process, hurry=True, times=4)
                while process.sending:
                    self.respond(process, 0, "none", took=True)
        stats = last.queue.stats()
        assert stats.pending == 0, stats
        self.the_sum_balances()
        states: dict[str, set[int]] = {}
        for report in self.reported:
            states.setdefault(report.state, set()).update(e["n"] for e in report.events)  # type: ignore[misc]
        ended = set().union(*states.values())
        assert self.logged <= ended, "an event is lost"
        isolated: set[int] = {
            event["n"]  # type: ignore[misc]
            for report in self.reported
            if report.state == "rejected" and report.error is TROUBLE["503"]
            for event in report.events
        }
        given_up = states.get("dropped", set()) | states.get("ambiguous", set()) | isolated
        assert self.logged - self.bad - given_up <= set(self.accepted)
        assert states.get("rejected", set()) <= self.bad | isolated
        assert sum(self.accepted.values()) - len(self.accepted) <= self.allowed_doubles


class DeliveriesBySpool(Deliveries):
    """The same, with processes that share a spool."""

    spooled = True


EFFORT = hypothesis_settings(
    max_examples=max(20, hypothesis_settings().max_examples), stateful_step_count=40
)
TestInMemory = Deliveries.TestCase
TestInMemory.settings = EFFORT
TestInASpool = DeliveriesBySpool.TestCase
TestInASpool.settings = EFFORT
