"""Laws of every model: of reading and writing, of the contract, and of being a value."""

import copy
import json
import pickle
from functools import cache
from typing import Any
from unittest import mock

import attrs
import jsonschema
import pydantic
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from statsig_api_client._errors import StatsigError
from statsig_api_client._runtime.parsers import UNSET, SchemaError, json_type
from statsig_api_client.generated import ExperimentExposure, GateExposure, StatsigEvent, StatsigUser
from tests.support import oracle
from tests.support.strategies import (
    MODELS,
    REMOVED,
    REPLIES,
    REQUESTS,
    SCHEMAS,
    Opaque,
    alike,
    alternatives,
    arguments,
    json_schema,
    json_values,
    models,
    python_name,
    python_objects,
    resolved,
    sets_of_required,
    spoilt,
    target,
    types,
    wire_dicts,
    wire_form,
)

# What is spoilt is so in one place of many.
many = settings(max_examples=2 * settings().max_examples)

each_model = pytest.mark.parametrize("name", MODELS)
each_request = pytest.mark.parametrize("name", REQUESTS)
each_reply = pytest.mark.parametrize("name", REPLIES)


def properties(names: Any, wanted: Any) -> pytest.MarkDecorator:
    """One case for each field of some models that is as wanted."""
    cases = [
        pytest.param(name, key, id=f"{name}.{key}")
        for name in names
        for key, schema in SCHEMAS[name]["properties"].items()
        if wanted(schema, key in SCHEMAS[name].get("required", []))
    ]
    return pytest.mark.parametrize(("name", "key"), cases)


def reference(name: str) -> Any:
    return {"$ref": f"#/components/schemas/{name}"}


def smallest(name: str) -> dict[str, Any]:
    """A wire dict that has what it must have, alone."""
    known = SCHEMAS[name]["properties"]
    return {key: smallest_value(known[key]) for key in sets_of_required(SCHEMAS[name])[0]}


def smallest_value(schema: Any) -> Any:
    if target(schema) in MODELS:
        return smallest(target(schema))
    if "enum" in schema:
        return schema["enum"][0]
    examples = {"array": [], "boolean": True, "integer": 1, "number": 1.5, "object": {}}
    return examples.get(min(types(schema)), "text")


def normal(schema: Any, received: Any) -> Any:
    """What a reply is written as: without nulls, and with the defaults of the contract."""
    if alternatives(resolved(schema)):
        schema = next(part for part in alternatives(schema) if json_type(received) in types(part))
    if isinstance(received, list) and "items" in resolved(schema):
        return [normal(resolved(schema)["items"], item) for item in received]
    if target(schema) not in REPLIES:
        return received
    known = resolved(schema)["properties"]
    defaults = {key: part["default"] for key, part in known.items() if "default" in part}
    return defaults | {
        key: normal(known[key], value) if key in known else value
        for key, value in received.items()
        if key not in known or value is not None
    }


# ---- Reading and writing ----


@each_model
@given(data=st.data())
def test_a_model_is_what_its_wire_form_reads_as(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name, nested="models"))
    again = MODELS[name].from_dict(model.to_dict())
    assert again == model
    assert alike(again.to_dict(), model.to_dict())


@each_request
@given(data=st.data())
def test_the_wire_form_of_what_is_sent_reads_and_writes_as_it_is(
    name: str, data: st.DataObject
) -> None:
    sent = data.draw(wire_dicts(name))
    assert alike(MODELS[name].from_dict(sent).to_dict(), sent)


@each_reply
@given(data=st.data())
def test_a_reply_is_written_without_nulls_and_with_its_defaults(
    name: str, data: st.DataObject
) -> None:
    received = data.draw(wire_dicts(name))
    assert alike(MODELS[name].from_dict(received).to_dict(), normal(reference(name), received))


@each_model
@given(data=st.data())
def test_a_model_writes_what_its_constructor_was_given(name: str, data: st.DataObject) -> None:
    given_values = data.draw(arguments(name))
    expected = dict(given_values.get("additional_properties", {}))
    for key, schema in SCHEMAS[name]["properties"].items():
        nothing = schema.get("default")
        if name in REQUESTS:
            nothing = UNSET if "null" in types(schema) else None
        value = given_values.get(python_name(key), nothing)
        if value is not (UNSET if nothing is UNSET else None):
            expected[key] = wire_form(value)
    assert alike(MODELS[name](**given_values).to_dict(), expected)


