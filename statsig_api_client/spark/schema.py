"""Checks of the columns of a DataFrame, and its rows as Python values."""

# pyarrow has no types, so none of its types leaves this module.
# mypy: disable-error-code="import-untyped,no-any-return"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final, cast

from pyspark.sql.types import (
    BinaryType,
    DataType,
    DateType,
    MapType,
    NullType,
    NumericType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from .._errors import ConfigurationError
from .._user_checks import USER_STRINGS
from ..bulk.errors import SourceError
from ..bulk.mapping.arrow import python_values
from ..bulk.mapping.fields import EventMapping, mapping_by_name
from ..bulk.mapping.rows import RowMapper
from ..bulk.mapping.times import TimeFormat

if TYPE_CHECKING:
    import pyarrow as pa

_USER_MAPS: Final = ("custom", "customIDs", "privateAttributes", "statsigEnvironment")


def checked_mapping(
    schema: StructType, mapping: EventMapping | None, times: TimeFormat
) -> EventMapping:
    """Return the given mapping, or that of columns with the names of event fields.

    Raises:
        ConfigurationError: A column does not exist, or its type does not fit its field.
    """
    if mapping is None:
        if "eventName" not in schema.names:
            raise ConfigurationError(
                "no column eventName; name the columns like event fields, or pass the "
                f"option map. The columns are {', '.join(schema.names)}"
            )
        try:
            mapping = mapping_by_name(schema.names, TimeFormat(times.unit or "ms", times.zone))
        except SourceError as error:
            raise ConfigurationError(
                f"{str(error).removeprefix('mapping: ')} (without the option map, column names "
                "are event fields)"
            ) from None
    for target, source in mapping.fields.items():
        if isinstance(source, str) and not target.endswith(".*"):
            _check(target, source, _column_type(source, schema), mapping.times)
    RowMapper(mapping)  # checks constants
    return mapping


def rows_of(batches: Iterable[object]) -> Iterator[dict[str, object]]:
    """Return the rows of Arrow record batches."""
    for batch in cast("Iterable[pa.RecordBatch]", batches):
        columns = [python_values(column) for column in batch.columns]
        names = batch.schema.names
        for cells in zip(*columns, strict=True):
            yield dict(zip(names, cells, strict=True))


def count_rows(batches: Iterable[object]) -> int:
    """Return the number of rows in Arrow record batches."""
    return sum(batch.num_rows for batch in cast("Iterable[pa.RecordBatch]", batches))


def _column_type(column: str, schema: StructType) -> DataType | None:
    """Return the type of a column or a path; None for a path into a map."""
    if column in schema.names:
        return schema[column].dataType
    found: DataType = schema
    for name in column.split("."):
        if isinstance(found, MapType):
            return None
        if not isinstance(found, StructType) or name not in found.names:
            raise ConfigurationError(
                f"option map: unknown column {column}; the columns are {', '.join(schema.names)}"
            )
        found = found[name].dataType
    return found


def _check(target: str, column: str, kind: DataType | None, times: TimeFormat) -> None:
    if kind is None:
        return
    name = column if column == target else f"{column}, for {target}"
    if target == "time":
        _check_time(name, kind, times)
    elif target in ("user", "metadata"):
        _expect(name, kind, (StructType, MapType), "a struct or a map")
        if target == "user" and isinstance(kind, StructType):
            _check_user(column, kind)
    elif target == "eventName" or (target.startswith("user.") and target.count(".") == 1):
        numbers = () if target == "eventName" else (NumericType,)
        _expect(name, kind, (StringType, *numbers), "a string")
    elif isinstance(kind, BinaryType):
        raise ConfigurationError(f"column {name}: binary data cannot be sent")


def _check_user(column: str, kind: StructType) -> None:
    for member in kind:
        if member.name in USER_STRINGS:
            _expect(f"{column}.{member.name}", member.dataType, (StringType,), "a string")
        elif member.name in _USER_MAPS:
            _expect(f"{column}.{member.name}", member.dataType, (StructType, MapType), "a struct")
        else:
            raise ConfigurationError(
                f"column {column}: expected {', '.join((*USER_STRINGS, *_USER_MAPS))}, got "
                f"{member.name}; put other attributes into custom"
            )


def _check_time(name: str, kind: DataType, times: TimeFormat) -> None:
    accepted = (TimestampType, TimestampNTZType, DateType, NumericType, StringType)
    _expect(name, kind, accepted, "a timestamp, a date, a number or a string")
    if isinstance(kind, NumericType) and times.unit is None:
        raise ConfigurationError(
            f"column {name}: is a number without a unit; set the option timeUnit to s, ms, us or ns"
        )
    if isinstance(kind, TimestampNTZType | DateType) and times.zone is None:
        raise ConfigurationError(
            f"column {name}: has no time zone; set the option timeZone, such as UTC or "
            "Europe/Berlin"
        )


def _expect(name: str, kind: DataType, accepted: tuple[type[DataType], ...], expected: str) -> None:
    if not isinstance(kind, (*accepted, NullType)):
        raise ConfigurationError(f"column {name}: expected {expected}, got {kind.simpleString()}")
