"""Sizes of experiments."""

from math import ceil, sqrt
from typing import Final

from attrs import frozen

from .distributions import normal_quantile
from .errors import LiftError
from .statistics import Side

METHOD: Final = "z-test of two means with unpooled variances"


@frozen(kw_only=True)
class SampleSize:
    """The size of an experiment that detects an effect."""

    control_units: int
    test_units: int
    """The number of units of each test group."""
    units: int
    """The number of units of all groups."""
    days: int | None
    """Days until so many units are exposed; None without a number of units per day."""
    method: str


def sample_size(
    baseline: float,
    effect: float,
    *,
    deviation: float | None = None,
    relative: bool = True,
    alpha: float = 0.05,
    power: float = 0.8,
    side: Side = "two",
    test_groups: int = 1,
    control_share: float | None = None,
    units_per_day: float | None = None,
) -> SampleSize:
    """Return how many units an experiment needs.

    Args:
        baseline: The mean of the control group, such as the share of users who purchase.
        effect: The smallest effect to detect: a fraction of the baseline, or a difference.
        deviation: The standard deviation of the values of units. None for a share of users, whose
            deviation follows from the mean.
        relative: Whether `effect` is a fraction of the baseline.
        alpha: The significance level.
        power: The probability to detect the effect.
        side: The alternative.
        test_groups: The number of test groups, which are equally large.
        control_share: The share of units in the control group. None for equal groups.
        units_per_day: New units per day, in all groups.

    Raises:
        LiftError: An argument is out of range.
    """
    _check_fractions(alpha=alpha, power=power, control_share=control_share)
    if test_groups < 1:
        raise LiftError(f"test_groups: expected at least 1, got {test_groups}")
    if units_per_day is not None and units_per_day <= 0:
        raise LiftError(f"units_per_day: expected a positive number, got {units_per_day}")
    difference = effect * baseline if relative else effect
    if not difference:
        raise LiftError("effect: expected a difference, got 0; pass the smallest effect to detect")
    control, test = _variances(baseline, baseline + difference, deviation)
    share = control_share or 1 / (test_groups + 1)
    times = (1 - share) / test_groups / share
    z = _z(alpha, side) + normal_quantile(power)
    control_units = z**2 * (control + test / times) / difference**2
    control_units, test_units = ceil(control_units), ceil(control_units * times)
    units = control_units + test_groups * test_units
    return SampleSize(
        control_units=control_units,
        test_units=test_units,
        units=units,
        days=None if units_per_day is None else ceil(units / units_per_day),
        method=METHOD,
    )


def detectable_effect(
    baseline: float,
    deviation: float,
    control_units: int,
    test_units: int,
    *,
    alpha: float = 0.05,
    power: float = 0.8,
    side: Side = "two",
) -> float:
    """Return the smallest relative effect that groups of a given size detect, as a fraction.

    Args:
        baseline: The mean of the control group.
        deviation: The standard deviation of the values of units, in both groups.
        control_units: The number of units of the control group.
        test_units: The number of units of the test group.
        alpha: The significance level.
        power: The probability to detect the effect.
        side: The alternative.

    Raises:
        LiftError: An argument is out of range.
    """
    _check_fractions(alpha=alpha, power=power)
    if baseline <= 0 or deviation <= 0 or min(control_units, test_units) < 1:
        raise LiftError("detectable_effect: expected positive numbers")
    error = deviation * sqrt(1 / control_units + 1 / test_units)
    return (_z(alpha, side) + normal_quantile(power)) * error / baseline


def _z(alpha: float, side: Side) -> float:
    return normal_quantile(1 - alpha / 2 if side == "two" else 1 - alpha)


def _variances(control: float, test: float, deviation: float | None) -> tuple[float, float]:
    if deviation is None:
        if not (0 < control < 1 and 0 <= test <= 1):
            raise LiftError(
                f"baseline: expected shares of users between 0 and 1, got {control:g} and "
                f"{test:g} with the effect; pass the standard deviation of other metrics"
            )
        return control * (1 - control), test * (1 - test)
    if deviation <= 0:
        raise LiftError(f"deviation: expected a positive number, got {deviation}")
    return deviation**2, deviation**2


def _check_fractions(**fractions: float | None) -> None:
    for name, value in fractions.items():
        if value is not None and not 0 < value < 1:
            raise LiftError(f"{name}: expected a fraction between 0 and 1, got {value}")
