"""Python types of parameters, from a JSON Schema, a declared type or the known values."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from attrs import frozen

from ..._runtime.parsers import JsonObject, JsonValue


@frozen
class Scalar:
    """`bool`, `int`, `float`, `str`, `None` or `object`."""

    name: str


@frozen
class Enum:
    """A closed set of strings."""

    values: tuple[str, ...]


@frozen
class Array:
    """A sequence."""

    item: "Type"


@frozen
class Object:
    """An object with known members, none of which is required."""

    members: tuple[tuple[str, "Type"], ...]


@frozen
class Union:
    """One of several types."""

    options: tuple["Type", ...]


Type: TypeAlias = Scalar | Enum | Array | Object | Union

ANY: Final = Scalar("object")
NONE: Final = Scalar("None")

_DECLARED: Final[Mapping[str, Type]] = {
    "string": Scalar("str"),
    "boolean": Scalar("bool"),
    "number": Scalar("float"),
    "array": Array(ANY),
    "object": Object(()),
}
_SCHEMA_SCALARS: Final[Mapping[str, Type]] = {
    "string": Scalar("str"),
    "boolean": Scalar("bool"),
    "integer": Scalar("int"),
    "number": Scalar("float"),
    "null": NONE,
}


class UnsupportedSchemaError(ValueError):
    """JSON Schema without an equivalent Python type."""


def type_of_values(values: Iterable[JsonValue]) -> Type:
    """Return the narrowest type of all values."""
    return merge([_type_of_value(value) for value in values])


def declared_type(declared: str, values: Sequence[JsonValue]) -> Type:
    """Return the type that the console declares, refined by the known values.

    Statsig has only `number`, which becomes `int` if all known values are integers. The members of
    objects and the items of arrays come from the values.
    """
    inferred = type_of_values(values)
    declared_only = _DECLARED.get(declared)
    if declared_only is None:
        return inferred
    base = _without_none(inferred)
    matches = (
        base == declared_only
        or (declared == "number" and base == Scalar("int"))
        or (isinstance(declared_only, Array | Object) and type(base) is type(declared_only))
    )
    return inferred if matches and values else declared_only


def schema_type(schema: JsonObject) -> Type:
    """Return the type that a JSON Schema describes.

    Raises:
        UnsupportedSchemaError: A keyword of the schema has no equivalent Python type.
    """
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            options = schema[keyword]
            if not isinstance(options, Sequence) or isinstance(options, str):
                raise UnsupportedSchemaError(f"{keyword}: expected a list")
            return merge([schema_type(_as_schema(option)) for option in options])
    if "enum" in schema:
        return _enum(schema["enum"])
    kind = schema.get("type")
    if isinstance(kind, Sequence) and not isinstance(kind, str):
        return merge([schema_type({**schema, "type": one}) for one in kind])
    if kind == "array":
        items = schema.get("items")
        return Array(ANY if items is None else schema_type(_as_schema(items)))
    if kind == "object" or (kind is None and "properties" in schema):
        members = schema.get("properties", {})
        if not isinstance(members, Mapping):
            raise UnsupportedSchemaError("properties: expected an object")
        return Object(
            tuple((name, schema_type(_as_schema(member))) for name, member in members.items())
        )
    if isinstance(kind, str) and kind in _SCHEMA_SCALARS:
        return _SCHEMA_SCALARS[kind]
    raise UnsupportedSchemaError(f"type: expected a JSON type, got {kind!r}")


def merge(types: Sequence[Type]) -> Type:
    """Return the type of a value that has one of several types."""
    options: list[Type] = []
    for one in types:
        for option in one.options if isinstance(one, Union) else (one,):
            _add(options, option)
    if ANY in options or not options:
        return ANY
    nullable = NONE in options
    rest = [option for option in options if option != NONE]
    ordered = (*rest, NONE) if nullable else tuple(rest)
    return ordered[0] if len(ordered) == 1 else Union(ordered)


def is_mixed(type_: Type) -> bool:
    """Return whether a type is a union of more than one type and None."""
    return isinstance(type_, Union) and len([o for o in type_.options if o != NONE]) > 1


def accepts(wide: Type, narrow: Type) -> bool:
    """Return whether every value of `narrow` has the type `wide`."""
    match wide, narrow:
        case _, Union(options):
            return all(accepts(wide, option) for option in options)
        case Union(options), _:
            return any(accepts(option, narrow) for option in options)
        case Enum(values), Enum(others):
            return set(others) <= set(values)
        case Array(item), Array(other):
            return accepts(item, other)
        case Object(members), Object(others):
            known = dict(members)
            return all(name not in known or accepts(known[name], one) for name, one in others)
        case _:
            base = Scalar("str") if isinstance(narrow, Enum) else narrow
            is_number = (wide, narrow) == (Scalar("float"), Scalar("int"))
            return is_number or wide in (narrow, base, ANY)


def fits(value: JsonValue, type_: Type) -> bool:
    """Return whether a value can be written as a default of a type."""
    match type_:
        case Union(options):
            return any(fits(value, option) for option in options)
        case Enum(values):
            return value in values
        case Array(item):
            return isinstance(value, list) and all(fits(member, item) for member in value)
        case Object(members):
            known = dict(members)
            return isinstance(value, Mapping) and all(
                (not known or name in known) and fits(member, known.get(name, ANY))
                for name, member in value.items()
            )
        case _:
            return accepts(type_, _type_of_value(value))


def _add(options: list[Type], new: Type) -> None:
    for index, known in enumerate(options):
        if known == new:
            return
        names = {t.name for t in (known, new) if isinstance(t, Scalar)}
        if names == {"int", "float"}:
            options[index] = Scalar("float")
            return
        if isinstance(known, Array) and isinstance(new, Array):
            options[index] = Array(_merge_items(known.item, new.item))
            return
        if isinstance(known, Object) and isinstance(new, Object):
            options[index] = _merge_objects(known, new)
            return
        if isinstance(known, Enum) and isinstance(new, Enum):
            options[index] = Enum(tuple(dict.fromkeys((*known.values, *new.values))))
            return
    options.append(new)


def _merge_items(first: Type, second: Type) -> Type:
    # The item type of an empty array is unknown; any other type replaces it.
    if first == ANY:
        return second
    return first if second == ANY else merge([first, second])


def _merge_objects(first: Object, second: Object) -> Object:
    members = dict(first.members)
    for name, type_ in second.members:
        members[name] = merge([members[name], type_]) if name in members else type_
    return Object(tuple(members.items()))


def _without_none(type_: Type) -> Type:
    if not isinstance(type_, Union):
        return type_
    return merge([option for option in type_.options if option != NONE])


def _type_of_value(value: JsonValue) -> Type:
    if value is None:
        return NONE
    if isinstance(value, bool | int | float | str):
        return Scalar(type(value).__name__)
    if isinstance(value, Mapping):
        return Object(tuple((name, _type_of_value(member)) for name, member in value.items()))
    return Array(type_of_values(value))


def _enum(values: JsonValue) -> Type:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise UnsupportedSchemaError("enum: expected a list")
    strings = tuple(value for value in values if isinstance(value, str))
    rest = [_type_of_value(value) for value in values if not isinstance(value, str)]
    return merge([*([Enum(strings)] if strings else []), *rest])


def _as_schema(value: JsonValue) -> JsonObject:
    if not isinstance(value, Mapping):
        raise UnsupportedSchemaError("expected a schema")
    return dict(value)


def zero(type_: Type) -> JsonValue:
    """Return the zero value of a type: the default of a parameter whose default is unknown."""
    match type_:
        case Scalar(name):
            zeros: dict[str, JsonValue] = {"bool": False, "int": 0, "float": 0.0, "str": ""}
            return zeros.get(name)
        case Enum(values):
            return values[0]
        case Array():
            return []
        case Object():
            return {}
        case _:
            return None if NONE in type_.options else zero(type_.options[0])
