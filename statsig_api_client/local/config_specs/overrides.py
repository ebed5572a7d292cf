"""Overrides of a project's entities, for everyone or for one unit.

An override is a rule before all others in the config specs, so it applies wherever they are
evaluated: in this server and in Statsig's SDKs.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from attrs import evolve, frozen

from ..._runtime.parsers import JsonObject, JsonValue
from ..project.model import suggestion
from .document import ConfigSpecs, group_names
from .formats import CONFIGS, GATES, LAYERS, SECTIONS, as_list, as_object
from .rules import returned_values

OverrideKind: TypeAlias = Literal["gate", "config", "experiment", "layer"]

RULE_ID: Final = "override"
"""The ID of override rules, as in Statsig's SDKs."""

_SECTIONS: Final[Mapping[OverrideKind, str]] = {
    "gate": GATES,
    "config": CONFIGS,
    "experiment": CONFIGS,
    "layer": LAYERS,
}


class OverrideTargetError(LookupError):
    """An override of an entity, group or parameter that the project does not define."""


@frozen(kw_only=True)
class Unit:
    """A unit ID and its type."""

    id_type: str
    id: str


@frozen(kw_only=True)
class Override:
    """An override of one entity."""

    kind: OverrideKind
    name: str
    unit: Unit | None
    """None for everyone."""
    value: bool | JsonObject | None
    """Whether a gate passes, or the parameters of another entity; None if `group` is set."""
    group: str | None
    """The group of an experiment to assign."""

    @property
    def target(self) -> tuple[OverrideKind, str, Unit | None]:
        """The key of the override; a new override replaces one with the same key."""
        return self.kind, self.name, self.unit


def check_override(specs: ConfigSpecs, override: Override) -> None:
    """Check an override against a project.

    Raises:
        OverrideTargetError: The project does not define the entity, group or parameter.
    """
    kind, value = override.kind, override.value
    names: Mapping[OverrideKind, Iterable[str]] = {
        "gate": specs.gate_specs,
        "config": specs.configs,
        "experiment": specs.experiments,
        "layer": specs.layers,
    }
    if override.name not in names[kind]:
        hint = suggestion(override.name, names[kind])
        raise OverrideTargetError(f"unknown {kind} {override.name!r}{hint}")
    if override.group is not None:
        _group_value(specs, override.name, override.group)
    layer = _layer(specs, override)
    if layer is not None and isinstance(value, dict):
        known = _parameters(specs, layer)
        for parameter in value.keys() - known:
            problem = f"the layer {layer!r} has no parameter {parameter!r}"
            raise OverrideTargetError(problem + suggestion(parameter, known))


def group_rules(spec: JsonObject) -> dict[str, JsonObject]:
    """Return the last rule of each group, by group name.

    Rules that assign single users to a group precede the rule that divides all users.
    """
    rules = (as_object(rule, "rules") for rule in as_list(spec["rules"], "rules"))
    return {
        str(rule["groupName"]): rule
        for rule in rules
        if rule.get("groupName") is not None and rule.get("id") != RULE_ID
    }


def overridden(specs: ConfigSpecs, overrides: Iterable[Override], time: int) -> ConfigSpecs:
    """Return config specs with override rules before the rules of their entities.

    Overrides for one unit precede those for everyone. An override of an experiment in a layer also
    applies to the layer.

    Args:
        specs: The project.
        overrides: Overrides that `check_override` accepts.
        time: The new time of the specs, in milliseconds since 1970.
    """
    document = specs.document
    sections = {section: dict(as_object(document[section], section)) for section in SECTIONS}
    ordered = sorted(overrides, key=_rank, reverse=True)
    conditions = dict(as_object(document["condition_map"], "condition_map"))
    # In reverse, since each rule is inserted before the others: rules for units come first, and
    # rules of layers before those of their experiments.
    for override in ordered:
        condition_id = _condition(override.unit, conditions)
        section, name = sections[_SECTIONS[override.kind]], override.name
        rule: JsonObject = {**_rule(specs, override), "conditions": [condition_id]}
        section[name] = _with_rule(as_object(section[name], name), rule)
        layer = _layer(specs, override)
        if override.kind == "experiment" and layer is not None:
            layers = sections[LAYERS]
            spec = as_object(layers[layer], layer)
            delegate: JsonObject = {
                **rule,
                "returnValue": spec["defaultValue"],
                "configDelegate": name,
            }
            layers[layer] = _with_rule(spec, delegate)
    configs = sections[CONFIGS]
    changed = {o.name: as_object(configs[o.name], o.name) for o in ordered if o.name in configs}
    return evolve(
        specs,
        document={**document, **sections, "condition_map": conditions, "time": time},
        gate_specs={name: as_object(gate, name) for name, gate in sections[GATES].items()},
        config_groups={**specs.config_groups, **group_names(changed)},
    )


def _rank(override: Override) -> tuple[bool, bool, str]:
    return override.kind != "layer", override.unit is None, override.name


def _spec(specs: ConfigSpecs, override: Override) -> JsonObject:
    section = as_object(specs.document[_SECTIONS[override.kind]], override.kind)
    return as_object(section[override.name], override.name)


def _with_rule(spec: JsonObject, rule: JsonObject) -> JsonObject:
    return {**spec, "rules": [rule, *as_list(spec["rules"], "rules")]}


def _condition(unit: Unit | None, conditions: JsonObject) -> str:
    condition: JsonObject = {"type": "public", "idType": "userID"}
    name = RULE_ID
    if unit is not None:
        name = f"{RULE_ID}:{json.dumps([unit.id_type, unit.id])}"
        condition = {
            "type": "unit_id",
            "operator": "any_case_sensitive",
            "field": None,
            "targetValue": [unit.id],
            "additionalValues": {},
            "idType": unit.id_type,
        }
    conditions[name] = condition
    return name


def _rule(specs: ConfigSpecs, override: Override) -> JsonObject:
    spec = _spec(specs, override)
    value: JsonValue = override.value
    group: JsonObject = {}
    if override.group is not None:
        value = _group_value(specs, override.name, override.group)
        group = {"groupName": override.group, "isExperimentGroup": True}
    elif isinstance(value, dict) and _layer(specs, override) is not None:
        # A layer always has all of its parameters.
        value = {**as_object(spec["defaultValue"], override.name), **value}
    # SDKs that predate the core open a gate if one of its rules passes, regardless of its value,
    # so a closing rule passes 0 %. A gate that is open by default can only be closed by the value.
    closed = value is False and spec.get("defaultValue") is not True
    return {
        "name": RULE_ID,
        "id": RULE_ID,
        "salt": RULE_ID,
        "passPercentage": 0 if closed else 100,
        "returnValue": value,
        "idType": spec["idType"],
        **group,
    }


def _layer(specs: ConfigSpecs, override: Override) -> str | None:
    if override.kind == "layer":
        return override.name
    layer = as_object(specs.document["experiment_to_layer"], "").get(override.name)
    return layer if isinstance(layer, str) and layer in specs.layers else None


def _parameters(specs: ConfigSpecs, layer: str) -> set[str]:
    return {parameter for value in returned_values(specs, LAYERS, layer) for parameter in value}


def _group_value(specs: ConfigSpecs, experiment: str, group: str) -> JsonValue:
    section = as_object(specs.document[CONFIGS], CONFIGS)
    rules = group_rules(as_object(section[experiment], experiment))
    if group not in rules:
        hint = suggestion(group, rules)
        raise OverrideTargetError(f"the experiment {experiment!r} has no group {group!r}{hint}")
    return rules[group]["returnValue"]
