"""Options of analyses."""

from datetime import datetime
from typing import Final, Literal, TypeAlias, get_args

from attrs import Attribute, field, frozen

from .._errors import ConfigurationError
from .._validators import boolean, one_of
from .corrections import BenjaminiHochberg, Bonferroni
from .statistics import RelativeMethod, Side

Join: TypeAlias = Literal["timestamp", "date"]
Crossover: TypeAlias = Literal["drop", "keep"]

DAY: Final = 86_400_000
"""A day in milliseconds."""
DATE_OFFSET: Final = 8 * 3_600_000
"""Days of Statsig begin at 00:00 of UTC-8, all year."""
FIRST_TIME: Final = 946_684_800_000
"""The year 2000; an earlier time has the wrong unit, or comes from a wrong clock."""


def _check_alpha(_: object, __: object, value: float) -> None:
    if not 0 < value < 0.5:
        raise ConfigurationError(f"alpha: expected a fraction below 0.5, got {value}")


def _check_time(_: object, attribute: "Attribute[datetime | None]", value: datetime | None) -> None:
    if value is not None and value.tzinfo is None:
        raise ConfigurationError(f"{attribute.name}: expected a time with a time zone, got {value}")


@frozen(kw_only=True)
class LiftOptions:
    """Options of `analyze`.

    Raises:
        ConfigurationError: A value is out of range.
    """

    alpha: float = field(default=0.05, validator=_check_alpha)
    """The significance level; intervals have the confidence 1 - alpha."""
    side: Side = field(default="two", validator=one_of(*get_args(Side)))
    """The alternative: any difference, a greater mean of the test group, or a smaller one."""
    relative: RelativeMethod = field(default="fieller", validator=one_of(*get_args(RelativeMethod)))
    """The method of the interval of the relative difference."""
    join: Join = field(default="timestamp", validator=one_of(*get_args(Join)))
    """Events that count: from the time of the first exposure on, or from its date on."""
    crossover: Crossover = field(default="drop", validator=one_of(*get_args(Crossover)))
    """Units that were exposed to several groups: drop them, or keep them in each group."""
    environment: str | None = "production"
    """The environment of exposures and events; records without one count as production. None
    analyzes all environments."""
    cuped: bool = field(default=False, validator=boolean)
    """Reduce the variance by the values of the 7 days before the exposure of each unit."""
    by_day: bool = field(default=False, validator=boolean)
    """Also compute the cumulative results at the end of each day."""
    correction: Bonferroni | BenjaminiHochberg | None = None
    """The correction for several comparisons."""
    start: datetime | None = field(default=None, validator=_check_time)
    """Exposures and events before this time are excluded."""
    end: datetime | None = field(default=None, validator=_check_time)
    """Exposures and events from this time on are excluded."""
