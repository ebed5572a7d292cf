"""Corrections of the significance level for several comparisons."""

from collections.abc import Sequence

from attrs import field, frozen

from .errors import LiftError


def _check_share(_: object, __: object, value: float) -> None:
    if not 0 < value < 1:
        raise LiftError(f"primary_share: expected a fraction between 0 and 1, got {value}")


@frozen(kw_only=True)
class Bonferroni:
    """Bonferroni's correction.

    Raises:
        LiftError: The share is not between 0 and 1.
    """

    variants: bool = True
    """Divide alpha by the number of test groups."""
    metrics: bool = False
    """Divide alpha among the metrics."""
    primary: Sequence[str] = ()
    """Names of primary metrics, which divide `primary_share` of alpha. Others divide the rest."""
    primary_share: float = field(default=0.5, validator=_check_share)
    """The fraction of alpha for primary metrics."""


@frozen(kw_only=True)
class BenjaminiHochberg:
    """The Benjamini-Hochberg procedure, which controls the share of false discoveries."""

    by_metric: bool = False
    """Correct over the test groups of each metric."""
    by_group: bool = False
    """Correct over the metrics of each test group."""


def bonferroni_alpha(
    alpha: float, *, variants: int = 1, metrics: int = 1, share: float = 1.0
) -> float:
    """Return the significance level of one comparison.

    Args:
        alpha: The level of all comparisons together.
        variants: The number of test groups.
        metrics: The number of metrics that divide `share`.
        share: The fraction of alpha for these metrics.
    """
    return alpha * share / metrics / variants


def benjamini_hochberg_alpha(p_values: Sequence[float], alpha: float) -> float:
    """Return the significance level of each comparison.

    The level is the largest threshold `alpha * rank / number` that is not below the p-value of its
    rank, or the smallest threshold if no comparison is significant.

    Args:
        p_values: The p-values of the comparisons.
        alpha: The accepted share of false discoveries.
    """
    count = len(p_values)
    ranks = [rank for rank, p in enumerate(sorted(p_values), 1) if p <= alpha * rank / count]
    return alpha * max(ranks, default=1) / max(count, 1)
