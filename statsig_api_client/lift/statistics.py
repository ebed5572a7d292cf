"""Statsig's documented formulas for the difference between two groups.

The formulas are those of the pages on variance, p-values, confidence intervals, Fieller intervals,
one-sided tests and sequential testing of Statsig's documentation.
"""

from math import log, sqrt
from typing import Final, Literal, TypeAlias

from attrs import frozen

from .distributions import normal_cdf, normal_quantile, student_cdf, student_quantile
from .moments import Moments

Side: TypeAlias = Literal["two", "greater", "less"]
"""The alternative: any difference, a greater mean of the test group, or a smaller one."""

RelativeMethod: TypeAlias = Literal["fieller", "delta", "simplified"]
"""The method of the interval of a relative difference."""

WELCH_BELOW: Final = 100
"""Degrees of freedom below which Welch's t-test replaces the z-test."""

_MAX_RATIO: Final = 1e100


@frozen(kw_only=True)
class Estimate:
    """The mean of a group, or its ratio, with the variance of that estimate."""

    units: int
    mean: float
    variance: float
    """The variance of the mean, not of the values."""

    @property
    def standard_error(self) -> float:
        """The standard error of the mean."""
        return sqrt(self.variance)


@frozen(kw_only=True)
class Interval:
    """A confidence interval; None is an unbounded side, as in one-sided tests."""

    low: float | None
    high: float | None

    def contains(self, value: float) -> bool:
        """Return whether a value is in the interval."""
        above = self.low is None or self.low <= value
        return above and (self.high is None or value <= self.high)


@frozen(kw_only=True)
class Difference:
    """The difference of a test group from a control group.

    A value is None where the data do not determine it; `notes` of the result has the reason.
    """

    delta: float
    """The mean of the test group minus that of the control group."""
    standard_error: float
    degrees_of_freedom: float | None
    """Those of Welch's t-test; None for the z-test."""
    interval: Interval | None
    p_value: float | None
    relative_delta: float | None
    """`delta` divided by the mean of the control group, as a fraction."""
    relative_interval: Interval | None
    sequential_interval: Interval | None
    """The interval of `delta` that stays valid when results are read every day (mSPRT)."""
    sequential_relative_interval: Interval | None
    sequential_p_value: float | None


def estimate_mean(moments: Moments) -> Estimate:
    """Return the mean of the first value."""
    return _estimate(moments, moments.means[0], (1.0,))


def estimate_ratio(moments: Moments) -> Estimate:
    """Return the sum of the first value divided by that of the second, by the delta method.

    Raises:
        ZeroDivisionError: The second value sums to zero.
    """
    numerator, denominator = moments.means[:2]
    ratio = numerator / denominator
    return _estimate(moments, ratio, (1 / denominator, -ratio / denominator))


def _estimate(moments: Moments, mean: float, weights: tuple[float, ...]) -> Estimate:
    variance = sum(
        first * second * moments.covariances[row][column]
        for row, first in enumerate(weights)
        for column, second in enumerate(weights)
    )
    return Estimate(units=moments.units, mean=mean, variance=max(variance, 0.0) / moments.units)


def compare(
    test: Estimate,
    control: Estimate,
    *,
    alpha: float = 0.05,
    side: Side = "two",
    relative: RelativeMethod = "fieller",
) -> Difference:
    """Compare a test group with a control group.

    It is a z-test, or Welch's t-test below 100 degrees of freedom.

    Args:
        test: The test group.
        control: The control group.
        alpha: The significance level; intervals have the confidence `1 - alpha`.
        side: The alternative.
        relative: The method of the relative interval.
    """
    delta, variance = test.mean - control.mean, test.variance + control.variance
    has_test = variance > 0 and min(test.units, control.units) > 1
    degrees = _degrees_of_freedom(test, control) if has_test else None
    critical = _critical_value(alpha, side, degrees)
    sequential = _sequential_critical_value(test, control, alpha, side) if has_test else None
    z = delta / sqrt(variance) if has_test else 0.0
    return Difference(
        delta=delta,
        standard_error=sqrt(variance),
        degrees_of_freedom=degrees,
        interval=_around(delta, critical * sqrt(variance), side) if has_test else None,
        p_value=_p_value(z, side, degrees) if has_test else None,
        relative_delta=_relative_delta(delta, control),
        relative_interval=(
            relative_interval(test, control, critical, side, relative) if has_test else None
        ),
        sequential_interval=(
            None if sequential is None else _around(delta, sequential * sqrt(variance), side)
        ),
        sequential_relative_interval=(
            None
            if sequential is None
            else relative_interval(test, control, sequential, side, relative)
        ),
        sequential_p_value=(
            None
            if sequential is None
            else _p_value(z * _critical_value(alpha, side, None) / sequential, side, None)
        ),
    )


