"""Changes between two projects, and the release that they require."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

from attrs import frozen

from .definitions import Config, Experiment, Gate, Kind, Parameter, Project
from .layout import annotation
from .types import Type, accepts, type_of_values
from .writer import Options, parameter_type

Level: TypeAlias = Literal["major", "minor", "patch"]

LEVELS: Final[tuple[Level, ...]] = ("major", "minor", "patch")


@frozen
class Change:
    """One change."""

    level: Level
    text: str


def diff_projects(old: Project, new: Project, options: Options) -> list[Change]:
    """Return the changes from one project to another, most severe first."""
    changes = list(_changes(old, new, options))
    return sorted(changes, key=lambda change: (LEVELS.index(change.level), change.text))


def release(changes: list[Change]) -> Level | None:
    """Return the release that changes require, or None without changes."""
    required = {change.level for change in changes}
    return next((level for level in LEVELS if level in required), None)


def _changes(old: Project, new: Project, options: Options) -> Iterator[Change]:
    for kind, flags in old.by_kind.items():
        before = {flag.name: flag for flag in flags}
        after = {flag.name: flag for flag in new.by_kind[kind]}
        for name in before.keys() - after.keys():
            yield Change("major", f"{kind} {name}: removed")
        for name in after.keys() - before.keys():
            yield Change("minor", f"{kind} {name}: added")
        for name in before.keys() & after.keys():
            yield from _flag_changes(kind, before[name], after[name], options)


def _flag_changes(
    kind: Kind, old: Gate | Config | Experiment, new: Gate | Config | Experiment, options: Options
) -> Iterator[Change]:
    place = f"{kind} {old.name}"
    if old.description != new.description:
        yield Change("patch", f"{place}: description changed")
    if isinstance(old, Gate) or isinstance(new, Gate):
        return
    if isinstance(old, Experiment) and isinstance(new, Experiment):
        for group in sorted(set(old.groups) - set(new.groups)):
            yield Change("major", f"{place}: group {group!r} removed")
        for group in sorted(set(new.groups) - set(old.groups)):
            yield Change("minor", f"{place}: group {group!r} added")
    before: Mapping[str, Parameter] = {p.name: p for p in old.parameters}
    after: Mapping[str, Parameter] = {p.name: p for p in new.parameters}
    for name in before.keys() - after.keys():
        yield Change("major", f"{place}: parameter {name!r} removed")
    for name in after.keys() - before.keys():
        yield Change("minor", f"{place}: parameter {name!r} added")
    for name in before.keys() & after.keys():
        yield from _parameter_changes(
            f"{place}: parameter {name!r}",
            before[name],
            after[name],
            (
                parameter_type(f"{kind}.{old.name}.{name}", before[name], options, []),
                parameter_type(f"{kind}.{old.name}.{name}", after[name], options, []),
            ),
        )


def _parameter_changes(
    place: str, old: Parameter, new: Parameter, types: tuple[Type, Type]
) -> Iterator[Change]:
    before, after = types
    if before != after:
        # Code for the old type still works if it includes all new values.
        level: Level = "minor" if accepts(before, after) else "major"
        yield Change(level, f"{place}: {annotation(before)} is now {annotation(after)}")
    elif type_of_values([old.default]) != type_of_values([new.default]) or (
        old.default != new.default
    ):
        yield Change("patch", f"{place}: default {old.default!r} is now {new.default!r}")
