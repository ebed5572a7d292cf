"""Hypothesis strategies for JSON values, wire dicts, models and calls, with known traps.

All but the traps is derived from the spec.

`sendable` strategies are limited to UTF-8 JSON that every parser reads. The others include lone
surrogates, infinities and integers beyond every float. NaN is excluded, because it is not equal to
itself and no law of equality holds for it.
"""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from statsig_api_client._event_limits import MIN_TIME
from statsig_api_client._runtime.parsers import UNSET
from tests.support import hypothesis_profiles  # noqa: F401  (chosen before the first `@given`)
from tests.support.spec import (
    MODELS,
    REQUESTS,
    RESPONSES,
    SCHEMAS,
    alternatives,
    argument_schemas,
    field_name,
    json_types,
    required_sets,
    resolve,
    target,
)

# ---- JSON values ----

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
        characters, min_size=min_size, max_size=max(12, min_size)
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
    """Return a strategy for any JSON value, nested up to two levels."""
    keys = texts(sendable=sendable)
    values = st.none() | st.booleans() | numbers(sendable=sendable) | keys
    for size in (2, 3):
        values |= st.lists(values, max_size=size) | st.dictionaries(keys, values, max_size=size)
    return values


def json_objects(
    values: SearchStrategy[Any], *, sendable: bool = False, without: Iterable[str] = ()
) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy for objects, optionally without some keys."""
    taken = frozenset(without)
    keys = texts(sendable=sendable).filter(lambda key: key not in taken)
    small = st.dictionaries(keys, values, max_size=3)
    huge = values.map(lambda value: dict.fromkeys(HUGE_MAP, value))
    return st.sampled_from([small] * 15 + [huge]).flatmap(lambda size: size)


def times() -> SearchStrategy[int | str]:
    """Return a strategy for valid times of events."""
    milliseconds = st.integers(MIN_TIME, 1_700_000_000_000)
    return milliseconds | st.sampled_from(["2024-05-20T10:00:00Z", "2024-05-20 10:00:00.5+02:00"])


class Opaque:
    """An object without a JSON form."""

    def __repr__(self) -> str:
        return "Opaque()"


def python_objects() -> SearchStrategy[object]:
    """Return a strategy for objects that are not JSON, alone and in containers."""
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
    """Return a strategy for values of a named schema."""
    return wire_values(SCHEMAS[name], sendable=sendable)


def wire_values(schema: Any, *, sendable: bool = False) -> SearchStrategy[Any]:
    """Return a strategy for values of a schema."""
    if "$ref" in schema:
        return wire_dicts(target(schema), sendable=sendable)
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    makers = {
        "array": _arrays,
        "boolean": lambda _, **__: st.booleans(),
        "integer": lambda part, **how: _within_limits(part, integers(**how), st.integers),
        "null": lambda _, **__: st.none(),
        "number": lambda part, **how: _within_limits(part, numbers(**how), st.floats),
        "object": _objects,
        "string": _strings,
    }
    if alternatives(schema):
        kinds = [wire_values(part, sendable=sendable) for part in alternatives(schema)]
    else:
        kinds = [makers[kind](schema, sendable=sendable) for kind in sorted(json_types(schema))]
    return st.one_of(kinds) if kinds else json_values(sendable=sendable)


def _within_limits(schema: Any, anything: SearchStrategy[Any], limited: Any) -> SearchStrategy[Any]:
    limits = {f"{key[:3]}_value": schema[key] for key in ("minimum", "maximum") if key in schema}
    return limited(**limits) if limits else anything


def _strings(schema: Any, *, sendable: bool) -> SearchStrategy[str]:
    if "pattern" not in schema:
        return texts(sendable=sendable, min_size=schema.get("minLength", 0))
    allowed = [char for char in map(chr, range(128)) if re.search(schema["pattern"], char)]
    sizes = {"min_size": schema.get("minLength", 0), "max_size": schema.get("maxLength", 20)}
    return st.text(allowed, **sizes).filter(lambda text: re.search(schema["pattern"], text))


def _arrays(schema: Any, *, sendable: bool) -> SearchStrategy[list[Any]]:
    return _lists(schema, wire_values(schema["items"], sendable=sendable))


def _lists(schema: Any, items: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
    least = schema.get("minItems", 0)
    return st.lists(
        items, min_size=least, max_size=min(schema.get("maxItems", least + 3), least + 3)
    )


def _objects(schema: Any, *, sendable: bool) -> SearchStrategy[dict[str, Any]]:
    known = schema.get("properties", {})
    others = wire_values(schema["additionalProperties"], sendable=sendable)
    unknown = json_objects(others, sendable=sendable, without=known)
    values = {
        key: times() if key == "time" and sendable else wire_values(part, sendable=sendable)
        for key, part in known.items()
    }
    fields = [_fields(values, values, required) for required in required_sets(schema)]
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


# ---- Models and calls ----


@cache
def models(name: str, *, nested: str = "any", sendable: bool = False) -> SearchStrategy[Any]:
    """Return a strategy for models.

    Args:
        name: The name of the model.
        nested: With `any`, objects in requests are models or wire dicts; with `models`, they are
            models, as in responses.
        sendable: Whether they must be serializable.
    """
    values = arguments(name, nested=nested, sendable=sendable)
    return values.map(lambda values: MODELS[name](**values))


@cache
def arguments(
    name: str, *, nested: str = "any", sendable: bool = False
) -> SearchStrategy[dict[str, Any]]:
    """Return a strategy for arguments of a model's constructor; optional fields may be None."""
    schema = SCHEMAS[name]
    if name in RESPONSES:
        nested = "models"
    present = {
        field_name(name, key): times()
        if key == "time" and sendable
        else argument(part, nested=nested, sendable=sendable)
        for key, part in schema["properties"].items()
    }
    optional = {
        field_name(name, key): present[field_name(name, key)] | _absence(name, part)
        for key, part in schema["properties"].items()
    }
    fields = [
        _fields(present, optional, {field_name(name, key) for key in required})
        for required in required_sets(schema)
    ]
    others = wire_values(schema["additionalProperties"], sendable=sendable)
    unknown = json_objects(others, sendable=sendable, without=schema["properties"])
    extra = st.fixed_dictionaries({}, optional={"additional_properties": unknown})
    return st.builds(lambda given, rest: given | rest, st.one_of(fields), extra)


