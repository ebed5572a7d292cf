"""Conversion of JSON values to the flag types of OpenFeature."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, TypeAlias, TypeVar, cast

from attrs import frozen

from .._runtime.parsers import JsonValue, json_type
from .errors import ResolutionError

T = TypeVar("T")

FlagValue: TypeAlias = "bool | int | float | str | Sequence[FlagValue] | Mapping[str, FlagValue]"
"""The value of a flag, as OpenFeature's SDK defines it."""

ObjectValue: TypeAlias = Sequence[FlagValue] | Mapping[str, FlagValue]
"""The value of a flag of type object."""


@frozen
class ValueType(Generic[T]):
    """A flag type."""

    name: str
    _convert: Callable[[JsonValue], T | None]
    """Returns None for a value of another type."""

    def convert(self, key: str, value: JsonValue) -> T:
        """Return a value of this type.

        Raises:
            ResolutionError: TYPE_MISMATCH if the value has another type.
        """
        converted = self._convert(value)
        if converted is None:
            problem = f"{key}: expected {self.name}, got {json_type(value)}"
            raise ResolutionError("TYPE_MISMATCH", problem)
        return converted


def _boolean(value: JsonValue) -> bool | None:
    return value if isinstance(value, bool) else None


def _string(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _integer(value: JsonValue) -> int | None:
    # A boolean is an int in Python, and JavaScript writes 3.0 as 3.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _float(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # an integer of more than 308 digits
        return None
    return number if math.isfinite(number) else None


def _object(value: JsonValue) -> ObjectValue | None:
    # The parser of JSON returns no other mappings and sequences.
    return cast("ObjectValue", value) if isinstance(value, dict | list) else None


BOOLEAN: Final = ValueType("boolean", _boolean)
STRING: Final = ValueType("string", _string)
INTEGER: Final = ValueType("integer", _integer)
FLOAT: Final = ValueType("float", _float)
OBJECT: Final[ValueType[ObjectValue]] = ValueType("object", _object)
