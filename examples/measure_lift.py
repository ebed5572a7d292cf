"""Measure a known lift: simulated shoppers, half of whom see a different logo.

The square logo raises the share of shoppers who purchase from 30 % to 39 %, a lift of 30 %. The
analysis sees only exposures and events.
"""

import random

from statsig_api_client import Statsig, StatsigEvent, StatsigUser
from statsig_api_client.lift import (
    EventCount,
    Experiment,
    LiftReport,
    LocalServerEvents,
    Sum,
    Users,
    analyze,
)

SHOPPERS = 2000
SHARES = {"circle": 0.30, "square": 0.39}
TRUE_LIFT = SHARES["square"] / SHARES["circle"] - 1


def simulate(statsig: Statsig, shoppers: int = SHOPPERS) -> None:
    """Show each shopper a logo and log the purchases."""
    chance = random.Random(7)
    events: list[StatsigEvent] = []
    for number in range(shoppers):
        user = StatsigUser(user_id=f"shopper-{number}")
        shape = statsig.get_experiment(user, "logo_test").get("shape", "circle")
        if chance.random() < SHARES[shape]:
            value = round(chance.uniform(5, 50), 2)
            events.append(StatsigEvent(event_name="purchase", user=user, value=value))
    for first in range(0, len(events), 500):
        statsig.log_events(events[first : first + 500])


def measure(url: str, planned_units: int = SHOPPERS) -> LiftReport:
    """Return the lift from a local server's exposures and events."""
    experiment = Experiment.from_project(url, "logo_test").with_planned_units(planned_units)
    metrics = [Users("purchase"), Sum("purchase"), EventCount("purchase")]
    return analyze(LocalServerEvents(url), experiment, metrics)


def print_lift(report: LiftReport) -> None:
    """Print a report with the true lift next to the measured one."""
    difference = report.result("purchase:users").difference
    assert difference is not None
    assert difference.relative_delta is not None
    assert difference.relative_interval is not None
    print(report)
    contains = "contains" if difference.relative_interval.contains(TRUE_LIFT) else "misses"
    print(
        f"purchase:users: true lift {TRUE_LIFT:+.1%}, measured {difference.relative_delta:+.1%}; "
        f"the interval {contains} the true lift"
    )