def _absence(name: str, schema: Any) -> SearchStrategy[Any]:
    """Return a strategy for the constructor argument of an absent field."""
    if "null" in json_types(schema):
        return st.just(UNSET) if name in REQUESTS else st.none()
    return st.none() if name in REQUESTS else st.nothing()


def argument(schema: Any, *, nested: str, sendable: bool) -> SearchStrategy[Any]:
    """Return a strategy for arguments of a constructor or method, with nested models."""
    name, resolved = target(schema), resolve(schema)
    if name in MODELS:
        built = models(name, nested=nested, sendable=sendable)
        return built | wire_dicts(name, sendable=sendable) if nested == "any" else built
    if alternatives(resolved):
        parts = alternatives(resolved)
        return st.one_of([argument(part, nested=nested, sendable=sendable) for part in parts])
    if json_types(schema) == {"array"}:
        items = argument(resolved["items"], nested=nested, sendable=sendable)
        lists = _lists(resolved, items)
        return lists | lists.map(tuple) if nested == "any" else lists
    if json_types(schema) == {"object"} and "properties" not in resolved:
        values = argument(resolved["additionalProperties"], nested=nested, sendable=sendable)
        return json_objects(values, sendable=sendable)
    return wire_values(schema, sendable=sendable)


@cache
def call_arguments(name: str, *, sendable: bool = False) -> SearchStrategy[tuple[Any, ...]]:
    """Return a strategy for arguments of a method: models, wire dicts, and lists of both."""
    schemas = argument_schemas(name).values()
    return st.tuples(*(argument(schema, nested="any", sendable=sendable) for schema in schemas))


# ---- Mutations ----

Place = tuple[str | int, ...]
REMOVED: Any = object()


def places(schema: Any, data: Any, place: Place = ()) -> Iterable[Place]:
    """Yield every place in a wire dict, and those of absent fields; of huge maps only a few."""
    yield place
    declared = resolve(schema)
    if isinstance(data, dict):
        known = declared.get("properties", {})
        others = declared.get("additionalProperties", {})
        for key in {**known, **dict(list(data.items())[:5])}:
            yield from places(known.get(key, others), data.get(key), (*place, key))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from places(declared.get("items", {}), item, (*place, index))


def replaced(data: Any, place: Place, value: Any) -> Any:
    """Return a copy of data with a different value, or no value, in one place."""
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
def mutated(
    draw: st.DrawFn, name: str, values: SearchStrategy[Any], *, sendable: bool = True
) -> tuple[Any, Place]:
    """Return a strategy for wire dicts with one replaced value, and its place."""
    data = draw(wire_dicts(name, sendable=sendable))
    place = draw(st.sampled_from(list(places(SCHEMAS[name], data))))
    return replaced(data, place, draw(values)), place
