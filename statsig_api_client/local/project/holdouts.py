"""Reading holdouts: shares of users, and what they are held out from."""

from collections.abc import Iterable, Mapping

from .conditions import Known, read_conditions
from .entities import id_type
from .model import EVERYONE, Experiment, Holdout, suggestion
from .percentages import percentage
from .schema import HELD_OUT, HOLDOUT
from .yaml_reader import Entry


def read_holdout(
    name: str,
    entry: Entry,
    known: Known,
    named: Mapping[str, Mapping[str, Entry]],
    experiments: Iterable[Experiment],
) -> Holdout:
    """Read a holdout.

    Args:
        name: Its name.
        entry: What the file says of it.
        known: What its conditions may refer to.
        named: The names of what users can be held out from, by section of the file.
        experiments: The experiments; those in a layer are held out with it.

    Raises:
        ProjectError: A key or value is wrong, or it holds out what does not exist.
    """
    fields = entry.fields(HOLDOUT)
    for key, meaning in {
        "share": "the percentage of users who are held out",
        "from": "everything, or lists of gates, configs, experiments and layers",
    }.items():
        if key not in fields:
            entry.fail(f"expected {key}: {meaning}")
    held = _held_out(fields["from"], named)
    inside = {e.name for e in experiments if e.layer in held["layers"]}
    return Holdout(
        name=name,
        id_type=id_type(fields),
        conditions=read_conditions(fields["if"], known) if "if" in fields else (EVERYONE,),
        share=percentage(fields["share"], 0),
        gates=held["gates"],
        configs=held["configs"],
        experiments=held["experiments"] | inside,
        layers=held["layers"],
    )


def _held_out(entry: Entry, named: Mapping[str, Mapping[str, Entry]]) -> dict[str, frozenset[str]]:
    if not entry.is_mapping():
        if entry.text() != "everything":
            entry.fail(f"expected everything, or lists of gates and the like, got {entry.text()!r}")
        return {section: frozenset(named[section]) for section in HELD_OUT}
    fields = entry.fields(HELD_OUT)
    if not fields:
        entry.fail(f"expected one of {', '.join(HELD_OUT)}")
    return {
        section: _listed(section, fields[section], named[section])
        if section in fields
        else frozenset()
        for section in HELD_OUT
    }


def _listed(section: str, entry: Entry, names: Mapping[str, Entry]) -> frozenset[str]:
    if not entry.is_list():
        if entry.text() != "all":
            entry.fail(f"expected all, or a list of {section}, got {entry.text()!r}")
        return frozenset(names)
    items = entry.items()
    if not items:
        entry.fail(f"expected at least one of the {section}, got an empty list")
    for item in items:
        if item.text() not in names:
            kind = section.removesuffix("s")
            item.fail(f"no {kind} {item.text()!r}" + suggestion(item.text(), names))
    return frozenset(item.text() for item in items)
