"""JSON types, and parsers that report the path and type of an invalid value."""

import enum
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, TypeVar, cast

T = TypeVar("T")
D = TypeVar("D")
N = TypeVar("N", bound="Named")

if TYPE_CHECKING:
    JsonValue: TypeAlias = (
        "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
    )
else:
    from .typing_support import recursive_alias

    JsonValue = recursive_alias(
        "JsonValue",
        "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None",
    )
"""Any JSON value of a response: arrays are of type `list`, objects of type `dict`."""

if TYPE_CHECKING:
    JsonInput: TypeAlias = (
        "bool | int | float | str | Sequence[JsonInput] | Mapping[str, JsonInput] | None"
    )
else:
    JsonInput = recursive_alias(
        "JsonInput",
        "bool | int | float | str | Sequence[JsonInput] | Mapping[str, JsonInput] | None",
    )
"""Any JSON value in a request: arrays can be any sequence, objects any mapping."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object of a response."""

JsonInputObject: TypeAlias = dict[str, JsonInput]
"""A JSON object of a request."""

Parser: TypeAlias = Callable[[object, str], T]
"""A function from a JSON value and its path to a Python value, such as a model's `from_dict`."""


class Named(Protocol):
    """An object with a name."""

    @property
    def name(self) -> str: ...


class Unset(enum.Enum):
    """The type of `UNSET`."""

    # An enum member survives copy and pickle, and type checkers narrow a union with `is UNSET`.
    # Its value is not JSON, because encoders may serialize a member as its value.
    UNSET = ...

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET
"""Omits a field from the request, where None sends `null`."""


class SchemaError(ValueError):
    """JSON that does not match the schema of its model.

    Attributes:
        path: The JSON path of the invalid value, such as `$.user.userID`.
        problem: The problem, such as `expected string, got integer`.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path: str = path
        self.problem: str = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


def expected(what: str, data: object, path: str) -> SchemaError:
    """Return the error for a value of the wrong type. It contains the type, never the value."""
    return SchemaError(path, f"expected {what}, got {json_type(data)}")


_JSON_TYPES: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (type(None), "null"),
    (bool, "boolean"),  # before int, its base class
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    ((list, tuple), "array"),
    (Mapping, "object"),
)


def json_type(value: object) -> str:
    """Return the JSON Schema name of a value's type, or its Python name if it is not JSON."""
    python_name = type(value).__name__
    names = (name for kind, name in _JSON_TYPES if isinstance(value, kind))
    return next(names, python_name)


def child(path: str, key: str) -> str:
    """Return the JSON path of an object's member."""
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key)}]"


def string(data: object, path: str) -> str:
    """Parse a string."""
    if isinstance(data, str):
        return data
    raise expected("string", data, path)


def boolean(data: object, path: str) -> bool:
    """Parse a boolean."""
    if isinstance(data, bool):
        return data
    raise expected("boolean", data, path)


def integer(data: object, path: str) -> int:
    """Parse an integer; booleans are rejected."""
    if isinstance(data, int) and not isinstance(data, bool):
        return data
    raise expected("integer", data, path)


def number(data: object, path: str) -> float:
    """Parse a number; integers stay integers, booleans are rejected."""
    if isinstance(data, int | float) and not isinstance(data, bool):
        return data
    raise expected("number", data, path)


def one_of(*values: T) -> Parser[T]:
    """Return a parser of a closed set of strings."""
    wanted = ", ".join(map(repr, values))

    def read(data: object, path: str) -> T:
        for value in values:
            if data == value:
                return value
        found = "another string" if isinstance(data, str) else json_type(data)
        raise SchemaError(path, f"expected one of {wanted}, got {found}")

    return read


def json_value(data: object, path: str) -> JsonValue:  # noqa: ARG001  (a `Parser` takes the path)
    """Return any value unchecked, because a JSON decoder returns only JSON."""
    return cast("JsonValue", data)


def json_object(data: object, path: str) -> JsonObject:
    """Parse an object with members of any type."""
    # The check of the abstract class is slow, and most objects are dicts.
    if isinstance(data, dict) or isinstance(data, Mapping):  # noqa: SIM101
        return dict(cast("Mapping[str, JsonValue]", data))
    raise expected("object", data, path)


