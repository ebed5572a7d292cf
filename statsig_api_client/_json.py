"""JSON to bytes and back, with orjson if it is installed and with `json` otherwise.

orjson needs a tenth of the time of `json` to serialize, and a third to parse. Where it differs,
this module uses `json` instead, so that the result is the same:

* orjson serializes NaN and infinity as null, so output with null is parsed again and compared.
* orjson parses integers of more than 64 bits as floats.
* orjson rejects large integers, keys that are not strings, and deep nesting, with less precise
  errors.

The notation of numbers may differ (`1e-7` instead of `1e-07`).
"""

import enum
import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, NoReturn, Protocol, cast

from ._fork import hold_forks
from ._runtime.parsers import JsonInput, child

_MAX_DEPTH: Final = 500


class Codec(Protocol):
    """Serializer and parser of JSON."""

    def serialize(self, value: object) -> bytes:
        """Serialize a value as compact JSON in UTF-8.

        Raises:
            TypeError: The type of a value does not exist in JSON.
            ValueError: A value cannot be represented in JSON.
            RecursionError: The value is nested too deep.
        """
        ...

    def parse(self, content: bytes) -> object:
        """Parse JSON in UTF-8.

        Raises:
            UnicodeDecodeError: The content is not UTF-8.
            ValueError: The content is not JSON, or contains NaN, infinity or too long an integer.
            RecursionError: The value is nested too deep.
        """
        ...


_NOT_ARRAYS: Final = (str, bytes, bytearray, memoryview)


def _default(value: object) -> object:
    """Return a JSON value for a type that the encoders do not support."""
    if isinstance(value, enum.Enum):
        return value.value
    if _is_uuid(value):
        return str(value)
    if isinstance(value, str | int | float):  # a subclass, such as `numpy.float64`
        return _plain(value)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    if isinstance(value, Sequence) and not isinstance(value, _NOT_ARRAYS):
        return list(cast("Sequence[object]", value))
    raise TypeError


def _plain(value: str | float) -> str | float:
    """Return the plain value of an instance of a subclass."""
    if isinstance(value, str):
        return str.__str__(value)
    return int.__pos__(value) if isinstance(value, int) else float.__pos__(value)


def _is_uuid(value: object) -> bool:
    """Return whether a value is a UUID, which becomes a string."""
    uuid = sys.modules.get("uuid")  # a UUID exists only if its module is imported
    return uuid is not None and isinstance(value, uuid.UUID)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


class StandardCodec:
    """The codec of the standard library."""

    def __init__(self) -> None:
        # Cycles surface as RecursionError; check_circular would cost time on every call.
        self._encoder = json.JSONEncoder(
            ensure_ascii=False,
            check_circular=False,
            allow_nan=False,
            separators=(",", ":"),
            default=_default,
        )
        self._decoder = json.JSONDecoder(parse_constant=_reject_constant)

    def serialize(self, value: object) -> bytes:
        """See `Codec`."""
        return self._encoder.encode(value).encode()

    def parse(self, content: bytes) -> object:
        """See `Codec`."""
        return self._decoder.decode(content.decode())


_DIGITS_TO_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")
_ZEROS: Final = b"0" * 19
"""Integers of 19 or more digits may exceed 64 bits with a sign."""
_IN_STRING: Final = b'"' + _ZEROS
_IN_FRACTION: Final = b"." + _ZEROS
_NULLS: Final = (b":null", b",null", b"[null")
"""null as a member or an item. A match in a string is harmless; it only costs time."""


def _has_null(content: bytes) -> bool:
    """Return whether serialized JSON may contain null as a value."""
    # The first check decides for most bodies.
    return b"null" in content and (content == b"null" or any(null in content for null in _NULLS))


def _may_have_nan(value: object) -> bool:
    """Return whether a value contains NaN or infinity, or a type that may contain them."""
    containers: list[object] = [[value]]
    for container in containers:  # grows
        is_map = type(container) is dict
        values = cast("dict[str, object]", container).values() if is_map else container
        for each in cast("Iterable[object]", values):
            kind = type(each)
            if kind is str or kind is int or each is None or kind is bool:
                continue
            if kind is dict or kind is list:
                containers.append(each)
            elif kind is not float or not math.isfinite(cast("float", each)):
                return True
    return False


class OrjsonCodec:
    """orjson, with `StandardCodec` where orjson differs."""

    def __init__(self) -> None:
        import orjson

        self._dumps = orjson.dumps
        self._loads = orjson.loads
        self._options = (
            orjson.OPT_PASSTHROUGH_DATACLASS
            | orjson.OPT_PASSTHROUGH_DATETIME
            | orjson.OPT_PASSTHROUGH_SUBCLASS
        )
        self._standard = StandardCodec()

    def serialize(self, value: object) -> bytes:
        """See `Codec`."""
        try:
            content = self._dumps(value, _default, self._options)
        except TypeError:
            return self._standard.serialize(value)
        if _has_null(content) and _may_have_nan(value):
            return self._standard.serialize(value)
        return content

    def parse(self, content: bytes) -> object:
        """See `Codec`."""
        zeros = content.translate(_DIGITS_TO_ZEROS)
        if _ZEROS in zeros and _ZEROS in zeros.replace(_IN_STRING, b"").replace(_IN_FRACTION, b""):
            return self._standard.parse(content)
        try:
            return cast("object", self._loads(content))
        except ValueError:
            return self._standard.parse(content)


