"""Differences of groups: special cases and laws."""

import pytest

from statsig_api_client.lift import (
    Estimate,
    Interval,
    compare,
    compare_to_value,
    estimate_mean,
    estimate_ratio,
    moments_of,
)
from statsig_api_client.lift.statistics import RelativeMethod, Side


def estimate(mean: float, variance: float, units: int = 1000) -> Estimate:
    return Estimate(units=units, mean=mean, variance=variance)


def bounds(interval: Interval | None) -> tuple[float | None, float | None]:
    assert interval is not None
    return interval.low, interval.high


@pytest.mark.parametrize("side", ["two", "greater", "less"])
@pytest.mark.parametrize("method", ["fieller", "delta", "simplified"])
def test_interval_contains_point(side: Side, method: RelativeMethod) -> None:
    difference = compare(estimate(11, 0.4), estimate(10, 0.3), side=side, relative=method)
    intervals = {
        difference.delta: (difference.interval, difference.sequential_interval),
        difference.relative_delta: (
            difference.relative_interval,
            difference.sequential_relative_interval,
        ),
    }
    for point, (fixed, sequential) in intervals.items():
        assert point is not None
        assert fixed is not None
        assert sequential is not None
        assert fixed.contains(point)
        assert not fixed.contains(point + (100 if side != "greater" else -100))
        for bound in bounds(fixed):
            assert bound is None or sequential.contains(bound)


def test_one_sided_interval_is_unbounded() -> None:
    test, control = estimate(11, 0.4), estimate(10, 0.3)
    assert bounds(compare(test, control, side="greater").interval)[1] is None
    assert bounds(compare(test, control, side="less").relative_interval)[0] is None


def test_one_sided_p_values_are_complementary() -> None:
    test, control = estimate(11, 0.4), estimate(10, 0.3)
    greater = compare(test, control, side="greater").p_value
    less = compare(test, control, side="less").p_value
    two = compare(test, control).p_value
    assert greater is not None
    assert less is not None
    assert greater + less == pytest.approx(1)
    assert two == pytest.approx(2 * min(greater, less))


def test_fieller_interval_without_control_variance_is_exact() -> None:
    difference = compare(estimate(12, 0.25), estimate(10, 0.0))
    low, high = bounds(difference.relative_interval)
    assert (low, high) == pytest.approx((0.2 - 0.0979982, 0.2 + 0.0979982), abs=1e-7)


def test_fieller_interval_needs_control_mean_above_zero() -> None:
    difference = compare(estimate(1, 0.2), estimate(0.5, 0.3))
    assert difference.relative_interval is None
    assert difference.relative_delta == 1.0


@pytest.mark.parametrize("mean", [0.0, -2.0])
def test_control_mean_not_positive_has_no_relative_delta(mean: float) -> None:
    difference = compare(estimate(1, 0.2), estimate(mean, 0.3))
    assert difference.relative_delta is None
    assert difference.relative_interval is None
    assert difference.p_value is not None


@pytest.mark.parametrize(
    ("test", "control"),
    [
        pytest.param(estimate(1, 0.0), estimate(1, 0.0), id="no variance"),
        pytest.param(estimate(1, 0.0, units=1), estimate(1, 0.2), id="one unit"),
    ],
)
def test_difference_without_test_has_no_p_value(test: Estimate, control: Estimate) -> None:
    difference = compare(test, control)
    assert difference.p_value is None
    assert difference.interval is None
    assert difference.sequential_interval is None
    assert difference.sequential_p_value is None


def test_fixed_value_has_no_variance() -> None:
    difference = compare_to_value(estimate(1.2, 0.01), 1.0)
    assert difference.delta == pytest.approx(0.2)
    assert difference.standard_error == pytest.approx(0.1)
    assert difference.p_value == pytest.approx(0.0455003, abs=1e-7)


def test_constant_ratio_has_no_variance() -> None:
    ratio = estimate_ratio(moments_of([2, 4, 6, 8], [1, 2, 3, 4]))
    assert ratio.mean == 2.0
    assert ratio.variance == pytest.approx(0, abs=1e-12)


def test_single_unit_has_no_variance() -> None:
    assert estimate_mean(moments_of([3.0])) == Estimate(units=1, mean=3.0, variance=0.0)


@pytest.mark.parametrize("columns", [(), ([],), ([1.0, 2.0], [1.0])])
def test_moments_need_equal_columns(columns: tuple[list[float], ...]) -> None:
    with pytest.raises(ValueError, match="the same number in each column"):
        moments_of(*columns)


def test_tiny_variances_have_sequential_interval() -> None:
    test = Estimate(units=2, mean=0.0, variance=5e-324)
    control = Estimate(units=14, mean=0.0, variance=0.0)
    assert compare(test, control).sequential_p_value == pytest.approx(1.0)


def test_alpha_of_one_half_has_no_sequential_interval() -> None:
    group = Estimate(units=10, mean=1.0, variance=1.0)
    assert compare(group, group, alpha=0.5, side="greater").sequential_interval is None
