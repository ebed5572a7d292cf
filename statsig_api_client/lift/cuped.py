"""CUPED: variance reduction by the values of units before their exposure."""

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from .moments import Moments
from .statistics import Estimate

_MIN_UNITS: Final = 100
_MIN_SHARE: Final = 0.05
"""Statsig requires more than 100 units, and values before exposure for more than 5 % of them."""


@frozen
class _Linear:
    """A mean or a ratio as a linear function of the values of a unit."""

    value: float
    weights: tuple[float, ...]


def adjust(
    groups: Mapping[str, Moments], units_with_covariate: int, *, is_ratio: bool
) -> dict[str, Estimate] | None:
    """Return estimates whose variance is reduced by the covariate.

    Args:
        groups: Moments of each group: of the metric, then of the same metric before exposure.
        units_with_covariate: The number of units with a value before their exposure.
        is_ratio: Whether both are a numerator and a denominator.

    Returns:
        None if too few units have values before their exposure, or the variance does not fall.
    """
    total = sum(moments.units for moments in groups.values())
    if total <= _MIN_UNITS or units_with_covariate <= _MIN_SHARE * total:
        return None
    half = 2 if is_ratio else 1
    metrics: dict[str, _Linear] = {}
    covariates: dict[str, _Linear] = {}
    for name, moments in groups.items():
        metric = _linear(moments.means[:half])
        covariate = _linear(moments.means[half:])
        if metric is None or covariate is None:
            return None
        metrics[name], covariates[name] = metric, covariate
    covariance = variance = 0.0
    for name, moments in groups.items():
        weight = moments.units - 1
        before = covariates[name].weights
        covariance += weight * _product(moments, 0, metrics[name].weights, half, before)
        variance += weight * _product(moments, half, before, half, before)
    center = _linear(_pooled_means(groups, half))
    if not variance or not covariance or center is None:
        return None
    theta = covariance / variance
    return {
        name: _adjusted(moments, metrics[name], covariates[name], theta, center.value)
        for name, moments in groups.items()
    }


def _adjusted(
    moments: Moments, metric: _Linear, covariate: _Linear, theta: float, center: float
) -> Estimate:
    weights = (*metric.weights, *(-theta * weight for weight in covariate.weights))
    variance = _product(moments, 0, weights, 0, weights)
    return Estimate(
        units=moments.units,
        mean=metric.value - theta * (covariate.value - center),
        variance=max(variance, 0.0) / moments.units,
    )


def _linear(means: tuple[float, ...]) -> _Linear | None:
    if len(means) == 1:
        return _Linear(means[0], (1.0,))
    numerator, denominator = means
    if not denominator:
        return None
    ratio = numerator / denominator
    return _Linear(ratio, (1 / denominator, -ratio / denominator))


def _pooled_means(groups: Mapping[str, Moments], half: int) -> tuple[float, ...]:
    """Return the means of the covariate in all groups together."""
    total = sum(moments.units for moments in groups.values())
    return tuple(
        sum(moments.means[index] * moments.units for moments in groups.values()) / total
        for index in range(half, 2 * half)
    )


def _product(
    moments: Moments,
    row: int,
    row_weights: tuple[float, ...],
    column: int,
    column_weights: tuple[float, ...],
) -> float:
    return sum(
        first * second * moments.covariances[row + i][column + j]
        for i, first in enumerate(row_weights)
        for j, second in enumerate(column_weights)
    )
