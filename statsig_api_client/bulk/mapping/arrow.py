"""Python values of Arrow columns, for Parquet and Spark."""

# pyarrow is untyped, so its objects do not leave this module.
# mypy: disable-error-code="import-untyped,no-any-return"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from math import isinf, isnan
from typing import Final, cast

import pyarrow as pa

from .cells import Unreadable

_CELL_ERRORS: Final = (
    *(ArithmeticError, AttributeError, ImportError, LookupError, OSError, RuntimeError),
    *(TypeError, ValueError, pa.ArrowException),
)
"""Errors that the content of a cell can cause in pyarrow and date libraries."""


def python_values(column: pa.Array) -> list[object]:
    """Return the Python values of a column, `Unreadable` for cells without one."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    try:
        cells = column.to_pylist(maps_as_pydicts="lossy")
        return [json_value(cell) for cell in cells] if pa.types.is_nested(kind) else cells
    except _CELL_ERRORS:
        return [_python_value(scalar) for scalar in column]


def json_value(value: object) -> object:
    """Return a nested value without nulls, since a struct has all fields in every row.

    Raises:
        TypeError: A map has keys that are not strings.
        ValueError: A number is infinite.
    """
    if isinstance(value, dict):
        members = cast("dict[object, object]", value).items()
        for name, _ in members:
            if not isinstance(name, str):
                raise TypeError(f"expected strings as keys of a map, got {type(name).__name__}")
        return {name: json_value(member) for name, member in members if not _is_missing(member)}
    if isinstance(value, list):
        return [json_value(member) for member in cast("list[object]", value)]
    if isinstance(value, float) and isinf(value):
        raise ValueError("expected a finite number")
    return value


def _python_value(scalar: pa.Scalar) -> object:
    try:
        value = scalar.as_py(maps_as_pydicts="lossy")
    except UnicodeDecodeError as error:
        if pa.types.is_nested(scalar.type):
            return Unreadable(str(error))
        # The string keeps the bytes for the dead letter.
        return scalar.cast(pa.binary()).as_py().decode(errors="surrogateescape")
    except _CELL_ERRORS as error:
        is_time = pa.types.is_temporal(scalar.type)
        return Unreadable(f"{scalar.type} {scalar.value}: {error}" if is_time else str(error))
    try:
        return json_value(value) if pa.types.is_nested(scalar.type) else value
    except (TypeError, ValueError) as error:
        return Unreadable(str(error), repr(value))


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))
