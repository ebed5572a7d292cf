"""Compiling a project to config specs, the form in which Statsig's own evaluation reads it."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ..wire import JsonObject, JsonValue
from .model import (
    EVERYONE,
    Condition,
    DynamicConfig,
    Experiment,
    Gate,
    Layer,
    Project,
    Rule,
)

BUCKETS: Final = 1000
"""The number of buckets into which experiments and layers divide their users."""


def compile_project(project: Project, time: int) -> JsonObject:
    """Compile a project to config specs in their older form, with conditions where they apply.

    Who gets what is derived from names alone: the same project divides its users in the same way
    on every run and machine, and an entity or rule that is renamed divides them anew.

    Args:
        project: The project.
        time: When it was last changed, in milliseconds since 1970.
    """
    members = {
        layer.name: [e for e in project.experiments if e.layer == layer.name]
        for layer in project.layers
    }
    allocated = {e.name: range(_bucket(e.allocation)) for e in project.experiments}
    for experiments in members.values():
        allocated |= _side_by_side(experiments)
    return {
        "feature_gates": [
            *(_gate(gate) for gate in project.gates),
            *(_segment(experiment) for experiment in project.experiments if experiment.targeting),
        ],
        "dynamic_configs": [
            *(_config(config) for config in project.configs),
            *(_experiment(e, allocated[e.name]) for e in project.experiments),
        ],
        "layer_configs": [
            _layer(layer, members[layer.name], allocated) for layer in project.layers
        ],
        "layers": {name: [e.name for e in experiments] for name, experiments in members.items()},
        "has_updates": True,
        "time": time,
    }


def _bucket(percent: float) -> int:
    return round(percent * BUCKETS / 100)


def _side_by_side(experiments: Iterable[Experiment]) -> Iterator[tuple[str, range]]:
    # A user of a layer is in one experiment at most, so each has buckets of its own.
    percent = 0.0
    for experiment in experiments:
        first, percent = percent, percent + experiment.allocation
        yield experiment.name, range(_bucket(first), _bucket(percent))


def _salt(*names: str) -> str:
    return hashlib.sha256("/".join(names).encode()).hexdigest()[:32]


def _gate(gate: Gate) -> JsonObject:
    return _spec(
        "feature_gate",
        gate.name,
        id_type=gate.id_type,
        enabled=gate.enabled,
        default=False,
        rules=[_targeting_rule(gate, rule, value=True) for rule in gate.rules],
    )


def _config(config: DynamicConfig) -> JsonObject:
    return _spec(
        "dynamic_config",
        config.name,
        id_type=config.id_type,
        enabled=config.enabled,
        default=config.default,
        rules=[_targeting_rule(config, rule, value=rule.value) for rule in config.rules],
    )


def _segment(experiment: Experiment) -> JsonObject:
    # Statsig too makes a segment of an experiment's targeting; exposures leave segments out.
    rule = _rule("targeting", experiment.targeting, experiment.id_type, value=True)
    return _spec(
        "segment",
        _segment_name(experiment),
        id_type=experiment.id_type,
        default=False,
        rules=[rule],
    )


def _segment_name(experiment: Experiment) -> str:
    return f"segment:inline_targeting:{experiment.name}"


def _experiment(experiment: Experiment, allocated: range) -> JsonObject:
    # Rules with these names, in this order, are what Statsig itself makes of an experiment.
    salt = _salt("experiment", experiment.name)
    left_out: dict[str, Condition] = {}
    if not experiment.active:
        left_out["prestart"] = EVERYONE
    if len(allocated) < BUCKETS:
        left_out["layerAssignment"] = _in_buckets("none", allocated, _allocation_salt(experiment))
    if experiment.targeting:
        segment = _segment_name(experiment)
        left_out["inlineTargetingRules"] = Condition(type="fail_gate", target=segment)
    rules = [
        _rule(name, [condition], experiment.id_type, value=experiment.default)
        for name, condition in left_out.items()
    ]
    percent = 0.0
    for group in experiment.groups:
        percent += group.share
        below = Condition(type="user_bucket", operator="lt", target=_bucket(percent), salt=salt)
        value = experiment.default | group.value
        rule = _rule(group.name, [below], experiment.id_type, value=value)
        rules.append(rule | {"groupName": group.name, "isExperimentGroup": True})
    spec = _spec(
        "experiment",
        experiment.name,
        id_type=experiment.id_type,
        default=experiment.default,
        rules=rules,
    )
    in_layer = experiment.layer is not None
    parameters = {parameter: None for group in experiment.groups for parameter in group.value}
    explicit: JsonObject = {"explicitParameters": list(parameters)} if in_layer else {}
    return spec | explicit | {"isActive": experiment.active, "hasSharedParams": in_layer}


def _layer(
    layer: Layer, experiments: Iterable[Experiment], allocated: dict[str, range]
) -> JsonObject:
    rules: list[JsonObject] = []
    for experiment in experiments:
        buckets = _in_buckets("any", allocated[experiment.name], _allocation_salt(experiment))
        rule = _rule("experimentAssignment", [buckets], layer.id_type, value=layer.default)
        rules.append(rule | {"configDelegate": experiment.name})
    return _spec("layer", layer.name, id_type=layer.id_type, default=layer.default, rules=rules)


def _allocation_salt(experiment: Experiment) -> str:
    if experiment.layer is None:
        return _salt("allocation", experiment.name)
    return _salt("layer", experiment.layer)


def _in_buckets(operator: str, buckets: range, salt: str) -> Condition:
    target: JsonObject = {str(bucket): True for bucket in buckets}
    return Condition(type="user_bucket", operator=operator, target=target, salt=salt)


def _targeting_rule(owner: Gate | DynamicConfig, rule: Rule, *, value: JsonValue) -> JsonObject:
    kind = "gate" if isinstance(owner, Gate) else "config"
    return _rule(rule.name, rule.conditions, owner.id_type, value=value) | {
        "groupName": rule.name,
        "passPercentage": rule.rollout,
        "salt": _salt(kind, owner.name, rule.name),
    }


def _rule(
    name: str, conditions: Sequence[Condition], id_type: str, *, value: JsonValue
) -> JsonObject:
    return {
        "name": name,
        "id": name,
        "salt": name,
        "passPercentage": 100,
        "conditions": [_condition(condition, id_type) for condition in conditions],
        "returnValue": value,
        "idType": id_type,
    }


def _condition(condition: Condition, id_type: str) -> JsonObject:
    return {
        "type": condition.type,
        "operator": condition.operator,
        "field": condition.field,
        "targetValue": condition.target,
        "additionalValues": {} if condition.salt is None else {"salt": condition.salt},
        "idType": condition.id_type or id_type,
    }


def _spec(  # noqa: PLR0913
    entity: str,
    name: str,
    *,
    id_type: str,
    default: JsonValue,
    rules: Sequence[JsonObject],
    enabled: bool = True,
) -> JsonObject:
    gate = entity in {"feature_gate", "segment"}
    return {
        "name": name,
        "type": "feature_gate" if gate else "dynamic_config",
        "entity": entity,
        "salt": _salt(entity, name),
        "enabled": enabled,
        "defaultValue": default,
        "idType": id_type,
        "rules": list(rules),
    }
