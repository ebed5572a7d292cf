"""Laws of models: agreement with JSON Schema and with pydantic, and the errors of both."""

import json
from functools import cache
from typing import Any
from unittest import mock

import jsonschema
import pydantic
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from statsig_api_client._runtime.parsers import UNSET, SchemaError, json_type
from statsig_api_client.generated import ExperimentExposure, GateExposure, StatsigEvent, StatsigUser
from tests.support import oracle
from tests.support.spec import (
    MODELS,
    REQUESTS,
    SCHEMAS,
    field_name,
    json_types,
    minimal,
    reference,
    resolve,
    validator,
)
from tests.support.strategies import (
    REMOVED,
    Opaque,
    json_values,
    models,
    mutated,
    python_objects,
    wire_dicts,
)

from .cases import each_field, each_model, each_request

# A mutation changes one place of many.
many = settings(max_examples=2 * settings().max_examples)

EXPOSURE = {"gate": "g", "gateValue": "true", "ruleID": "r"}
LIMITS = ("minLength", "maxLength", "pattern", "minItems", "maxItems", "minimum", "maximum")
ORACLE_LIMITS = {
    *("string_too_short", "string_too_long", "string_pattern_mismatch", "too_short", "too_long"),
    *("greater_than_equal", "less_than_equal"),
}


@cache
def schema_validator(name: str, *, strict: bool = True) -> Any:
    """Return a validator of JSON Schema. If not strict, it differs as the client does:

    * An integer is written as an integer. JSON Schema allows 1.0, which is a float in Python;
      Statsig's times are integers.
    * Limits are left to the service, so that the client rejects nothing that the API accepts.
    """
    kind: Any = jsonschema.Draft202012Validator
    if not strict:
        checker = kind.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
        ignored = dict.fromkeys(LIMITS, lambda *_: ())
        kind = jsonschema.validators.extend(kind, ignored, type_checker=checker)
    return validator(reference(name), kind)


def oracle_problems(name: str, data: object) -> list[Any]:
    """Return the problems that pydantic finds, except limits."""
    try:
        getattr(oracle, name).model_validate(data)
    except pydantic.ValidationError as error:
        return [problem for problem in error.errors() if problem["type"] not in ORACLE_LIMITS]
    return []


def parse_error(name: str, data: object) -> SchemaError | None:
    """Return the error of `from_dict`, or None."""
    try:
        MODELS[name].from_dict(data)
    except SchemaError as error:
        return error
    return None


def json_path(place: Any) -> str:
    steps = ["$"]
    for step in place:
        if isinstance(step, int):
            steps.append(f"[{step}]")
        else:
            steps.append(f".{step}" if step.isidentifier() else f"[{json.dumps(step)}]")
    return "".join(steps)


def problem_paths(problems: Any) -> set[str]:
    """Return the paths of JSON Schema problems, including those of each alternative."""
    inner = [problem_paths(problem.context) for problem in problems]
    return {json_path(problem.absolute_path) for problem in problems}.union(*inner)


# ---- Valid data ----


@each_model
@given(data=st.data())
def test_serialized_model_is_valid_json_schema(name: str, data: st.DataObject) -> None:
    schema_validator(name).validate(data.draw(models(name)).to_dict())


@each_model
@given(data=st.data())
def test_oracle_round_trips_serialized_model(name: str, data: st.DataObject) -> None:
    written = data.draw(models(name, sendable=True)).to_dict()
    again = (
        getattr(oracle, name).model_validate(written).model_dump(by_alias=True, exclude_unset=True)
    )
    assert with_floats(again) == with_floats(written)


def with_floats(data: object) -> str:
    """Return JSON with floats for all integers, as pydantic parses `number`."""
    return json.dumps(json.loads(json.dumps(data), parse_int=float), sort_keys=True)


@each_model
@given(data=st.data())
def test_valid_data_is_parsed(name: str, data: st.DataObject) -> None:
    received = data.draw(wire_dicts(name, sendable=True))
    assert schema_validator(name).is_valid(received)
    assert not oracle_problems(name, received)
    MODELS[name].from_dict(received)


# ---- Invalid data ----


@each_model
@many
@given(data=st.data())
def test_json_schema_rejects_same_data_and_path(name: str, data: st.DataObject) -> None:
    values = json_values() | st.just(REMOVED)
    received, place = data.draw(mutated(name, values, sendable=False))
    assume(received is not REMOVED)
    problems = list(schema_validator(name, strict=False).iter_errors(received))
    error = parse_error(name, received)
    assert (error is not None) == bool(problems)
    if error:
        assert error.path in problem_paths(problems)
        assert error.path.startswith(json_path(place)) or json_path(place[:-1]) == error.path


def assert_oracle_agrees(name: str, received: object) -> None:
    error = parse_error(name, received)
    if error and error.problem.startswith("missing field") and " or " in error.problem:
        return  # the oracle has no choices of required fields
    assert (error is not None) == bool(oracle_problems(name, received))


@each_model
@many
@given(data=st.data())
def test_oracle_rejects_same_data(name: str, data: st.DataObject) -> None:
    received, _ = data.draw(mutated(name, json_values(sendable=True)))
    assert_oracle_agrees(name, received)


@pytest.mark.parametrize(
    ("name", "received"),
    [
        pytest.param(
            "GateExposure",
            {"gateName": " ", "passes": False, "group": " ", "user": {"userID": None}},
            id="null in a nested object",
        ),
        pytest.param("StatsigUser", {"statsigEnvironment": {"tier": None}}, id="null tier"),
        pytest.param("StatsigUser", {"custom": {"plan": None}}, id="null in free-form JSON"),
        pytest.param("StatsigEvent", {"eventName": "a", "value": None}, id="nullable field"),
        pytest.param("FeatureGate", {"name": "a", "value": True, "rule_id": None}, id="response"),
    ],
)
def test_oracle_agrees_about_null(name: str, received: object) -> None:
    assert_oracle_agrees(name, received)


