"""Laws of the adaptive limit."""

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from statsig_api_client._delivery.adaptive_limit import AdaptiveLimit
from tests.support.clock import FakeClock


def grown(rounds: int, maximum: int = 16) -> AdaptiveLimit:
    """Return a limit after some rounds of accepted requests."""
    limit = AdaptiveLimit(FakeClock(), maximum)
    for _ in range(rounds):
        for request in start_all(limit):
            assert limit.record_accepted(request)
    return limit


def start_all(limit: AdaptiveLimit) -> list[int]:
    requests: list[int] = []
    while not limit.is_full:
        requests.append(limit.start())
    return requests


def test_limit_doubles_until_maximum() -> None:
    assert [grown(rounds).concurrency for rounds in range(6)] == [1, 2, 4, 8, 16, 16]


def test_limit_grows_by_one_after_failure() -> None:
    limit = grown(2)
    one, *others = start_all(limit)
    assert limit.record_failure(one, None, may_be_isolated=True) == "isolated"
    for request in others:
        limit.record_accepted(request)
    assert limit.concurrency == 4
    for expected in (5, 6, 7):
        for request in start_all(limit):
            limit.record_accepted(request)
        assert limit.concurrency == expected


def test_limit_that_is_not_reached_stays() -> None:
    limit = grown(2)
    for _ in range(20):
        limit.record_accepted(limit.start())
    assert limit.concurrency == 4


def test_isolated_failure_delays_nothing() -> None:
    limit = grown(3)
    one, *_ = start_all(limit)
    assert limit.record_failure(one, None, may_be_isolated=True) == "isolated"
    assert (limit.delay, limit.concurrency, limit.is_full) == (0.0, 7, True)


def test_failure_of_all_requests_is_outage() -> None:
    limit = grown(4)
    requests = start_all(limit)
    failures = [limit.record_failure(it, None, may_be_isolated=True) for it in requests]
    assert failures == ["isolated"] * 8 + ["outage"] + ["late"] * 7
    assert limit.delay == 1.0


def test_first_failure_is_outage() -> None:
    limit = grown(0)
    assert limit.record_failure(limit.start(), None, may_be_isolated=True) == "outage"


def test_outage_is_probed_by_one_request() -> None:
    limit = grown(3)
    one, late, *others = start_all(limit)
    assert limit.record_failure(one, 30.0) == "outage"
    assert (limit.concurrency, limit.delay) == (1, 30.0)
    assert not limit.record_accepted(late)
    for _ in others:
        assert limit.is_full
        limit.record_abandoned()
    assert not limit.is_full
    assert limit.record_accepted(limit.start())
    assert limit.concurrency == 4
    assert limit.delay == 0.5


class Requests(RuleBasedStateMachine):
    """Requests start and end in any order."""

    @initialize(maximum=st.integers(1, 12))
    def begin(self, maximum: int) -> None:
        self.clock = FakeClock()
        self.limit = AdaptiveLimit(self.clock, maximum)
        self.maximum = maximum
        self.requests: list[int] = []
        self.before_outage: set[int] = set()

    @precondition(lambda self: not self.limit.is_full and not self.limit.delay)
    @rule()
    def start(self) -> None:
        self.requests.append(self.limit.start())

    @precondition(lambda self: self.requests)
    @rule(
        which=st.integers(0, 11),
        result=st.sampled_from(["accepted", "accepted", "invalid", "failed", "isolated", "none"]),
        retry_after=st.sampled_from([None, 3.0]),
    )
    def end(self, which: int, result: str, retry_after: float | None) -> None:
        request = self.requests.pop(which % len(self.requests))
        before = self.limit.concurrency
        is_late = request in self.before_outage
        match result:
            case "accepted" | "invalid":
                record = getattr(self.limit, f"record_{result}")
                assert record(request) is not is_late
                assert is_late or not self.limit.is_probing
            case "none":
                self.limit.record_abandoned()
            case _:
                failure = self.limit.record_failure(
                    request, retry_after, may_be_isolated=result == "isolated"
                )
                assert (failure == "late") is is_late
                assert self.limit.concurrency <= before
                if failure == "outage":
                    self.before_outage = set(self.requests)
                    assert self.limit.is_probing
                    assert self.limit.delay >= (retry_after or 0.0)

    @rule(seconds=st.sampled_from([0.01, 0.5, 5.0, 100.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.pass_(seconds)

    @invariant()
    def limit_holds(self) -> None:
        assert self.limit.in_progress == len(self.requests)
        assert 1 <= self.limit.concurrency <= self.maximum
        assert len(self.requests) <= self.maximum
        if self.limit.is_probing:
            assert self.limit.concurrency == 1
            assert len(set(self.requests) - self.before_outage) <= 1


TestRequests = Requests.TestCase
