"""Every fault of the campaign, in its short form; `make faults` runs the whole."""

from functools import partial
from pathlib import Path

import pytest

from . import connections, million, poison, reentrancy
from .campaign import SCENARIOS, Scenario

SHORT = {
    million.run: partial(million.run, total=40_000),
    poison.run_failing: partial(poison.run_failing, events=400),
    connections.cancelled: partial(connections.cancelled, seconds=0.3),
    connections.interrupted: partial(connections.interrupted, seconds=0.3),
    reentrancy.run: partial(reentrancy.run, seconds=0.3),
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    "scenario", [row[2] for row in SCENARIOS], ids=[row[0] for row in SCENARIOS]
)
def test_promise_of_scenario_is_kept(tmp_path: Path, scenario: Scenario, seed: int) -> None:
    SHORT.get(scenario, scenario)(tmp_path, seed)
