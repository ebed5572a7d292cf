"""Reading a project file: from YAML to a project that is sure to make sense."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from . import schema
from .circles import check_circles
from .conditions import Known
from .entities import read_config, read_experiment, read_gate, read_layer, read_segment
from .holdouts import read_holdout
from .id_lists import IdList, read_id_list
from .model import ENVIRONMENTS, Experiment, Keys, Project
from .yaml_reader import Entry, read_yaml

_NAME: Final = re.compile(schema.NAME)
_KEY: Final = re.compile(r"[!-~]+")


def read_project(file: Path, text: str) -> Project:
    """Read a project from the text of its file, and from the files of ID lists that it names.

    Raises:
        ProjectError: The text is not YAML, or what it says is misspelt, of the wrong type, out of
            range, or refers to something that does not exist.
    """
    sections = read_yaml(file, text).fields(schema.PROJECT)
    named = {
        section: _names(sections.get(section))
        for section in ("gates", "segments", "holdouts", "configs", "experiments", "layers")
    }
    _check_distinct(named, ("gates", "segments", "holdouts"), "all three are gates in config specs")
    _check_distinct(named, ("configs", "experiments"), "both are asked for by one call")
    id_lists = {n: read_id_list(e) for n, e in _names(sections.get("id lists")).items()}
    environments = _environments(sections.get("environments"))
    known = Known(
        gates=named["gates"],
        segments=named["segments"],
        id_lists=id_lists,
        environments=environments,
    )
    gates = [read_gate(name, entry, known) for name, entry in named["gates"].items()]
    segments = [read_segment(name, entry, known) for name, entry in named["segments"].items()]
    layers = {name: read_layer(name, entry) for name, entry in named["layers"].items()}
    experiments = [
        read_experiment(name, entry, known, layers) for name, entry in named["experiments"].items()
    ]
    for layer, entry in named["layers"].items():
        _check_allocations([e for e in experiments if e.layer == layer], entry)
    holdouts = [
        read_holdout(name, entry, known, named, experiments)
        for name, entry in named["holdouts"].items()
    ]
    check_circles(gates, segments, holdouts, named)
    return Project(
        keys=_keys(sections.get("keys")),
        environments=environments,
        gates=tuple(gates),
        segments=tuple(segments),
        holdouts=tuple(holdouts),
        configs=tuple(read_config(name, e, known) for name, e in named["configs"].items()),
        experiments=tuple(experiments),
        layers=tuple(layers.values()),
        id_lists={name: id_list.members for name, id_list in id_lists.items()},
        files=(file, *_files(id_lists.values())),
    )


def _names(section: Entry | None) -> dict[str, Entry]:
    entities = {} if section is None else section.mapping()
    for name, entry in entities.items():
        if not _NAME.fullmatch(name):
            entry.fail("expected a name of 2 to 100 letters, digits, blanks and _ - .")
    return entities


def _check_distinct(
    named: Mapping[str, Mapping[str, Entry]], sections: tuple[str, ...], why: str
) -> None:
    first: dict[str, tuple[str, int]] = {}
    for section in sections:
        for name, entry in named[section].items():
            if name in first:
                kind, line = first[name]
                entry.fail(f"a {kind} in line {line} has this name too, and {why}")
            first[name] = section.removesuffix("s"), entry.line


def _keys(entry: Entry | None) -> Keys:
    fields = {} if entry is None else entry.fields(schema.KEYS)
    for kind, key in fields.items():
        if not key.text().startswith(f"{kind}-") or not _KEY.fullmatch(key.text()):
            key.fail(f"expected a key that starts with {kind}- and has no blanks")
    return Keys(**{kind: key.text() for kind, key in fields.items()})


def _environments(entry: Entry | None) -> tuple[str, ...]:
    if entry is None:
        return ENVIRONMENTS
    names: list[str] = []
    for item in entry.items():
        if item.text() in names:
            item.fail(f"a second {item.text()!r}")
        names.append(item.text())
    if not names:
        entry.fail("expected at least one environment; all checks need one")
    return tuple(names)


def _check_allocations(experiments: list[Experiment], layer: Entry) -> None:
    # Rounded, since 97.4 and 2.2 and 0.4 are a little more than 100 in floating point.
    total = round(sum(experiment.allocation for experiment in experiments), 6)
    if total > 100:
        names = ", ".join(experiment.name for experiment in experiments)
        layer.fail(
            f"expected allocations of at most 100 together, got {total:g} of {names}; "
            "give each an allocation, since a user can be in only one of them"
        )


def _files(id_lists: Iterable[IdList]) -> list[Path]:
    return [id_list.file for id_list in id_lists if id_list.file is not None]
