"""The v1 and v2 formats of config specs, and the conversion between them.

v1 is the format of `/v1/download_config_specs`: lists of specs, with the conditions inside the
rules. v2 is the format of `/v2/download_config_specs`: specs by name, with the conditions in a
separate map. Statsig's core reads only v2; SDKs that predate the core read only v1.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Final, Literal

from ..._runtime.parsers import JsonObject, JsonValue, json_type

GATES: Final = "feature_gates"
CONFIGS: Final = "dynamic_configs"
LAYERS: Final = "layer_configs"
SECTIONS: Final = {GATES: "feature_gate", CONFIGS: "dynamic_config", LAYERS: "layer"}
"""The sections of config specs, each with the default entity type of its specs."""

_INTEGER: Final = re.compile("-?[0-9]{1,9}")


class SpecsFormatError(ValueError):
    """Config specs with a value of an unexpected type."""


def to_v2(document: JsonObject) -> JsonObject:
    """Return config specs of either format in v2.

    Missing entity types and ID types, which the core requires, are added, and the rules of disabled
    v1 entities are removed. The core evaluates rules even of disabled entities: it expects the
    service to have removed all that must not apply, so v2 rules are kept.

    Raises:
        SpecsFormatError: A part of the document has an unexpected type.
    """
    written = as_object(document.get("condition_map", {}), "condition_map")
    conditions: JsonObject = {
        condition_id: {"idType": "userID", **as_object(condition, f"condition_map.{condition_id}")}
        for condition_id, condition in written.items()
    }
    is_v1 = isinstance(document[GATES], list)
    sections: JsonObject = {
        section: {
            name: _v2_spec(spec, f"{section}.{name}", entity, conditions, is_v1=is_v1)
            for name, spec in _named_specs(document.get(section, {}), section)
        }
        for section, entity in SECTIONS.items()
    }
    experiment_to_layer: JsonObject = {
        str(experiment): layer
        for layer, experiments in as_object(document.get("layers", {}), "layers").items()
        for experiment in as_list(experiments, f"layers.{layer}")
    }
    experiment_to_layer |= as_object(document.get("experiment_to_layer", {}), "experiment_to_layer")
    time = document.get("time", 1)
    if type(time) is not int or time < 1:
        raise SpecsFormatError(f"time: expected milliseconds since 1970, got {time!r}")
    kept = {key: value for key, value in document.items() if key != "layers"}
    maps: JsonObject = {"condition_map": conditions, "experiment_to_layer": experiment_to_layer}
    return {"has_updates": True, "time": 1, **kept, **sections, **maps}


def to_v1(document: JsonObject) -> JsonObject:
    """Return v2 config specs in v1.

    After conversion back with `to_v2`, the result evaluates like the original.
    """
    conditions: JsonObject = {
        condition_id: _v1_condition(as_object(condition, condition_id))
        for condition_id, condition in as_object(document["condition_map"], "").items()
    }
    sections: JsonObject = {
        section: [
            _v1_spec(name, as_object(spec, name), conditions, is_gate=section == GATES)
            for name, spec in as_object(document[section], section).items()
        ]
        for section in SECTIONS
    }
    layers: dict[str, list[JsonValue]] = {}
    for experiment, layer in as_object(document["experiment_to_layer"], "").items():
        layers.setdefault(str(layer), []).append(experiment)
    only_v2 = {"condition_map", "experiment_to_layer", "response_format"}
    kept = {key: value for key, value in document.items() if key not in only_v2}
    return {**kept, **sections, "layers": dict(layers)}


def as_object(value: JsonValue, path: str) -> JsonObject:
    """Return a value as an object.

    Raises:
        SpecsFormatError: It is not an object.
    """
    if not isinstance(value, dict):
        raise SpecsFormatError(f"{path}: expected an object, got {json_type(value)}")
    return value


def as_list(value: JsonValue, path: str) -> list[JsonValue]:
    """Return a value as an array.

    Raises:
        SpecsFormatError: It is not an array.
    """
    if not isinstance(value, list):
        raise SpecsFormatError(f"{path}: expected an array, got {json_type(value)}")
    return value


def _named_specs(section: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(section, dict):
        yield from section.items()
        return
    seen: set[str] = set()
    for spec in as_list(section, path):
        name = as_object(spec, path).get("name")
        if not isinstance(name, str) or name in seen:
            raise SpecsFormatError(f"{path}: expected specs with distinct names, got {name!r}")
        seen.add(name)
        yield name, spec


def _v2_spec(
    value: JsonValue, path: str, entity: str, conditions: JsonObject, *, is_v1: bool
) -> JsonObject:
    spec = as_object(value, path)
    rules: list[JsonValue] = []
    applies = spec.get("enabled") or not is_v1
    for item in as_list(spec.get("rules"), f"{path}.rules") if applies else []:
        rule = as_object(item, f"{path}.rules")
        uses = as_list(rule.get("conditions"), f"{path}.rules.conditions")
        ids: list[JsonValue] = [_condition_id(use, conditions, path) for use in uses]
        rules.append({"idType": "userID", **rule, "conditions": ids})
    return {"entity": entity, "idType": "userID", **spec, "rules": rules}


def _condition_id(use: JsonValue, conditions: JsonObject, path: str) -> JsonValue:
    if isinstance(use, dict):
        condition_id = hashlib.sha256(json.dumps(use, sort_keys=True).encode()).hexdigest()[:16]
        conditions[condition_id] = {"idType": "userID", **use}
        return condition_id
    if not isinstance(use, str) or use not in conditions:
        raise SpecsFormatError(f"{path}.rules.conditions: {use!r} is not in condition_map")
    return use


def _v1_condition(condition: JsonObject) -> JsonObject:
    buckets = condition.get("targetValue")
    if condition.get("type") == "user_bucket" and isinstance(buckets, dict):
        # v2 has {"7": true}, which v1 evaluators treat as no bucket.
        numbers = [int(bucket) for bucket in buckets if _INTEGER.fullmatch(bucket)]
        return {**condition, "targetValue": list(numbers)}
    return condition


def _v1_spec(name: str, spec: JsonObject, conditions: JsonObject, *, is_gate: bool) -> JsonObject:
    rules: list[JsonObject] = []
    for item in as_list(spec["rules"], name):
        rule = as_object(item, name)
        uses: list[JsonValue] = [conditions[str(use)] for use in as_list(rule["conditions"], name)]
        rules.append({**rule, "conditions": uses})
    v1: JsonObject = {**spec, "name": name, "rules": list(rules)}
    open_by_default = spec.get("defaultValue") is True
    # v1 cannot express a gate that is open by default and that a rule closes for a percentage of
    # users; such gates stay unchanged, and only the core evaluates them correctly.
    if is_gate and not (open_by_default and any(_closes(rule) == "partly" for rule in rules)):
        rules = [_v1_gate_rule(rule, open_by_default=open_by_default) for rule in rules]
        v1 |= {"rules": list(rules), "defaultValue": False}
    if open_by_default or (rules and not spec.get("enabled")):
        # v1 evaluators ignore the rules of a disabled entity and close a disabled gate, so enable
        # the entity and return its default in a last rule.
        rule_id = "default" if spec.get("enabled") else "disabled"
        last: JsonObject = {
            "name": rule_id,
            "id": rule_id,
            "salt": "",
            "passPercentage": 0 if spec.get("defaultValue") is False else 100,
            "conditions": [{"type": "public", "idType": "userID"}],
            "returnValue": spec.get("defaultValue"),
            "idType": "userID",
        }
        v1 |= {"enabled": True, "rules": [*rules, last]}
    return v1


def _v1_gate_rule(rule: JsonObject, *, open_by_default: bool) -> JsonObject:
    # In v1 a passing rule opens the gate regardless of its value, so closing rules pass no user.
    if _closes(rule):
        return {**rule, "passPercentage": 0}
    return {**rule, "returnValue": True, "passPercentage": 100} if open_by_default else rule


def _closes(rule: JsonObject) -> Literal["always", "partly"] | None:
    percentage = rule.get("passPercentage")
    if rule.get("returnValue") is not False or percentage == 0:
        return None
    return "always" if percentage == 100 else "partly"