def array_of(parse: Parser[T]) -> Parser[list[T]]:
    """Return a parser of arrays whose items `parse` parses."""

    def read(data: object, path: str) -> list[T]:
        if not isinstance(data, list | tuple):
            raise expected("array", data, path)
        items = cast("Sequence[object]", data)
        return [parse(item, f"{path}[{index}]") for index, item in enumerate(items)]

    return read


def map_of(parse: Parser[T]) -> Parser[dict[str, T]]:
    """Return a parser of objects whose members `parse` parses."""
    is_text = cast("object", parse) is string

    def read(data: object, path: str) -> dict[str, T]:
        members = json_object(data, path)
        if is_text and _are_strings(members):
            return cast("dict[str, T]", members)
        for key in cast("dict[object, object]", members):
            if not isinstance(key, str):
                raise expected("strings as keys", key, path)
        return {key: parse(value, child(path, key)) for key, value in members.items()}

    return read


def _are_strings(members: JsonObject) -> bool:
    """Return whether all keys and values are strings; joining them is the fastest check."""
    try:
        "".join(members)
        "".join(cast("Iterable[str]", members.values()))
    except TypeError:
        return False
    return True


def keyed_by_name(parse: Parser[N]) -> Parser[dict[str, N]]:
    """Return a parser of named items, from an array or from an object keyed by name.

    Statsig documents both forms; in an object, a member may lack its `name`.
    """
    parse_items = array_of(parse)

    def read(data: object, path: str) -> dict[str, N]:
        if isinstance(data, list | tuple):
            return {item.name: item for item in parse_items(cast("object", data), path)}
        if not isinstance(data, Mapping):
            raise expected("object or array", data, path)
        members = map_of(json_object)(cast("object", data), path)
        return {
            key: parse({"name": key} | member, child(path, key)) for key, member in members.items()
        }

    return read


def nullable(parse: Parser[T]) -> Parser[T | None]:
    """Return a parser that accepts null and everything that `parse` accepts."""
    if cast("object", parse) is string:
        return cast("Parser[T | None]", _nullable_string)

    def read(data: object, path: str) -> T | None:
        return None if data is None else parse(data, path)

    return read


def _nullable_string(data: object, path: str) -> str | None:
    return data if isinstance(data, str) or data is None else string(data, path)


def either(first: Parser[T], second: Parser[D]) -> Parser[T | D]:
    """Return a parser that tries `first`, then `second`."""

    def read(data: object, path: str) -> T | D:
        try:
            return first(data, path)
        except SchemaError as error:
            try:
                return second(data, path)
            except SchemaError as other:
                for failure in (error, other):
                    if failure.path != path:  # the type matches, but a member is invalid
                        raise failure from None
                if error.problem == other.problem:
                    raise error from None
                # The problems differ only in the expected type or the missing field.
                wanted = error.problem.partition(", got ")[0]
                others = other.problem.removeprefix("expected ").removeprefix("missing field ")
                raise SchemaError(path, f"{wanted} or {others}") from None

    return read


class ObjectReader:
    """The fields of a JSON object, read one by one; `rest` returns the others."""

    __slots__ = ("_members", "_path")

    def __init__(self, data: object, path: str) -> None:
        self._members = json_object(data, path)
        self._path = path

    def any_of(self, *keys: str) -> None:
        """Check that at least one of several fields is present.

        Raises:
            SchemaError: All of them are missing.
        """
        if self._members.keys().isdisjoint(keys):
            names = " or ".join(map(json.dumps, keys))
            raise SchemaError(self._path, f"missing field {names}")

    def required(self, key: str, parse: Parser[T]) -> T:
        """Read a required field.

        Raises:
            SchemaError: The field is missing, or `parse` rejects its value.
        """
        if key not in self._members:
            raise SchemaError(self._path, f"missing field {json.dumps(key)}")
        return parse(self._members.pop(key), f"{self._path}.{key}")

    def optional(self, key: str, parse: Parser[T], absent: D) -> T | D:
        """Read an optional field, or return `absent`.

        Raises:
            SchemaError: `parse` rejects its value.
        """
        if key not in self._members:
            return absent
        return parse(self._members.pop(key), f"{self._path}.{key}")

    def rest(self) -> JsonObject:
        """Return the fields that have not been read."""
        return self._members