_ORJSON_IMPORTS: Final = frozenset({"dataclasses", "uuid"})
_STANDARD_USES: Final = 32


class CodecChoice:
    """The fastest installed codec, once importing it pays off.

    Importing orjson takes a fifth of the time of a first call, too much for a short program. If the
    modules that it needs are already imported, orjson is used at once.
    """

    def __init__(self) -> None:
        self._standard = StandardCodec()
        self._fastest: Codec | None = None
        self._remaining = _STANDARD_USES

    def __call__(self, weight: int = 1) -> Codec:
        """Return the codec for a body.

        Args:
            weight: The size of the body in kilobytes or events, or 1 if it is small.
        """
        if self._fastest is None:
            self._remaining -= weight
            if self._remaining > 0 and not sys.modules.keys() >= _ORJSON_IMPORTS:
                return self._standard
            with hold_forks():
                self._fastest = self._import()
        return self._fastest

    def _import(self) -> Codec:
        try:
            return OrjsonCodec()
        except ImportError:
            return self._standard


codec = CodecChoice()


def serialize(body: Mapping[str, JsonInput], weight: int = 1) -> bytes:
    """Serialize a request body as compact JSON in UTF-8.

    Args:
        body: The request body.
        weight: See `CodecChoice`.

    Raises:
        TypeError: The type of a value does not exist in JSON; the message starts with its path.
        ValueError: A value cannot be represented in JSON; the message starts with its path.
    """
    try:
        return codec(weight).serialize(body)
    except (TypeError, ValueError, RecursionError):
        problems = (_problem(node) for node in _nodes(body))
    # The caller's stack may be deep, too.
    raise next(filter(None, problems), None) or ValueError(
        "the request is nested too deep for JSON"
    )


# ---- Paths of values that cannot be serialized ----


class _Node(NamedTuple):
    path: str
    value: object
    parents: tuple[object, ...]


def _nodes(body: Mapping[str, JsonInput]) -> Iterator[_Node]:
    """Yield all values of a request, in the order in which they are serialized."""
    stack = [_Node(name, value, (body,)) for name, value in reversed([*body.items()])]
    while stack:
        node = stack.pop()
        yield node
        parents = (*node.parents, node.value)
        stack += [_Node(path, value, parents) for path, value in reversed(_children(node))]


def _children(node: _Node) -> list[tuple[str, object]]:
    path, value = node.path, _enum_value(node.value)
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return [(child(path, str(key)), member) for key, member in members.items()]
    if isinstance(value, Sequence) and not isinstance(value, _NOT_ARRAYS):
        items = cast("Sequence[object]", value)
        return [(f"{path}[{index}]", item) for index, item in enumerate(items)]
    return []


def _enum_value(value: object) -> object:
    while isinstance(value, enum.Enum):
        value = cast("object", value.value)
    return value


def _problem(node: _Node) -> Exception | None:  # noqa: PLR0911  (one line per type)
    path, value = node.path, _enum_value(node.value)
    if any(value is parent for parent in node.parents):
        return ValueError(f"{path}: contains itself")
    if len(node.parents) > _MAX_DEPTH:
        return ValueError(f"{path[:80]}…: nested too deep for JSON")
    match value:
        case None | bool():
            return None
        case str():
            return None if _is_encodable(value) else ValueError(f"{path}: lone surrogate")
        case float():
            is_finite = math.isfinite(value)
            return None if is_finite else ValueError(f"{path}: {json.dumps(value)} is not JSON")
        case int():
            return None if _is_printable(value) else ValueError(f"{path}: integer is too long")
        case Mapping():
            return _key_problem(path, cast("Mapping[object, object]", value))
        case Sequence() if not isinstance(value, _NOT_ARRAYS):
            return None
        case _ if _is_uuid(value):
            return None
        case _:
            name = type(node.value).__name__
            hint = "; convert it with to_dict()" if hasattr(value, "to_dict") else ""
            return TypeError(f"{path}: {name} is not JSON{hint}")


def _key_problem(path: str, value: Mapping[object, object]) -> Exception | None:
    for key in value:
        if isinstance(key, str) and not _is_encodable(key):
            return ValueError(f"{path}: lone surrogate in a key")
        if not isinstance(key, str | int | float | None):
            return TypeError(f"{path}: {type(key).__name__} as a key is not JSON")
        if isinstance(key, float) and not math.isfinite(key):
            return ValueError(f"{path}: {json.dumps(key)} as a key is not JSON")
    return None


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_printable(value: int) -> bool:
    """Return whether Python converts an integer to a string; the limit is 4,300 digits."""
    try:
        int.__repr__(value)
    except ValueError:
        return False
    return True
