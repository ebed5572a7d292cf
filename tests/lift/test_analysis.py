"""Units, events and values that an analysis counts."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import ConfigurationError
from statsig_api_client.lift import (
    BenjaminiHochberg,
    Bonferroni,
    EventCount,
    Experiment,
    LiftError,
    LiftOptions,
    LiftReport,
    Mean,
    Metric,
    Ratio,
    Sum,
    Users,
    Where,
    analyze,
)
from tests.lift.records import DAY, HOUR, LOGO_TEST, T0, event, exposure, groups, source

PAIR = [exposure("c", "Control"), exposure("t", "Square")]


def means(
    directory: Path,
    records: list[dict[str, Any]],
    metric: Metric,
    options: LiftOptions | None = None,
    experiment: Experiment = LOGO_TEST,
) -> tuple[float, float]:
    """Return the means of the control group and of the test group."""
    (result,) = analyze(source(directory, records), experiment, [metric], options).results
    assert result.control is not None
    assert result.test is not None
    return result.control.mean, result.test.mean


def report(
    directory: Path, records: list[dict[str, Any]], options: LiftOptions | None = None
) -> LiftReport:
    return analyze(source(directory, records), LOGO_TEST, [EventCount("purchase")], options)


@pytest.mark.parametrize(
    ("metric", "control", "test"),
    [
        pytest.param(EventCount("purchase", winsorize=None), 1.5, 1.0, id="count"),
        pytest.param(Sum("purchase", winsorize=None), 15.0, 16.0, id="sum"),
        pytest.param(Users("purchase"), 0.5, 1.0, id="users"),
        pytest.param(Mean("purchase"), 10.0, 16.0, id="mean"),
        pytest.param(
            Ratio(Sum("purchase", winsorize=None), Users("purchase")), 30.0, 16.0, id="ratio"
        ),
    ],
)
def test_metric_of_groups(tmp_path: Path, metric: Metric, control: float, test: float) -> None:
    records = groups([[5, 10, 15], []], [[16], [16]])
    assert means(tmp_path, records, metric) == (control, test)


def test_ratio_counts_participating_units(tmp_path: Path) -> None:
    records = groups([[5, 10, 15], []], [[16], [16]])
    (result,) = analyze(source(tmp_path, records), LOGO_TEST, [Mean("purchase")]).results
    assert result.control is not None
    assert result.control.units == 1
    assert result.notes == ("group Control: expected at least 2 units with this metric, got 1",)


def test_events_count_from_exposure_on(tmp_path: Path) -> None:
    records = [*PAIR, event("t", time=T0 - 1), event("t", time=T0), event("c", time=T0 + DAY)]
    assert means(tmp_path, records, EventCount("purchase")) == (1, 1)


def test_first_exposure_counts(tmp_path: Path) -> None:
    records = [*PAIR, exposure("t", "Square", T0 - HOUR), event("t", time=T0 - HOUR // 2)]
    assert means(tmp_path, records, EventCount("purchase")) == (0, 1)


def test_date_join_counts_events_of_same_day(tmp_path: Path) -> None:
    # The day of Statsig begins at 08:00 UTC.
    late, morning = T0 + 20 * HOUR, T0 + 8 * HOUR
    records = [exposure("c", "Control", late), exposure("t", "Square", late)]
    records += [event("t", time=morning), event("c", time=morning - 1)]
    assert means(tmp_path, records, EventCount("purchase")) == (0, 0)
    options = LiftOptions(join="date")
    assert means(tmp_path, records, EventCount("purchase"), options) == (0, 1)


@pytest.mark.parametrize(
    ("window", "expected"),
    [pytest.param(1, 1, id="first day"), pytest.param((1, 7), 2, id="days 1 to 7")],
)
def test_window_limits_events(tmp_path: Path, window: Any, expected: int) -> None:
    times = [T0 + DAY - 1, T0 + DAY, T0 + 7 * DAY - 1, T0 + 7 * DAY]
    records = [*PAIR, *(event("t", time=time) for time in times)]
    assert means(tmp_path, records, EventCount("purchase", window=window)) == (0, expected)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param(Where("sku", "=", "it's"), 1, id="string"),
        pytest.param(Where("sku", "!=", "it's"), 1, id="other string"),
        pytest.param(Where("value", ">=", 10), 2, id="number"),
        pytest.param(Where("value", "=", "gold"), 1, id="string value"),
        pytest.param(Where("weight", "<", 2.5), 1, id="number in metadata"),
        pytest.param((Where("value", ">", 1), Where("sku", "=", "B")), 1, id="both"),
    ],
)
def test_condition_selects_events(tmp_path: Path, where: Any, expected: int) -> None:
    records = [
        *PAIR,
        event("t", value=10, sku="it's", weight="2"),
        event("t", value="20.5", sku="B", weight="heavy"),
        event("t", value="gold", weight="10"),
    ]
    assert means(tmp_path, records, EventCount("purchase", where=where)) == (0, expected)


def test_sum_of_metadata_ignores_text(tmp_path: Path) -> None:
    records = [*PAIR, event("t", price="1.5"), event("t", price="2e1"), event("t", price="free")]
    assert means(tmp_path, records, Sum("purchase", "price", winsorize=None)) == (0, 21.5)


def test_values_above_percentile_are_set_to_it(tmp_path: Path) -> None:
    records = groups([[1]] * 500 + [[]] * 300, [[2]] * 499 + [[100_000]])
    result = analyze(source(tmp_path, records), LOGO_TEST, [Sum("purchase")]).results[0]
    # The 99.9th percentile of 1,000 values that are not zero is number 999.
    assert result.winsorized_at == (2.0,)
    assert result.test is not None
    assert result.test.mean == 2.0
    metric = Sum("purchase", winsorize=None)
    assert means(tmp_path, records, metric)[1] == pytest.approx(201.996)


def test_crossovers_are_dropped_or_kept(tmp_path: Path) -> None:
    records = [*groups([[], []], [[], []]), exposure("Square-0", "Control", T0 + 1)]
    records += [event("Square-0")]
    dropped = report(tmp_path, records)
    assert dropped.health.units == {"Control": 2, "Square": 1}
    assert (dropped.health.crossovers, dropped.health.crossover_rate) == (1, 0.25)
    assert dropped.health.account.crossover_units == 3
    kept = report(tmp_path, records, LiftOptions(crossover="keep"))
    assert kept.health.units == {"Control": 3, "Square": 2}
    assert kept.health.crossovers == 1
    assert any("several groups" in warning for warning in kept.health.warnings)


@pytest.mark.parametrize(
    "rule", ["override", "Square:override", "Square:userID:id_override", "layer Square:id_override"]
)
def test_units_whose_first_exposure_is_override_are_left_out(tmp_path: Path, rule: str) -> None:
    records = [*PAIR, exposure("x", rule, T0 - 1), exposure("x", "Square"), event("x")]
    records += [exposure("only", rule), exposure("t", rule, T0 + 1)]
    found = report(tmp_path, records)
    assert found.health.units == {"Control": 1, "Square": 1}
    assert found.health.overridden == 2
    account = found.health.account
    assert (account.overrides, account.overridden_units) == (3, 2)


def test_rules_that_are_no_groups_do_not_count(tmp_path: Path) -> None:
    rules = ("prestart", "layerAssignment", "holdout:yearly", "launchedGroup", "")
    records = [*PAIR, *(exposure("x", rule) for rule in rules)]
    assert report(tmp_path, records).health.account.not_in_group == len(rules)


@pytest.mark.parametrize("environment", ["production", "staging", None])
def test_environment_selects_records(tmp_path: Path, environment: str | None) -> None:
    def user(unit: str, tier: str) -> dict[str, Any]:
        return {"user": {"userID": unit, "statsigEnvironment": {"tier": tier}}}

    records = [
        exposure("c", "Control"),
        exposure("t", "Square", **user("t", "Production")),
        exposure("c", "Control", **user("s1", "staging")),
        exposure("t", "Square", **user("s2", "Staging")),
    ]
    found = report(tmp_path, records, LiftOptions(environment=environment))
    assert sum(found.health.units.values()) == (4 if environment is None else 2)
    assert found.health.account.other_environment == (0 if environment is None else 2)


def test_period_selects_records(tmp_path: Path) -> None:
    records = [*PAIR, exposure("old", "Control", T0 - DAY), event("t", time=T0 + 9 * DAY)]
    options = LiftOptions(
        start=datetime.fromtimestamp(T0 / 1000, UTC),
        end=datetime.fromtimestamp(T0 / 1000 + 86400, UTC),
    )
    found = report(tmp_path, records, options)
    assert found.health.units == {"Control": 1, "Square": 1}
    assert found.health.account.outside_period == 2


def test_custom_id_type_identifies_units(tmp_path: Path) -> None:
    def company(record: dict[str, Any], unit: str) -> dict[str, Any]:
        return {**record, "user": {"userID": "u", "customIDs": {"companyID": unit}}}

    records = [
        company(exposure("", "Control"), "a"),
        company(exposure("", "Square"), "b"),
        company(event(""), "b"),
        exposure("u", "Square"),
        company(event(""), ""),
    ]
    experiment = Experiment(
        name="logo_test", groups={"Control": None, "Square": None}, id_type="companyID"
    )
    found = analyze(source(tmp_path, records), experiment, [EventCount("purchase")])
    assert found.health.units == {"Control": 1, "Square": 1}
    assert found.health.account.without_unit_id == 2
    assert found.health.sample_ratio is None


def test_layer_exposure_belongs_to_allocated_experiment(tmp_path: Path) -> None:
    def layer(unit: str, group: str, experiment: str) -> dict[str, Any]:
        metadata = {"config": "page", "ruleID": group, "allocatedExperiment": experiment}
        return exposure(unit, "", eventName="statsig::layer_exposure", metadata=metadata)

    records = [
        layer("c", "Control", "logo_test"),
        layer("t", "Square", "logo_test"),
        layer("o", "Square", "other_test"),
        layer("n", "layerAssignment", ""),
    ]
    found = report(tmp_path, records)
    assert found.health.units == {"Control": 1, "Square": 1}
    assert found.health.account.other_exposures == 2


def test_rule_ids_and_names_identify_groups(tmp_path: Path) -> None:
    experiment = Experiment(
        name="logo_test",
        groups={"Control": 1, "Square": 1},
        rules={"4Qx": "Control", "9Zy": "Square"},
    )
    records = [
        exposure("a", "4Qx"),
        exposure("b", "9Zy"),
        exposure("c", "", metadata={"config": "logo_test", "group": "Square"}),
    ]
    found = analyze(source(tmp_path, records), experiment, [EventCount("purchase")])
    assert found.health.units == {"Control": 1, "Square": 2}


def test_three_groups_give_two_results(tmp_path: Path) -> None:
    experiment = Experiment(name="logo_test", groups={"A": 1, "B": 1, "C": 1}, control="B")
    records = [exposure(f"{group}{n}", group) for group in "ABC" for n in range(3)]
    found = analyze(source(tmp_path, records), experiment, [Users("purchase")])
    assert [result.group for result in found.results] == ["A", "C"]
    with pytest.raises(LiftError, match="expected one of purchase:users of A"):
        found.result("purchase:users")
    assert found.result("purchase:users", "C").control_group == "B"


def test_bonferroni_divides_alpha(tmp_path: Path) -> None:
    experiment = Experiment(name="logo_test", groups={"A": 1, "B": 1, "C": 1})
    files = source(tmp_path, [exposure(f"{group}{n}", group) for group in "ABC" for n in (1, 2)])
    metrics: list[Metric] = [Users("a"), Users("b"), Users("c")]

    def alphas(correction: Bonferroni) -> list[float]:
        found = analyze(files, experiment, metrics, LiftOptions(correction=correction))
        return [result.alpha for result in found.results if result.group == "B"]

    assert alphas(Bonferroni()) == [0.025] * 3
    assert alphas(Bonferroni(variants=False, metrics=True)) == pytest.approx([0.05 / 3] * 3)
    primary = Bonferroni(metrics=True, primary=["a:users"], primary_share=0.6)
    assert alphas(primary) == pytest.approx([0.015, 0.005, 0.005])
    with pytest.raises(LiftError, match="unknown primary metrics x"):
        alphas(Bonferroni(primary=["x"]))
    with pytest.raises(LiftError, match="primary_share: expected a fraction"):
        Bonferroni(primary_share=1.5)


def test_benjamini_hochberg_widens_intervals(tmp_path: Path) -> None:
    strong = groups([[1], []] * 50, [[1], [1]] * 50)
    weak = [event(f"Square-{number}", "view") for number in range(0, 100, 3)]
    files = source(tmp_path, [*strong, *weak, event("Control-0", "share")])
    metrics: list[Metric] = [Users("purchase"), Users("share"), Users("search")]
    plain = analyze(files, LOGO_TEST, metrics)
    for correction in (BenjaminiHochberg(), BenjaminiHochberg(by_group=True)):
        found = analyze(files, LOGO_TEST, metrics, LiftOptions(correction=correction))
        # The metric without variance has no p-value.
        assert [result.alpha for result in found.results] == [0.025] * 3
        for before, after in zip(plain.results[:2], found.results[:2], strict=True):
            assert before.difference is not None
            assert after.difference is not None
            assert before.difference.interval is not None
            assert before.difference.interval.low is not None
            assert after.difference.interval is not None
            assert after.difference.interval.low is not None
            assert after.difference.interval.low < before.difference.interval.low
    by_metric = LiftOptions(correction=BenjaminiHochberg(by_metric=True))
    assert {result.alpha for result in analyze(files, LOGO_TEST, metrics, by_metric).results} == {
        0.05
    }


def test_days_are_cumulative(tmp_path: Path) -> None:
    records = [*PAIR, exposure("t2", "Square", T0 + DAY)]
    records += [event("t", time=T0 + HOUR), event("t", time=T0 + 2 * DAY)]
    found = report(tmp_path, records, LiftOptions(by_day=True))
    tests = [day.results[0].test for day in found.days]
    assert [(test.units, test.mean) for test in tests if test] == [(1, 1.0), (2, 0.5), (2, 1.0)]
    assert found.days[0].end == datetime(2025, 12, 2, tzinfo=UTC)
    assert found.days[-1].results == found.results
    json.dumps(found.to_dict(), allow_nan=False)


def test_days_of_date_join_begin_at_eight(tmp_path: Path) -> None:
    found = report(tmp_path, [*PAIR, event("t")], LiftOptions(by_day=True, join="date"))
    assert [day.end.hour for day in found.days] == [8]


def test_days_begin_with_first_exposure(tmp_path: Path) -> None:
    records = [*PAIR, exposure("t2", "Square", T0 - DAY), event("t", time=T0 - 9 * DAY)]
    found = report(tmp_path, records, LiftOptions(by_day=True))
    assert [day.results[0].difference is None for day in found.days] == [True, False]


def test_too_many_days_are_rejected(tmp_path: Path) -> None:
    records = [*PAIR, exposure("t2", "Square", T0 - 400 * DAY)]
    with pytest.raises(LiftError, match="by_day: expected at most 366 days, got 401; set start"):
        report(tmp_path, records, LiftOptions(by_day=True))


def test_planned_units_end_sequential_test(tmp_path: Path) -> None:
    records = groups([[1], [], []] * 40, [[1], [1], []] * 40)
    for planned, expected in ((None, False), (1000, False), (240, True)):
        experiment = Experiment(
            name="logo_test", groups={"Control": 1, "Square": 1}, planned_units=planned
        )
        (result,) = analyze(source(tmp_path, records), experiment, [Users("purchase")]).results
        assert result.is_complete is expected
        assert result.is_significant
        assert result.difference is not None
        assert result.difference.sequential_p_value is not None
        assert result.difference.p_value is not None
        assert result.difference.sequential_p_value > result.difference.p_value


# ---- Invalid input ----


def test_experiment_without_exposures_suggests_name(tmp_path: Path) -> None:
    records = [exposure("c", "Control", metadata={"config": "logo_tst", "ruleID": "Control"})]
    with pytest.raises(LiftError, match="got none; did you mean 'logo_tst'"):
        report(tmp_path, records)
    with pytest.raises(LiftError, match="got none; there are zzz"):
        report(tmp_path, [exposure("c", "x", metadata={"config": "zzz", "ruleID": "x"})])
    with pytest.raises(LiftError, match=r"expected exposures, got none$"):
        report(tmp_path, [event("t")])


def test_exposures_that_do_not_count_are_explained(tmp_path: Path) -> None:
    records = [exposure("c", "prestart"), exposure("t", "")]
    with pytest.raises(LiftError, match="2 exposures that do not count: 2 not_in_group"):
        report(tmp_path, records)


def test_metric_without_events_is_reported(tmp_path: Path) -> None:
    found = report(tmp_path, [*groups([[], []], [[], []]), event("Square-0", "purchased")])
    assert found.health.warnings == (
        "metric: no events named 'purchase'; did you mean 'purchased'?",
    )
    (result,) = found.results
    assert result.difference is not None
    assert result.difference.p_value is None
    assert "p-value: all units have the same value" in result.notes
    assert "relative delta: expected a positive mean of the control group, got 0" in result.notes


def test_empty_group_has_no_difference(tmp_path: Path) -> None:
    found = report(tmp_path, [exposure("t", "Square"), exposure("t2", "Square"), event("t")])
    (result,) = found.results
    assert result.difference is None
    assert not result.is_significant
    assert result.notes == ("group Control: expected at least 2 units with this metric, got 0",)
    with pytest.raises(LiftError, match="expected units in both groups"):
        result.topline_impact(30)
    json.dumps(found.to_dict(), allow_nan=False)
    assert "-" in str(found)


def test_wrong_clock_is_reported(tmp_path: Path) -> None:
    records = [*PAIR, *(event("t", time=T0 - number) for number in range(1, 4))]
    assert "exposures: most events are before the exposure; check the clocks" in (
        report(tmp_path, records).health.warnings
    )


def test_unequal_groups_are_reported(tmp_path: Path) -> None:
    found = report(tmp_path, groups([[]] * 10, [[]] * 90))
    assert found.health.warnings[-1].startswith("sample ratio: p = ")


def test_topline_impact_of_result(tmp_path: Path) -> None:
    (result,) = report(tmp_path, groups([[1], [1]], [[1, 1], [1, 1]])).results
    assert result.topline_impact(2) == 1.0


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        pytest.param([], "metrics: expected at least one", id="none"),
        pytest.param([Users("a"), Users("a")], "metrics: a:users occurs twice", id="twice"),
    ],
)
def test_invalid_metrics_are_rejected(tmp_path: Path, metrics: list[Metric], message: str) -> None:
    with pytest.raises(LiftError, match=message):
        analyze(source(tmp_path, PAIR), LOGO_TEST, metrics)


def test_analysis_needs_source() -> None:
    with pytest.raises(LiftError, match="source: expected at least one"):
        analyze([], LOGO_TEST, [Users("purchase")])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 0.7}, "alpha: expected a fraction below 0.5, got 0.7"),
        ({"start": datetime(2026, 1, 1)}, "start: expected a time with a time zone"),  # noqa: DTZ001
        ({"side": "left"}, "side: expected 'two', 'greater' or 'less', got 'left'"),
    ],
)
def test_invalid_options_are_rejected(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LiftOptions(**options)


def test_ratio_without_denominators_has_no_difference(tmp_path: Path) -> None:
    records = groups([[1.0], [2.0]], [[3.0], [4.0]])
    metric = Ratio(Sum("purchase"), EventCount("view"))
    (result,) = analyze(source(tmp_path, records), LOGO_TEST, [metric]).results
    assert (result.test, result.control, result.difference) == (None, None, None)
    assert "group Square: expected at least 2 units with this metric, got 0" in result.notes
