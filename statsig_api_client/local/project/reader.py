"""Parsing and validation of a complete project file."""

import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

from . import schema
from .conditions import KnownNames
from .entities import (
    read_config,
    read_experiment,
    read_gate,
    read_holdout,
    read_layer,
    read_segment,
)
from .model import ENVIRONMENTS, Condition, Experiment, Gate, Holdout, Keys, Project, segment_spec
from .yaml_reader import Entry, read_yaml

_NAME: Final = re.compile(schema.NAME)
_KEY: Final = re.compile(r"[!-~]+")


def read_project(file: Path, text: str) -> Project:
    """Parse a project file, and read the ID list files that it names.

    Args:
        file: The path of the project file, for messages and relative paths.
        text: The contents of the project file.

    Raises:
        ProjectError: The text is invalid YAML, has an unknown key or name, or an invalid value.
    """
    sections = read_yaml(file, text).fields(schema.PROJECT)
    entries = {
        section: _named_entries(sections.get(section))
        for section in ("gates", "segments", "holdouts", "configs", "experiments", "layers")
    }
    _check_distinct(entries, ("gates", "segments", "holdouts"))
    _check_distinct(entries, ("configs", "experiments"))
    id_lists = _named_entries(sections.get("id lists"))
    environments = _environments(sections.get("environments"))
    known = KnownNames(
        gates=entries["gates"],
        segments=entries["segments"],
        id_lists=id_lists,
        environments=environments,
    )
    gates = [read_gate(name, entry, known) for name, entry in entries["gates"].items()]
    segments = [read_segment(name, entry, known) for name, entry in entries["segments"].items()]
    layers = {name: read_layer(name, entry) for name, entry in entries["layers"].items()}
    experiments = [
        read_experiment(name, entry, known, layers)
        for name, entry in entries["experiments"].items()
    ]
    _check_allocations(experiments, entries["layers"])
    holdouts = [
        read_holdout(name, entry, known, entries, experiments)
        for name, entry in entries["holdouts"].items()
    ]
    _check_acyclic(gates, segments, holdouts, entries)
    list_files = [_id_list_file(entry) for entry in id_lists.values() if not entry.is_list()]
    return Project(
        keys=_keys(sections.get("keys")),
        environments=environments,
        gates=tuple(gates),
        segments=tuple(segments),
        holdouts=tuple(holdouts),
        configs=tuple(read_config(name, e, known) for name, e in entries["configs"].items()),
        experiments=tuple(experiments),
        layers=tuple(layers.values()),
        id_lists={name: _id_list(entry) for name, entry in id_lists.items()},
        files=(file, *list_files),
    )


def _named_entries(section: Entry | None) -> dict[str, Entry]:
    entries = {} if section is None else section.mapping()
    for name, entry in entries.items():
        if not _NAME.fullmatch(name):
            problem = "expected a name of 2 to 100 letters, digits, spaces and _ - ."
            entry.fail(f"{problem}, got {name!r}")
    return entries


def _check_distinct(entries: Mapping[str, Mapping[str, Entry]], sections: tuple[str, ...]) -> None:
    # In config specs, the entities of these sections are all gates, or all configs.
    first: dict[str, tuple[str, int]] = {}
    for section in sections:
        for name, entry in entries[section].items():
            if name in first:
                kind, line = first[name]
                rule = f"{', '.join(sections[:-1])} and {sections[-1]} must have distinct names"
                entry.fail(f"the {kind} in line {line} has the same name; {rule}")
            first[name] = section.removesuffix("s"), entry.line


def _keys(entry: Entry | None) -> Keys:
    fields = {} if entry is None else entry.fields(schema.KEYS)
    client_reads_specs = fields.pop("client reads specs", None)
    for kind, key in fields.items():
        if not key.string().startswith(f"{kind}-") or not _KEY.fullmatch(key.string()):
            key.fail(f"expected a key that starts with {kind}- and contains no whitespace")
    return Keys(
        **{kind: key.string() for kind, key in fields.items()},
        client_reads_specs=client_reads_specs is not None and client_reads_specs.boolean(),
    )


def _environments(entry: Entry | None) -> tuple[str, ...]:
    if entry is None:
        return ENVIRONMENTS
    names: list[str] = []
    for item in entry.items():
        if item.string() in names:
            item.fail(f"duplicate environment {item.string()!r}")
        names.append(item.string())
    if not names:
        entry.fail("expected at least one environment, got an empty list")
    return tuple(names)


def _id_list(entry: Entry) -> tuple[str, ...]:
    if entry.is_list():
        return tuple(dict.fromkeys(_id(item) for item in entry.items()))
    file = _id_list_file(entry)
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        entry.fail(f"cannot read the file {str(file)!r}: {error.strerror}")
    except UnicodeDecodeError:
        entry.fail(f"expected UTF-8 in the file {str(file)!r}")
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def _id_list_file(entry: Entry) -> Path:
    return entry.file.parent / entry.string()


def _id(entry: Entry) -> str:
    # A number is an ID as written, so 007 differs from 7.
    if isinstance(entry.scalar(), bool | None) or not entry.written():
        entry.fail(f"expected an ID, got {entry.written()!r}")
    return entry.written()


def _check_allocations(experiments: Iterable[Experiment], layers: Mapping[str, Entry]) -> None:
    members: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        if experiment.layer is not None:
            members.setdefault(experiment.layer, []).append(experiment)
    for layer, its_experiments in members.items():
        # Rounded, since 97.4 + 2.2 + 0.4 exceeds 100 in floating point.
        total = round(sum(experiment.allocation for experiment in its_experiments), 6)
        if total > 100:
            names = ", ".join(experiment.name for experiment in its_experiments)
            layers[layer].fail(
                f"expected allocations that add up to at most 100, got {total:g} ({names}); "
                "set the allocation of each, since a user is in at most one of them"
            )


def _check_acyclic(
    gates: Iterable[Gate],
    segments: Iterable[Gate],
    holdouts: Iterable[Holdout],
    entries: Mapping[str, Mapping[str, Entry]],
) -> None:
    # Lists instead of sets, so that every run reports the same cycle.
    dependencies = {
        gate.name: _gates_of(c for rule in gate.rules for c in rule.conditions) for gate in gates
    }
    for segment in segments:
        conditions = (c for rule in segment.rules for c in rule.conditions)
        dependencies[segment_spec(segment.name)] = _gates_of(conditions)
    for holdout in holdouts:
        dependencies[holdout.name] = _gates_of(holdout.conditions)
        for gate in sorted(holdout.gates):
            dependencies[gate].append(holdout.name)
    try:
        TopologicalSorter(dependencies).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][:0:-1]  # From a dependency to its dependent, closed.
    else:
        return
    positions = {name: position for position, name in enumerate(dependencies)}
    first = min(range(len(cycle)), key=lambda index: positions[cycle[index]])
    cycle = cycle[first:] + cycle[:first]
    segment_entries = {segment_spec(name): entry for name, entry in entries["segments"].items()}
    known = {**entries["gates"], **segment_entries, **entries["holdouts"]}
    known[cycle[0]].fail("depends on itself: " + " -> ".join([*cycle, cycle[0]]))


def _gates_of(conditions: Iterable[Condition]) -> list[str]:
    return [str(c.target) for c in conditions if c.type in {"pass_gate", "fail_gate"}]
