"""The entities of config specs by kind and name, without generated ones."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, TypeAlias

from attrs import frozen

from ..._runtime.parsers import JsonObject
from ..project.model import segment_spec
from .core import Section
from .document import ConfigSpecs
from .formats import as_object

EntityKind: TypeAlias = Literal["gate", "config", "experiment", "layer", "segment", "holdout"]
"""The kind of an entity."""

KINDS: Final[tuple[EntityKind, ...]] = (
    "gate",
    "config",
    "experiment",
    "layer",
    "segment",
    "holdout",
)

_GENERATED: Final = segment_spec("inline_targeting:")
"""The prefix of segments that are compiled from the targeting of experiments."""


@frozen(kw_only=True)
class Entity:
    """An entity of config specs."""

    kind: EntityKind
    name: str
    """The name in project files."""
    section: Section
    spec_name: str
    """The name in config specs."""
    spec: JsonObject


def entities(specs: ConfigSpecs) -> Iterator[Entity]:
    """Yield all entities by kind and name, without those that Statsig generates."""
    inner = {name: specs.gate_specs[name]["entity"] for name in sorted(specs.inner_gates)}
    sections: tuple[tuple[EntityKind, Section, Iterable[str]], ...] = (
        ("gate", "feature_gates", specs.gates),
        ("config", "dynamic_configs", specs.configs),
        ("experiment", "dynamic_configs", specs.experiments),
        ("layer", "layer_configs", specs.layers),
        ("segment", "feature_gates", [name for name in inner if inner[name] == "segment"]),
        ("holdout", "feature_gates", [name for name in inner if inner[name] == "holdout"]),
    )
    for kind, section, names in sections:
        table = as_object(specs.document[section], section)
        for name in names:
            if not is_generated(name):
                yield Entity(
                    kind=kind,
                    name=name.removeprefix(segment_spec("")) if kind == "segment" else name,
                    section=section,
                    spec_name=name,
                    spec=as_object(table[name], name),
                )


def is_generated(spec_name: str) -> bool:
    """Return whether a gate of config specs was generated from another entity."""
    return spec_name.startswith(_GENERATED)


def find_entity(specs: ConfigSpecs, kind: str, name: str) -> Entity | None:
    """Return the entity with this kind and name, or None."""
    return next((e for e in entities(specs) if e.kind == kind and e.name == name), None)


def gate_kind(specs: ConfigSpecs, spec_name: str) -> EntityKind:
    """Return the kind of a gate that a condition references."""
    if spec_name not in specs.inner_gates:
        return "gate"
    return "holdout" if specs.gate_specs[spec_name]["entity"] == "holdout" else "segment"
