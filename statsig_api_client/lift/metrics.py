"""Metrics: the values of each unit of an experiment."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import isfinite
from typing import Final, Literal, Protocol, TypeAlias, cast, get_args

import attrs
from attrs import frozen

from .errors import LiftError

Operator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]

WINSORIZE: Final = 0.999
"""Statsig's default percentile for counts and sums."""

_FIELD: Final = re.compile(r"[^\"'\\\[\]\x00-\x1f]{1,100}")
_CONDITION: Final = re.compile(r"([^<>=!]+?)\s*(!=|<=|>=|=|<|>)\s*(.*)")
_NUMBER: Final = re.compile(r"-?\d{1,30}(\.\d{1,30})?")
_PART: Final = re.compile(
    r"(?P<event>[^\[\]]+?)(\[(?P<where>[^\[\]]*)\])?:(?P<kind>count|sum|mean|users)(:(?P<field>.+))?"
)
_RATIO: Final = re.compile(r"(.+?:(?:count|sum|users)(?::[^/]+)?)/(.+)")


def _check_event(_: object, __: object, value: str) -> None:
    if not isinstance(cast("object", value), str) or not value:
        raise LiftError(f"event: expected the name of an event, got {value!r}")


def _check_field(_: object, __: object, value: str) -> None:
    if not isinstance(cast("object", value), str) or not _FIELD.fullmatch(value):
        raise LiftError(f"field: expected `value` or a key of the metadata, got {value!r}")


def _check_winsorize(_: object, __: object, value: float | None) -> None:
    if value is not None and not 0.5 < value < 1:
        raise LiftError(f"winsorize: expected a fraction between 0.5 and 1, got {value!r}")


def _check_window(_: object, __: object, value: tuple[float, float] | None) -> None:
    if value is not None and not 0 <= value[0] < value[1] < 10_000:
        raise LiftError(f"window: expected days such as (0, 7), got {value!r}")


def _check_operator(_: object, __: object, operator: str) -> None:
    if operator not in get_args(Operator):
        expected = ", ".join(get_args(Operator))
        raise LiftError(f"where: expected one of {expected}, got {operator!r}")


def _check_value(_: object, __: object, value: str | float) -> None:
    if isinstance(value, bool) or not isinstance(cast("object", value), str | int | float):
        raise LiftError(f"where: expected a string or a number, got {value!r}")
    if not isinstance(value, str) and not isfinite(value):
        raise LiftError(f"where: expected a finite number, got {value!r}")


def _window(value: float | tuple[float, float] | None) -> tuple[float, float] | None:
    return (0.0, value) if isinstance(value, int | float) else value


@frozen
class Where:
    """A condition on the events that a metric counts.

    Args:
        field: `value`, or a key of the metadata.
        operator: The comparison.
        value: A number compares numbers, and a string compares strings.

    Raises:
        LiftError: An argument is invalid.
    """

    field: str = attrs.field(validator=_check_field)
    operator: Operator = attrs.field(validator=_check_operator)
    value: str | float = attrs.field(validator=_check_value)

    def __str__(self) -> str:
        """Return the condition as the command line accepts it."""
        value = self.value if isinstance(self.value, str) else f"{self.value:.15g}"
        return f"{self.field}{self.operator}{value}"


def _conditions(where: Where | Sequence[Where]) -> tuple[Where, ...]:
    return (where,) if isinstance(where, Where) else tuple(where)


Aggregation: TypeAlias = Literal["count", "sum", "users", "values"]


@frozen(kw_only=True)
class Component:
    """A value of each unit: the numerator or the denominator of a metric."""

    aggregation: Aggregation
    event: str
    field: str = "value"
    where: tuple[Where, ...] = ()
    window: tuple[float, float] | None = None
    winsorize: float | None = None

    @property
    def fields(self) -> set[str]:
        """The keys of the metadata that the component reads."""
        names = {condition.field for condition in self.where}
        if self.aggregation in {"sum", "values"}:
            names.add(self.field)
        return names - {"value"}


class Metric(Protocol):
    """A metric."""

    @property
    def name(self) -> str:
        """The name, as the command line accepts it."""
        ...

    @property
    def components(self) -> tuple[Component, ...]:
        """The value of a unit, or a numerator and a denominator."""
        ...


@frozen
class EventMetric(ABC):
    """A metric of the events with one name.

    Raises:
        LiftError: An argument is invalid.
    """

    event: str = attrs.field(validator=_check_event)
    """The name of the event."""
    where: tuple[Where, ...] = attrs.field(default=(), converter=_conditions, kw_only=True)
    """Conditions that the events must meet."""
    window: tuple[float, float] | None = attrs.field(
        default=None, converter=_window, validator=_check_window, kw_only=True
    )
    """Days after the exposure, such as 7 or `(1, 8)`; None for all."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name, as the command line accepts it."""

    @property
    @abstractmethod
    def components(self) -> tuple[Component, ...]:
        """The value of a unit, or a numerator and a denominator."""

    def _component(
        self,
        aggregation: Aggregation,
        *,
        field: str = "value",
        winsorize: float | None = None,
    ) -> Component:
        return Component(
            aggregation=aggregation,
            event=self.event,
            field=field,
            where=self.where,
            window=self.window,
            winsorize=winsorize,
        )


def _name(metric: EventMetric, kind: str, field: str = "value") -> str:
    conditions = f"[{','.join(map(str, metric.where))}]" if metric.where else ""
    return f"{metric.event}{conditions}:{kind}" + ("" if field == "value" else f":{field}")


