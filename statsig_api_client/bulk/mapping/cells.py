"""Conversion of cells into field values."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from math import isinf, isnan
from typing import Final, TypeVar, cast

from attrs import frozen

from ..._event_limits import MAX_TEXT
from ..errors import RowError
from .exact_json import is_exact_double, number_text, serializable_integer, serialize
from .times import TimeFormat, milliseconds

_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_EXACT_DOUBLE: Final = 2**53
"""Limit below which a double represents exactly one integer."""

_Number = TypeVar("_Number", bound=float | Decimal)

CellConverter = Callable[[object], object]
"""Function that converts a cell, or raises `RowError`."""


@frozen
class Unreadable:
    """A cell without a Python or JSON value."""

    reason: str
    original: str | None = None
    """The value in any notation, for dead letters."""

    def __str__(self) -> str:
        return f"cannot be read: {self.reason}"


def converter_for(section: str, key: str, times: TimeFormat) -> CellConverter:
    """Return the converter for the cells of a field.

    Args:
        section: The name of the map that contains the field; empty for the event itself.
        key: The key of the field in that map.
        times: Unit and zone of times.
    """
    if section == "custom":
        return attribute
    if section == "customIDs" or (section, key) == ("user", "userID"):
        return identifier
    if section:
        return string
    of_event: dict[str, CellConverter] = {
        "time": partial(milliseconds, unit=times.unit, zone=times.zone_info()),
        "value": number_or_string,
        "user": members,
        "metadata": string_members,
    }
    return of_event.get(key, string)


def is_empty(value: object) -> bool:
    """Return whether a cell is empty; NaN is a missing value of pandas."""
    return value is None or value == "" or (isinstance(value, float) and isnan(value))


def identifier(value: object) -> str:
    """Return an ID as a string. A double must be an integer below 2**53."""
    if isinstance(value, float) and not (value.is_integer() and abs(value) < _EXACT_DOUBLE):
        raise RowError(
            f"expected a string or an integer, got the double {value!r}, which may have been "
            "rounded; cast the column to a string, an integer or a decimal"
        )
    return string(value)


def string(value: object) -> str:
    """Return a string unchanged, a number in decimal notation, anything else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return number_text(_finite(value))
    if isinstance(value, float):
        # A double does not store its notation, so integers are written without a fraction.
        return number_text(Decimal(repr(_finite(value) or 0))).removesuffix(".0")
    if type(value) is int:
        return str(value)
    try:
        return serialize(value).decode().strip('"')
    except TypeError:
        raise RowError(f"expected a string, got {type(value).__name__}") from None


def number_or_string(value: object) -> object:
    """Return the value of an event; a string with a JSON number becomes a number."""
    if type(value) is int:
        return value
    if isinstance(value, str):
        if len(value) > MAX_TEXT or not _NUMBER.fullmatch(value):
            return value
        if re.search("[.eE]", value) is None:
            return serializable_integer(int(value))
        return float(value) if is_exact_double(value) else _finite(Decimal(value))
    if isinstance(value, float | Decimal):
        return _finite(value)
    return string(value)


def attribute(value: object) -> object:
    """Return an attribute of a user, which may be any JSON value."""
    return _finite(value) if isinstance(value, float | Decimal) else value


def members(value: object) -> dict[str, object]:
    """Return a map without its nulls."""
    if not isinstance(value, Mapping):
        raise RowError(f"expected an object, got {type(value).__name__}")
    found: dict[str, object] = {}
    for name, member in cast("Mapping[object, object]", value).items():
        if not isinstance(name, str):
            raise RowError(f"expected strings as keys, got {type(name).__name__}")
        if member is not None:
            found[name] = member
    return found


def string_members(value: object) -> dict[str, object]:
    """Return a map of strings."""
    return {name: string(member) for name, member in members(value).items()}


def _finite(value: _Number) -> _Number:
    if isinf(float(value)):
        raise RowError("expected a finite number")
    return value
