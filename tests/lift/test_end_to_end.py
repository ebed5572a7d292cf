"""Simulated users through the client and the local server, with planted irregularities."""

import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import define, field

from statsig_api_client import ExperimentExposure, Statsig, StatsigEvent, StatsigUser
from statsig_api_client.lift import (
    EventFiles,
    Experiment,
    LiftOptions,
    LocalDatabase,
    Sum,
    Users,
    analyze,
)
from statsig_api_client.local import LocalServer
from tests.lift.records import DAY
from tests.lift.test_experiment import PROJECT

SHARE, LIFT = 0.4, 0.10


@define
class Simulation:
    """Users who are exposed and purchase, and the counts that an analysis must find."""

    statsig: Statsig
    server: LocalServer
    users: int
    expected: dict[str, int] = field(factory=dict[str, int])
    units: dict[str, int] = field(factory=lambda: {"Control": 0, "Square": 0})
    revenue: dict[str, int] = field(factory=lambda: {"Control": 0, "Square": 0})
    events: list[StatsigEvent] = field(factory=list[StatsigEvent])

    def count(self, fate: str, records: int = 1) -> None:
        self.expected[fate] = self.expected.get(fate, 0) + records

    def log(self, user: dict[str, Any], name: str = "purchase", **more: Any) -> None:
        more.setdefault("time", int(time.time() * 1000) + 1000)
        self.events.append(StatsigEvent(event_name=name, user=StatsigUser(**user), **more))

    def log_unchecked(self, user: str, time: int) -> None:
        """Log a purchase as a program with a wrong clock does; the client would reject it."""
        event = {"eventName": "purchase", "user": {"userID": user}, "time": time, "value": 7000}
        response = httpx.post(
            f"{self.server.url}/log_event",
            json={"events": [event]},
            headers={"statsig-api-key": self.server.secret_key},
        )
        assert response.is_success, response.text

    def run(self) -> None:
        chance = random.Random(2026)
        for number in range(self.users):
            user = {"user_id": f"shopper-{number}"}
            group = self.expose(user)
            self.units[group] += 1
            probability = SHARE * (1 + LIFT) if group == "Square" else SHARE
            if chance.random() < probability:
                value = chance.randint(1, 200)
                self.revenue[group] += value
                self.log(user, value=value)
                self.count("events")
        self.plant()
        for first in range(0, len(self.events), 400):
            self.statsig.log_events(self.events[first : first + 400])

    def expose(self, user: dict[str, str]) -> str:
        group = self.statsig.get_experiment(StatsigUser(**user), "logo_test").group_name
        assert group is not None
        self.count("exposures")
        return group

    def custom(self, user: str, group: str, **more: Any) -> None:
        exposure = ExperimentExposure(
            experiment_name="logo_test", user=StatsigUser(user_id=user, **more), group=group
        )
        self.statsig.log_custom_exposures([exposure])

    def plant(self) -> None:
        """Log records that must not count."""
        now = int(time.time() * 1000)
        known = {"user_id": "shopper-1"}
        # 1. Units in two groups.
        for number in range(3):
            self.custom(f"crossed-{number}", "Control")
            self.custom(f"crossed-{number}", "Square")
            self.log({"user_id": f"crossed-{number}"})
            self.count("crossover_units", 3)
        # 2. Units whose first exposure is by an override, and 3. a later override.
        self.server.override_experiment("logo_test", group="Square", user_id="overridden")
        self.server.override_experiment("logo_test", group="Square", user_id="shopper-1")
        for user in ("overridden", "shopper-1"):
            self.statsig.get_experiment(StatsigUser(user_id=user), "logo_test")
            self.count("overrides")
        self.custom("overridden", "Square")
        self.log({"user_id": "overridden"}, value=5000)
        self.count("overridden_units", 2)
        # 4. Events before the exposure.
        self.log(known, value=7000, time=now - DAY)
        self.count("before_exposure")
        # 5. Units that were never exposed.
        self.log({"user_id": "stranger"}, value=7000)
        self.count("unexposed_units")
        # 6. Units with an ID of another type only.
        self.log({"custom_ids": {"companyID": "acme"}}, value=7000)
        self.count("without_unit_id")
        # 7. Another environment.
        staging = self.statsig.with_options(environment="staging")
        staging.get_experiment(StatsigUser(user_id="tester"), "logo_test")
        staging.log_event(StatsigUser(**known), "purchase", value=7000)
        self.count("other_environment", 2)
        # 8. Rules that are not groups.
        self.custom("targeted", "layerAssignment")
        self.count("not_in_group")
        # 9. Other experiments and gates, and 10. other events.
        self.statsig.check_gate(StatsigUser(**known), "new_checkout")
        self.statsig.get_config(StatsigUser(**known), "homepage")
        self.count("other_exposures", 2)
        self.log(known, "search")
        self.count("other_events")
        # 11. Repeated exposures.
        self.statsig.get_experiment(StatsigUser(user_id="shopper-2"), "logo_test")
        self.count("exposures")
        # 12. Wrong clocks, and 13. events after the end.
        self.log_unchecked(known["user_id"], 1_000_000)
        self.log_unchecked(known["user_id"], now + 30 * DAY)
        self.count("implausible_time", 2)
        self.log(known, value=7000, time=now + DAY // 2)
        self.count("outside_period")


def check(directory: Path, users: int) -> None:
    db = directory / "events.db"
    with (
        LocalServer(PROJECT, db=db) as server,
        Statsig(server.secret_key, base_url=server.url) as statsig,
    ):
        simulation = Simulation(statsig, server, users)
        simulation.run()
        experiment = Experiment.from_project(server.url, "logo_test")
    # 14. Lines that are not events, in a file.
    broken = directory / "late.jsonl"
    broken.write_text('{"eventName": "purchase"}\n\n')
    expected = {**simulation.expected, "invalid": 1, "blank": 1}
    report = analyze(
        [LocalDatabase(db), EventFiles(broken)],
        experiment,
        [Users("purchase"), Sum("purchase", winsorize=None)],
        LiftOptions(end=datetime.now(UTC) + timedelta(hours=6)),
    )
    account = report.health.account
    assert {name: count for name, count in account.to_dict().items() if count} == expected
    assert report.health.read == account.total
    assert report.health.units == simulation.units
    assert (report.health.crossovers, report.health.overridden) == (3, 1)
    revenue = report.result("purchase:sum")
    for estimate, group in ((revenue.control, "Control"), (revenue.test, "Square")):
        assert estimate is not None
        assert estimate.mean == pytest.approx(
            simulation.revenue[group] / simulation.units[group], rel=1e-15
        )
    difference = report.result("purchase:users").difference
    assert difference is not None
    assert difference.relative_interval is not None
    assert difference.relative_interval.contains(LIFT)
    is_large = (users >= 10_000, report.result("purchase:users").is_significant)
    assert len(set(is_large)) == 1


def test_irregularities_are_in_account(tmp_path: Path) -> None:
    check(tmp_path, 400)


@pytest.mark.slow
def test_true_lift_of_10000_users_is_in_interval(tmp_path: Path) -> None:
    check(tmp_path, 10_000)
