"""Resolution of flags from evaluations."""

from typing import Any

import pytest

from statsig_api_client._openfeature.errors import ResolutionError
from statsig_api_client._openfeature.keys import FlagKey
from statsig_api_client._openfeature.resolution import (
    Entity,
    Resolution,
    existing,
    resolve,
    resolve_untyped,
)
from statsig_api_client._openfeature.values import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    OBJECT,
    STRING,
    ValueType,
)
from statsig_api_client._runtime.parsers import UNSET


def gate(rule_id: str | None, *, value: bool = True, **more: Any) -> Entity:
    return Entity(kind="gate", value=value, rule_id=rule_id, **more)


def resolved(entity: Entity) -> Resolution[bool]:
    return resolve(FlagKey.parse("a"), entity, BOOLEAN)


@pytest.mark.parametrize("rule", ["default", "prestart", "layerAssignment", "targetingGate"])
def test_default_rule_is_default(rule: str) -> None:
    result = resolved(gate(rule, group_name="a group"))
    assert (result.value, result.reason, result.variant) == (True, "DEFAULT", rule)


@pytest.mark.parametrize("rule", ["inlineTargetingRules", "holdout:yearly"])
def test_excluded_user_gets_default(rule: str) -> None:
    result = resolved(gate(rule, value=False))
    assert (result.value, result.reason, result.variant) == (False, "DEFAULT", rule)


@pytest.mark.parametrize("value", [True, False])
@pytest.mark.parametrize(("group", "variant"), [("staff", "staff"), (None, "5kTz"), ("", "5kTz")])
def test_rule_of_project_is_targeting_match(
    group: str | None, variant: str, *, value: bool
) -> None:
    result = resolved(gate("5kTz", value=value, group_name=group))
    assert (result.value, result.reason, result.variant) == (value, "TARGETING_MATCH", variant)
    names = {} if not group else {"groupName": group}
    assert result.metadata == {"kind": "gate", "ruleID": "5kTz"} | names


@pytest.mark.parametrize("rule", ["override", "5kTz:override", "5kTz:id_override"])
def test_override_is_marked_in_metadata(rule: str) -> None:
    result = resolved(gate(rule))
    assert (result.reason, result.variant) == ("TARGETING_MATCH", rule)
    assert result.metadata == {"kind": "gate", "ruleID": rule, "override": True}


def test_disabled_flag_has_no_value() -> None:
    result = resolved(gate("disabled"))
    assert (result.value, result.reason, result.variant) == (UNSET, "DISABLED", None)


def test_value_without_rule_is_unknown() -> None:
    result = resolved(gate(None))
    assert (result.value, result.reason, result.variant) == (True, "UNKNOWN", None)
    assert result.metadata == {"kind": "gate"}


@pytest.mark.parametrize("rule", [None, ""])
@pytest.mark.parametrize("value", [False, {}])
def test_neither_rule_nor_value_is_unknown_name(rule: str | None, value: Any) -> None:
    assert existing(Entity(kind="gate", value=value, rule_id=rule)) is None


@pytest.mark.parametrize(
    ("entity", "reason", "variant"),
    [
        (Entity(kind="experiment", value={}, rule_id="x", group_name="Test"), "SPLIT", "Test"),
        (Entity(kind="experiment", value={}, rule_id="x"), "TARGETING_MATCH", "x"),
        (Entity(kind="config", value={}, rule_id="x", group_name="T"), "TARGETING_MATCH", "T"),
        (Entity(kind="layer", value={}, rule_id="x", allocated_experiment="e"), "SPLIT", "x"),
        (Entity(kind="layer", value={}, rule_id="x"), "TARGETING_MATCH", "x"),
        (
            Entity(kind="layer", value={}, rule_id="default", allocated_experiment=""),
            "DEFAULT",
            "default",
        ),
    ],
)
def test_experiment_group_is_split(entity: Entity, reason: str, variant: str) -> None:
    result = resolve(FlagKey.parse(f"{entity.kind}:a"), entity, OBJECT)
    assert (result.reason, result.variant) == (reason, variant)
    assert result.metadata.get("allocatedExperiment", "") == (entity.allocated_experiment or "")


@pytest.mark.parametrize(
    ("value_type", "value", "expected"),
    [
        (BOOLEAN, True, True),
        (STRING, "", ""),
        (INTEGER, 3, 3),
        (INTEGER, 3.0, 3),
        (FLOAT, 0.5, 0.5),
        (FLOAT, 3, 3.0),
        (OBJECT, {}, {}),
        (OBJECT, [1], [1]),
    ],
)
def test_value_converts_to_type(
    value_type: ValueType[object], value: Any, expected: object
) -> None:
    converted = value_type.convert("a", value)
    assert converted == expected
    assert type(converted) is type(expected)


@pytest.mark.parametrize(
    ("value_type", "value", "problem"),
    [
        (BOOLEAN, 1, "a: expected boolean, got integer"),
        (BOOLEAN, "true", "a: expected boolean, got string"),
        (STRING, 1, "a: expected string, got integer"),
        (STRING, None, "a: expected string, got null"),
        (INTEGER, True, "a: expected integer, got boolean"),
        (INTEGER, 3.5, "a: expected integer, got number"),
        (INTEGER, "3", "a: expected integer, got string"),
        (FLOAT, True, "a: expected float, got boolean"),
        (FLOAT, "0.5", "a: expected float, got string"),
        (FLOAT, 10**400, "a: expected float, got integer"),
        (OBJECT, "{}", "a: expected object, got string"),
        (OBJECT, True, "a: expected object, got boolean"),
    ],
)
def test_other_type_is_mismatch(value_type: ValueType[object], value: Any, problem: str) -> None:
    with pytest.raises(ResolutionError) as raised:
        value_type.convert("a", value)
    assert (raised.value.code, str(raised.value)) == ("TYPE_MISMATCH", problem)


CONFIG = Entity(kind="config", value={"value": "v", "p": {"q": 1}}, rule_id="r")


def test_typed_flag_reads_parameter() -> None:
    assert resolve(FlagKey.parse("c"), CONFIG, STRING).value == "v"
    assert resolve(FlagKey.parse("c"), CONFIG, OBJECT).value == CONFIG.value
    assert resolve(FlagKey.parse("c:p"), CONFIG, OBJECT).value == {"q": 1}


def test_untyped_flag_reads_whole_config() -> None:
    single = Entity(kind="config", value={"value": "v"}, rule_id="r")
    assert resolve_untyped(FlagKey.parse("c"), CONFIG).value == CONFIG.value
    assert resolve_untyped(FlagKey.parse("c:p"), CONFIG).value == {"q": 1}
    assert resolve_untyped(FlagKey.parse("c"), single).value == "v"
    assert resolve_untyped(FlagKey.parse("g"), gate("r")).value is True
    assert resolve_untyped(FlagKey.parse("g"), gate("disabled")).value is UNSET


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("c", "c: the config has no parameter 'value'; use c:PARAMETER as the key"),
        ("c:x", "c:x: the config has no parameter 'x'"),
    ],
)
def test_missing_parameter_is_not_found(key: str, problem: str) -> None:
    entity = Entity(kind="config", value={"a": 1}, rule_id="r")
    with pytest.raises(ResolutionError) as raised:
        resolve(FlagKey.parse(key), entity, STRING)
    assert (raised.value.code, str(raised.value)) == ("FLAG_NOT_FOUND", problem)
