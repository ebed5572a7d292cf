"""Rows of Spark: whether their columns can be events, and their values as Python's."""

# pyarrow has no types: none of it is seen outside.
# mypy: disable-error-code="import-untyped,no-any-return"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

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
from ..bulk.errors import SourceError
from ..bulk.mapping import EventMapping, RowReader, of_columns
from ..bulk.parquet import values_of
from ..bulk.times import Times

if TYPE_CHECKING:
    import pyarrow as pa

_TEXTS: Final = ("userID", "email", "ip", "userAgent", "country", "locale", "appVersion")
_MAPS: Final = ("custom", "customIDs", "privateAttributes", "statsigEnvironment")

Row = dict[str, object]


def mapping_of(schema: StructType, mapping: EventMapping | None, times: Times) -> EventMapping:
    """Which column is which field, if the columns can be that.

    Raises:
        ConfigurationError: They cannot; it names the column.
    """
    if mapping is None:
        if "eventName" not in schema.names:
            raise ConfigurationError(
                "there is no column eventName; name columns like the fields of events, or state "
                f"the option map. The columns are {', '.join(schema.names)}"
            )
        try:
            mapping = of_columns(schema.names, Times(times.unit or "ms", times.zone))
        except SourceError as error:
            raise ConfigurationError(
                f"{str(error).removeprefix('mapping: ')} (the names of columns are taken for "
                "fields, since there is no option map)"
            ) from None
    for target, source in mapping.fields.items():
        if isinstance(source, str) and not target.endswith(".*"):
            _check(target, source, _type_of(source, schema), mapping.times)
    RowReader(mapping)  # sees whether constants are what their fields need
    return mapping


def _type_of(column: str, schema: StructType) -> DataType | None:
    """The type of a column, or of what a path leads to; None where only rows know."""
    if column in schema.names:
        return schema[column].dataType
    found: DataType = schema
    for name in column.split("."):
        if isinstance(found, MapType):
            return None
        if not isinstance(found, StructType) or name not in found.names:
            raise ConfigurationError(
                f"option map: there is no column {column}; the columns are "
                f"{', '.join(schema.names)}"
            )
        found = found[name].dataType
    return found


def _check(target: str, column: str, kind: DataType | None, times: Times) -> None:
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
        raise ConfigurationError(f"column {name}: is binary, of which no event can be made")


def _check_user(column: str, kind: StructType) -> None:
    for member in kind:
        if member.name in _TEXTS:
            _expect(f"{column}.{member.name}", member.dataType, (StringType,), "a string")
        elif member.name in _MAPS:
            _expect(f"{column}.{member.name}", member.dataType, (StructType, MapType), "a struct")
        else:
            raise ConfigurationError(
                f"column {column}: a user has no field {member.name}; it has "
                f"{', '.join((*_TEXTS, *_MAPS))}. What else there is belongs into custom"
            )


def _check_time(name: str, kind: DataType, times: Times) -> None:
    accepted = (TimestampType, TimestampNTZType, NumericType, StringType)
    also = "; cast it to timestamp" if isinstance(kind, DateType) else ""
    _expect(name, kind, accepted, "a timestamp, a number or a string", also)
    if isinstance(kind, NumericType) and times.unit is None:
        raise ConfigurationError(
            f"column {name}: is a number; state its unit by the option timeUnit: s, ms, us or ns"
        )
    if isinstance(kind, TimestampNTZType) and times.zone is None:
        raise ConfigurationError(
            f"column {name}: its timestamps have no zone; state it by the option timeZone, such as "
            "UTC or Europe/Berlin"
        )


def _expect(
    name: str, kind: DataType, accepted: tuple[type[DataType], ...], words: str, also: str = ""
) -> None:
    if not isinstance(kind, (*accepted, NullType)):
        raise ConfigurationError(
            f"column {name}: expected {words}, got {kind.simpleString()}{also}"
        )


def rows_of(batches: Iterable[object]) -> Iterator[Row]:
    """The rows of Arrow's record batches."""
    for batch in cast("Iterable[pa.RecordBatch]", batches):
        columns = [values_of(column) for column in batch.columns]
        names = batch.schema.names
        for cells in zip(*columns, strict=True):
            yield dict(zip(names, cells, strict=True))


def count_rows(batches: Iterable[object]) -> int:
    """How many rows are in record batches."""
    return sum(batch.num_rows for batch in cast("Iterable[pa.RecordBatch]", batches))
