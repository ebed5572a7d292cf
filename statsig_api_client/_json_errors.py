"""From the wire form of a request to its bytes, or to what in it cannot be sent."""

import enum
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, cast

from attrs import has

from ._json import codec, is_uuid
from ._runtime.parsers import JsonObject, child

_MAX_DEPTH: Final = 500


def encode(body: JsonObject) -> bytes:
    """The request's body as compact JSON in UTF-8.

    Raises:
        TypeError: Something in it has a type that JSON does not know; the message tells its path.
        ValueError: Something in it has a value that JSON cannot say; the message tells its path.
    """
    try:
        return codec().write(body)
    except (TypeError, ValueError, RecursionError):
        faults = (_fault(place) for place in _places(body))
    # It may also be the caller who is nested deeply.
    raise next(filter(None, faults), None) or ValueError("the request is nested too deep for JSON")


class _Place(NamedTuple):
    path: str
    value: object
    above: tuple[object, ...]
    """The containers that it is in."""


def _places(body: JsonObject) -> Iterator[_Place]:
    """Everything in a request, in the order in which it is written."""
    stack = [_Place(name, value, (body,)) for name, value in reversed(body.items())]
    while stack:
        place = stack.pop()
        yield place
        above = (*place.above, place.value)
        stack += [_Place(path, value, above) for path, value in reversed(_members(place))]


def _members(place: _Place) -> list[tuple[str, object]]:
    path, value = place.path, _meant(place.value)
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value)
        return [(child(path, str(key)), entry) for key, entry in entries.items()]
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray | memoryview):
        items = cast("Sequence[object]", value)
        return [(f"{path}[{index}]", item) for index, item in enumerate(items)]
    return []


def _meant(value: object) -> object:
    """What is written of a value: a member of an enum stands for what it names."""
    while isinstance(value, enum.Enum):
        value = cast("object", value.value)
    return value


def _fault(place: _Place) -> Exception | None:  # noqa: PLR0911  (one line for each fault)
    path, value = place.path, _meant(place.value)
    if any(value is container for container in place.above):
        return ValueError(f"{path}: contains itself")
    if len(place.above) > _MAX_DEPTH:
        return ValueError(f"{path[:80]}…: nested too deep for JSON")
    match value:
        case None | bool():
            return None
        case str():
            return None if _is_text(value) else ValueError(f"{path}: half of a surrogate pair")
        case float():
            return (
                None
                if math.isfinite(value)
                else ValueError(f"{path}: {json.dumps(value)} is not JSON")
            )
        case int():
            return (
                None if _is_short(value) else ValueError(f"{path}: an integer of too many digits")
            )
        case Mapping():
            return _key_fault(path, cast("Mapping[object, object]", value))
        case Sequence() if not isinstance(value, bytes | bytearray | memoryview):
            return None
        case _ if is_uuid(value):
            return None
        case _:
            name = type(place.value).__name__
            advice = "; write it as a dict, with to_dict()" if has(type(value)) else ""
            return TypeError(f"{path}: {name} is not JSON{advice}")


def _key_fault(path: str, value: Mapping[object, object]) -> Exception | None:
    for key in value:
        if isinstance(key, str) and not _is_text(key):
            return ValueError(f"{path}: half of a surrogate pair in a key")
        if not isinstance(key, str | int | float | None):
            return TypeError(f"{path}: {type(key).__name__} as a key is not JSON")
        if isinstance(key, float) and not math.isfinite(key):
            return ValueError(f"{path}: {json.dumps(key)} as a key is not JSON")
    return None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_short(value: int) -> bool:
    try:
        int.__repr__(value)
    except ValueError:
        return False
    return True
