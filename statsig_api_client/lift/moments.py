"""Means and covariances of the unit values of a group."""

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

Matrix: TypeAlias = tuple[tuple[float, ...], ...]


@frozen(kw_only=True)
class Moments:
    """Means and sample covariances of several values of each unit of a group."""

    units: int
    means: tuple[float, ...]
    covariances: Matrix
    """Covariances with the divisor `units - 1`; zero for fewer than two units."""


def moments_from_sums(
    units: int, shift: Sequence[float], sums: Sequence[float], products: Sequence[float]
) -> Moments:
    """Return the moments for sums of shifted values.

    A constant near the mean is subtracted from every value: without it, sums of squares cancel,
    and the variance of values near 10 million that differ by 0.1 would be negative.

    Args:
        units: The number of units.
        shift: The constants that were subtracted.
        sums: The sums of the shifted values.
        products: The sums of their products: of the first with the first, the first with the
            second, and so on; then of the second with the second.
    """
    size = len(shift)
    means = tuple(center + total / units for center, total in zip(shift, sums, strict=True))
    covariances = [[0.0] * size for _ in range(size)]
    remaining = iter(products)
    for row in range(size):
        for column in range(row, size):
            product = next(remaining)
            if units > 1:
                centered = product - sums[row] * sums[column] / units
                covariances[row][column] = covariances[column][row] = centered / (units - 1)
    return Moments(units=units, means=means, covariances=tuple(map(tuple, covariances)))


def moments_of(*columns: Sequence[float]) -> Moments:
    """Return the moments of values in memory.

    Args:
        columns: One value per unit; for a ratio, a column of numerators and one of denominators.

    Raises:
        ValueError: The columns are empty, or have different lengths.
    """
    units = len(columns[0]) if columns else 0
    if not units or any(len(column) != units for column in columns):
        raise ValueError("columns: expected at least one value, and the same number in each column")
    shift = [column[0] for column in columns]
    shifted = [
        [value - center for value in column] for column, center in zip(columns, shift, strict=True)
    ]
    products = [
        sum(x * y for x, y in zip(shifted[row], shifted[column], strict=True))
        for row in range(len(columns))
        for column in range(row, len(columns))
    ]
    return moments_from_sums(units, shift, [sum(column) for column in shifted], products)
