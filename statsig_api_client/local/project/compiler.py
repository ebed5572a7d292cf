"""Compilation of a project to config specs, which Statsig's core evaluates."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ..._runtime.parsers import JsonObject, JsonValue
from .model import (
    BUCKETS,
    EVERYONE,
    HOLDOUT_RULE_PREFIX,
    Condition,
    DynamicConfig,
    Experiment,
    Gate,
    Holdout,
    Layer,
    Project,
    Rule,
    bucket,
    salt,
    segment_spec,
)


def compile_project(project: Project, time: int) -> JsonObject:
    """Compile a project to config specs in v1.

    Salts depend only on names, so a project assigns users identically on every run and machine, and
    renaming an entity or rule reassigns them.

    Args:
        project: The project.
        time: The time of the last change, in milliseconds since 1970.
    """
    members: dict[str, list[Experiment]] = {layer.name: [] for layer in project.layers}
    for experiment in project.experiments:
        if experiment.layer is not None:
            members[experiment.layer].append(experiment)
    allocated = {e.name: range(bucket(e.allocation)) for e in project.experiments}
    for experiments in members.values():
        allocated |= _disjoint_buckets(experiments)
    holdouts = project.holdouts
    return {
        "feature_gates": [
            *(_gate(gate, [h for h in holdouts if gate.name in h.gates]) for gate in project.gates),
            *(_segment(segment) for segment in project.segments),
            *(_inline_segment(e) for e in project.experiments if e.targeting),
            *(_holdout(holdout) for holdout in holdouts),
        ],
        "dynamic_configs": [
            *(_config(c, [h for h in holdouts if c.name in h.configs]) for c in project.configs),
            *(
                _experiment(e, allocated[e.name], [h for h in holdouts if e.name in h.experiments])
                for e in project.experiments
            ),
        ],
        "layer_configs": [
            _layer(
                layer,
                members[layer.name],
                allocated,
                [h for h in holdouts if layer.name in h.layers],
            )
            for layer in project.layers
        ],
        "layers": {name: [e.name for e in experiments] for name, experiments in members.items()},
        "id_lists": dict.fromkeys(project.id_lists, True),
        "has_updates": True,
        "time": time,
    }


def _disjoint_buckets(experiments: Iterable[Experiment]) -> Iterator[tuple[str, range]]:
    # A user is in at most one experiment of a layer.
    percent = 0.0
    for experiment in experiments:
        first, percent = percent, percent + experiment.allocation
        yield experiment.name, range(bucket(first), bucket(percent))


def _gate(gate: Gate, holdouts: Iterable[Holdout]) -> JsonObject:
    return _spec(
        "feature_gate",
        gate.name,
        id_type=gate.id_type,
        enabled=gate.enabled,
        default=False,
        rules=[
            *_holdout_rules(holdouts, gate.id_type, default=False),
            *(_targeting_rule("gate", gate, rule, value=True) for rule in gate.rules),
        ],
    )


def _segment(segment: Gate) -> JsonObject:
    return _spec(
        "segment",
        segment_spec(segment.name),
        id_type=segment.id_type,
        default=False,
        rules=[_targeting_rule("segment", segment, rule, value=True) for rule in segment.rules],
    )


def _holdout(holdout: Holdout) -> JsonObject:
    rule = _rule("held out", holdout.conditions, holdout.id_type, value=True)
    return _spec(
        "holdout",
        holdout.name,
        id_type=holdout.id_type,
        default=False,
        rules=[rule | {"passPercentage": holdout.share}],
    )


def _holdout_rules(
    holdouts: Iterable[Holdout], id_type: str, *, default: JsonValue
) -> Iterator[JsonObject]:
    # Statsig inserts such a rule, too. It passes for no user and so returns the default, since some
    # SDKs open a gate if a rule passes, even if its value is false.
    for holdout in holdouts:
        held_out = Condition(type="pass_gate", target=holdout.name)
        rule = _rule(HOLDOUT_RULE_PREFIX + holdout.name, [held_out], id_type, value=default)
        yield rule | {"passPercentage": 0}


def _config(config: DynamicConfig, holdouts: Iterable[Holdout]) -> JsonObject:
    return _spec(
        "dynamic_config",
        config.name,
        id_type=config.id_type,
        enabled=config.enabled,
        default=config.default,
        rules=[
            *_holdout_rules(holdouts, config.id_type, default=config.default),
            *(_targeting_rule("config", config, rule, value=rule.value) for rule in config.rules),
        ],
    )


def _inline_segment(experiment: Experiment) -> JsonObject:
    # Statsig also compiles targeting to a segment, which exposures omit.
    rule = _rule("targeting", experiment.targeting, experiment.id_type, value=True)
    return _spec(
        "segment",
        _inline_segment_name(experiment),
        id_type=experiment.id_type,
        default=False,
        rules=[rule],
    )


def _inline_segment_name(experiment: Experiment) -> str:
    return segment_spec(f"inline_targeting:{experiment.name}")


def _experiment(
    experiment: Experiment, allocated: range, holdouts: Iterable[Holdout]
) -> JsonObject:
    # Statsig compiles an experiment to rules with these names, in this order.
    excluded: dict[str, Condition] = {}
    if not experiment.active:
        excluded["prestart"] = EVERYONE
    if len(allocated) < BUCKETS:
        excluded["layerAssignment"] = _in_buckets("none", allocated, _allocation_salt(experiment))
    if experiment.targeting:
        segment = _inline_segment_name(experiment)
        excluded["inlineTargetingRules"] = Condition(type="fail_gate", target=segment)
    in_layer = experiment.layer is not None
    parameters = {parameter: None for group in experiment.groups for parameter in group.value}
    explicit: JsonObject = {"explicitParameters": list(parameters)} if in_layer else {}
    spec = _spec(
        "experiment",
        experiment.name,
        id_type=experiment.id_type,
        default=experiment.default,
        rules=[
            *_holdout_rules(holdouts, experiment.id_type, default=experiment.default),
            *(
                _rule(name, [condition], experiment.id_type, value=experiment.default)
                for name, condition in excluded.items()
            ),
            *_group_rules(experiment),
        ],
    )
    return spec | explicit | {"isActive": experiment.active, "hasSharedParams": in_layer}


def _group_rules(experiment: Experiment) -> Iterator[JsonObject]:
    bucket_salt = salt("experiment", experiment.name)
    percent = 0.0
    for group in experiment.groups:
        percent += group.share
        end = bucket(percent)
        below = Condition(type="user_bucket", operator="lt", target=end, salt=bucket_salt)
        value = experiment.default | group.value
        rule = _rule(group.name, [below], experiment.id_type, value=value)
        yield rule | {"groupName": group.name, "isExperimentGroup": True}


def _layer(
    layer: Layer,
    experiments: Iterable[Experiment],
    allocated: Mapping[str, range],
    holdouts: Iterable[Holdout],
) -> JsonObject:
    rules = [*_holdout_rules(holdouts, layer.id_type, default=layer.default)]
    for experiment in experiments:
        buckets = _in_buckets("any", allocated[experiment.name], _allocation_salt(experiment))
        rule = _rule("experimentAssignment", [buckets], layer.id_type, value=layer.default)
        rules.append(rule | {"configDelegate": experiment.name})
    return _spec("layer", layer.name, id_type=layer.id_type, default=layer.default, rules=rules)


def _allocation_salt(experiment: Experiment) -> str:
    if experiment.layer is None:
        return salt("allocation", experiment.name)
    return salt("layer", experiment.layer)


def _in_buckets(operator: str, buckets: range, bucket_salt: str) -> Condition:
    target: JsonObject = {str(number): True for number in buckets}
    return Condition(type="user_bucket", operator=operator, target=target, salt=bucket_salt)


def _targeting_rule(
    kind: str, owner: Gate | DynamicConfig, rule: Rule, *, value: JsonValue
) -> JsonObject:
    return _rule(rule.name, rule.conditions, owner.id_type, value=value) | {
        "groupName": rule.name,
        "passPercentage": rule.rollout,
        "salt": salt(kind, owner.name, rule.name),
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


def _spec(
    entity: str,
    name: str,
    *,
    id_type: str,
    default: JsonValue,
    rules: Sequence[JsonObject],
    enabled: bool = True,
) -> JsonObject:
    gate = entity in {"feature_gate", "segment", "holdout"}
    return {
        "name": name,
        "type": "feature_gate" if gate else "dynamic_config",
        "entity": entity,
        "salt": salt(entity, name),
        "enabled": enabled,
        "defaultValue": default,
        "idType": id_type,
        "rules": list(rules),
        "version": 1,
    }
