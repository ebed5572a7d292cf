"""The two forms of config specs, and how one becomes the other."""

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Final, Literal

from ..._runtime.parsers import JsonObject, JsonValue

GATES: Final = "feature_gates"
CONFIGS: Final = "dynamic_configs"
LAYERS: Final = "layer_configs"
SECTIONS: Final = {GATES: "feature_gate", CONFIGS: "dynamic_config", LAYERS: "layer"}
"""The sections of the specs, each with the kind of what is in it unless it says otherwise."""

_NUMBER: Final = re.compile("-?[0-9]{1,9}")


def newer_form(document: JsonObject) -> JsonObject:
    """Bring config specs into the form that the core reads; the core only logs if they are not.

    The older form, that of `/v1/download_config_specs`, has lists of specs, and conditions where
    they apply; its oldest files lack kinds and types of ID. Its rules of what is not enabled are
    removed. The core evaluates them all the same, since in the newer form Statsig has removed them,
    but for those that still count, such as the holdouts of a gate that is on for everyone else.

    Raises:
        ShapeError: A part of the document has another type than specs have.
    """
    written = as_object(document.get("condition_map", {}), "condition_map")
    conditions: JsonObject = {
        condition_id: as_object(condition, f"condition_map.{condition_id}")
        for condition_id, condition in written.items()
    }
    older = isinstance(document[GATES], list)
    sections: JsonObject = {
        section: {
            name: _newer_spec(spec, f"{section}.{name}", kind, conditions, older=older)
            for name, spec in by_name(document.get(section, {}), section)
        }
        for section, kind in SECTIONS.items()
    }
    to_layer: JsonObject = {
        str(experiment): layer
        for layer, experiments in as_object(document.get("layers", {}), "layers").items()
        for experiment in as_list(experiments, f"layers.{layer}")
    }
    to_layer |= as_object(document.get("experiment_to_layer", {}), "experiment_to_layer")
    time = document.get("time", 1)
    if type(time) is not int or time < 1:
        raise ShapeError(f"time: expected milliseconds since 1970, got {time!r}")
    kept = {key: value for key, value in document.items() if key != "layers"}
    maps: JsonObject = {"condition_map": conditions, "experiment_to_layer": to_layer}
    return {"has_updates": True, "time": 1, **kept, **sections, **maps}


def older_form(document: JsonObject) -> JsonObject:
    """Write config specs, that are in the newer form, in the older one.

    It is what `/v1/download_config_specs` answers, and all that the SDKs read which were made
    before the core. Brought back by `newer_form`, it evaluates to the same.
    """
    conditions: JsonObject = {
        condition_id: _older_condition(as_object(condition, condition_id))
        for condition_id, condition in as_object(document["condition_map"], "").items()
    }
    sections: JsonObject = {
        section: [
            _older_spec(name, as_object(spec, name), conditions, gate=section == GATES)
            for name, spec in as_object(document[section], section).items()
        ]
        for section in SECTIONS
    }
    layers: dict[str, list[JsonValue]] = {}
    for experiment, layer in as_object(document["experiment_to_layer"], "").items():
        layers.setdefault(str(layer), []).append(experiment)
    newer = {"condition_map", "experiment_to_layer", "response_format"}
    kept = {key: value for key, value in document.items() if key not in newer}
    return {**kept, **sections, "layers": dict(layers)}


def _older_condition(condition: JsonObject) -> JsonObject:
    buckets = condition.get("targetValue")
    if condition.get("type") == "user_bucket" and isinstance(buckets, dict):
        # The newer form has {"7": true}, which evaluators of this one take for no buckets at all.
        numbers = [int(bucket) for bucket in buckets if _NUMBER.fullmatch(bucket)]
        return {**condition, "targetValue": list(numbers)}
    return condition


