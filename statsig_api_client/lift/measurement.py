"""Measurement of metrics: the values of units become moments of each group."""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, frexp, ldexp

from attrs import frozen

from .definition import Definition
from .engines import number_of, sql_double
from .metrics import Metric
from .moments import Moments, moments_from_sums


@frozen
class Measurement:
    """The moments of a metric in all groups."""

    metric: Metric
    groups: Mapping[str, Moments]
    caps: tuple[float | None, ...]
    covered: int
    """The number of units with a value before their exposure."""

    @property
    def is_ratio(self) -> bool:
        """Whether the metric has a denominator."""
        return len(self.metric.components) == 2


def measure(definition: Definition, metric: Metric) -> Measurement:
    """Compute the moments of a metric from the table `lift_values`."""
    indexes = [definition.components.index(one) for one in metric.components]
    caps = [
        None if component.winsorize is None else _cap(definition, f"v{index}", component.winsorize)
        for index, component in zip(indexes, metric.components, strict=True)
    ]
    values = [_capped(f"v{index}", cap) for index, cap in zip(indexes, caps, strict=True)]
    if definition.cuped:
        values += [_capped(f"c{index}", cap) for index, cap in zip(indexes, caps, strict=True)]
    denominator = f"v{indexes[1]}" if len(indexes) > 1 else None
    # Of each group: the variance of values near ten million would be wrong around another mean.
    centers = {
        str(group): [_short(number_of(average)) for average in averages]
        for group, *averages in definition.engine.rows(
            definition.centers(values, denominator=denominator)
        )
    }
    groups: dict[str, Moments] = {}
    covered = 0
    if not centers:
        return Measurement(metric, groups, tuple(caps), covered)
    for group, units, covering, *sums in definition.engine.rows(
        definition.sums(values, centers, denominator=denominator)
    ):
        size = len(values)
        totals = [number_of(one) for one in sums]
        groups[str(group)] = moments_from_sums(
            int(number_of(units)), centers[str(group)], totals[:size], totals[size:]
        )
        covered += int(number_of(covering))
    return Measurement(metric, groups, tuple(caps), covered)


def _cap(definition: Definition, column: str, percentile: float) -> float | None:
    """Return the percentile of the unit values that are not zero, by the nearest rank."""
    ((count,),) = definition.engine.rows(definition.nonzero(column))
    if not count:
        return None
    # Fractions are exact: 0.999 of 1,000 must be rank 999.
    rank = ceil(Fraction(str(percentile)) * int(count))
    ((cap,),) = definition.engine.rows(definition.from_top(column, int(count) - rank))
    return number_of(cap)


def _capped(column: str, cap: float | None) -> str:
    if cap is None:
        return column
    return f"CASE WHEN {column} > {sql_double(cap)} THEN {sql_double(cap)} ELSE {column} END"


def _short(number: float) -> float:
    """Return a number with 24 significant bits, so that its difference from integers is exact."""
    mantissa, exponent = frexp(number)
    return ldexp(round(ldexp(mantissa, 24)), exponent - 24)
