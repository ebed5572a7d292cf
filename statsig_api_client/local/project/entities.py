"""Reading gates, segments, configs, experiments and layers."""

from collections.abc import Collection, Mapping
from typing import Final

from ..._runtime.parsers import JsonObject
from . import schema
from .conditions import Known, read_conditions
from .model import (
    EVERYONE,
    HELD_OUT_RULE,
    Condition,
    DynamicConfig,
    Experiment,
    Gate,
    Group,
    Layer,
    Rule,
    suggestion,
)
from .percentages import percentage, thousandths
from .yaml_reader import Entry

_RESERVED: Final = frozenset(
    {"default", "disabled", "error", "experimentAssignment", "inlineTargetingRules"}
    | {"layerAssignment", "override", "prestart"}
)
"""Rule IDs with a meaning of their own, which no rule can have for a name."""


def read_gate(name: str, entry: Entry, known: Known) -> Gate:
    """Read a feature gate."""
    fields = entry.fields(schema.GATE)
    return Gate(
        name=name,
        id_type=id_type(fields),
        enabled=_flag(fields.get("enabled")),
        rules=_rules(fields.get("rules"), known, schema.RULE),
    )


def read_segment(name: str, entry: Entry, known: Known) -> Gate:
    """Read a segment."""
    fields = entry.fields(schema.SEGMENT)
    rules = _rules(fields.get("rules"), known, schema.RULE)
    return Gate(name=name, id_type=id_type(fields), enabled=True, rules=rules)


def read_config(name: str, entry: Entry, known: Known) -> DynamicConfig:
    """Read a dynamic config."""
    fields = entry.fields(schema.CONFIG)
    return DynamicConfig(
        name=name,
        id_type=id_type(fields),
        enabled=_flag(fields.get("enabled")),
        default=_parameters(fields.get("default")),
        rules=_rules(fields.get("rules"), known, schema.CONFIG_RULE),
    )


def read_layer(name: str, entry: Entry) -> Layer:
    """Read a layer."""
    fields = entry.fields(schema.LAYER)
    if "default" not in fields:
        entry.fail("expected default: the layer's parameters and their values")
    return Layer(name=name, id_type=id_type(fields), default=fields["default"].json_object())


def read_experiment(
    name: str, entry: Entry, known: Known, layers: Mapping[str, Layer]
) -> Experiment:
    """Read an experiment, and what it has from its layer if it is in one."""
    fields = entry.fields(schema.EXPERIMENT)
    if "groups" not in fields:
        entry.fail("expected groups: what each part of the users gets")
    layer: Layer | None = None
    if "layer" in fields:
        layer_name = fields["layer"].text()
        if layer_name not in layers:
            fields["layer"].fail(f"no layer {layer_name!r}" + suggestion(layer_name, layers))
        layer = layers[layer_name]
        for key in fields.keys() & {"idType", "default"}:
            fields[key].fail(f"expected no {key}: the layer {layer_name!r} has it")
    default = _parameters(fields.get("default"))
    return Experiment(
        name=name,
        id_type=id_type(fields) if layer is None else layer.id_type,
        active=_flag(fields.get("active")),
        layer=None if layer is None else layer.name,
        allocation=thousandths(fields.get("allocation"), 100),
        targeting=_conditions(fields.get("targeting"), known),
        default=default if layer is None else layer.default,
        groups=_groups(fields["groups"], layer),
    )


def id_type(fields: Mapping[str, Entry]) -> str:
    """The ID by which something divides."""
    return fields["idType"].text() if "idType" in fields else "userID"


def _flag(entry: Entry | None) -> bool:
    return True if entry is None else entry.boolean()


def _parameters(entry: Entry | None) -> JsonObject:
    return {} if entry is None else entry.json_object()


def _conditions(entry: Entry | None, known: Known) -> tuple[Condition, ...]:
    return () if entry is None else read_conditions(entry, known)


def _rules(entry: Entry | None, known: Known, keys: Collection[str]) -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for item in [] if entry is None else entry.items():
        fields = item.fields(keys)
        if "name" not in fields:
            item.fail("expected a name: rules are told apart, and users divided, by it")
        name = _free_name(fields["name"], fields["name"].text(), "rule")
        if name in rules:
            fields["name"].fail(f"a second rule named {name!r}")
        if "value" in keys and "value" not in fields:
            item.fail("expected value: what users of this rule get")
        rules[name] = Rule(
            name=name,
            conditions=_conditions(fields.get("if"), known) or (EVERYONE,),
            rollout=percentage(fields.get("rollout"), 100),
            value=_parameters(fields.get("value")),
        )
    return tuple(rules.values())


def _free_name(entry: Entry, name: str, kind: str) -> str:
    if not name or name in _RESERVED or name.startswith(HELD_OUT_RULE):
        entry.fail(f"no {kind} can be named {name!r}")
    return name


def _groups(entry: Entry, layer: Layer | None) -> tuple[Group, ...]:
    entries = entry.mapping()
    if not entries:
        entry.fail("expected at least one group")
    groups: list[Group] = []
    for name, item in entries.items():
        fields = item.fields(schema.GROUP)
        _free_name(item, name, "group")
        if "value" not in fields:
            item.fail("expected value: what users of this group get")
        if layer is not None:
            _check_parameters(fields["value"], layer)
        groups.append(
            Group(
                name=name,
                share=thousandths(fields.get("share"), 100 / len(entries)),
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