@each_model
@given(data=st.data())
def test_each_field_holds_what_stands_under_its_name(name: str, data: st.DataObject) -> None:
    received = data.draw(wire_dicts(name))
    model = MODELS[name].from_dict(received)
    known = SCHEMAS[name]["properties"]
    for key in received.keys() & known:
        written = wire_form(getattr(model, python_name(key)))
        assert alike(written, normal(known[key], received[key]))
    unknown = {key: value for key, value in received.items() if key not in known}
    assert alike(model.additional_properties, unknown)


@each_model
def test_fields_are_named_as_on_the_wire_but_in_snake_case(name: str) -> None:
    ours = {"additional_properties", "error"}
    fields = {field.name for field in attrs.fields(MODELS[name])}
    assert fields - ours == set(map(python_name, SCHEMAS[name]["properties"]))


@each_model
@given(data=st.data())
def test_reading_leaves_its_argument_as_it_was(name: str, data: st.DataObject) -> None:
    received = data.draw(wire_dicts(name))
    before = copy.deepcopy(received)
    model = MODELS[name].from_dict(received)
    model.additional_properties["new"] = 1
    assert alike(received, before)


@each_model
@given(data=st.data())
def test_writing_gives_a_dict_of_its_own_each_time(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name))
    before = copy.deepcopy(model.to_dict())
    model.to_dict()["new"] = 1
    assert alike(model.to_dict(), before)


@each_model
@given(data=st.data())
def test_a_known_field_wins_over_an_unknown_one_of_its_name(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name))
    unknown = dict.fromkeys(model.to_dict(), "other") | model.additional_properties
    shadowed = attrs.evolve(model, additional_properties=unknown)
    assert alike(shadowed.to_dict(), model.to_dict())


# ---- Null and absent ----


@properties(REQUESTS, lambda schema, _: "null" in types(schema))
def test_null_and_absent_are_kept_apart_where_null_can_be_sent(name: str, key: str) -> None:
    absent, null = smallest(name), {**smallest(name), key: None}
    read = MODELS[name].from_dict
    assert getattr(read(absent), python_name(key)) is UNSET
    assert getattr(read(null), python_name(key)) is None
    assert read(absent) != read(null)
    assert read(absent).to_dict() == absent
    assert read(null).to_dict() == null


@properties(REQUESTS, lambda schema, _: "null" not in types(schema))
def test_null_is_refused_where_the_contract_does_not_allow_it(name: str, key: str) -> None:
    with pytest.raises(SchemaError) as refusal:
        MODELS[name].from_dict({**smallest(name), key: None})
    assert refusal.value.path == f"$.{key}"
    assert refusal.value.problem.endswith(", got null")


@properties(REQUESTS, lambda schema, needed: "null" not in types(schema) and not needed)
def test_none_leaves_a_field_out_where_null_cannot_be_sent(name: str, key: str) -> None:
    other = {"group": "ruleID"}.get(key, "group")  # of which an exposure needs one
    needed = smallest(name) | ({other: "a"} if "anyOf" in SCHEMAS[name] else {})
    needed.pop(key, None)
    model = attrs.evolve(MODELS[name].from_dict(needed), **{python_name(key): None})
    assert model == MODELS[name].from_dict(needed)
    assert model.to_dict() == needed


@properties(REPLIES, lambda schema, _: "null" in types(schema))
def test_null_and_absent_read_as_the_same_none_in_a_reply(name: str, key: str) -> None:
    absent = MODELS[name].from_dict(smallest(name))
    null = MODELS[name].from_dict({**smallest(name), key: None})
    assert getattr(absent, python_name(key)) is None
    assert null == absent
    assert alike(null.to_dict(), absent.to_dict())


@properties(REPLIES, lambda schema, _: "default" in schema)
def test_the_default_of_the_contract_stands_for_an_absent_field(name: str, key: str) -> None:
    model = MODELS[name].from_dict(smallest(name))
    assert getattr(model, python_name(key)) is SCHEMAS[name]["properties"][key]["default"]
    assert model.to_dict()[key] is SCHEMAS[name]["properties"][key]["default"]


