"""Parsers: accepted and rejected values, and error messages."""

import copy
import enum
import json
import math
import pickle
import re
from types import MappingProxyType
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsig_api_client._runtime.parsers import (
    UNSET,
    ObjectReader,
    SchemaError,
    Unset,
    array_of,
    boolean,
    child,
    either,
    integer,
    json_object,
    json_type,
    json_value,
    keyed_by_name,
    map_of,
    nullable,
    number,
    one_of,
    string,
)
from statsig_api_client.generated import FeatureGate
from tests.support.strategies import (
    Opaque,
    json_objects,
    json_values,
    numbers,
    python_objects,
    texts,
)

color = one_of("red", "green")

PARSERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "string": (string, {"type": "string"}),
    "boolean": (boolean, {"type": "boolean"}),
    "integer": (integer, {"type": "integer"}),
    "number": (number, {"type": "number"}),
    "json_object": (json_object, {"type": "object"}),
    "json_value": (json_value, {}),
    "one_of": (color, {"enum": ["red", "green"]}),
    "nullable(string)": (nullable(string), {"type": ["string", "null"]}),
    "either(integer, string)": (either(integer, string), {"type": ["integer", "string"]}),
    "array_of(string)": (array_of(string), {"type": "array", "items": {"type": "string"}}),
    "map_of(number)": (
        map_of(number),
        {"type": "object", "additionalProperties": {"type": "number"}},
    ),
    "array_of(map_of(boolean))": (
        array_of(map_of(boolean)),
        {
            "type": "array",
            "items": {"type": "object", "additionalProperties": {"type": "boolean"}},
        },
    ),
}

each_parser = pytest.mark.parametrize(("parse", "schema"), PARSERS.values(), ids=PARSERS)

values = (
    json_values()
    | st.lists(texts(), max_size=3)
    | json_objects(numbers())
    | st.lists(json_objects(st.booleans()), max_size=2)
    | st.sampled_from(["red", "green"])
)


def error_message(parse: Any, data: object, path: str = "$") -> str:
    with pytest.raises(SchemaError) as raised:
        parse(data, path)
    return str(raised.value)


# ---- Each parser ----


@each_parser
@given(value=values)
def test_parser_agrees_with_json_schema(parse: Any, schema: Any, value: Any) -> None:
    accepted = jsonschema.Draft202012Validator(schema).is_valid(value)
    if "integer" in schema.get("type", ()) and isinstance(value, float):
        accepted = False  # JSON Schema allows 1.0, a float in Python
    if accepted:
        assert json.dumps(parse(value, "$")) == json.dumps(value)
    else:
        assert error_message(parse, value).startswith("$")


@each_parser
@given(value=python_objects())
def test_parser_raises_only_schema_errors(parse: Any, schema: Any, value: object) -> None:
    del schema
    try:
        parse(value, "$")
    except SchemaError as error:
        assert error.path.startswith("$")  # noqa: PT017  (most values are invalid, not all)


@pytest.mark.parametrize(
    ("parse", "data", "problem"),
    [
        (string, 1, "expected string, got integer"),
        (string, None, "expected string, got null"),
        (string, b"a", "expected string, got bytes"),
        (boolean, 1, "expected boolean, got integer"),
        (boolean, "true", "expected boolean, got string"),
        (integer, True, "expected integer, got boolean"),
        (integer, 1.0, "expected integer, got number"),
        (number, False, "expected number, got boolean"),
        (number, "1", "expected number, got string"),
        (json_object, [], "expected object, got array"),
        (color, "blue", "expected one of 'red', 'green', got another string"),
        (color, True, "expected one of 'red', 'green', got boolean"),
        (array_of(string), "ab", "expected array, got string"),
        (array_of(string), {}, "expected array, got object"),
        (map_of(string), [], "expected object, got array"),
        (map_of(string), {1: "a"}, "expected strings as keys, got integer"),
        (nullable(string), 1, "expected string, got integer"),
        (either(integer, string), None, "expected integer or string, got null"),
        (
            either(either(integer, string), boolean),
            [],
            "expected integer or string or boolean, got array",
        ),
        (either(color, integer), None, "expected one of 'red', 'green' or integer, got null"),
    ],
)
def test_error_names_expected_and_actual_type(parse: Any, data: object, problem: str) -> None:
    assert error_message(parse, data, "$.a") == f"$.a: {problem}"


