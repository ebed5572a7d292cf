"""Conversion of cells into the values of fields."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from math import isinf, isnan
from typing import Final, TypeVar, cast

from attrs import frozen

from .._event_limits import MAX_TEXT
from .errors import Fault
from .exact_json import dump, number_text, whole_number
from .times import Times, milliseconds

_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_EXACT_DOUBLE: Final = 2**53
"""Up to here a double has every integer; above, it may stand for several."""

Number = TypeVar("Number", bound=float | Decimal)

Conversion = Callable[[object], object]
"""Raises a `Fault` for a cell that the field cannot have."""


@frozen
class Unreadable:
    """A cell that has no value in JSON."""

    reason: str
    original: str | None = None

    def __str__(self) -> str:
        return f"cannot be read: {self.reason}"


def conversion(section: str, key: str, times: Times) -> Conversion:
    """Return the conversion for the cells of a field.

    Args:
        section: The map of an event in which the field is; that of the event itself has no name.
        key: The field's key there.
        times: The unit and zone of times.
    """
    if section == "custom":
        return attribute
    if section == "customIDs" or (section, key) == ("user", "userID"):
        return identifier
    if section:
        return text
    of_event: dict[str, Conversion] = {
        "time": partial(milliseconds, unit=times.unit, zone=times.zone_info()),
        "value": number_or_text,
        "user": members,
        "metadata": details,
    }
    return of_event.get(key, text)


def is_empty(value: object) -> bool:
    """Return whether a cell is empty; a missing value in a table of pandas is not a number."""
    return value is None or value == "" or (isinstance(value, float) and isnan(value))


def identifier(value: object) -> str:
    """Return the ID in a cell.

    A double is accepted if it is an integer that no other integer is rounded to.
    """
    if isinstance(value, float) and not (value.is_integer() and abs(value) < _EXACT_DOUBLE):
        raise Fault(
            f"expected a string or an integer, got the double {value!r}, which may have been "
            "rounded; cast the column to a string, an integer or a decimal"
        )
    return text(value)


def text(value: object) -> str:
    """Return a string unchanged, a number with its digits, and JSON for other values."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return number_text(_finite(value))
    if isinstance(value, float):
        # A double has no written form of its own: an integer is written as one.
        return number_text(Decimal(repr(_finite(value) or 0))).removesuffix(".0")
    if type(value) is int:
        return str(value)
    try:
        return dump(value).decode().strip('"')
    except TypeError:
        raise Fault(f"expected a string, got {type(value).__name__}") from None


def number_or_text(value: object) -> object:
    """Return the value of an event: a number, or a string."""
    if type(value) is int:
        return value
    if isinstance(value, str):
        if len(value) > MAX_TEXT or not _NUMBER.fullmatch(value):
            return value
        return _finite(Decimal(value)) if re.search("[.eE]", value) else whole_number(int(value))
    if isinstance(value, float | Decimal):
        return _finite(value)
    return text(value)


def attribute(value: object) -> object:
    """Return an attribute of a user, which may be any JSON."""
    return _finite(value) if isinstance(value, float | Decimal) else value


def members(value: object) -> dict[str, object]:
    """Return a map without its nulls."""
    if not isinstance(value, Mapping):
        raise Fault(f"expected an object, got {type(value).__name__}")
    whole = cast("Mapping[object, object]", value)
    found: dict[str, object] = {}
    for name, member in whole.items():
        if not isinstance(name, str):
            raise Fault(f"expected strings as keys, got {type(name).__name__}")
        if member is not None:
            found[name] = member
    return found


def details(value: object) -> dict[str, object]:
    """Return a map of strings."""
    return {name: text(member) for name, member in members(value).items()}


def _finite(value: Number) -> Number:
    if isinf(float(value)):
        raise Fault("expected a finite number")
    return value