def _older_spec(name: str, spec: JsonObject, conditions: JsonObject, *, gate: bool) -> JsonObject:
    rules: list[JsonObject] = []
    for item in as_list(spec["rules"], name):
        rule = as_object(item, name)
        uses: list[JsonValue] = [conditions[str(use)] for use in as_list(rule["conditions"], name)]
        rules.append({**rule, "conditions": uses})
    older: JsonObject = {**spec, "name": name, "rules": list(rules)}
    opened = spec.get("defaultValue") is True
    # That a gate is closed for a part of those whom a rule meets, and open for all others, this
    # form cannot say; then the core alone reads it right.
    if gate and not (opened and any(_closes(rule) == "partly" for rule in rules)):
        rules = [_older_gate_rule(rule, opened=opened) for rule in rules]
        older |= {"rules": list(rules), "defaultValue": False}
    if opened or (rules and not spec.get("enabled")):
        # What evaluates this form stops at what is not enabled, and takes a gate for closed.
        rest = "default" if spec.get("enabled") else "disabled"
        last: JsonObject = {
            "name": rest,
            "id": rest,
            "salt": "",
            "passPercentage": 0 if spec.get("defaultValue") is False else 100,
            "conditions": [{"type": "public", "idType": "userID"}],
            "returnValue": spec.get("defaultValue"),
            "idType": "userID",
        }
        older |= {"enabled": True, "rules": [*rules, last]}
    return older


def _older_gate_rule(rule: JsonObject, *, opened: bool) -> JsonObject:
    # A rule that passes opens the gate, in this form, whatever it returns. Holdouts close it.
    if _closes(rule):
        return {**rule, "passPercentage": 0}
    return {**rule, "returnValue": True, "passPercentage": 100} if opened else rule


def _closes(rule: JsonObject) -> Literal["always", "partly"] | None:
    percentage = rule.get("passPercentage")
    if rule.get("returnValue") is not False or percentage == 0:
        return None
    return "always" if percentage == 100 else "partly"


def _newer_spec(
    value: JsonValue, path: str, kind: str, conditions: JsonObject, *, older: bool
) -> JsonObject:
    spec = as_object(value, path)
    rules: list[JsonValue] = []
    counts = spec.get("enabled") or not older
    for item in as_list(spec.get("rules"), f"{path}.rules") if counts else []:
        rule = as_object(item, f"{path}.rules")
        uses = as_list(rule.get("conditions"), f"{path}.rules.conditions")
        ids: list[JsonValue] = [_condition_id(use, conditions, path) for use in uses]
        rules.append({"idType": "userID", **rule, "conditions": ids})
    return {"entity": kind, "idType": "userID", **spec, "rules": rules}


def _condition_id(use: JsonValue, conditions: JsonObject, path: str) -> JsonValue:
    if isinstance(use, dict):
        condition_id = hashlib.sha256(json.dumps(use, sort_keys=True).encode()).hexdigest()[:16]
        conditions[condition_id] = {"idType": "userID", **use}
        return condition_id
    if not isinstance(use, str) or use not in conditions:
        raise ShapeError(f"{path}.rules.conditions: {use!r} is not in condition_map")
    return use


class ShapeError(ValueError):
    """A part of specs that is not of the type that it has in all specs."""


def by_name(section: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    """The specs of a section of either form, with their names."""
    if isinstance(section, dict):
        yield from section.items()
        return
    seen: set[str] = set()
    for spec in as_list(section, path):
        name = as_object(spec, path).get("name")
        if not isinstance(name, str) or name in seen:
            raise ShapeError(f"{path}: expected specs that differ in name, got {name!r}")
        seen.add(name)
        yield name, spec


def as_object(value: JsonValue, path: str) -> JsonObject:
    """A value that is an object in all specs."""
    if not isinstance(value, dict):
        raise ShapeError(f"{path}: expected an object, got {type(value).__name__}")
    return value


def as_list(value: JsonValue, path: str) -> list[JsonValue]:
    """A value that is a list in all specs."""
    if not isinstance(value, list):
        raise ShapeError(f"{path}: expected a list, got {type(value).__name__}")
    return value