@pytest.mark.parametrize(
    ("parse", "data", "path"),
    [
        (array_of(string), ["a", 1], "$[1]"),
        (array_of(array_of(string)), [[], ["a", None]], "$[1][1]"),
        (map_of(string), {"a": 1}, "$.a"),
        (map_of(string), {"a b": 1}, '$["a b"]'),
        (map_of(string), {"": 1}, '$[""]'),
        (map_of(string), {'"': 1}, '$["\\""]'),
        (map_of(string), {"a.b": 1}, '$["a.b"]'),
        (map_of(string), {"\ud800": 1}, '$["\\ud800"]'),
        (map_of(map_of(string)), {"a": {"b": 1}}, "$.a.b"),
        (nullable(array_of(string)), [1], "$[0]"),
        (either(string, array_of(string)), ["a", 1], "$[1]"),
        (either(array_of(string), string), ["a", 1], "$[1]"),
    ],
)
def test_error_has_path_of_value(parse: Any, data: object, path: str) -> None:
    with pytest.raises(SchemaError) as raised:
        parse(data, "$")
    assert raised.value.path == path


@given(value=texts(min_size=1))
def test_error_never_contains_value(value: str) -> None:
    secret = f"secret-{value}"
    for parse in (boolean, integer, number, json_object, color, array_of(string)):
        assert "secret" not in error_message(parse, secret)
    assert "secret" not in error_message(map_of(string), {"a": [secret]})


def test_enum_value_is_parsed_as_str() -> None:
    class Color(enum.StrEnum):
        RED = "red"

    assert type(color(Color.RED, "$")) is str


def test_number_keeps_integers() -> None:
    assert type(number(2**63, "$")) is int
    assert math.copysign(1, number(-0.0, "$")) == -1


def test_tuples_and_mappings_are_accepted() -> None:
    assert array_of(string)(("a", "b"), "$") == ["a", "b"]
    assert json_object(MappingProxyType({"a": 1}), "$") == {"a": 1}
    assert map_of(integer)(MappingProxyType({"a": 1}), "$") == {"a": 1}


def test_objects_are_copied() -> None:
    data: dict[str, Any] = {"a": 1}
    assert json_object(data, "$") is not data


# ---- Paths ----

STEP = re.compile(r'\.(?P<name>[^.\[]+)|\[(?P<quoted>"(?:[^"\\]|\\.)*")\]')


@given(keys=st.lists(texts(), max_size=4))
@example(keys=["a.b", "[0]", '"]', "\\", "\ud800", "ключ"])
def test_path_is_unambiguous(keys: list[str]) -> None:
    path = "$"
    for key in keys:
        path = child(path, key)
    steps = list(STEP.finditer(path, 1))
    assert "".join(step[0] for step in steps) == path[1:]
    assert [step["name"] or json.loads(step["quoted"]) for step in steps] == keys


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "boolean"),
        (1, "integer"),
        (1.0, "number"),
        ("", "string"),
        ([], "array"),
        ((), "array"),
        ({}, "object"),
        (MappingProxyType({}), "object"),
        (b"", "bytes"),
        (UNSET, "Unset"),
        (Opaque(), "Opaque"),
    ],
)
def test_json_type_names_types(value: object, name: str) -> None:
    assert json_type(value) == name


# ---- Items by name ----

gates = keyed_by_name(FeatureGate.from_dict)


def test_keyed_by_name_parses_array() -> None:
    read = gates([{"name": "a", "value": True}, {"name": "b", "value": False}], "$")
    assert read == {"a": FeatureGate(name="a", value=True), "b": FeatureGate(name="b", value=False)}
    assert gates(({"name": "a", "value": True},), "$") == {"a": FeatureGate(name="a", value=True)}


def test_keyed_by_name_parses_object() -> None:
    read = gates({"a": {"name": "a", "value": True}, "b": {"value": False}}, "$")
    assert read == {"a": FeatureGate(name="a", value=True), "b": FeatureGate(name="b", value=False)}


