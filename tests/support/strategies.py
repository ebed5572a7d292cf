"""What the laws are tried on: JSON values, wire dicts and models, with a taste for traps.

All but the traps is derived from the contract, so that a new schema is covered when it comes.

Strategies with `sendable` give what JSON text in UTF-8 can carry and every reader of it can take.
Without, there are lone surrogates, infinities and integers beyond every float too. NaN is in none:
it is not equal to itself, so no law of equality holds for it.
"""

import json
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

import statsig_api_client.generated
from statsig_api_client._runtime.parsers import UNSET
from statsig_api_client.generated import models as generated_models
from statsig_api_client.generated import typed_dicts
from tests.support import hypothesis_profiles  # noqa: F401  (chosen before the first `@given`)

CONTRACT: Any = json.loads(
    Path(statsig_api_client.generated.__file__).with_name("openapi.json").read_text("utf-8")
)
SCHEMAS: Any = CONTRACT["components"]["schemas"]

MODELS: dict[str, Any] = {
    name: value
    for name, value in vars(generated_models).items()
    if isinstance(value, type) and value.__module__ == generated_models.__name__
}
REQUESTS = {name: model for name, model in MODELS.items() if hasattr(typed_dicts, f"{name}Dict")}
REPLIES = {name: model for name, model in MODELS.items() if name not in REQUESTS}


# ---- What the contract says ----


def target(schema: Any) -> str:
    """The name of the schema that a `$ref` refers to, or nothing."""
    return schema["$ref"].rpartition("/")[2] if "$ref" in schema else ""


def resolved(schema: Any) -> Any:
    """A schema, or what it refers to."""
    return SCHEMAS[target(schema)] if "$ref" in schema else schema


def alternatives(schema: Any) -> list[Any]:
    """The schemas of which a value must have one; none where there is no choice."""
    parts = schema.get("anyOf", []) + schema.get("oneOf", [])
    return [part for part in parts if set(part) != {"required"}]


def types(schema: Any) -> set[str]:
    """The JSON types that a schema names; none if it allows all."""
    declared = resolved(schema).get("type", [])
    own = {declared} if isinstance(declared, str) else set(declared)
    return own.union(*map(types, alternatives(resolved(schema))))


def python_name(wire_name: str) -> str:
    """`userID` is `user_id`, and `customIDs` is `custom_ids`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", wire_name).lower()


def sets_of_required(schema: Any) -> list[set[str]]:
    """The fields that an object must have; several sets where it has a choice."""
    parts = schema.get("anyOf", []) + schema.get("oneOf", [])
    chosen = [part["required"] for part in parts if "required" in part] or [[]]
    return [{*schema.get("required", []), *names} for names in chosen]


def json_schema(schema: Any, validator: Any = jsonschema.Draft202012Validator) -> Any:
    """A validator for a schema of the contract, by another's implementation of JSON Schema."""
    return validator({**schema, "components": CONTRACT["components"]})


# ---- JSON values ----


def alike(one: object, other: object) -> bool:
    """Whether two are the same JSON. To `==`, true is 1 and 1.0, and 0.0 is -0.0.

    In an `assert` this also keeps pytest from comparing long texts, which takes it minutes.
    """
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def wire_form(value: Any) -> Any:
    """The wire form of models, alone or in lists; anything else as it is."""
    if isinstance(value, list | tuple):
        return [wire_form(item) for item in value]
    return value.to_dict() if type(value) in MODELS.values() else value


WORDS = (
    *("", " ", "a.b", "a b", ".", 'say "hi"', "it's", "a\\b", "a/b", "[0]", "$", "$.user.userID"),
    *("null", "true", "NaN", "-0", "1e5", "007", '{"userID": "42"}', "[]", '"'),
    *("2024-05-20", "20240520", "2024-05-20T10:00:00Z", "12:30", "1716163200000"),
    *("\x00", "\n", "\t", "\x7f", "\u2028", "\ufeff", "\U0010ffff"),
    *("é", "e\u0301", "İ", "日本", "😀"),
    *("user_id", "userID", "from_dict", "to_dict", "additional_properties", "self", "cls", "data"),
    *("path", "error", "get", "name", "value", "__class__", "__dict__", "__slots__", "$ref"),
)
LONE_SURROGATES = ("\ud800", "\udfff", "a\udc00b", "\udc00\ud800")
INTEGERS = (0, 1, -1, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64, 10**100)
FLOATS = (0.0, -0.0, 1.0, -1.5, 0.1, 5e-324, 2.0**63, 1e22, 1.7976931348623157e308)
INFINITIES = (float("1e400"), float("-1e400"))
HUGE_MAP = {f"key {number}": number for number in range(500)}


@cache
def texts(*, sendable: bool = False, min_size: int = 0) -> SearchStrategy[str]:
    words = WORDS if sendable else WORDS + LONE_SURROGATES
    characters = st.characters(codec="utf-8") if sendable else st.characters()
    return st.sampled_from([word for word in words if len(word) >= min_size]) | st.text(
        characters, min_size=min_size, max_size=12
    )


