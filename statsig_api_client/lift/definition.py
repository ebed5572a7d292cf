"""The SQL of one analysis, as text for its engine, experiment and metrics."""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import frozen

from .engines import Engine, sql_double
from .experiment import OVERRIDE, Experiment
from .metrics import Component, Where
from .options import DATE_OFFSET, DAY, Crossover, Join
from .queries import (
    CENTERS,
    FATES,
    FROM_TOP,
    LAST_TIME,
    NONZERO,
    RECORDS,
    SUMS,
    UNITS,
    VALUES,
)

LOOKBACK: Final = 7 * DAY
"""The time before the exposure whose values CUPED uses."""


@frozen(kw_only=True)
class Definition:
    """The SQL of one analysis on one engine."""

    engine: Engine
    experiment: Experiment
    components: Sequence[Component]
    """The values of a unit; value number i has the column `v<i>`, and before exposure `c<i>`."""
    fields: Sequence[str]
    """Keys of the metadata; key number i has the column `f<i>`."""
    join: Join
    crossover: Crossover
    environment: str | None
    cuped: bool
    start: int
    """The earliest time, in milliseconds since 1970."""
    last_time: int
    """The latest plausible time."""
    first_time: int
    """The earliest plausible time."""

    def records(self, documents: str) -> str:
        """Return a query for the records in a relation with a column `event` of JSON documents."""
        json = self.engine.json
        user_id = (
            ("user", "userID")
            if self.experiment.id_type == "userID"
            else ("user", "customIDs", self.experiment.id_type)
        )
        return RECORDS.substitute(
            time=self.engine.milliseconds("event_time"),
            number=self.engine.number("text"),
            event_name=json("event", "eventName"),
            config=json("event", "metadata", "config"),
            allocated_experiment=json("event", "metadata", "allocatedExperiment"),
            rule_id=json("event", "metadata", "ruleID"),
            group_name=json("event", "metadata", "group"),
            unit_id=json("event", *user_id),
            event_time=json("event", "time"),
            environment=json("event", "user", "statsigEnvironment", "tier"),
            value=json("event", "value"),
            fields="".join(
                f", {json('event', 'metadata', field)} AS f{index}"
                for index, field in enumerate(self.fields)
            ),
            field_names="".join(f", f{index}" for index in range(len(self.fields))),
            documents=documents,
        )

    def units(self, end: int) -> str:
        """Return a query for the units that are exposed before a time."""
        exposed = "exposures.exposed"
        day = f"({exposed} - ({exposed} - {DATE_OFFSET}) % {DAY})"
        return UNITS.substitute(
            group=self._group(),
            is_override=self._is_override(),
            experiment=self.engine.literal(self.experiment.name),
            in_scope=self._in_scope(end),
            since=exposed if self.join == "timestamp" else day,
            max_groups=1 if self.crossover == "drop" else len(self.experiment.groups),
        )

    def values(self, end: int) -> str:
        """Return a query for the values of each unit, from events before a time."""
        aggregates = [
            f"{self._aggregate(component, before=False)} AS v{index}"
            for index, component in enumerate(self.components)
        ]
        if self.cuped:
            aggregates += [
                f"{self._aggregate(component, before=True)} AS c{index}"
                for index, component in enumerate(self.components)
            ]
        return VALUES.substitute(
            aggregates=", ".join(aggregates),
            events=self._events(),
            in_scope=self._in_scope(end),
            lookback=LOOKBACK if self.cuped else 0,
            fields="".join(
                f", f{index}, {self.engine.number(f'f{index}')} AS n{index}"
                for index in range(len(self.fields))
            ),
        )

    def fates(self, end: int) -> str:
        """Return a query for the number of records of each fate, without other names."""
        return FATES.substitute(
            experiment=self.engine.literal(self.experiment.name),
            events=self._events(),
            first_time=self.first_time,
            last_time=self.last_time,
            start=self.start,
            end=end,
            in_environment=self._in_environment(),
            group=self._group(),
            is_override=self._is_override(),
        )

    def last_record(self, end: int) -> str:
        """Return a query for the time of the last record that counts."""
        return LAST_TIME.substitute(
            in_scope=self._in_scope(end),
            experiment=self.engine.literal(self.experiment.name),
            events=self._events(),
        )

    def nonzero(self, column: str) -> str:
        """Return a query for the number of units whose value is not zero."""
        return NONZERO.substitute(column=column)

    def from_top(self, column: str, skip: int) -> str:
        """Return a query for the highest value that is not zero after a number of others."""
        return FROM_TOP.substitute(column=column, skip=skip)

    def centers(self, values: Sequence[str], *, denominator: str | None) -> str:
        """Return a query for the means of expressions in each group.

        Args:
            values: The expressions.
            denominator: The column that must not be zero; None for all units.
        """
        return CENTERS.substitute(
            averages=", ".join(f"avg({value})" for value in values),
            where=_participants(denominator),
        )

    def sums(
        self,
        values: Sequence[str],
        centers: Mapping[str, Sequence[float]],
        *,
        denominator: str | None,
    ) -> str:
        """Return a query for the sums, and the sums of products, of centered expressions.

        Args:
            values: The expressions; units whose last expression is not zero are counted.
            centers: The constants to subtract in each group.
            denominator: The column that must not be zero; None for all units.
        """
        names = [f"x{index}" for index in range(len(values))]
        centered = [
            f"{value} - {self._center(centers, index)} AS {name}"
            for index, (value, name) in enumerate(zip(values, names, strict=True))
        ]
        products = [
            f"sum({first} * {second})"
            for index, first in enumerate(names)
            for second in names[index:]
        ]
        return SUMS.substitute(
            sums=", ".join((*(f"sum({name})" for name in names), *products)),
            last=values[-1],
            centered=", ".join(centered),
            where=_participants(denominator),
        )

    def _center(self, centers: Mapping[str, Sequence[float]], index: int) -> str:
        # Nested parentheses would take Spark's parser a second each.
        cases = " ".join(
            f"WHEN {self.engine.literal(group)} THEN {sql_double(constants[index])}"
            for group, constants in centers.items()
        )
        return f"CASE group_name {cases} END"

    def _aggregate(self, component: Component, *, before: bool) -> str:
        conditions = [f"events.name = {self.engine.literal(component.event)}"]
        if before:
            conditions.append("events.time < units.since")
        else:
            if self.cuped:  # otherwise the join has no earlier events
                conditions.append("events.time >= units.since")
            if component.window is not None:
                first, last = (round(days * DAY) for days in component.window)
                if first:
                    conditions.append(f"events.time >= units.exposed + {first}")
                conditions.append(f"events.time < units.exposed + {last}")
        conditions += [self._condition(where) for where in component.where]
        condition, number = " AND ".join(conditions), self._number(component.field)
        if component.aggregation == "sum":
            return f"CAST(coalesce(sum(CASE WHEN {condition} THEN {number} END), 0) AS DOUBLE)"
        if component.aggregation == "values":
            condition = f"{condition} AND {number} IS NOT NULL"
        function = "max" if component.aggregation == "users" else "sum"
        return f"CAST({function}(CASE WHEN {condition} THEN 1 ELSE 0 END) AS DOUBLE)"

    def _condition(self, where: Where) -> str:
        operator = "<>" if where.operator == "!=" else where.operator
        if isinstance(where.value, str):
            return f"{self._text(where.field)} {operator} {self.engine.literal(where.value)}"
        return f"{self._number(where.field)} {operator} {float(where.value)!r}"

    def _text(self, field: str) -> str:
        return "events.text" if field == "value" else f"events.f{self.fields.index(field)}"

    def _number(self, field: str) -> str:
        return "events.number" if field == "value" else f"events.n{self.fields.index(field)}"

    def _group(self) -> str:
        literal = self.engine.literal
        cases = " ".join(
            f"WHEN {literal(rule)} THEN {literal(group)}"
            for rule, group in self.experiment.group_by_rule.items()
        )
        return f"CASE rule {cases} END"

    def _is_override(self) -> str:
        override = self.engine.literal(OVERRIDE)
        # Those of Statsig's console.
        patterns = " OR ".join(
            f"rule LIKE {self.engine.literal(f'%:{end}')}" for end in ("override", "id_override")
        )
        known = ", ".join(map(self.engine.literal, self.experiment.group_by_rule))
        return (
            f"CASE WHEN rule IN ({known}) THEN 0 WHEN rule = {override} OR {patterns} "
            "THEN 1 ELSE 0 END"
        )

    def _events(self) -> str:
        names = dict.fromkeys(component.event for component in self.components)
        return ", ".join(map(self.engine.literal, names))

    def _in_scope(self, end: int) -> str:
        first, end = max(self.start, self.first_time), min(end, self.last_time + 1)
        return f"time >= {first} AND time < {end} AND {self._in_environment()}"

    def _in_environment(self) -> str:
        if self.environment is None:
            return "1 = 1"
        name = self.engine.literal(self.environment.lower())
        return f"coalesce(lower(environment), 'production') = {name}"


def _participants(denominator: str | None) -> str:
    return "" if denominator is None else f"WHERE {denominator} <> 0"