def test_keyed_by_name_keeps_different_name() -> None:
    assert gates({"a": {"name": "A", "value": True}}, "$") == {
        "a": FeatureGate(name="A", value=True)
    }


def test_keyed_by_name_does_not_change_data() -> None:
    data = {"a": {"value": True}}
    gates(data, "$")
    assert data == {"a": {"value": True}}


@given(names=st.lists(texts(), unique=True, max_size=5))
def test_keyed_by_name_parses_both_forms_alike(names: list[str]) -> None:
    members = [{"name": name, "value": len(name) > 1} for name in names]
    unnamed = {member["name"]: {"value": member["value"]} for member in members}
    assert gates(members, "$") == gates(unnamed, "$")
    assert list(gates(members, "$")) == names


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("a", "$: expected object or array, got string"),
        (None, "$: expected object or array, got null"),
        ([5], "$[0]: expected object, got integer"),
        ([{"value": True}], '$[0]: missing field "name"'),
        ({"a": True}, "$.a: expected object, got boolean"),
        ({"a b": {"value": 1}}, '$["a b"].value: expected boolean, got integer'),
        ({"a": {"name": None, "value": True}}, "$.a.name: expected string, got null"),
        ({1: {"value": True}}, "$: expected strings as keys, got integer"),
        # The response of a single gate.
        ({"name": "a", "value": True}, "$.name: expected object, got string"),
    ],
)
def test_keyed_by_name_error_has_path(data: object, problem: str) -> None:
    assert error_message(gates, data) == problem


# ---- ObjectReader ----


def test_reader_returns_unread_fields() -> None:
    fields = ObjectReader({"a": 1, "b": "x", "c": None}, "$")
    assert fields.required("a", integer) == 1
    assert fields.optional("b", string, absent=None) == "x"
    assert fields.optional("d", string, absent="nothing") == "nothing"
    assert fields.rest() == {"c": None}


def test_reader_distinguishes_null_and_absent() -> None:
    fields = ObjectReader({"a": None}, "$")
    assert fields.optional("a", nullable(string), absent="nothing") is None


def test_reader_error_has_path() -> None:
    fields = ObjectReader({"a": 1, "b": 2}, "$.user")
    assert error_message(lambda *_: fields.required("a", string), None) == (
        "$.user.a: expected string, got integer"
    )
    assert error_message(lambda *_: fields.optional("b", string, absent=None), None) == (
        "$.user.b: expected string, got integer"
    )
    assert (
        error_message(lambda *_: fields.required("c", string), None) == '$.user: missing field "c"'
    )


def test_reader_accepts_one_of_several_fields() -> None:
    fields = ObjectReader({"a": 1}, "$.user")
    fields.any_of("a", "b")
    assert (
        error_message(lambda *_: fields.any_of("b", "c"), None)
        == '$.user: missing field "b" or "c"'
    )
    assert fields.rest() == {"a": 1}


# ---- UNSET ----


def test_unset_is_falsy_with_short_repr() -> None:
    assert not UNSET
    assert repr(UNSET) == "UNSET"
    assert UNSET is not None


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_unset_survives_pickling(protocol: int) -> None:
    assert pickle.loads(pickle.dumps(UNSET, protocol)) is UNSET  # noqa: S301  (our own)


def test_unset_survives_copying() -> None:
    assert copy.copy(UNSET) is UNSET
    assert copy.deepcopy({"a": [UNSET]})["a"][0] is UNSET
    assert Unset(...) is UNSET


# ---- SchemaError ----


def test_schema_error_has_path_and_problem() -> None:
    error = SchemaError("$.a", "expected string, got null")
    assert isinstance(error, ValueError)
    assert (error.path, error.problem) == ("$.a", "expected string, got null")


def pickled(error: SchemaError) -> Any:
    return pickle.loads(pickle.dumps(error))  # noqa: S301  (our own)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_schema_error_survives_copies_and_pickles(again: Any) -> None:
    error = again(SchemaError("$.a", "expected string, got null"))
    assert str(error) == "$.a: expected string, got null"
    assert (error.path, error.problem) == ("$.a", "expected string, got null")