def relative_interval(
    test: Estimate, control: Estimate, critical: float, side: Side, method: RelativeMethod
) -> Interval | None:
    """Return the interval of the relative difference, as a fraction.

    Args:
        test: The test group.
        control: The control group.
        critical: The number of standard errors on each side.
        side: The alternative.
        method: Fieller's theorem, the delta method, or the delta method with a fixed denominator.

    Returns:
        None if the mean of the control group is not positive or, with Fieller's theorem, not
        significantly different from zero.
    """
    if _relative_delta(test.mean - control.mean, control) is None:
        return None
    ratio = test.mean / control.mean
    if method == "simplified":
        width = critical * sqrt(test.variance + control.variance) / control.mean
        return _around(ratio - 1, width, side)
    if method == "delta":
        width = critical / control.mean * sqrt(ratio**2 * control.variance + test.variance)
        return _around(ratio - 1, width, side)
    errors = critical * control.standard_error / control.mean
    g = errors * errors
    if g >= 1:
        return None
    width = critical / control.mean * sqrt(ratio**2 * control.variance + (1 - g) * test.variance)
    return _around(ratio / (1 - g) - 1, width / (1 - g), side)


def compare_to_value(
    estimate: Estimate, value: float, *, alpha: float = 0.05, side: Side = "two"
) -> Difference:
    """Compare one group with a fixed value, such as a target."""
    fixed = Estimate(units=estimate.units, mean=value, variance=0.0)
    return compare(estimate, fixed, alpha=alpha, side=side, relative="simplified")


def topline_impact(delta: float, test_units: int, days: int) -> float:
    """Return the effect on the total of a count or a sum, per day.

    Args:
        delta: The difference of the means.
        test_units: The number of units in the test group.
        days: The duration of the measurement.
    """
    return delta * test_units / days


def _relative_delta(delta: float, control: Estimate) -> float | None:
    # A mean that is a rounding error gives a ratio that overflows when it is squared.
    if control.mean <= 0 or abs(delta / control.mean) > _MAX_RATIO:
        return None
    return delta / control.mean


def _degrees_of_freedom(test: Estimate, control: Estimate) -> float | None:
    v_test, v_control = _scaled_variances(test, control)
    degrees = (v_test + v_control) ** 2 / (
        v_test**2 / (test.units - 1) + v_control**2 / (control.units - 1)
    )
    return degrees if degrees < WELCH_BELOW else None


def _critical_value(alpha: float, side: Side, degrees: float | None) -> float:
    probability = 1 - alpha / 2 if side == "two" else 1 - alpha
    if degrees is None:
        return normal_quantile(probability)
    return student_quantile(probability, degrees)


def _sequential_critical_value(
    test: Estimate, control: Estimate, alpha: float, side: Side
) -> float | None:
    tail = alpha / 2 if side == "two" else alpha
    v_test, v_control = _scaled_variances(test, control)
    variance = v_test + v_control
    spread = v_test * test.units + v_control * control.units
    tau = normal_quantile(1 - tail) ** 2 * spread / (test.units + control.units)
    if not tau:  # alpha is one half
        return None
    return sqrt((variance + tau) / tau * (-2 * log(tail) - log(variance / (variance + tau))))


def _scaled_variances(test: Estimate, control: Estimate) -> tuple[float, float]:
    """Return the variances in units of the larger one; products of tiny ones would underflow."""
    largest = max(test.variance, control.variance)
    return test.variance / largest, control.variance / largest


def _p_value(z: float, side: Side, degrees: float | None) -> float:
    def below(value: float) -> float:
        return normal_cdf(value) if degrees is None else student_cdf(value, degrees)

    if side == "two":
        return 2 * below(-abs(z))
    return below(-z if side == "greater" else z)


def _around(center: float, width: float, side: Side) -> Interval:
    return Interval(
        low=None if side == "less" else center - width,
        high=None if side == "greater" else center + width,
    )
