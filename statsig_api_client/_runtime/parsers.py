"""JSON values, and the parsers that read them or say what was wrong and where."""

import enum
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias, TypeVar, cast

T = TypeVar("T")
D = TypeVar("D")
N = TypeVar("N", bound="Named")

JsonValue: TypeAlias = (
    "bool | int | float | str | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
)
"""Anything that JSON can say. What is read from JSON has `list` for arrays, `dict` for objects."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object."""

Parser: TypeAlias = Callable[[object, str], T]
"""Reads one JSON value, given its JSON path; every model's `from_dict` is one."""


class Named(Protocol):
    """Something with a name."""

    @property
    def name(self) -> str: ...


class Unset(enum.Enum):
    """The type of `UNSET`."""

    # An enum member stays one object when it is copied or pickled, and type checkers narrow a
    # union by `is UNSET`.
    # Its value is none that JSON has, since an encoder may write a member as its value.
    UNSET = ...

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False


UNSET: Final = Unset.UNSET
"""Leave this field out of the request. `None` would send `null`."""


class SchemaError(ValueError):
    """JSON that does not have the shape that its model asks for.

    Attributes:
        path: The JSON path of the wrong value, such as `$.user.userID`.
        problem: What was wrong with it, such as `expected string, got integer`.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path: str = path
        self.problem: str = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


def expected(what: str, data: object, path: str) -> SchemaError:
    """The error for a value of the wrong type; it names the type found, never the value."""
    return SchemaError(path, f"expected {what}, got {json_type(data)}")


_JSON_TYPES: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (type(None), "null"),
    (bool, "boolean"),  # before int, of which it is one
    (int, "integer"),
    (float, "number"),
    (str, "string"),
    ((list, tuple), "array"),
    (Mapping, "object"),
)


def json_type(value: object) -> str:
    """The name that JSON Schema has for the type of a value, or else Python's name."""
    python_name = type(value).__name__
    names = (name for kind, name in _JSON_TYPES if isinstance(value, kind))
    return next(names, python_name)


def child(path: str, key: str) -> str:
    """The JSON path of an object's member."""
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key)}]"


def string(data: object, path: str) -> str:
    """Read a string."""
    if isinstance(data, str):
        return data
    raise expected("string", data, path)


def boolean(data: object, path: str) -> bool:
    """Read a boolean."""
    if isinstance(data, bool):
        return data
    raise expected("boolean", data, path)


def integer(data: object, path: str) -> int:
    """Read an integer; a boolean is none."""
    if isinstance(data, int) and not isinstance(data, bool):
        return data
    raise expected("integer", data, path)


def number(data: object, path: str) -> float:
    """Read a number; an integer stays one, a boolean is none."""
    if isinstance(data, int | float) and not isinstance(data, bool):
        return data
    raise expected("number", data, path)


def one_of(*values: T) -> Parser[T]:
    """Read one of a closed set of strings."""
    wanted = ", ".join(map(repr, values))

    def read(data: object, path: str) -> T:
        for value in values:
            if data == value:
                return value
        found = "another string" if isinstance(data, str) else json_type(data)
        raise SchemaError(path, f"expected one of {wanted}, got {found}")

    return read


def json_value(data: object, path: str) -> JsonValue:  # noqa: ARG001  (a `Parser` takes the path)
    """Read a value that may be anything: what a JSON decoder returns is JSON."""
    return cast("JsonValue", data)


def json_object(data: object, path: str) -> JsonObject:
    """Read an object whose members may be anything."""
    # The first finds at once what the second, an abstract class, takes its time to find.
    if isinstance(data, dict) or isinstance(data, Mapping):  # noqa: SIM101
        return dict(cast("Mapping[str, JsonValue]", data))
    raise expected("object", data, path)


def array_of(parse: Parser[T]) -> Parser[list[T]]:
    """Read an array whose items `parse` reads."""

    def read(data: object, path: str) -> list[T]:
        if not isinstance(data, list | tuple):
            raise expected("array", data, path)
        items = cast("Sequence[object]", data)
        return [parse(item, f"{path}[{index}]") for index, item in enumerate(items)]

    return read


def map_of(parse: Parser[T]) -> Parser[dict[str, T]]:
    """Read an object whose members `parse` reads."""
    is_text = cast("object", parse) is string

    def read(data: object, path: str) -> dict[str, T]:
        members = json_object(data, path)
        if is_text and _are_texts(members):
            return cast("dict[str, T]", members)
        for key in cast("dict[object, object]", members):
            if not isinstance(key, str):
                raise expected("strings as keys", key, path)
        return {key: parse(value, child(path, key)) for key, value in members.items()}

    return read


def _are_texts(members: JsonObject) -> bool:
    """Whether all keys and values are strings, which Python finds fastest by joining them."""
    try:
        "".join(members)
        "".join(cast("Iterable[str]", members.values()))
    except TypeError:
        return False
    return True


def keyed_by_name(parse: Parser[N]) -> Parser[dict[str, N]]:
    """Read named things into a map, from an array or from an object keyed by their names.

    Statsig's documents show both forms; in the object a member may lack its `name`.
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
    """Read null as `None`, and anything else with `parse`."""
    if cast("object", parse) is string:
        return cast("Parser[T | None]", _nullable_string)

    def read(data: object, path: str) -> T | None:
        return None if data is None else parse(data, path)

    return read


def _nullable_string(data: object, path: str) -> str | None:
    return data if isinstance(data, str) or data is None else string(data, path)


def either(first: Parser[T], second: Parser[D]) -> Parser[T | D]:
    """Read what `first` or else `second` reads."""

    def read(data: object, path: str) -> T | D:
        try:
            return first(data, path)
        except SchemaError as refusal:
            try:
                return second(data, path)
            except SchemaError as other:
                for error in (refusal, other):
                    if error.path != path:  # the type was right, something in it was not
                        raise error from None
                # The two problems differ in the type they ask for, and in nothing else.
                wanted = refusal.problem.partition(", got ")[0]
                problem = f"{wanted} or {other.problem.removeprefix('expected ')}"
                raise SchemaError(path, problem) from None

    return read


class ObjectReader:
    """Takes the fields of a JSON object one by one; what no field took is the `rest`."""

    __slots__ = ("_members", "_path")

    def __init__(self, data: object, path: str) -> None:
        self._members = json_object(data, path)
        self._path = path

    def any_of(self, *keys: str) -> None:
        """Ask for one of several fields, or more.

        Raises:
            SchemaError: All are missing.
        """
        if self._members.keys().isdisjoint(keys):
            names = " or ".join(map(json.dumps, keys))
            raise SchemaError(self._path, f"missing field {names}")

    def required(self, key: str, parse: Parser[T]) -> T:
        """Take a field that must be there.

        Raises:
            SchemaError: It is missing, or `parse` refuses its value.
        """
        if key not in self._members:
            raise SchemaError(self._path, f"missing field {json.dumps(key)}")
        return parse(self._members.pop(key), f"{self._path}.{key}")

    def optional(self, key: str, parse: Parser[T], absent: D) -> T | D:
        """Take a field that may be missing, which reads as `absent`.

        Raises:
            SchemaError: `parse` refuses its value.
        """
        if key not in self._members:
            return absent
        return parse(self._members.pop(key), f"{self._path}.{key}")

    def rest(self) -> JsonObject:
        """The fields that were not taken."""
        return self._members
