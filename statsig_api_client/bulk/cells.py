"""From the cell of a row to the value of a field."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from math import isinf, isnan
from typing import Final, cast

import orjson

from .._event_limits import MAX_TEXT
from .errors import Fault
from .times import Times, milliseconds

_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")

Conversion = Callable[[object], object]
"""Raises a `Fault` for a cell that the field cannot have."""


def conversion(section: str, key: str, times: Times) -> Conversion:
    """What is done with the cells of a field.

    Args:
        section: The map of an event in which the field is; that of the event itself has no name.
        key: The field's key there.
        times: How times are to be read.
    """
    if section == "custom":
        return attribute
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
    """Whether a cell has nothing in it; what is missing in a table of pandas is not a number."""
    return value is None or value == "" or (isinstance(value, float) and isnan(value))


def text(value: object) -> str:
    """A text as it is, another value as JSON writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, float):
        _finite(value)
    try:
        return orjson.dumps(value).decode().strip('"')
    except TypeError:
        raise Fault(f"expected a text, got {type(value).__name__}") from None


def number_or_text(value: object) -> object:
    """What an event counts by."""
    if type(value) is int:
        return value
    if isinstance(value, str):
        if len(value) > MAX_TEXT or not _NUMBER.fullmatch(value):
            return value
        return _finite(float(value)) if re.search("[.eE]", value) else int(value)
    if isinstance(value, float | Decimal):
        return _finite(float(value))
    return text(value)


def attribute(value: object) -> object:
    """What an attribute of a user may be: any JSON."""
    return _finite(float(value)) if isinstance(value, float | Decimal) else value


def members(value: object) -> dict[str, object]:
    """A map; what is null in it is left out."""
    if not isinstance(value, Mapping):
        raise Fault(f"expected an object, got {type(value).__name__}")
    whole = cast("Mapping[str, object]", value)
    return {name: member for name, member in whole.items() if member is not None}


def details(value: object) -> dict[str, object]:
    """A map of texts."""
    return {name: text(member) for name, member in members(value).items()}


def _finite(value: float) -> float:
    if isinf(value):
        raise Fault("expected a finite number")
    return value
