"""CUPED reduces the variance, and only where it may."""

import random
from typing import Any

import pytest

from statsig_api_client.lift import LiftOptions, Metric, Ratio, Sum, analyze, estimate_ratio
from statsig_api_client.lift.cuped import adjust
from statsig_api_client.lift.moments import Moments, moments_of
from tests.lift.records import DAY, LOGO_TEST, T0, event, exposure, source


def correlated(seed: int, units: int, effect: float = 0.0) -> Moments:
    chance = random.Random(seed)
    before = [chance.gauss(10, 2) for _ in range(units)]
    return moments_of([x + chance.gauss(effect, 1) for x in before], before)


def test_cuped_reduces_variance_as_regression_does() -> None:
    groups = {"Control": correlated(1, 500), "Square": correlated(2, 500, effect=0.5)}
    adjusted = adjust(groups, 1000, is_ratio=False)
    assert adjusted is not None
    for name, moments in groups.items():
        # Four fifths of the variance comes from before.
        assert adjusted[name].variance == pytest.approx(
            moments.covariances[0][0] / 500 / 5, rel=0.2
        )
    delta = adjusted["Square"].mean - adjusted["Control"].mean
    assert delta == pytest.approx(0.5, abs=0.2)


def test_cuped_equals_least_squares_of_numpy() -> None:
    numpy = pytest.importorskip("numpy")
    chance = random.Random(5)
    before = [[chance.gauss(10, 2) for _ in range(300)] for _ in range(2)]
    after = [[x + chance.gauss(group / 2, 1) for x in before[group]] for group in range(2)]
    groups = {str(group): moments_of(after[group], before[group]) for group in range(2)}
    adjusted = adjust(groups, 600, is_ratio=False)
    assert adjusted is not None
    design = numpy.column_stack(
        [numpy.ones(600), numpy.repeat([0, 1], 300), numpy.array(before[0] + before[1])]
    )
    (_, effect, _), (residual,), *_ = numpy.linalg.lstsq(design, numpy.array(after[0] + after[1]))
    assert adjusted["1"].mean - adjusted["0"].mean == pytest.approx(effect, rel=1e-9)
    variance = residual / 597 * numpy.linalg.inv(design.T @ design)[1, 1]
    assert adjusted["0"].variance + adjusted["1"].variance == pytest.approx(variance, rel=0.03)


def test_cuped_of_ratio_reduces_variance() -> None:
    chance = random.Random(3)

    def ratio_group() -> Moments:
        levels = [chance.uniform(0.1, 0.9) for _ in range(400)]
        views = [[chance.randint(5, 15) for _ in levels] for _ in range(2)]
        clicks = [
            [n * level + chance.gauss(0, 0.2) for n, level in zip(views[time], levels, strict=True)]
            for time in range(2)
        ]
        return moments_of(clicks[0], views[0], clicks[1], views[1])

    groups = {"Control": ratio_group(), "Square": ratio_group()}
    adjusted = adjust(groups, 800, is_ratio=True)
    assert adjusted is not None
    for name, moments in groups.items():
        assert adjusted[name].variance < 0.25 * estimate_ratio(moments).variance


@pytest.mark.parametrize(
    ("groups", "covered", "is_ratio"),
    [
        pytest.param({"a": correlated(1, 50), "b": correlated(2, 50)}, 100, False, id="few units"),
        pytest.param({"a": correlated(1, 500)}, 20, False, id="few values before"),
        pytest.param({"a": moments_of([1.0, 2.0] * 60, [5.0] * 120)}, 120, False, id="constant"),
        pytest.param(
            {"a": moments_of([1.0] * 120, [1.0] * 120, [1.0] * 120, [0.0] * 120)},
            120,
            True,
            id="no denominator before",
        ),
    ],
)
def test_cuped_is_not_used(groups: dict[str, Moments], covered: int, *, is_ratio: bool) -> None:
    assert adjust(groups, covered, is_ratio=is_ratio) is None


@pytest.mark.parametrize(
    "metric",
    [
        Sum("purchase", winsorize=None),
        Ratio(Sum("purchase", winsorize=None), Sum("view", winsorize=None)),
    ],
)
def test_analysis_uses_values_before_exposure(tmp_path: Any, metric: Metric) -> None:
    chance = random.Random(4)
    records = []
    for number in range(300):
        unit, level = f"u{number}", chance.uniform(1, 20)
        records.append(exposure(unit, "Control" if number % 2 else "Square"))
        for time in (T0 - 6 * DAY, T0 + DAY):
            records.append(event(unit, time=time, value=round(level + chance.random(), 3)))
            records.append(event(unit, "view", time=time, value=chance.randint(1, 3)))
        # More than seven days before the exposure.
        records.append(event(unit, time=T0 - 8 * DAY, value=chance.uniform(0, 1000)))
    files = source(tmp_path, records)
    (plain,) = analyze(files, LOGO_TEST, [metric]).results
    report = analyze(files, LOGO_TEST, [metric], LiftOptions(cuped=True))
    (reduced,) = report.results
    assert (plain.cuped, reduced.cuped) == (False, True)
    assert plain.difference is not None
    assert reduced.difference is not None
    assert reduced.difference.standard_error < 0.85 * plain.difference.standard_error
    assert "variance reduced with CUPED" in str(report)


def test_analysis_without_earlier_values_is_unchanged(tmp_path: Any) -> None:
    files = source(tmp_path, [exposure("c", "Control"), exposure("t", "Square"), event("t")])
    metrics: list[Metric] = [Sum("purchase")]
    plain = analyze(files, LOGO_TEST, metrics).results
    assert analyze(files, LOGO_TEST, metrics, LiftOptions(cuped=True)).results == plain