# ---- The contract, by two other readers of it ----


@cache
def judge(name: str, *, strict: bool = True) -> Any:
    """A validator of JSON Schema. If not strict, it knows where our reader differs, on purpose.

    * An integer is one written as an integer. JSON Schema takes 1.0 for one too; to Python it is a
      float, and Statsig's times are in whole milliseconds.
    * How long a text must be is left to the service, so that what it takes is never refused here.
    """
    validator: Any = jsonschema.Draft202012Validator
    if not strict:
        checker = validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
        validator = jsonschema.validators.extend(
            validator, {"minLength": lambda *_: ()}, type_checker=checker
        )
    return json_schema(reference(name), validator)


def oracle_faults(name: str, data: object) -> list[Any]:
    """What the pydantic models have against `data`, but for the length of texts."""
    try:
        getattr(oracle, name).model_validate(data)
    except pydantic.ValidationError as error:
        return [fault for fault in error.errors() if fault["type"] != "string_too_short"]
    return []


def json_path(place: Any) -> str:
    steps = ["$"]
    for step in place:
        if isinstance(step, int):
            steps.append(f"[{step}]")
        else:
            steps.append(f".{step}" if step.isidentifier() else f"[{json.dumps(step)}]")
    return "".join(steps)


def fault_paths(faults: Any) -> set[str]:
    """Where JSON Schema finds something wrong, with what is wrong for each alternative."""
    inner = [fault_paths(fault.context) for fault in faults]
    return {json_path(fault.absolute_path) for fault in faults}.union(*inner)


def refusal_of(name: str, data: object) -> SchemaError | None:
    try:
        MODELS[name].from_dict(data)
    except SchemaError as error:
        return error
    return None


@each_model
@given(data=st.data())
def test_what_a_model_writes_is_valid_by_json_schema(name: str, data: st.DataObject) -> None:
    judge(name).validate(data.draw(models(name)).to_dict())


@each_model
@given(data=st.data())
def test_what_a_model_writes_the_oracle_reads_and_writes_again(
    name: str, data: st.DataObject
) -> None:
    written = data.draw(models(name, sendable=True)).to_dict()
    again = getattr(oracle, name).model_validate(written).model_dump(exclude_unset=True)
    assert alike(floats(again), floats(written))


def floats(data: object) -> Any:
    """The same with a float for every integer, as pydantic reads `number`."""
    return json.loads(json.dumps(data), parse_int=float)


@each_model
@given(data=st.data())
def test_what_json_schema_and_the_oracle_accept_is_read(name: str, data: st.DataObject) -> None:
    received = data.draw(wire_dicts(name, sendable=True))
    assert judge(name).is_valid(received)
    assert not oracle_faults(name, received)
    MODELS[name].from_dict(received)


@each_model
@many
@given(data=st.data())
def test_json_schema_and_we_refuse_the_same_and_in_the_same_place(
    name: str, data: st.DataObject
) -> None:
    values = json_values() | st.just(REMOVED)
    received, place = data.draw(spoilt(name, values, sendable=False))
    assume(received is not REMOVED)
    faults = list(judge(name, strict=False).iter_errors(received))
    refusal = refusal_of(name, received)
    assert (refusal is not None) == bool(faults)
    if refusal:
        assert refusal.path in fault_paths(faults)
        assert refusal.path.startswith(json_path(place)) or json_path(place[:-1]) == refusal.path


@each_model
@many
@given(data=st.data())
def test_the_oracle_and_we_refuse_the_same(name: str, data: st.DataObject) -> None:
    # The oracle takes null for anything that may be absent, and asks for no choice of fields.
    values = json_values(sendable=True).filter(lambda value: value is not None)
    received, _ = data.draw(spoilt(name, values))
    assert (refusal_of(name, received) is not None) == bool(oracle_faults(name, received))