@cache
def integers(*, sendable: bool = False) -> SearchStrategy[int]:
    known = INTEGERS if sendable else (*INTEGERS, 10**400, -(10**400))
    return st.sampled_from(known) | st.integers()


@cache
def numbers(*, sendable: bool = False) -> SearchStrategy[float]:
    known = FLOATS if sendable else FLOATS + INFINITIES
    floats = st.floats(allow_nan=False, allow_infinity=not sendable)
    return st.sampled_from(known) | floats | integers(sendable=sendable)


@cache
def json_values(*, sendable: bool = False) -> SearchStrategy[Any]:
    """Any JSON value, up to two containers deep."""
    keys = texts(sendable=sendable)
    values = st.none() | st.booleans() | numbers(sendable=sendable) | keys
    for size in (2, 3):
        values |= st.lists(values, max_size=size) | st.dictionaries(keys, values, max_size=size)
    return values


def json_objects(
    values: SearchStrategy[Any], *, sendable: bool = False, without: Iterable[str] = ()
) -> SearchStrategy[dict[str, Any]]:
    """Objects with any keys but some."""
    taken = frozenset(without)
    keys = texts(sendable=sendable).filter(lambda key: key not in taken)
    small = st.dictionaries(keys, values, max_size=3)
    huge = values.map(lambda value: dict.fromkeys(HUGE_MAP, value))
    return st.sampled_from([small] * 15 + [huge]).flatmap(lambda size: size)


class Opaque:
    """Nothing that JSON knows."""

    def __repr__(self) -> str:
        return "Opaque()"


def python_objects() -> SearchStrategy[object]:
    """What is no JSON, alone and in containers."""
    alone: SearchStrategy[object] = st.sampled_from(
        [b"bytes", 1j, Decimal(1), date(2024, 5, 20), range(2), ..., len, UNSET, Opaque, Opaque()]
    )
    lists = st.lists(alone, max_size=2)
    keys = alone | st.none() | st.integers() | texts()
    dicts = st.dictionaries(keys, alone | json_values(), max_size=2)
    return alone | st.just({1}) | st.just(float("nan")) | lists | lists.map(tuple) | dicts


# ---- Wire dicts ----


@cache
def wire_dicts(name: str, *, sendable: bool = False) -> SearchStrategy[Any]:
    """What the contract calls `name`, in its wire form."""
    return wire_values(SCHEMAS[name], sendable=sendable)


def wire_values(schema: Any, *, sendable: bool = False) -> SearchStrategy[Any]:
    """What a schema of the contract allows."""
    if "$ref" in schema:
        return wire_dicts(target(schema), sendable=sendable)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    makers = {
        "array": _arrays,
        "boolean": lambda _, **__: st.booleans(),
        "integer": lambda _, **how: integers(**how),
        "null": lambda _, **__: st.none(),
        "number": lambda _, **how: numbers(**how),
        "object": _objects,
        "string": _strings,
    }
    if alternatives(schema):
        kinds = [wire_values(part, sendable=sendable) for part in alternatives(schema)]
    else:
        kinds = [makers[kind](schema, sendable=sendable) for kind in sorted(types(schema))]
    return st.one_of(kinds) if kinds else json_values(sendable=sendable)


def _strings(schema: Any, *, sendable: bool) -> SearchStrategy[str]:
    if "pattern" not in schema:
        return texts(sendable=sendable, min_size=schema.get("minLength", 0))
    allowed = [char for char in map(chr, range(128)) if re.fullmatch(schema["pattern"], char)]
    return st.text(allowed, min_size=schema["minLength"], max_size=schema["maxLength"])


def _arrays(schema: Any, *, sendable: bool) -> SearchStrategy[list[Any]]:
    items = wire_values(schema["items"], sendable=sendable)
    return st.lists(items, min_size=schema.get("minItems", 0), max_size=3)


def _objects(schema: Any, *, sendable: bool) -> SearchStrategy[dict[str, Any]]:
    known = schema.get("properties", {})
    others = wire_values(schema["additionalProperties"], sendable=sendable)
    unknown = json_objects(others, sendable=sendable, without=known)
    values = {key: wire_values(part, sendable=sendable) for key, part in known.items()}
    fields = [_fields(values, values, required) for required in sets_of_required(schema)]
    return st.builds(lambda extra, given: extra | given, unknown, st.one_of(fields))


def _fields(
    required: dict[str, SearchStrategy[Any]],
    optional: dict[str, SearchStrategy[Any]],
    names: set[str],
) -> SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {key: required[key] for key in required if key in names},
        optional={key: optional[key] for key in optional if key not in names},
    )


# ---- Models ----


@cache
def models(name: str, *, nested: str = "any", sendable: bool = False) -> SearchStrategy[Any]:
    """Models that their constructors made.

    Args:
        name: The model.
        nested: `any`: what is in a request is a model or a wire dict; `models`: it is a model, as
            in replies.
        sendable: Whether JSON text can carry them.
    """
    given = arguments(name, nested=nested, sendable=sendable)
    return given.map(lambda values: MODELS[name](**values))


