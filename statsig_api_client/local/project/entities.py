"""Parsing of the gates, segments, configs, experiments, layers and holdouts of a project file."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, TypeVar

from . import schema
from .conditions import KnownNames, read_conditions
from .model import (
    EVERYONE,
    HOLDOUT_RULE_PREFIX,
    DynamicConfig,
    Experiment,
    Gate,
    Group,
    Holdout,
    Layer,
    Rule,
    suggestion,
)
from .yaml_reader import Entry

T = TypeVar("T")

_RESERVED: Final = frozenset(
    {"default", "disabled", "error", "experimentAssignment", "inlineTargetingRules"}
    | {"layerAssignment", "override", "prestart"}
)
"""Rule IDs with a meaning reserved by Statsig."""


def read_gate(name: str, entry: Entry, known: KnownNames) -> Gate:
    """Parse a feature gate."""
    fields = entry.fields(schema.GATE)
    return Gate(
        name=name,
        id_type=_id_type(fields),
        enabled=_optional(fields.get("enabled"), Entry.boolean, default=True),
        rules=_rules(fields.get("rules"), known, schema.RULE),
    )


def read_segment(name: str, entry: Entry, known: KnownNames) -> Gate:
    """Parse a segment."""
    fields = entry.fields(schema.SEGMENT)
    rules = _rules(fields.get("rules"), known, schema.RULE)
    return Gate(name=name, id_type=_id_type(fields), enabled=True, rules=rules)


def read_config(name: str, entry: Entry, known: KnownNames) -> DynamicConfig:
    """Parse a dynamic config."""
    fields = entry.fields(schema.CONFIG)
    return DynamicConfig(
        name=name,
        id_type=_id_type(fields),
        enabled=_optional(fields.get("enabled"), Entry.boolean, default=True),
        default=_optional(fields.get("default"), Entry.json_object, default={}),
        rules=_rules(fields.get("rules"), known, schema.CONFIG_RULE),
    )


def read_layer(name: str, entry: Entry) -> Layer:
    """Parse a layer."""
    fields = entry.fields(schema.LAYER, {"default": "the parameters and their default values"})
    return Layer(name=name, id_type=_id_type(fields), default=fields["default"].json_object())


def read_experiment(
    name: str, entry: Entry, known: KnownNames, layers: Mapping[str, Layer]
) -> Experiment:
    """Parse an experiment; in a layer, it has the ID type and default of the layer."""
    fields = entry.fields(schema.EXPERIMENT, {"groups": "the groups of the experiment"})
    layer: Layer | None = None
    if "layer" in fields:
        layer_name = fields["layer"].string()
        if layer_name not in layers:
            fields["layer"].fail(f"unknown layer {layer_name!r}" + suggestion(layer_name, layers))
        layer = layers[layer_name]
        for key in fields.keys() & {"idType", "default"}:
            fields[key].fail(f"expected no {key}, since the layer {layer_name!r} defines it")
    default = fields["default"].json_object() if "default" in fields else {}
    return Experiment(
        name=name,
        id_type=_id_type(fields) if layer is None else layer.id_type,
        active=_optional(fields.get("active"), Entry.boolean, default=True),
        layer=None if layer is None else layer.name,
        allocation=_optional(fields.get("allocation"), Entry.bucketed_percentage, default=100.0),
        targeting=read_conditions(fields["targeting"], known) if "targeting" in fields else (),
        default=default if layer is None else layer.default,
        groups=_groups(fields["groups"], layer),
    )


def read_holdout(
    name: str,
    entry: Entry,
    known: KnownNames,
    entities: Mapping[str, Collection[str]],
    experiments: Iterable[Experiment],
) -> Holdout:
    """Parse a holdout.

    Args:
        name: The name of the holdout.
        entry: The contents of the holdout.
        known: The names that its conditions can reference.
        entities: The names of all entities, by section of the project file.
        experiments: All experiments; those of a held-out layer are held out too.
    """
    required = {
        "share": "the percentage of users to hold out",
        "from": "everything, or lists of gates, configs, experiments and layers",
    }
    fields = entry.fields(schema.HOLDOUT, required)
    held_out = _held_out(fields["from"], entities)
    in_layers = {e.name for e in experiments if e.layer in held_out["layers"]}
    return Holdout(
        name=name,
        id_type=_id_type(fields),
        conditions=read_conditions(fields["if"], known) if "if" in fields else (EVERYONE,),
        share=fields["share"].percentage(),
        gates=held_out["gates"],
        configs=held_out["configs"],
        experiments=held_out["experiments"] | in_layers,
        layers=held_out["layers"],
    )


def _optional(entry: Entry | None, parse: Callable[[Entry], T], *, default: T) -> T:
    return default if entry is None else parse(entry)


def _id_type(fields: Mapping[str, Entry]) -> str:
    return _optional(fields.get("idType"), Entry.string, default="userID")


def _rules(entry: Entry | None, known: KnownNames, keys: Collection[str]) -> tuple[Rule, ...]:
    required = {"name": "a name, which identifies the rule and divides its users"}
    if "value" in keys:
        required["value"] = "the parameters for users of the rule"
    rules: dict[str, Rule] = {}
    for item in [] if entry is None else entry.items():
        fields = item.fields(keys, required)
        name = _available_name(fields["name"], fields["name"].string(), "rule")
        if name in rules:
            fields["name"].fail(f"duplicate rule {name!r}")
        rules[name] = Rule(
            name=name,
            conditions=read_conditions(fields["if"], known) if "if" in fields else (EVERYONE,),
            rollout=_optional(fields.get("rollout"), Entry.percentage, default=100.0),
            value=_optional(fields.get("value"), Entry.json_object, default={}),
        )
    return tuple(rules.values())


def _available_name(entry: Entry, name: str, kind: str) -> str:
    if not name:
        entry.fail(f"expected a name of the {kind}, got an empty string")
    if name in _RESERVED or name.startswith(HOLDOUT_RULE_PREFIX):
        entry.fail(f"{name!r} is reserved; choose another name for the {kind}")
    return name


def _groups(entry: Entry, layer: Layer | None) -> tuple[Group, ...]:
    entries = entry.mapping()
    if not entries:
        entry.fail("expected at least one group")
    groups: list[Group] = []
    for name, item in entries.items():
        _available_name(item, name, "group")
        fields = item.fields(schema.GROUP, {"value": "the parameters for users of the group"})
        if layer is not None:
            _check_parameters(fields["value"], layer)
        equal_share = 100 / len(entries)
        groups.append(
            Group(
                name=name,
                share=_optional(
                    fields.get("share"), Entry.bucketed_percentage, default=equal_share
                ),
                value=fields["value"].json_object(),
            )
        )
    total = sum(group.share for group in groups)
    if abs(total - 100) > 0.01:
        entry.fail(f"expected shares that add up to 100, got {total:g}")
    return tuple(groups)


def _check_parameters(value: Entry, layer: Layer) -> None:
    for parameter, entry in value.mapping().items():
        if parameter not in layer.default:
            entry.fail(
                f"the layer {layer.name!r} has no parameter {parameter!r}"
                + suggestion(parameter, layer.default)
            )


def _held_out(entry: Entry, entities: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    if not entry.is_mapping():
        if entry.string() != "everything":
            entry.fail(f"expected everything or a mapping of lists, got {entry.string()!r}")
        return {section: frozenset(entities[section]) for section in schema.HELD_OUT}
    fields = entry.fields(schema.HELD_OUT)
    if not fields:
        entry.fail(f"expected at least one of {', '.join(schema.HELD_OUT)}")
    return {
        section: _listed_names(section, fields[section], entities[section])
        if section in fields
        else frozenset()
        for section in schema.HELD_OUT
    }


def _listed_names(section: str, entry: Entry, names: Collection[str]) -> frozenset[str]:
    if not entry.is_list():
        if entry.string() != "all":
            entry.fail(f"expected all or a list of {section}, got {entry.string()!r}")
        return frozenset(names)
    kind = section.removesuffix("s")
    items = entry.items()
    if not items:
        entry.fail(f"expected at least one {kind}, got an empty list")
    for item in items:
        if item.string() not in names:
            item.fail(f"unknown {kind} {item.string()!r}" + suggestion(item.string(), names))
    return frozenset(item.string() for item in items)