@properties(MODELS, lambda *_: True)
@pytest.mark.parametrize("value", [None, True, 1, 1.5, "text", [], {}], ids=json_type)
def test_each_field_takes_the_types_of_the_contract_and_no_others(
    name: str, key: str, value: object
) -> None:
    received = {**smallest(name), key: value}
    faults = list(judge(name, strict=False).iter_errors(received))
    refusal = refusal_of(name, received)
    assert (refusal is not None) == bool(faults)
    if refusal and json_type(value) not in types(SCHEMAS[name]["properties"][key]):
        assert refusal.path == f"$.{key}"
        assert refusal.problem.startswith("expected ")
        assert refusal.problem.endswith(f", got {json_type(value)}")


@each_model
def test_a_missing_field_is_named(name: str) -> None:
    for key in SCHEMAS[name].get("required", []):
        received = {**smallest(name)}
        del received[key]
        with pytest.raises(SchemaError) as refusal:
            MODELS[name].from_dict(received, "$.events[3]")
        assert str(refusal.value) == f'$.events[3]: missing field "{key}"'


@pytest.mark.parametrize("name", ["ExperimentExposure", "GateExposure"])
def test_an_exposure_without_group_and_rule_is_refused_where_it_stands(name: str) -> None:
    received = {key: smallest(name)[key] for key in SCHEMAS[name]["required"]}
    with pytest.raises(SchemaError) as refusal:
        MODELS[name].from_dict(received, "$.exposures[0]")
    assert str(refusal.value) == '$.exposures[0]: missing field "group" or "ruleID"'


# ---- Whatever comes ----


@each_model
@many
@given(data=st.data())
def test_any_python_object_anywhere_reads_or_is_a_schema_error(
    name: str, data: st.DataObject
) -> None:
    received, _ = data.draw(spoilt(name, python_objects(), sendable=False))
    refusal = refusal_of(name, received)
    assert refusal is None or str(refusal).startswith("$")


@each_model
@given(value=json_values() | python_objects())
def test_any_object_for_a_whole_reads_or_is_refused_as_a_whole(name: str, value: object) -> None:
    refusal = refusal_of(name, value)
    if refusal and not isinstance(value, dict):
        assert str(refusal) == f"$: expected object, got {json_type(value)}"


# ---- Constructors ----

SAMPLES: tuple[object, ...] = (True, 1, 1.5, "text", [], {}, b"bytes", UNSET, Opaque())


def takes(schema: Any, value: object) -> bool:
    """Whether a constructor should take a value for a field of a request."""
    if value is UNSET:
        return "null" in types(schema)
    if "enum" in schema:
        return value in schema["enum"]
    kind = json_type(value)
    return kind in types(schema) or (kind == "integer" and "number" in types(schema))


@properties(REQUESTS, lambda *_: True)
@pytest.mark.parametrize("value", SAMPLES, ids=json_type)
def test_a_constructor_refuses_a_wrong_type_with_the_name_of_the_field(
    name: str, key: str, value: object
) -> None:
    model = MODELS[name].from_dict(smallest(name))
    changes = {python_name(key): value}
    if takes(SCHEMAS[name]["properties"][key], value):
        assert getattr(attrs.evolve(model, **changes), python_name(key)) is value
        return
    with pytest.raises(TypeError) as refusal:
        attrs.evolve(model, **changes)
    assert str(refusal.value).startswith(f"{name}.{python_name(key)}: expected ")
    assert ", got " in str(refusal.value)


@properties(REQUESTS, lambda _, needed: needed)
def test_a_constructor_refuses_none_for_what_must_be_there(name: str, key: str) -> None:
    model = MODELS[name].from_dict(smallest(name))
    with pytest.raises(TypeError) as refusal:
        attrs.evolve(model, **{python_name(key): None})
    assert str(refusal.value).startswith(f"{name}.{python_name(key)}: expected ")
    assert str(refusal.value).endswith(", got null")


@each_request
def test_a_constructor_refuses_unknown_fields_that_are_no_object(name: str) -> None:
    model = MODELS[name].from_dict(smallest(name))
    with pytest.raises(TypeError) as refusal:
        attrs.evolve(model, additional_properties=None)
    assert str(refusal.value) == f"{name}.additional_properties: expected object, got null"


