"""Checks of an experiment: the split, crossovers, and an account of every record."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from attrs import asdict, frozen

from .distributions import chi_squared_tail

Level: TypeAlias = Literal["ok", "warning", "alarm"]

_WARNING: Final = 0.01
_ALARM: Final = 0.001
_SMALL_DEVIATION: Final = 0.001
MAX_CROSSOVER_RATE: Final = 0.01
"""Statsig recommends to investigate a higher rate."""


@frozen(kw_only=True)
class SampleRatio:
    """The test of the numbers of units against the planned split."""

    units: Mapping[str, int]
    expected: Mapping[str, float]
    """The numbers of units that the planned split gives."""
    chi_squared: float
    p_value: float
    level: Level
    """`alarm` for a p-value below 0.001 and a deviation of a share of at least 0.1 %, `warning` for
    a p-value below 0.01."""


@frozen(kw_only=True)
class Account:
    """The number of records by outcome. Every record has exactly one outcome."""

    exposures: int = 0
    """Exposures of the units of the result; the first one of each unit counts."""
    events: int = 0
    """Events after the exposure, which metrics count if they meet their conditions."""
    other_exposures: int = 0
    """Exposures to other experiments, configs and gates."""
    other_events: int = 0
    """Events that no metric names."""
    before_exposure: int = 0
    unexposed_units: int = 0
    """Events of units that were not exposed to the experiment."""
    not_in_group: int = 0
    """Exposures by a rule that is not a group, such as targeting, allocation or a holdout."""
    overrides: int = 0
    """Exposures by an override."""
    overridden_units: int = 0
    """Records of units whose first exposure was by an override."""
    crossover_units: int = 0
    """Records of units that were exposed to several groups and are dropped."""
    without_unit_id: int = 0
    """Records without an ID of the experiment's type."""
    other_environment: int = 0
    outside_period: int = 0
    """Records before the start or after the end of the analysis."""
    implausible_time: int = 0
    """Records without a time, before the year 2000, or more than a day in the future."""
    invalid: int = 0
    """Lines that are not events."""
    blank: int = 0
    """Lines without content."""

    @property
    def total(self) -> int:
        """The sum of all counts, which equals `Health.read`."""
        return sum(self.to_dict().values())

    def to_dict(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


@frozen(kw_only=True)
class Health:
    """Checks of an experiment."""

    units: Mapping[str, int]
    """The number of units of each group."""
    sample_ratio: SampleRatio | None
    """None without a planned split or units."""
    crossovers: int
    """The number of units that were exposed to several groups."""
    crossover_rate: float
    """Their share among all units."""
    overridden: int
    """The number of units that are excluded because their first exposure was by an override."""
    read: int
    """The number of records that were read."""
    account: Account
    errors: tuple[str, ...]
    """The first invalid lines of files, each with the reason."""
    warnings: tuple[str, ...]
    """Problems to examine before reading the result."""


def sample_ratio(
    units: Mapping[str, int], planned: Mapping[str, float | None]
) -> SampleRatio | None:
    """Test the numbers of units against the planned split.

    Args:
        units: The number of units of each group.
        planned: The planned share of each group, in any unit.

    Returns:
        None without units, or if a planned share is unknown.
    """
    shares = {name: share for name, share in planned.items() if share is not None}
    total = sum(units.get(name, 0) for name in planned)
    if not total or len(shares) < len(planned):
        return None
    whole = sum(shares.values())
    expected = {name: total * share / whole for name, share in shares.items()}
    observed = {name: units.get(name, 0) for name in shares}
    statistic = sum((observed[name] - count) ** 2 / count for name, count in expected.items())
    p_value = chi_squared_tail(statistic, len(shares) - 1)
    deviation = max(abs(observed[name] - count) / total for name, count in expected.items())
    level: Level = "ok"
    if p_value < _WARNING:
        is_large = p_value < _ALARM and deviation >= _SMALL_DEVIATION
        level = "alarm" if is_large else "warning"
    return SampleRatio(
        units=observed, expected=expected, chi_squared=statistic, p_value=p_value, level=level
    )
