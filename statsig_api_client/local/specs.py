"""Config specs: a project in the form in which Statsig delivers it to its SDKs."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import Final

from attrs import frozen

from .compile import compile_project
from .project import Keys, ProjectError
from .project_file import read_project
from .wire import JsonObject, JsonValue, read_json

_GATES: Final = "feature_gates"
_CONFIGS: Final = "dynamic_configs"
_LAYERS: Final = "layer_configs"
_SECTIONS: Final = {_GATES: "feature_gate", _CONFIGS: "dynamic_config", _LAYERS: "layer"}
"""The sections of the specs, each with the kind of what is in it unless it says otherwise."""


@frozen(kw_only=True)
class ConfigSpecs:
    """The config specs of a project, what is in them, and the keys that give access to it."""

    file: Path
    keys: Keys
    document: JsonObject
    """The specs in the newer form: maps by name, conditions apart from the rules that use them."""
    gates: tuple[str, ...]
    """The gates by name; without segments and holdouts, which are gates that only rules ask."""
    configs: tuple[str, ...]
    experiments: tuple[str, ...]
    layers: tuple[str, ...]
    inner_gates: frozenset[str]
    """The segments and holdouts."""
    gate_specs: Mapping[str, JsonObject]
    gate_groups: Mapping[tuple[str, str], str]
    """The names of the groups of gates, by gate and rule ID: the core does not tell them."""
    config_groups: Mapping[tuple[str, str], str]
    """The names of the groups of configs, by config and rule ID: nor does it tell these."""


def load_specs(file: Path) -> ConfigSpecs:
    """Load a project from a YAML project file, or from a JSON file of a real project's specs.

    Raises:
        ProjectError: The file cannot be read, or does not hold what its name promises.
    """
    try:
        data = file.read_bytes()
        changed = int(file.stat().st_mtime * 1000)
    except OSError as error:
        raise ProjectError(file, None, f"cannot be read: {error.strerror}") from None
    if file.suffix == ".json":
        return _config_specs(file, Keys(), _read_specs(file, data))
    if file.suffix in {".yaml", ".yml"}:
        project = read_project(file, _decode(file, data))
        return _config_specs(file, project.keys, compile_project(project, changed))
    raise ProjectError(file, None, "expected a file named .yaml, .yml or .json")


def _decode(file: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProjectError(file, line, "expected UTF-8 text") from None


def _read_specs(file: Path, data: bytes) -> JsonObject:
    try:
        document = read_json(data)
    except JSONDecodeError as error:
        raise ProjectError(file, error.lineno, f"not JSON: {error.msg}") from None
    except ValueError as error:
        raise ProjectError(file, None, f"not JSON: {error}") from None
    if not isinstance(document, dict) or _GATES not in document:
        raise ProjectError(
            file, None, "expected config specs, as downloaded from /v2/download_config_specs"
        )
    if document.get("has_updates") is False:
        raise ProjectError(file, None, "the specs say that nothing has changed, and hold nothing")
    return document


def _config_specs(file: Path, keys: Keys, document: JsonObject) -> ConfigSpecs:
    try:
        document = newer_form(document)
        gates, configs, layers = (
            {
                name: _object(spec, name)
                for name, spec in _object(document[section], section).items()
            }
            for section in _SECTIONS
        )
        gate_groups, config_groups = dict(_groups(gates)), dict(_groups(configs))
    except _ShapeError as error:
        raise ProjectError(file, None, str(error)) from None
    inner = {name for name, gate in gates.items() if gate.get("entity") in {"segment", "holdout"}}
    experiments = {name for name, spec in configs.items() if spec.get("entity") == "experiment"}
    return ConfigSpecs(
        file=file,
        keys=keys,
        document=document,
        gates=tuple(sorted(gates.keys() - inner)),
        configs=tuple(sorted(configs.keys() - experiments)),
        experiments=tuple(sorted(experiments)),
        layers=tuple(sorted(layers)),
        inner_gates=frozenset(inner),
        gate_specs=gates,
        gate_groups=gate_groups,
        config_groups=config_groups,
    )


def _groups(specs: Mapping[str, JsonObject]) -> Iterator[tuple[tuple[str, str], str]]:
    for name, spec in specs.items():
        for rule in _list(spec["rules"], name):
            rule_id, group = _object(rule, name).get("id"), _object(rule, name).get("groupName")
            if isinstance(rule_id, str) and isinstance(group, str):
                yield (name, rule_id), group


def newer_form(document: JsonObject) -> JsonObject:
    """Bring config specs into the form that the core reads; the core only logs if they are not.

    The older form, that of `/v1/download_config_specs`, has lists of specs, and conditions where
    they apply; its oldest files lack kinds and types of ID. Rules of what is not enabled are
    removed, since the core trusts Statsig to have done that: a disabled gate whose rules pass,
    passes.

    Raises:
        ValueError: A part of the document has another type than specs have.
    """
    conditions = dict(_object(document.get("condition_map", {}), "condition_map"))
    sections: JsonObject = {
        section: {
            name: _newer_spec(spec, f"{section}.{name}", kind, conditions)
            for name, spec in _by_name(document.get(section, {}), section)
        }
        for section, kind in _SECTIONS.items()
    }
    to_layer: JsonObject = {
        str(experiment): layer
        for layer, experiments in _object(document.get("layers", {}), "layers").items()
        for experiment in _list(experiments, f"layers.{layer}")
    }
    defaults: JsonObject = {"experiment_to_layer": to_layer, "has_updates": True, "time": 1}
    kept = {key: value for key, value in document.items() if key != "layers"}
    return {**defaults, **kept, **sections, "condition_map": conditions}


def _newer_spec(value: JsonValue, path: str, kind: str, conditions: JsonObject) -> JsonObject:
    spec = _object(value, path)
    rules: list[JsonValue] = []
    for item in _list(spec.get("rules"), f"{path}.rules") if spec.get("enabled") else []:
        rule = _object(item, f"{path}.rules")
        uses = _list(rule.get("conditions"), f"{path}.rules.conditions")
        ids: list[JsonValue] = [_condition_id(use, conditions) for use in uses]
        rules.append({"idType": "userID", **rule, "conditions": ids})
    return {"entity": kind, "idType": "userID", **spec, "rules": rules}


def _condition_id(use: JsonValue, conditions: JsonObject) -> JsonValue:
    if not isinstance(use, dict):
        return use  # It is an ID already.
    condition_id = hashlib.sha256(json.dumps(use, sort_keys=True).encode()).hexdigest()[:16]
    conditions[condition_id] = {"idType": "userID", **use}
    return condition_id


class _ShapeError(ValueError):
    """A part of specs that is not of the type that it has in all specs."""


def _by_name(section: JsonValue, path: str) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(section, dict):
        yield from section.items()
        return
    seen: set[str] = set()
    for spec in _list(section, path):
        name = _object(spec, path).get("name")
        if not isinstance(name, str) or name in seen:
            raise _ShapeError(f"{path}: expected specs that differ in name, got {name!r}")
        seen.add(name)
        yield name, spec


def _object(value: JsonValue, path: str) -> JsonObject:
    if not isinstance(value, dict):
        raise _ShapeError(f"{path}: expected an object, got {type(value).__name__}")
    return value


def _list(value: JsonValue, path: str) -> list[JsonValue]:
    if not isinstance(value, list):
        raise _ShapeError(f"{path}: expected a list, got {type(value).__name__}")
    return value
