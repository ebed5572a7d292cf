"""Analyses of experiments."""

import difflib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from math import ceil, frexp, ldexp
from typing import Final, TypeAlias

from attrs import frozen

from .corrections import (
    BenjaminiHochberg,
    Bonferroni,
    benjamini_hochberg_alpha,
    bonferroni_alpha,
)
from .cuped import adjust
from .definition import Definition
from .engines import Cell, Engine, SqliteEngine
from .errors import LiftError
from .experiment import Experiment
from .health import MAX_CROSSOVER_RATE, Account, Health, sample_ratio
from .metrics import Component, Metric
from .moments import Moments, moments_from_sums
from .options import DATE_OFFSET, DAY, FIRST_TIME, LiftOptions
from .queries import (
    CROSSOVERS,
    EVENT_NAMES,
    EXPERIMENT_NAMES,
    FIRST_EXPOSURE,
    UNIT_COUNTS,
)
from .results import DailyResults, LiftReport, LiftResult
from .sources import ReadCounts, RecordSource, RecordTable, TableSource
from .statistics import Estimate, compare, estimate_mean, estimate_ratio

Source: TypeAlias = RecordSource | TableSource
"""A source of exposures and events."""

_NO_END: Final = 2**53
_MAX_DAYS: Final = 366


@frozen
class _Measured:
    """A metric of all groups."""

    metric: Metric
    groups: Mapping[str, Moments]
    caps: tuple[float | None, ...]
    covered: int
    """The number of units with a value before their exposure."""

    @property
    def is_ratio(self) -> bool:
        """Whether it has a denominator."""
        return len(self.metric.components) == 2


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
        LiftError: A source cannot be read, no unit was exposed, or there are no metrics.
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
    """The queries of one analysis, on records that are in place."""

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
        health = self._health()
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
        units = self._units()
        if not units and end == self._end:
            raise LiftError(self._no_exposures())
        self._engine.create_table("lift_values", self._definition.values(end))
        measured = [self._measure(metric) for metric in self._metrics]
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

    def _units(self) -> dict[str, int]:
        return {
            str(group): int(count or 0)
            for group, status, count in self._engine.rows(UNIT_COUNTS)
            if status == "included"
        }

    def _no_exposures(self) -> str:
        name = self._experiment.name
        rows = self._engine.rows(EXPERIMENT_NAMES)
        found = {str(row[0]): int(row[1] or 0) for row in rows if row[0] is not None}
        if name in found:
            return (
                f"experiment {name}: expected exposures to {', '.join(self._experiment.groups)}, "
                f"got {found[name]:,} exposures, none of which counts: {self._account_text()}"
            )
        return f"experiment {name}: expected exposures, got none{_suggestion(name, found)}"

    def _account_text(self) -> str:
        counts = self._account().to_dict()
        return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)

    def _measure(self, metric: Metric) -> _Measured:
        indexes = [self._definition.components.index(one) for one in metric.components]
        caps = [
            None if component.winsorize is None else self._cap(f"v{index}", component.winsorize)
            for index, component in zip(indexes, metric.components, strict=True)
        ]
        values = [_capped(f"v{index}", cap) for index, cap in zip(indexes, caps, strict=True)]
        if self._definition.cuped:
            values += [_capped(f"c{index}", cap) for index, cap in zip(indexes, caps, strict=True)]
        denominator = f"v{indexes[1]}" if len(indexes) > 1 else None
        ((*averages,),) = self._engine.rows(
            self._definition.centers(values, denominator=denominator)
        )
        centers = [_short(_number(average)) for average in averages]
        groups: dict[str, Moments] = {}
        covered = 0
        for group, units, covering, *sums in self._engine.rows(
            self._definition.sums(values, centers, denominator=denominator)
        ):
            size = len(values)
            totals = [_number(one) for one in sums]
            groups[str(group)] = moments_from_sums(
                int(_number(units)), centers, totals[:size], totals[size:]
            )
            covered += int(_number(covering))
        return _Measured(metric, groups, tuple(caps), covered)

    def _cap(self, column: str, percentile: float) -> float | None:
        """Return the percentile of the unit values that are not zero, by the nearest rank."""
        ((count,),) = self._engine.rows(self._definition.nonzero(column))
        if not count:
            return None
        # Fractions are exact: 0.999 of 1,000 must be rank 999.
        rank = ceil(Fraction(str(percentile)) * int(count))
        ((cap,),) = self._engine.rows(self._definition.from_top(column, int(count) - rank))
        return _number(cap)

    def _compare(
        self, measured: _Measured, group: str, alpha: float, *, is_complete: bool
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

    def _estimates(self, measured: _Measured) -> tuple[Mapping[str, Estimate], bool]:
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
        day = (int(_number(first)) - offset) // DAY * DAY + offset
        number = 0
        while day <= int(_number(last)):
            number += 1
            if number > _MAX_DAYS:
                raise LiftError(f"by_day: expected at most {_MAX_DAYS} days; pass start and end")
            day += DAY
            end = datetime.fromtimestamp(day / 1000, UTC)
            yield DailyResults(end=end, results=self._results(min(day, self._end)))

    def _account(self) -> Account:
        rows = self._engine.rows(self._definition.fates(self._end))
        fates = {str(fate): int(count or 0) for fate, count in rows}
        return Account(**fates, invalid=self._counts.invalid, blank=self._counts.blank)

    def _health(self) -> Health:
        units = self._units()
        overridden = sum(
            int(count or 0)
            for _, status, count in self._engine.rows(UNIT_COUNTS)
            if status == "overridden"
        )
        ((total, crossovers),) = self._engine.rows(CROSSOVERS)
        crossed = int(_number(crossovers))
        rate = crossed / max(1.0, _number(total))
        account = self._account()
        ratio = sample_ratio(units, self._experiment.groups)
        warnings = [*self._unknown_events()]
        if ratio is not None and ratio.level != "ok":
            warnings.append(
                f"sample ratio: p = {ratio.p_value:.2g} against the planned split; look for the "
                "cause before reading the result"
            )
        if rate > MAX_CROSSOVER_RATE:
            warnings.append(f"crossovers: {crossed:,} units ({rate:.1%}) were in several groups")
        if account.before_exposure > account.events:
            warnings.append("exposures: most events are before the exposure; check the clocks")
        if account.invalid:
            warnings.append(f"files: {account.invalid:,} lines are not events; see errors")
        return Health(
            units={name: units.get(name, 0) for name in self._experiment.groups},
            sample_ratio=ratio,
            crossovers=crossed,
            crossover_rate=rate,
            overridden=overridden,
            read=self._counts.read,
            account=account,
            errors=tuple(self._counts.errors),
            warnings=tuple(warnings),
        )

    def _unknown_events(self) -> Iterator[str]:
        found = {str(row[0]): row[1] for row in self._engine.rows(EVENT_NAMES)}
        for name in dict.fromkeys(component.event for component in self._definition.components):
            if name not in found:
                yield f"metric: no events named {name!r}{_suggestion(name, found)}"


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


def _suggestion(name: str, found: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, found, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(sorted(found)[:10])}" if found else ""


def _capped(column: str, cap: float | None) -> str:
    return column if cap is None else f"CASE WHEN {column} > {cap!r} THEN {cap!r} ELSE {column} END"


def _number(cell: Cell) -> float:
    return 0.0 if cell is None else float(cell)


def _short(number: float) -> float:
    """Return a number with 24 significant bits, so that its difference from integers is exact."""
    mantissa, exponent = frexp(number)
    return ldexp(round(ldexp(mantissa, 24)), exponent - 24)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