@each_field(MODELS)
@pytest.mark.parametrize("value", [None, True, 1, 1.5, "text", [], {}], ids=json_type)
def test_field_accepts_only_types_of_schema(name: str, key: str, value: object) -> None:
    received = {**minimal(reference(name)), key: value}
    problems = list(schema_validator(name, strict=False).iter_errors(received))
    error = parse_error(name, received)
    assert (error is not None) == bool(problems)
    if error and json_type(value) not in json_types(SCHEMAS[name]["properties"][key]):
        assert error.path == f"$.{key}"
        assert error.problem.startswith("expected ")
        assert error.problem.endswith(f", got {json_type(value)}")


@each_model
@many
@given(data=st.data())
def test_any_object_parses_or_raises_schema_error(name: str, data: st.DataObject) -> None:
    received, _ = data.draw(mutated(name, python_objects(), sendable=False))
    error = parse_error(name, received)
    assert error is None or str(error).startswith("$")


@each_model
@given(value=json_values() | python_objects())
def test_any_object_instead_of_dict_is_rejected(name: str, value: object) -> None:
    error = parse_error(name, value)
    if error and not isinstance(value, dict):
        assert str(error) == f"$: expected object, got {json_type(value)}"


# ---- Constructors ----

SAMPLES: tuple[object, ...] = (True, 1, 1.5, "text", [], {}, b"bytes", UNSET, Opaque())


def accepts(schema: Any, value: object) -> bool:
    """Return whether a constructor must accept a value for a field of a request."""
    types = json_types(schema)
    if value is UNSET:
        return "null" in types
    if "enum" in schema:
        return value in schema["enum"]
    if not types and "anyOf" not in resolve(schema):
        return True
    kind = json_type(value)
    return kind in types or (kind == "integer" and "number" in types)


@each_field(REQUESTS)
@pytest.mark.parametrize("value", SAMPLES, ids=json_type)
def test_constructor_rejects_wrong_type(name: str, key: str, value: object) -> None:
    model = MODELS[name].from_dict(minimal(reference(name)))
    changes = {field_name(name, key): value}
    if accepts(SCHEMAS[name]["properties"][key], value):
        assert getattr(model.__replace__(**changes), field_name(name, key)) is value
        return
    with pytest.raises(TypeError) as raised:
        model.__replace__(**changes)
    assert str(raised.value).startswith(f"{name}.{field_name(name, key)}: expected ")
    assert ", got " in str(raised.value)


@each_field(REQUESTS, lambda schema, needed: needed and "null" not in json_types(schema))
def test_constructor_rejects_none_for_required_field(name: str, key: str) -> None:
    model = MODELS[name].from_dict(minimal(reference(name)))
    with pytest.raises(TypeError) as raised:
        model.__replace__(**{field_name(name, key): None})
    assert str(raised.value).startswith(f"{name}.{field_name(name, key)}: expected ")
    assert str(raised.value).endswith(", got null")


@each_request
def test_constructor_rejects_other_additional_properties(name: str) -> None:
    model = MODELS[name].from_dict(minimal(reference(name)))
    with pytest.raises(TypeError) as raised:
        model.__replace__(additional_properties=None)
    assert str(raised.value) == f"{name}.additional_properties: expected object, got null"


@pytest.mark.parametrize(
    ("model", "values", "problem"),
    [
        (StatsigUser, {"user_id": 42}, "user_id: expected string, got integer"),
        # `mock.ANY` equals the default.
        (StatsigUser, {"user_id": mock.ANY}, "user_id: expected string, got _ANY"),
        (StatsigUser, {"custom_ids": {"a": 1}}, "custom_ids.a: expected string, got integer"),
        (
            StatsigUser,
            {"custom_ids": {1: "a"}},
            "custom_ids: expected strings as keys, got integer",
        ),
        (
            StatsigUser,
            {"statsig_environment": "staging"},
            "statsig_environment: expected StatsigEnvironment or object, got string",
        ),
        (StatsigEvent, {"event_name": None}, "event_name: expected string, got null"),
        (
            StatsigEvent,
            {"event_name": "a", "value": True},
            "value: expected string or number, got boolean",
        ),
        (
            StatsigEvent,
            {"event_name": "a", "user": StatsigEvent(event_name="b")},
            "user: expected StatsigUser or object, got StatsigEvent",
        ),
        (
            StatsigEvent,
            {"event_name": "a", "secondary_exposures": [EXPOSURE, 5]},
            "secondary_exposures[1]: expected SecondaryExposure or object, got integer",
        ),
    ],
)
def test_constructor_error_names_place(model: Any, values: dict[str, Any], problem: str) -> None:
    with pytest.raises(TypeError) as raised:
        model(**values)
    assert str(raised.value) == f"{model.__name__}.{problem}"


@pytest.mark.parametrize(
    "construct",
    [
        lambda: ExperimentExposure(experiment_name="a"),
        lambda: GateExposure(gate_name="a", passes=True),
        lambda: GateExposure(gate_name="a", passes=True, group=None, rule_id=None),
    ],
)
def test_exposure_requires_group_or_rule(construct: Any) -> None:
    with pytest.raises(SchemaError, match=r"^\w+Exposure: expected group or rule_id$") as raised:
        construct()
    assert isinstance(raised.value, ValueError)


@each_model
def test_constructor_has_only_keyword_arguments(name: str) -> None:
    values = list(minimal(reference(name)).values()) or ["staging"]
    with pytest.raises(TypeError, match="positional"):
        MODELS[name](*values)
