"""Laws of models: parsing and serialization."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client._runtime.parsers import UNSET, SchemaError
from tests.support.spec import (
    MODELS,
    REQUESTS,
    RESPONSES,
    SCHEMAS,
    alike,
    alternatives,
    choice,
    field_name,
    json_types,
    minimal,
    reference,
    required_sets,
    resolve,
    snake_case,
    target,
    validator,
    wire_form,
)
from tests.support.strategies import arguments, models, wire_dicts

from .cases import each_field, each_model, each_request, each_response


def normalized(schema: Any, received: Any) -> Any:
    """Return what a response is serialized as: without nulls, and with defaults."""
    resolved = resolve(schema)
    if parts := alternatives(resolved):
        schema = next(part for part in parts if validator(part).is_valid(received))
        return normalized(schema, received)
    if isinstance(received, list) and "items" in resolved:
        return [normalized(resolved["items"], item) for item in received]
    if isinstance(received, dict) and json_types(schema) == {"object"}:
        known = resolved.get("properties", {})
        others = resolved["additionalProperties"]
        if target(schema) in RESPONSES:
            defaults = {key: part["default"] for key, part in known.items() if "default" in part}
            removed = known.keys() - resolved.get("required", [])
            kept = {k: v for k, v in received.items() if k not in removed or v is not None}
        else:
            defaults, kept = {}, received
        parsed = {key: normalized(known.get(key, others), item) for key, item in kept.items()}
        return defaults | parsed
    return received


# ---- Round trips ----


@each_model
@given(data=st.data())
def test_model_equals_its_parsed_wire_form(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name, nested="models"))
    again = MODELS[name].from_dict(model.to_dict())
    assert again == model
    assert alike(again.to_dict(), model.to_dict())


@each_request
@given(data=st.data())
def test_request_round_trips_unchanged(name: str, data: st.DataObject) -> None:
    sent = data.draw(wire_dicts(name))
    assert alike(MODELS[name].from_dict(sent).to_dict(), sent)


@each_response
@given(data=st.data())
def test_response_round_trips_normalized(name: str, data: st.DataObject) -> None:
    received = data.draw(wire_dicts(name))
    again = MODELS[name].from_dict(received).to_dict()
    assert alike(again, normalized(reference(name), received))


@each_model
@given(data=st.data())
def test_to_dict_contains_constructor_arguments(name: str, data: st.DataObject) -> None:
    values = data.draw(arguments(name))
    expected = dict(values.get("additional_properties", {}))
    for key, schema in SCHEMAS[name]["properties"].items():
        absent = schema.get("default")
        if name in REQUESTS:
            absent = UNSET if "null" in json_types(schema) else None
        value = values.get(field_name(name, key), absent)
        required = key in SCHEMAS[name].get("required", [])
        if required or value is not (UNSET if absent is UNSET else None):
            expected[key] = wire_form(value)
    assert alike(MODELS[name](**values).to_dict(), expected)


@each_model
@given(data=st.data())
def test_fields_contain_values_of_keys(name: str, data: st.DataObject) -> None:
    received = data.draw(wire_dicts(name))
    model = MODELS[name].from_dict(received)
    known = SCHEMAS[name]["properties"]
    for key in received.keys() & known:
        value = wire_form(getattr(model, field_name(name, key)))
        assert alike(value, normalized(known[key], received[key]))
    unknown = {key: value for key, value in received.items() if key not in known}
    assert alike(model.additional_properties, unknown)


@each_model
def test_field_names_are_snake_case(name: str) -> None:
    for key in SCHEMAS[name]["properties"]:
        # A name that Python or the generated code needs ends in an underscore.
        assert field_name(name, key).removesuffix("_") == snake_case(key)
    own = {"additional_properties", "error"} - {*SCHEMAS[name]["properties"]}
    fields = {*MODELS[name].__slots__} - own
    assert fields == {field_name(name, key) for key in SCHEMAS[name]["properties"]}


@each_model
@given(data=st.data())
def test_from_dict_does_not_change_its_argument(name: str, data: st.DataObject) -> None:
    received = data.draw(wire_dicts(name))
    before = copy.deepcopy(received)
    model = MODELS[name].from_dict(received)
    model.additional_properties["new"] = 1
    assert alike(received, before)


@each_model
@given(data=st.data())
def test_to_dict_returns_new_dict(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name))
    before = copy.deepcopy(model.to_dict())
    model.to_dict()["new"] = 1
    assert alike(model.to_dict(), before)


@each_model
@given(data=st.data())
def test_known_field_overrides_unknown(name: str, data: st.DataObject) -> None:
    model = data.draw(models(name))
    unknown = dict.fromkeys(model.to_dict(), "other") | model.additional_properties
    shadowed = model.__replace__(additional_properties=unknown)
    assert alike(shadowed.to_dict(), model.to_dict())


# ---- Null and absent ----


@each_field(REQUESTS, lambda schema, _: "null" in json_types(schema))
def test_request_keeps_null_and_absent_apart(name: str, key: str) -> None:
    absent = minimal(reference(name), without=key)
    absent.pop(key, None)
    null = {**absent, key: None}
    parse = MODELS[name].from_dict
    assert getattr(parse(null), field_name(name, key)) is None
    assert parse(null).to_dict() == null
    if key not in SCHEMAS[name].get("required", []):
        assert getattr(parse(absent), field_name(name, key)) is UNSET
        assert parse(absent) != parse(null)
        assert parse(absent).to_dict() == absent


@each_field(REQUESTS, lambda schema, _: json_types(schema) and "null" not in json_types(schema))
def test_request_rejects_null_if_not_nullable(name: str, key: str) -> None:
    with pytest.raises(SchemaError) as raised:
        MODELS[name].from_dict({**minimal(reference(name)), key: None})
    assert raised.value.path == f"$.{key}"
    assert raised.value.problem.endswith(", got null")


@each_field(REQUESTS, lambda schema, needed: "null" not in json_types(schema) and not needed)
def test_none_omits_field_if_not_nullable(name: str, key: str) -> None:
    if all(key in names for names in required_sets(SCHEMAS[name])):
        pytest.skip("the only choice")
    absent = minimal(reference(name), without=key)
    model = MODELS[name].from_dict(absent).__replace__(**{field_name(name, key): None})
    assert model == MODELS[name].from_dict(absent)
    assert model.to_dict() == absent


@each_field(RESPONSES, lambda schema, needed: "null" in json_types(schema) and not needed)
def test_response_parses_null_and_absent_alike(name: str, key: str) -> None:
    absent = MODELS[name].from_dict(minimal(reference(name)))
    null = MODELS[name].from_dict({**minimal(reference(name)), key: None})
    assert getattr(absent, field_name(name, key)) is None
    assert null == absent
    assert alike(null.to_dict(), absent.to_dict())


@each_field(RESPONSES, lambda schema, _: "default" in schema)
def test_response_default_replaces_absent_field(name: str, key: str) -> None:
    model = MODELS[name].from_dict(minimal(reference(name)))
    default = SCHEMAS[name]["properties"][key]["default"]
    assert alike(getattr(model, field_name(name, key)), default)
    assert alike(model.to_dict()[key], default)


# ---- Missing fields ----


@each_model
def test_missing_field_is_reported(name: str) -> None:
    for key in SCHEMAS[name].get("required", []):
        received = minimal(reference(name))
        del received[key]
        with pytest.raises(SchemaError) as raised:
            MODELS[name].from_dict(received, "$.events[3]")
        assert str(raised.value) == f'$.events[3]: missing field "{key}"'


@pytest.mark.parametrize("name", [name for name in MODELS if choice(SCHEMAS[name])])
def test_missing_choice_is_reported(name: str) -> None:
    complete, needed = minimal(reference(name)), choice(SCHEMAS[name])
    received = {key: value for key, value in complete.items() if key not in needed}
    with pytest.raises(SchemaError) as raised:
        MODELS[name].from_dict(received, "$.exposures[0]")
    names = [key for key in SCHEMAS[name]["properties"] if key in needed]
    expected = " or ".join(f'"{key}"' for key in names)
    assert str(raised.value) == f"$.exposures[0]: missing field {expected}"
