"""Properties of retries, and the system clock."""

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import StatsigUser
from statsig_api_client._clock import Clock
from tests.support.clients import ScriptedError, ScriptedResponse, client_factory
from tests.support.clock import FakeClock

outcomes = st.one_of(
    st.builds(
        ScriptedResponse,
        status=st.sampled_from([200, 404, 408, 429, 500, 503, 599]),
        headers=st.sampled_from([{}, {"retry-after": "3"}, {"retry-after": "60"}]),
        after=st.floats(0, 12),
    ),
    st.builds(
        ScriptedError, st.sampled_from(["ConnectError", "ReadError"]), after=st.floats(0, 12)
    ),
)


@given(
    planned=st.lists(outcomes, min_size=1, max_size=12),
    chance=st.floats(0, 1),
    retries=st.integers(0, 10),
    deadline=st.floats(0.1, 60),
)
def test_retries_respect_deadline_and_limit(
    planned: list[ScriptedResponse | ScriptedError], chance: float, retries: int, deadline: float
) -> None:
    clock = FakeClock()
    clock.chance = chance
    with client_factory("sync httpx", clock) as make:
        statsig = make.script(*planned, max_retries=retries, deadline=deadline, on_error="fallback")
        gate = statsig.check_gate(StatsigUser(user_id="42"), "a_gate")
    assert len(make.sent) <= retries + 1
    # The script may exceed the timeout of an attempt; a real engine does not.
    longest = max(outcome.after for outcome in planned)
    assert clock.now - 1000 <= deadline + longest
    assert bool(gate) is (gate.error is None)


def test_clock_follows_system() -> None:
    clock = Clock()
    before, wall = clock.monotonic(), clock.time()
    clock.sleep(0.01)
    asyncio.run(clock.sleep_async(0.01))
    assert clock.monotonic() - before >= 0.02
    assert abs(wall - time.time()) < 10


def test_system_random_numbers_are_uniform() -> None:
    chances = [Clock().random() for _ in range(2000)]
    assert all(0 <= chance < 1 for chance in chances)
    assert 0.4 < sum(chances) / len(chances) < 0.6
