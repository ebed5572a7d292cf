"""Queries for the health of an analysis: its units, its account and its warnings."""

import difflib
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from .definition import Definition
from .engines import Engine, number_of
from .health import MAX_CROSSOVER_RATE, Account, Health, sample_ratio
from .queries import CROSSOVERS, NAMES, UNIT_COUNTS
from .sources import ReadCounts

_Names: TypeAlias = Mapping[tuple[str, str | None], int]
"""The number of records of each kind and name."""


def included_units(engine: Engine) -> dict[str, int]:
    """Return the number of units of each group that are in the result."""
    return {
        str(group): int(count or 0)
        for group, status, count in engine.rows(UNIT_COUNTS)
        if status == "included"
    }


def check_health(definition: Definition, counts: ReadCounts, end: int) -> Health:
    """Check the records and units of an analysis up to a time in milliseconds since 1970."""
    engine, groups = definition.engine, definition.experiment.groups
    units = included_units(engine)
    overridden = sum(
        int(count or 0) for _, status, count in engine.rows(UNIT_COUNTS) if status == "overridden"
    )
    ((total, crossovers),) = engine.rows(CROSSOVERS)
    crossed = int(number_of(crossovers))
    rate = crossed / max(1.0, number_of(total))
    names = _names(engine)
    account = _account(definition, counts, names, end)
    ratio = sample_ratio(units, groups)
    warnings = [*_unknown_events(definition, names)]
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
        units={name: units.get(name, 0) for name in groups},
        sample_ratio=ratio,
        crossovers=crossed,
        crossover_rate=rate,
        overridden=overridden,
        read=counts.read,
        account=account,
        errors=tuple(counts.errors),
        warnings=tuple(warnings),
    )


def explain_missing_exposures(definition: Definition, counts: ReadCounts, end: int) -> str:
    """Return the message for an experiment without units, with the reason if it is known."""
    experiment = definition.experiment
    names = _names(definition.engine)
    found = {name: count for (kind, name), count in names.items() if kind == "exposure" and name}
    name = experiment.name
    if name not in found:
        return f"experiment {name}: expected exposures, got none{_suggestion(name, found)}"
    fates = _account(definition, counts, names, end).to_dict()
    reasons = ", ".join(f"{count:,} {fate}" for fate, count in fates.items() if count)
    return (
        f"experiment {name}: expected exposures to {', '.join(experiment.groups)}, "
        f"got {found[name]:,} exposures that do not count: {reasons}"
    )


def _names(engine: Engine) -> _Names:
    return {
        (str(kind), None if name is None else str(name)): int(count or 0)
        for kind, name, count in engine.rows(NAMES)
    }


def _account(definition: Definition, counts: ReadCounts, names: _Names, end: int) -> Account:
    events = {component.event for component in definition.components}
    other_exposures = other_events = 0
    for (kind, name), count in names.items():
        if kind == "event" and name not in events:
            other_events += count
        elif kind == "gate_exposure" or (kind == "exposure" and name != definition.experiment.name):
            other_exposures += count
    rows = definition.engine.rows(definition.fates(end))
    return Account(
        **{str(fate): int(count or 0) for fate, count in rows},
        other_exposures=other_exposures,
        other_events=other_events,
        invalid=counts.invalid,
        blank=counts.blank,
    )


def _unknown_events(definition: Definition, names: _Names) -> Iterator[str]:
    found = {name: count for (kind, name), count in names.items() if kind == "event" and name}
    for name in dict.fromkeys(component.event for component in definition.components):
        if name not in found:
            yield f"metric: no events named {name!r}{_suggestion(name, found)}"


def _suggestion(name: str, found: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, found, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(sorted(found)[:10])}" if found else ""