@frozen
class EventCount(EventMetric):
    """The number of events per unit."""

    winsorize: float | None = attrs.field(
        default=WINSORIZE, validator=_check_winsorize, kw_only=True
    )
    """The percentile of non-zero unit values to which higher ones are set; None keeps them."""

    @property
    def name(self) -> str:
        """The name, as the command line accepts it."""
        return _name(self, "count")

    @property
    def components(self) -> tuple[Component, ...]:
        """The number of events."""
        return (self._component("count", winsorize=self.winsorize),)


@frozen
class Sum(EventMetric):
    """The sum of a number in the events of a unit. Strings that are numbers count as numbers."""

    field: str = attrs.field(default="value", validator=_check_field)
    """`value`, or a key of the metadata."""
    winsorize: float | None = attrs.field(
        default=WINSORIZE, validator=_check_winsorize, kw_only=True
    )
    """The percentile of non-zero unit values to which higher ones are set; None keeps them."""

    @property
    def name(self) -> str:
        """The name, as the command line accepts it."""
        return _name(self, "sum", self.field)

    @property
    def components(self) -> tuple[Component, ...]:
        """The sum."""
        return (self._component("sum", field=self.field, winsorize=self.winsorize),)


@frozen
class Users(EventMetric):
    """The share of units with at least one event."""

    @property
    def name(self) -> str:
        """The name, as the command line accepts it."""
        return _name(self, "users")

    @property
    def components(self) -> tuple[Component, ...]:
        """One for a unit with an event, and zero for others."""
        return (self._component("users"),)


@frozen
class Mean(EventMetric):
    """The mean of a number over all events of a group, which is a ratio of two sums."""

    field: str = attrs.field(default="value", validator=_check_field)
    """`value`, or a key of the metadata."""

    @property
    def name(self) -> str:
        """The name, as the command line accepts it."""
        return _name(self, "mean", self.field)

    @property
    def components(self) -> tuple[Component, ...]:
        """The sum of the values, and their number."""
        return (
            self._component("sum", field=self.field),
            self._component("values", field=self.field),
        )


def _check_part(_: object, __: object, value: EventCount | Sum | Users) -> None:
    if not isinstance(cast("object", value), EventCount | Sum | Users):
        raise LiftError(f"Ratio: expected EventCount, Sum or Users, got {value!r}")


@frozen
class Ratio:
    """The sum of one metric divided by the sum of another, over units with a denominator.

    Args:
        numerator: A count, a sum or users.
        denominator: A count, a sum or users.

    Raises:
        LiftError: One of them is a ratio or a mean.
    """

    numerator: EventCount | Sum | Users = attrs.field(validator=_check_part)
    denominator: EventCount | Sum | Users = attrs.field(validator=_check_part)

    @property
    def name(self) -> str:
        """The name, as the command line accepts it."""
        return f"{self.numerator.name}/{self.denominator.name}"

    @property
    def components(self) -> tuple[Component, ...]:
        """The numerator and the denominator."""
        return *self.numerator.components, *self.denominator.components


def parse_metric(
    text: str,
    *,
    window: float | tuple[float, float] | None = None,
    winsorize: float | None = WINSORIZE,
) -> Metric:
    """Parse a metric of the command line.

    Args:
        text: `EVENT:KIND`, where KIND is `count`, `users`, `sum`, `mean`, `sum:KEY` or `mean:KEY`
            for a key of the metadata. Conditions follow the event, as in
            `purchase[sku=A1,value>=10]:count`. A ratio is `purchase:sum/view:count`.
        window: Days after the exposure.
        winsorize: The percentile for counts and sums.

    Raises:
        LiftError: The metric is malformed.
    """
    if ratio := _RATIO.fullmatch(text):
        numerator, denominator = (_part(part, window, winsorize) for part in ratio.groups())
        if isinstance(numerator, Mean) or isinstance(denominator, Mean):
            raise LiftError(f"metric {text}: expected count, sum or users in a ratio, got mean")
        return Ratio(numerator, denominator)
    return _part(text, window, winsorize)


def _part(
    text: str, window: float | tuple[float, float] | None, winsorize: float | None
) -> EventCount | Sum | Users | Mean:
    found = _PART.fullmatch(text)
    if found is None:
        raise LiftError(
            f"metric: expected EVENT:count, EVENT:sum, EVENT:mean or EVENT:users, got {text!r}"
        )
    event, kind, key = found["event"], found["kind"], found["field"]
    where = [_parse_condition(part) for part in (found["where"] or "").split(",") if part]
    if key is not None and kind in {"count", "users"}:
        raise LiftError(f"metric {text}: expected no field after {kind}, got {key!r}")
    if kind == "count":
        return EventCount(event, where=where, window=window, winsorize=winsorize)
    if kind == "users":
        return Users(event, where=where, window=window)
    if kind == "sum":
        return Sum(event, key or "value", where=where, window=window, winsorize=winsorize)
    return Mean(event, key or "value", where=where, window=window)


def _parse_condition(text: str) -> Where:
    found = _CONDITION.fullmatch(text.strip())
    if found is None:
        raise LiftError(f"where: expected FIELD=VALUE, got {text!r}")
    name, operator, value = found.groups()
    is_number = _NUMBER.fullmatch(value) is not None
    return Where(name, cast("Operator", operator), float(value) if is_number else value)