@pytest.mark.parametrize(
    ("model", "given_values", "problem"),
    [
        (StatsigUser, {"user_id": 42}, "user_id: expected string, got integer"),
        # It is equal to the default, as to anything.
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
            {"event_name": "a", "secondary_exposures": [{}, 5]},
            "secondary_exposures[1]: expected SecondaryExposure or object, got integer",
        ),
    ],
)
def test_what_a_constructor_refuses_is_said_with_its_place(
    model: Any, given_values: dict[str, Any], problem: str
) -> None:
    with pytest.raises(TypeError) as refusal:
        model(**given_values)
    assert str(refusal.value) == f"{model.__name__}.{problem}"


@pytest.mark.parametrize(
    "make",
    [
        lambda: ExperimentExposure(experiment_name="a"),
        lambda: GateExposure(gate_name="a", passes=True),
        lambda: GateExposure(gate_name="a", passes=True, group=None, rule_id=None),
    ],
)
def test_an_exposure_needs_a_group_or_a_rule(make: Any) -> None:
    with pytest.raises(SchemaError, match=r"^\w+Exposure: expected group or rule_id$") as refusal:
        make()
    assert isinstance(refusal.value, ValueError)


@each_model
def test_fields_are_given_by_name_alone(name: str) -> None:
    values = list(smallest(name).values()) or ["staging"]
    with pytest.raises(TypeError, match="positional"):
        MODELS[name](*values)


# ---- Values ----


@each_model
@given(data=st.data())
def test_copies_are_equal(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name))
    for one in (copy.copy(model), copy.deepcopy(model), attrs.evolve(model)):
        assert one == model
        assert alike(one.to_dict(), model.to_dict())


@each_model
@given(data=st.data(), protocol=st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_pickles_come_back_equal(name: str, data: st.DataObject, protocol: int) -> None:
    model = data.draw(models(name))
    again = pickle.loads(pickle.dumps(model, protocol))  # noqa: S301  (our own)
    assert again == model
    assert alike(again.to_dict(), model.to_dict())


@each_model
@given(data=st.data())
def test_repr_is_the_expression_that_makes_the_model(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name, sendable=True))
    assert repr(model).startswith(f"{name}(")
    made = eval(repr(model), {**MODELS, "UNSET": UNSET})  # noqa: S307  (our own)
    assert made == model


@each_model
@given(data=st.data())
def test_repr_never_raises(name: str, data: st.DataObject) -> None:
    assert name in repr(data.draw(models(name)))


@each_model
@given(data=st.data())
def test_equal_models_have_equal_hashes(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name, nested="models"))
    again = MODELS[name].from_dict(json.loads(json.dumps(model.to_dict())))
    assert again == model
    assert hash(again) == hash(model)
    assert {model: 1}[again] == 1


@each_model
@given(data=st.data())
def test_models_are_equal_exactly_when_their_fields_are(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name, nested="models"))
    others = data.draw(arguments(name, nested="models"))
    assume(others)
    field = data.draw(st.sampled_from(sorted(others)))
    # An exposure may lose its only group or rule.
    assume(others[field] is not None or field not in ("group", "rule_id"))
    changed = attrs.evolve(model, **{field: others[field]})
    assert (changed == model) == (others[field] == getattr(model, field))
    assert (changed != model) == (others[field] != getattr(model, field))


@each_model
@given(data=st.data())
def test_a_model_equals_nothing_but_its_own_kind(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name))
    assert model != model.to_dict()
    assert model != attrs.astuple(model)
    others = [MODELS[other].from_dict(smallest(other)) for other in MODELS if other != name]
    assert model not in others
    with pytest.raises(TypeError):
        sorted([model, copy.copy(model)])


@each_model
def test_a_model_cannot_be_changed(name: str) -> None:
    model = MODELS[name].from_dict(smallest(name))
    for field in [*(field.name for field in attrs.fields(MODELS[name])), "a_new_one"]:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(model, field, None)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(model, field)
    assert model == MODELS[name].from_dict(smallest(name))
    assert not hasattr(model, "__dict__")


@each_reply
def test_why_a_reply_is_a_fallback_does_not_count_for_equality(name: str) -> None:
    model = MODELS[name].from_dict(smallest(name))
    if "x-fallback" not in SCHEMAS[name]:
        assert not hasattr(model, "error")
        return
    fallback = attrs.evolve(model, error=StatsigError("down"))
    assert fallback == model
    assert hash(fallback) == hash(model)
    assert fallback.to_dict() == model.to_dict()
