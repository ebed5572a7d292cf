"""Results of analyses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from attrs import frozen

from .._runtime.parsers import JsonValue
from .errors import LiftError
from .experiment import Experiment
from .health import Health
from .options import LiftOptions
from .statistics import Difference, Estimate, Interval, RelativeMethod, Side, topline_impact

_DIFFERENCE_COLUMNS: Final = (
    *("abs_delta", "abs_stderr", "z_score", "p_value", "degrees_of_freedom", "abs_interval"),
    *("rel_delta", "rel_interval"),
    *("sequential_p_value", "sequential_interval", "sequential_rel_interval"),
)


@frozen(kw_only=True)
class LiftResult:
    """The difference of a metric between a test group and the control group."""

    experiment: str
    metric: str
    group: str
    control_group: str
    test: Estimate | None
    """The estimate of the test group; None without units."""
    control: Estimate | None
    difference: Difference | None
    """None without units in one of the groups."""
    alpha: float
    """The significance level of this comparison, after a correction."""
    side: Side
    relative_method: RelativeMethod
    cuped: bool
    """Whether the estimates were adjusted by the values before the exposure."""
    winsorized_at: tuple[float | None, ...]
    """The value to which higher unit values were set, for each component of the metric."""
    is_complete: bool
    """Whether the planned number of units is reached, so that `difference.interval` decides."""
    notes: tuple[str, ...] = ()
    """Reasons for values that are None."""

    @property
    def is_significant(self) -> bool:
        """Whether the p-value is below alpha: the sequential one until the planned size."""
        if self.difference is None:
            return False
        p_value = (
            self.difference.p_value if self.is_complete else self.difference.sequential_p_value
        )
        return p_value is not None and p_value < self.alpha

    def topline_impact(self, days: int) -> float:
        """Return the effect on the total of a count or a sum, per day.

        Args:
            days: The duration of the measurement.

        Raises:
            LiftError: The groups have no units.
        """
        if self.difference is None or self.test is None:
            raise LiftError(f"{self.metric}: expected units in both groups, got none")
        return topline_impact(self.difference.delta, self.test.units, days)

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the result in JSON, with the column names of Statsig's Pulse Summary."""
        return {
            "name": self.experiment,
            "metric_name": self.metric,
            "experiment_group": self.group,
            "control_group": self.control_group,
            **_estimate_columns("test", self.test),
            **_estimate_columns("ctrl", self.control),
            **_difference_columns(self.difference),
            "rel_method": self.relative_method,
            "alpha": self.alpha,
            "side": self.side,
            "cuped": self.cuped,
            "winsorized_at": list(self.winsorized_at),
            "is_complete": self.is_complete,
            "is_significant": self.is_significant,
            "notes": list(self.notes),
        }


@frozen(kw_only=True)
class DailyResults:
    """The cumulative results at the end of a day."""

    end: datetime
    """The end of the day, in UTC."""
    results: tuple[LiftResult, ...]


@frozen(kw_only=True, repr=False)
class LiftReport:
    """Result of `analyze`: one result per metric and test group, and the checks.

    Its string is a table with a chart of the intervals; notebooks show it as HTML.
    """

    experiment: Experiment
    options: LiftOptions
    results: tuple[LiftResult, ...]
    health: Health
    days: tuple[DailyResults, ...]
    """The cumulative results by day, with the option `by_day`."""

    def result(self, metric: str, group: str | None = None) -> LiftResult:
        """Return the result of a metric.

        Args:
            metric: The name of the metric.
            group: The test group; None for the only one.

        Raises:
            LiftError: The report does not contain the result.
        """
        return find_result(self.results, metric, group)

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the report in JSON."""
        health = self.health
        ratio = health.sample_ratio
        return {
            "experiment": self.experiment.name,
            "control_group": self.experiment.control,
            "results": [result.to_dict() for result in self.results],
            "health": {
                "units": dict(health.units),
                "sample_ratio": None
                if ratio is None
                else {
                    "chi_squared": ratio.chi_squared,
                    "p_value": ratio.p_value,
                    "level": ratio.level,
                },
                "crossovers": health.crossovers,
                "crossover_rate": health.crossover_rate,
                "overridden": health.overridden,
                "read": health.read,
                "account": dict(health.account.to_dict()),
                "errors": list(health.errors),
                "warnings": list(health.warnings),
            },
            "days": [
                {
                    "end": day.end.isoformat(),
                    "results": [result.to_dict() for result in day.results],
                }
                for day in self.days
            ],
        }

    def __str__(self) -> str:
        """Return a table."""
        from .text import report_text

        return report_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .text import report_html

        return report_html(self)


def find_result(results: Sequence[LiftResult], metric: str, group: str | None) -> LiftResult:
    """Return the result of a metric and a group.

    Raises:
        LiftError: No result matches, or several match.
    """
    found = [
        result
        for result in results
        if result.metric == metric and (group is None or result.group == group)
    ]
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{result.metric} of {result.group}" for result in results)
    raise LiftError(
        f"result: expected one of {known}, got {metric}{'' if group is None else f' of {group}'}"
    )


def _estimate_columns(prefix: str, estimate: Estimate | None) -> dict[str, JsonValue]:
    return {
        f"{prefix}_units": 0 if estimate is None else estimate.units,
        f"{prefix}_mean": None if estimate is None else estimate.mean,
        f"{prefix}_stderr": None if estimate is None else estimate.standard_error,
    }


def _difference_columns(difference: Difference | None) -> dict[str, JsonValue]:
    if difference is None:
        return dict.fromkeys(_DIFFERENCE_COLUMNS)
    error = difference.standard_error
    values: tuple[JsonValue, ...] = (
        difference.delta,
        error,
        difference.delta / error if error else None,
        difference.p_value,
        difference.degrees_of_freedom,
        _bounds(difference.interval),
        difference.relative_delta,
        _bounds(difference.relative_interval),
        difference.sequential_p_value,
        _bounds(difference.sequential_interval),
        _bounds(difference.sequential_relative_interval),
    )
    return dict(zip(_DIFFERENCE_COLUMNS, values, strict=True))


def _bounds(interval: Interval | None) -> JsonValue:
    return None if interval is None else [interval.low, interval.high]
