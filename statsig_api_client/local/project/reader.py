"""Reading a project file: from YAML to a project that is sure to make sense."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ..wire import JsonObject
from .conditions import Known, read_conditions
from .model import (
    EVERYONE,
    Condition,
    DynamicConfig,
    Experiment,
    Gate,
    Group,
    Keys,
    Layer,
    Project,
    Rule,
    suggestion,
)
from .yaml_file import Entry, read_yaml

_NAME: Final = re.compile(r"[a-zA-Z0-9_\-. ]{2,100}")
_KEY: Final = re.compile(r"[!-~]+")
_RESERVED: Final = frozenset(
    {"default", "disabled", "error", "experimentAssignment", "inlineTargetingRules"}
    | {"layerAssignment", "override", "prestart"}
)
"""Rule IDs with a meaning of their own, which no rule can have for a name."""

_ENTITY: Final = ("description", "idType")


def read_project(file: Path, text: str) -> Project:
    """Read a project from the text of its file.

    Raises:
        ProjectError: The text is not YAML, or what it says is misspelt, of the wrong type, out of
            range, or refers to something that does not exist.
    """
    top = read_yaml(file, text)
    sections = top.fields(
        ("keys", "environments", "gates", "configs", "experiments", "layers", "description")
    )
    gates = _names(sections.get("gates"))
    configs = _names(sections.get("configs"))
    experiments = _names(sections.get("experiments"))
    layers = _names(sections.get("layers"))
    for name in experiments.keys() & configs.keys():
        experiments[name].fail(
            f"a config in line {configs[name].line} has this name too, "
            "and both are asked for by one call"
        )
    known = Known(gates=gates, environments=_environments(sections.get("environments")))
    read_layers = {name: _layer(name, entry) for name, entry in layers.items()}
    read_gates = {name: _gate(name, entry, known) for name, entry in gates.items()}
    _check_cycles(read_gates, gates)
    read_experiments = [
        _experiment(name, entry, known, read_layers) for name, entry in experiments.items()
    ]
    for layer, entry in layers.items():
        _check_allocations([e for e in read_experiments if e.layer == layer], entry)
    return Project(
        keys=_keys(sections.get("keys")),
        gates=tuple(read_gates.values()),
        configs=tuple(_config(name, entry, known) for name, entry in configs.items()),
        experiments=tuple(read_experiments),
        layers=tuple(read_layers.values()),
        id_lists={},
    )


def _mapping(entry: Entry | None) -> dict[str, Entry]:
    return {} if entry is None else entry.mapping()


def _parameters(entry: Entry | None) -> JsonObject:
    return {} if entry is None else entry.json_object()


def _names(section: Entry | None) -> dict[str, Entry]:
    entities = _mapping(section)
    for name, entry in entities.items():
        if not _NAME.fullmatch(name):
            entry.fail("expected a name of 2 to 100 letters, digits, blanks and _ - .")
    return entities


def _keys(entry: Entry | None) -> Keys:
    fields = {} if entry is None else entry.fields(("secret", "client"))
    for kind, key in fields.items():
        if not key.text().startswith(f"{kind}-") or not _KEY.fullmatch(key.text()):
            key.fail(f"expected a key that starts with {kind}- and has no blanks")
    return Keys(**{kind: key.text() for kind, key in fields.items()})


def _environments(entry: Entry | None) -> list[str]:
    if entry is None:
        return ["development", "staging", "production"]
    return [item.text() for item in entry.items()]


def _id_type(fields: Mapping[str, Entry]) -> str:
    return fields["idType"].text() if "idType" in fields else "userID"


def _flag(entry: Entry | None) -> bool:
    return True if entry is None else entry.boolean()


def _percentage(entry: Entry | None, default: float) -> float:
    if entry is None:
        return default
    if not 0 <= entry.number() <= 100:
        entry.fail(f"expected a percentage from 0 to 100, got {entry.written()}")
    return entry.number()


def _gate(name: str, entry: Entry, known: Known) -> Gate:
    fields = entry.fields((*_ENTITY, "enabled", "rules"))
    return Gate(
        name=name,
        id_type=_id_type(fields),
        enabled=_flag(fields.get("enabled")),
        rules=_rules(fields.get("rules"), known, ("name", "if", "rollout")),
    )


def _config(name: str, entry: Entry, known: Known) -> DynamicConfig:
    fields = entry.fields((*_ENTITY, "enabled", "default", "rules"))
    return DynamicConfig(
        name=name,
        id_type=_id_type(fields),
        enabled=_flag(fields.get("enabled")),
        default=_parameters(fields.get("default")),
        rules=_rules(fields.get("rules"), known, ("name", "if", "rollout", "value")),
    )


def _layer(name: str, entry: Entry) -> Layer:
    fields = entry.fields((*_ENTITY, "default"))
    if "default" not in fields:
        entry.fail("expected default: the layer's parameters and their values")
    return Layer(name=name, id_type=_id_type(fields), default=fields["default"].json_object())


def _rules(entry: Entry | None, known: Known, keys: tuple[str, ...]) -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for item in [] if entry is None else entry.items():
        fields = item.fields(keys)
        if "name" not in fields:
            item.fail("expected a name: rules are told apart, and users divided, by it")
        name = fields["name"].text()
        if not name or name in _RESERVED or name in rules:
            fault = "a second rule" if name in rules else "no rule can be"
            fields["name"].fail(f"{fault} named {name!r}")
        if "value" in keys and "value" not in fields:
            item.fail("expected value: what users of this rule get")
        rules[name] = Rule(
            name=name,
            conditions=_conditions(fields.get("if"), known) or (EVERYONE,),
            rollout=_percentage(fields.get("rollout"), 100),
            value=_parameters(fields.get("value")),
        )
    return tuple(rules.values())


def _conditions(entry: Entry | None, known: Known) -> tuple[Condition, ...]:
    return () if entry is None else read_conditions(entry, known)


def _experiment(name: str, entry: Entry, known: Known, layers: Mapping[str, Layer]) -> Experiment:
    fields = entry.fields(
        (*_ENTITY, "active", "layer", "allocation", "targeting", "default", "groups")
    )
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
        id_type=_id_type(fields) if layer is None else layer.id_type,
        active=_flag(fields.get("active")),
        layer=None if layer is None else layer.name,
        allocation=_percentage(fields.get("allocation"), 100),
        targeting=_conditions(fields.get("targeting"), known),
        default=default if layer is None else layer.default,
        groups=_groups(fields["groups"], layer),
    )


def _groups(entry: Entry, layer: Layer | None) -> tuple[Group, ...]:
    entries = entry.mapping()
    if not entries:
        entry.fail("expected at least one group")
    groups: list[Group] = []
    for name, item in entries.items():
        fields = item.fields(("description", "share", "value"))
        if not name or name in _RESERVED:
            item.fail(f"no group can be named {name!r}")
        if "value" not in fields:
            item.fail("expected value: what users of this group get")
        if layer is not None:
            _check_parameters(fields["value"], layer)
        groups.append(
            Group(
                name=name,
                share=_percentage(fields.get("share"), 100 / len(entries)),
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


def _check_allocations(experiments: list[Experiment], layer: Entry) -> None:
    total = sum(experiment.allocation for experiment in experiments)
    if total > 100:
        names = ", ".join(experiment.name for experiment in experiments)
        layer.fail(
            f"expected allocations of at most 100 together, got {total:g} of {names}; "
            "give each an allocation, since a user can be in only one of them"
        )


def _check_cycles(gates: Mapping[str, Gate], entries: Mapping[str, Entry]) -> None:
    # Peel off the gates that depend on no other one left; what cannot be peeled is a cycle.
    left = {
        name: {str(c.target) for rule in gate.rules for c in rule.conditions if _asks_gate(c)}
        for name, gate in gates.items()
    }
    while free := [name for name, asked in left.items() if not asked & left.keys()]:
        for name in free:
            del left[name]
    for name in left:
        entries[name].fail(f"gates that ask each other in a circle: {', '.join(sorted(left))}")


def _asks_gate(condition: Condition) -> bool:
    return condition.type in {"pass_gate", "fail_gate"}