@cache
def arguments(
    name: str, *, nested: str = "any", sendable: bool = False
) -> SearchStrategy[dict[str, Any]]:
    """What a model's constructor may be given; a field that may be left out may be None too."""
    schema = SCHEMAS[name]
    if name in REPLIES:
        nested = "models"
    present = {
        python_name(key): _argument(part, nested=nested, sendable=sendable)
        for key, part in schema["properties"].items()
    }
    optional = {
        python_name(key): present[python_name(key)] | _absence(name, part)
        for key, part in schema["properties"].items()
    }
    fields = [
        _fields(present, optional, set(map(python_name, required)))
        for required in sets_of_required(schema)
    ]
    others = wire_values(schema["additionalProperties"], sendable=sendable)
    unknown = json_objects(others, sendable=sendable, without=schema["properties"])
    extra = st.fixed_dictionaries({}, optional={"additional_properties": unknown})
    return st.builds(lambda given, rest: given | rest, st.one_of(fields), extra)


def _absence(name: str, schema: Any) -> SearchStrategy[Any]:
    """What the constructor of a model takes for a field that is not there."""
    if "null" in types(schema):
        return st.just(UNSET) if name in REQUESTS else st.none()
    return st.none() if name in REQUESTS else st.nothing()


def _argument(schema: Any, *, nested: str, sendable: bool) -> SearchStrategy[Any]:
    name = target(schema)
    if name in MODELS:
        built = models(name, nested=nested, sendable=sendable)
        return built | wire_dicts(name, sendable=sendable) if nested == "any" else built
    if alternatives(resolved(schema)):
        parts = alternatives(resolved(schema))
        return st.one_of([_argument(part, nested=nested, sendable=sendable) for part in parts])
    if types(schema) == {"array"}:
        items = _argument(resolved(schema)["items"], nested=nested, sendable=sendable)
        lists = st.lists(items, min_size=resolved(schema).get("minItems", 0), max_size=3)
        return lists | lists.map(tuple) if nested == "any" else lists
    return wire_values(schema, sendable=sendable)


# ---- Calls ----

METHODS: dict[str, tuple[str, Any, Any]] = {
    method["name"]: (path, item["post"], method)
    for path, item in CONTRACT["paths"].items()
    for method in item["post"]["x-client-methods"]
}
"""The path, the operation and the method itself, by the names of the client's methods."""


def request_schema(name: str) -> Any:
    """The schema of the request that a method makes."""
    return METHODS[name][1]["requestBody"]["content"]["application/json"]["schema"]


def argument_schemas(name: str) -> dict[str, Any]:
    """The schema of each request field that a method has an argument for, in their order."""
    fields = resolved(request_schema(name))["properties"]
    arguments = METHODS[name][2]["arguments"]
    # One that has another name in Python stands as `{field: name}`.
    keys = [next(iter(one)) if isinstance(one, dict) else one for one in arguments]
    return {key: fields[key] for key in keys}


@cache
def call_arguments(name: str, *, sendable: bool = False) -> SearchStrategy[tuple[Any, ...]]:
    """Arguments of a method: models, wire dicts and, in lists, both mixed."""
    schemas = argument_schemas(name).values()
    return st.tuples(*(_argument(schema, nested="any", sendable=sendable) for schema in schemas))


def request_body(name: str, arguments: Iterable[Any]) -> dict[str, Any]:
    """The request that a method makes of its arguments, by the contract."""
    return dict(zip(argument_schemas(name), map(wire_form, arguments), strict=True))


# ---- Wire dicts with one thing wrong, perhaps ----

Place = tuple[str | int, ...]
REMOVED: Any = object()


def places(schema: Any, data: Any, place: Place = ()) -> Iterable[Place]:
    """Every place in a wire dict, that of absent fields too; of huge maps the first few."""
    yield place
    declared = resolved(schema)
    if isinstance(data, dict):
        known = declared.get("properties", {})
        others = declared.get("additionalProperties", {})
        for key in {**known, **dict(list(data.items())[:5])}:
            yield from places(known.get(key, others), data.get(key), (*place, key))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from places(declared.get("items", {}), item, (*place, index))


def replaced(data: Any, place: Place, value: Any) -> Any:
    """A copy of `data` with another value in one place, or without it."""
    if not place:
        return value
    first, *rest = place
    if isinstance(data, list):
        return [
            replaced(item, tuple(rest), value) if index == first else item
            for index, item in enumerate(data)
        ]
    if value is REMOVED and not rest:
        return {key: item for key, item in data.items() if key != first}
    return {**data, first: replaced(data.get(first), tuple(rest), value)}


@st.composite
def spoilt(
    draw: st.DrawFn, name: str, values: SearchStrategy[Any], *, sendable: bool = True
) -> tuple[Any, Place]:
    """A wire dict in which any one value was replaced, and where."""
    data = draw(wire_dicts(name, sendable=sendable))
    place = draw(st.sampled_from(list(places(SCHEMAS[name], data))))
    return replaced(data, place, draw(values)), place
