"""Analyses of experiments."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from .checks import check_health, explain_missing_exposures, included_units
from .corrections import (
    BenjaminiHochberg,
    Bonferroni,
    benjamini_hochberg_alpha,
    bonferroni_alpha,
)
from .cuped import adjust
from .definition import Definition
from .engines import Engine, SqliteEngine, number_of
from .errors import LiftError
from .experiment import Experiment
from .measurement import Measurement, measure
from .metrics import Component, Metric
from .options import DATE_OFFSET, DAY, FIRST_TIME, LiftOptions
from .queries import FIRST_EXPOSURE
from .results import DailyResults, LiftReport, LiftResult
from .sources import ReadCounts, RecordSource, RecordTable, TableSource
from .statistics import Estimate, compare, estimate_mean, estimate_ratio

Source: TypeAlias = RecordSource | TableSource
"""A source of exposures and events."""

_NO_END: Final = 2**53
_MAX_DAYS: Final = 366


def analyze(
    source: Source | Sequence[RecordSource],
    experiment: Experiment,
    metrics: Sequence[Metric],
    options: LiftOptions | None = None,
) -> LiftReport:
    """Compute the lift of each metric and test group by Statsig's documented formulas.

    Example:
        >>> experiment = Experiment.from_project("project.yaml", "logo_test")
        >>> print(analyze(LocalDatabase("events.db"), experiment, [Users("purchase")]))

    Args:
        source: A source, or several whose records belong together, such as exposures of one file
            and events of another.
        experiment: The experiment.
        metrics: The metrics.
        options: Options of the analysis.

    Raises:
        LiftError: A source cannot be read, no unit was exposed, or `metrics` is empty.
    """
    options = options or LiftOptions()
    if not metrics:
        raise LiftError("metrics: expected at least one, got none")
    names = [metric.name for metric in metrics]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise LiftError(f"metrics: {', '.join(repeated)} occurs twice")
    if isinstance(source, TableSource):
        return _analyze_tables(source, experiment, metrics, options)
    sources = source if isinstance(source, Sequence) else [source]
    if not sources:
        raise LiftError("source: expected at least one, got none")
    return _analyze_records(sources, experiment, metrics, options)


def _analyze_tables(
    source: TableSource, experiment: Experiment, metrics: Sequence[Metric], options: LiftOptions
) -> LiftReport:
    engine = source.connect()
    try:
        definition = _definition(engine, experiment, metrics, options)
        counts = source.define_records(definition)
        return _Analysis(definition, metrics, options, counts).report()
    finally:
        engine.close()


def _analyze_records(
    sources: Sequence[RecordSource],
    experiment: Experiment,
    metrics: Sequence[Metric],
    options: LiftOptions,
) -> LiftReport:
    sqlite = SqliteEngine()
    try:
        definition = _definition(sqlite, experiment, metrics, options)
        records = RecordTable(sqlite)
        for one in sources:
            one.load(records, experiment)
        query = " UNION ALL ".join(map(definition.records, records.relations))
        sqlite.create_table("lift_records", query)
        return _Analysis(definition, metrics, options, records.counts).report()
    finally:
        sqlite.close()


def _definition(
    engine: Engine, experiment: Experiment, metrics: Sequence[Metric], options: LiftOptions
) -> Definition:
    components = _components(metrics)
    return Definition(
        engine=engine,
        experiment=experiment,
        components=components,
        fields=sorted(set[str]().union(*(component.fields for component in components))),
        join=options.join,
        crossover=options.crossover,
        environment=options.environment,
        cuped=options.cuped,
        start=FIRST_TIME if options.start is None else _milliseconds(options.start),
        first_time=FIRST_TIME,
        last_time=int(time.time() * 1000) + DAY,
    )


def _components(metrics: Iterable[Metric]) -> list[Component]:
    return [*dict.fromkeys(component for metric in metrics for component in metric.components)]


class _Analysis:
    """The queries of one analysis of loaded records."""

    def __init__(
        self,
        definition: Definition,
        metrics: Sequence[Metric],
        options: LiftOptions,
        counts: ReadCounts,
    ) -> None:
        self._definition = definition
        self._engine = definition.engine
        self._experiment = definition.experiment
        self._metrics = metrics
        self._options = options
        self._counts = counts
        self._end = _NO_END if options.end is None else _milliseconds(options.end)

    def report(self) -> LiftReport:
        """Return the report.

        Raises:
            LiftError: No unit was exposed to a group.
        """
        results = self._results(self._end)
        health = check_health(self._definition, self._counts, self._end)
        days = tuple(self._days()) if self._options.by_day else ()
        return LiftReport(
            experiment=self._experiment,
            options=self._options,
            results=results,
            health=health,
            days=days,
        )

    def _results(self, end: int) -> tuple[LiftResult, ...]:
        self._engine.create_table("lift_units", self._definition.units(end))
        units = included_units(self._engine)
        if not units and end == self._end:
            raise LiftError(explain_missing_exposures(self._definition, self._counts, end))
        self._engine.create_table("lift_values", self._definition.values(end))
        measured = [measure(self._definition, metric) for metric in self._metrics]
        total = sum(units.values())
        planned = self._experiment.planned_units
        is_complete = planned is not None and total >= planned
        alphas = self._bonferroni()
        results = [
            self._compare(one, group, alphas[one.metric.name], is_complete=is_complete)
            for one in measured
            for group in self._experiment.test_groups
        ]
        if isinstance(self._options.correction, BenjaminiHochberg):
            return tuple(
                self._compare(
                    next(one for one in measured if one.metric.name == result.metric),
                    result.group,
                    _adjusted_alpha(result, results, self._options.correction, self._options.alpha),
                    is_complete=is_complete,
                )
                for result in results
            )
        return tuple(results)

    def _compare(
        self, measured: Measurement, group: str, alpha: float, *, is_complete: bool
    ) -> LiftResult:
        estimates, has_cuped = self._estimates(measured)
        control_group = self._experiment.control
        test, control = estimates.get(group), estimates.get(control_group)
        difference = None
        if test is not None and control is not None:
            difference = compare(
                test,
                control,
                alpha=alpha,
                side=self._options.side,
                relative=self._options.relative,
            )
        return LiftResult(
            experiment=self._experiment.name,
            metric=measured.metric.name,
            group=group,
            control_group=control_group,
            test=test,
            control=control,
            difference=difference,
            alpha=alpha,
            side=self._options.side,
            relative_method=self._options.relative,
            cuped=has_cuped,
            winsorized_at=measured.caps,
            is_complete=is_complete,
            notes=tuple(_notes({group: test, control_group: control}, control)),
        )

    def _estimates(self, measured: Measurement) -> tuple[Mapping[str, Estimate], bool]:
        groups = {name: moments for name, moments in measured.groups.items() if moments.units}
        if self._definition.cuped:
            adjusted = adjust(groups, measured.covered, is_ratio=measured.is_ratio)
            if adjusted is not None:
                return adjusted, True
        estimate = estimate_ratio if measured.is_ratio else estimate_mean
        return {
            name: estimate(moments)
            for name, moments in groups.items()
            if not measured.is_ratio or moments.means[1]
        }, False

    def _bonferroni(self) -> dict[str, float]:
        names = [metric.name for metric in self._metrics]
        alpha, correction = self._options.alpha, self._options.correction
        if not isinstance(correction, Bonferroni):
            return dict.fromkeys(names, alpha)
        if unknown := sorted(set(correction.primary) - set(names)):
            raise LiftError(f"correction: unknown primary metrics {', '.join(unknown)}")
        variants = len(self._experiment.test_groups) if correction.variants else 1
        if not correction.metrics:
            return dict.fromkeys(names, bonferroni_alpha(alpha, variants=variants))
        primary = len(set(correction.primary))
        others = len(names) - primary
        share = correction.primary_share if primary and others else 1.0
        return {
            name: bonferroni_alpha(
                alpha,
                variants=variants,
                metrics=primary if name in correction.primary else others,
                share=share if name in correction.primary or not primary else 1 - share,
            )
            for name in names
        }

    def _days(self) -> Iterator[DailyResults]:
        offset = DATE_OFFSET if self._options.join == "date" else 0
        ((first,),) = self._engine.rows(FIRST_EXPOSURE)
        ((last,),) = self._engine.rows(self._definition.last_record(self._end))
        start = (int(number_of(first)) - offset) // DAY * DAY + offset
        days = (int(number_of(last)) - start) // DAY + 1
        if days > _MAX_DAYS:
            raise LiftError(
                f"by_day: expected at most {_MAX_DAYS} days, got {days:,}; set start or end"
            )
        for number in range(1, days + 1):
            day = start + number * DAY
            end = datetime.fromtimestamp(day / 1000, UTC)
            yield DailyResults(end=end, results=self._results(min(day, self._end)))


def _notes(estimates: Mapping[str, Estimate | None], control: Estimate | None) -> Iterator[str]:
    units = {name: 0 if one is None else one.units for name, one in estimates.items()}
    for name, count in units.items():
        if count < 2:
            yield f"group {name}: expected at least 2 units with this metric, got {count}"
    if control is not None and control.mean <= 0:
        yield f"relative delta: expected a positive mean of the control group, got {control.mean:g}"
    if min(units.values()) > 1 and not any(one.variance for one in estimates.values() if one):
        yield "p-value: all units have the same value"


def _adjusted_alpha(
    result: LiftResult,
    results: Sequence[LiftResult],
    correction: BenjaminiHochberg,
    alpha: float,
) -> float:
    family = [
        one
        for one in results
        if (not correction.by_metric or one.metric == result.metric)
        and (not correction.by_group or one.group == result.group)
    ]
    p_values = [
        one.difference.p_value
        for one in family
        if one.difference is not None and one.difference.p_value is not None
    ]
    return benjamini_hochberg_alpha(p_values, alpha)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
