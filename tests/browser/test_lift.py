"""The lift of an experiment in the console."""

import re
import time
from typing import Final

import pytest
from playwright.sync_api import Locator, expect

from statsig_api_client import ExperimentExposure, StatsigEvent, StatsigUser

from .console import Console
from .test_accessibility import violations
from .test_security import CREATED, PAYLOADS, log_events

EXPERIMENT: Final = "#/entity/experiment/logo_test"
DAY: Final = 86_400_000


def expose(console: Console, users: int = 40) -> None:
    """Expose users, of whom every second one of a group purchases."""
    seen: dict[str, int] = {}
    with console.client() as statsig:
        for number in range(users):
            user = {"userID": f"shopper-{number}"}
            group = statsig.get_experiment(user, "logo_test").rule_id
            seen[group] = seen.get(group, 0) + 1
            if seen[group] % (2 if group == "Control" else 5):
                statsig.log_event(user, "purchase", number)


def log_days(console: Console, days: int) -> None:
    """Log 20 exposures on each of the last days, and purchases of some of the users."""
    exposures: list[ExperimentExposure] = []
    events: list[StatsigEvent] = []
    today = int(time.time() * 1000) // DAY * DAY
    for number in range(20 * days):
        moment = today - (days - 1 - number // 20) * DAY + number
        user = StatsigUser(user_id=f"visitor-{number}")
        group = ("Control", "Square")[number % 2]
        exposures.append(
            ExperimentExposure(user=user, experiment_name="logo_test", group=group, time=moment)
        )
        if number % (4 if group == "Control" else 3) < 2:
            value = number % 7
            events.append(
                StatsigEvent(user=user, event_name="purchase", value=value, time=moment + 1)
            )
    with console.client() as statsig:
        statsig.log_custom_exposures(exposures)
        statsig.log_events(events)


def add_metric(console: Console, metric: str) -> None:
    field = console.section("Lift").get_by_label("Metric")
    field.fill(metric)
    field.press("Enter")


def rows(console: Console) -> Locator:
    return console.section("Lift").locator("tbody tr")


def expect_rows(console: Console, count: int) -> None:
    # The server imports scipy when it computes for the first time.
    expect(rows(console)).to_have_count(count, timeout=20_000)


def test_metrics_show_lift(console: Console) -> None:
    expose(console)
    console.open(EXPERIMENT)
    add_metric(console, "purchase:users")
    expect_rows(console, 1)
    expect(rows(console)).to_contain_text(re.compile(r"purchase:users.*Square.*0\.5.*[+]\d+\.\d%"))
    add_metric(console, "purchase:sum")
    expect_rows(console, 2)
    expect(rows(console).locator("svg circle")).to_have_count(2)
    lift = console.section("Lift")
    expect(lift.get_by_text("95% intervals, sequential (mSPRT)")).to_be_visible()
    expect(lift.locator(".level-ok, .level-warning, .level-alarm")).to_be_visible()
    lift.get_by_text("records, by outcome").click()
    expect(lift.locator(".account dl")).to_contain_text(re.compile(r"exposures\s*40"))


def test_address_keeps_metrics(console: Console) -> None:
    expose(console)
    console.open(EXPERIMENT)
    add_metric(console, "purchase:users")
    expect_rows(console, 1)
    add_metric(console, "purchase:count")
    expect_rows(console, 2)
    console.page.get_by_role("button", name="Remove purchase:users").click()
    expect_rows(console, 1)
    console.page.reload()
    expect_rows(console, 1)
    expect(rows(console)).to_contain_text("purchase:count")


def test_planned_units_end_sequential_test(console: Console) -> None:
    expose(console)
    console.open(f"{EXPERIMENT}?metrics=purchase:users")
    expect_rows(console, 1)
    planned = console.section("Lift").get_by_label("Planned units")
    planned.fill("40")
    planned.press("Tab")
    expect(console.section("Lift").get_by_text("fixed horizon")).to_be_visible()
    planned.fill("many")
    planned.press("Tab")
    expect(console.section("Lift").get_by_text("fixed horizon")).to_be_visible()


def test_later_events_are_computed(console: Console) -> None:
    expose(console)
    console.open(f"{EXPERIMENT}?metrics=refund:count")
    warning = console.section("Lift").get_by_text("no events named 'refund'")
    expect(warning).to_be_visible(timeout=20_000)
    with console.client() as statsig:
        statsig.log_event({"userID": "shopper-1"}, "refund")
    console.page.get_by_role("button", name="Compute again").click()
    expect(warning).to_have_count(0)


def test_days_show_cumulative_lift(console: Console) -> None:
    log_days(console, days=3)
    console.open(f"{EXPERIMENT}?metrics=purchase:users%0Apurchase:count")
    lift = console.section("Lift")
    expect(lift.locator("table.lift tbody tr")).to_have_count(2, timeout=20_000)
    expect(lift.locator("figure")).to_have_count(0)
    lift.get_by_role("checkbox", name="By day").check()
    expect(lift.locator("figure")).to_have_count(2)
    chart = lift.locator("figure").first
    expect(chart.locator("figcaption")).to_have_text("purchase:users, Square")
    expect(chart.locator("circle")).to_have_count(3)
    last = lift.locator("table.lift .effect strong").first.inner_text()
    label = chart.get_by_role("img").get_attribute("aria-label") or ""
    assert label.startswith("Lift of purchase:users, Square until ")
    assert f": {last}, interval " in label
    lift.get_by_text("Values by day").click()
    rows = lift.get_by_role("region", name="Values by day").locator("tbody tr")
    expect(rows).to_have_count(6)
    expect(rows.nth(2)).to_contain_text(last)
    lift.get_by_role("checkbox", name="By day").uncheck()
    expect(lift.locator("figure")).to_have_count(0)


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_days_fit_without_violations(console: Console, scheme: str, width: int) -> None:
    log_days(console, days=20)
    console.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    console.page.set_viewport_size({"width": width, "height": 760})
    console.open(f"{EXPERIMENT}?metrics=purchase:users%0Apurchase:mean%0Arefund:count&by_day=1")
    expect(console.section("Lift").locator("figure")).to_have_count(3, timeout=20_000)
    console.section("Lift").get_by_text("Values by day").click()
    assert console.page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(console) == []


@pytest.mark.parametrize(
    ("metric", "problem"),
    [
        ("purchase:users", "expected exposures, got none"),
        ("purchase", "expected EVENT:count"),
    ],
)
def test_problem_is_shown(console: Console, metric: str, problem: str) -> None:
    console.open(EXPERIMENT)
    add_metric(console, metric)
    alert = console.section("Lift").get_by_role("alert")
    expect(alert).to_contain_text(problem, timeout=20_000)
    expect(console.section("Lift").get_by_label("Metric")).to_have_value(metric)
    # Chromium logs each response with an error.
    assert [text for text in console.complaints if "Failed to load resource" not in text] == []
    console.complaints.clear()


def test_other_environment_is_selected(console: Console) -> None:
    user = {"userID": "1", "statsigEnvironment": {"tier": "staging"}}
    with console.client() as statsig:
        statsig.get_experiment(user, "logo_test")
    console.open(f"{EXPERIMENT}?metrics=purchase:users&environment=staging")
    expect_rows(console, 1)
    expect(console.section("Lift").get_by_text("expected at least 2 units").first).to_be_visible()


def test_payloads_stay_text(console: Console) -> None:
    expose(console, 4)
    user = {"userID": "shopper-1"}
    log_events(console.server, [{"eventName": PAYLOADS[0], "user": user}])
    console.open(EXPERIMENT)
    add_metric(console, f"{PAYLOADS[0]}x:count")
    expect_rows(console, 1)
    expect(rows(console)).to_contain_text(f"{PAYLOADS[0]}x:count")
    expect(console.section("Lift").get_by_role("listitem").first).to_contain_text(PAYLOADS[0])
    assert console.page.locator(CREATED).count() == 0


@pytest.mark.parametrize("width", [375, 960, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_results_fit_without_violations(console: Console, scheme: str, width: int) -> None:
    expose(console, 200)
    console.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    console.page.set_viewport_size({"width": width, "height": 760})
    console.open(f"{EXPERIMENT}?metrics=purchase:users%0Apurchase:sum/purchase:count%0Arefund:mean")
    expect_rows(console, 3)
    console.section("Lift").get_by_text("records, by outcome").click()
    assert console.page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(console) == []
