"""Rows of Parquet, by pyarrow, which has no types: none of it is seen outside."""

# mypy: disable-error-code="import-untyped,no-any-return"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from collections.abc import Iterator
from math import isinf, isnan
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq

from .cells import Unreadable

_ROWS = 1000
"""Rows that are in memory as Python's objects at once."""
_BUFFER = 65536
"""Bytes of each column that are read at once; else a row group's columns are in memory whole."""


class Table:
    """A file of Parquet."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path, buffer_size=_BUFFER, pre_buffer=False)
        self.columns: list[str] = list(self._file.schema_arrow.names)
        self.rows: int = self._file.metadata.num_rows

    def read(self, skipped: int) -> Iterator[tuple[int, list[dict[str, object]]]]:
        """All rows but the first, in parts, each with the number of rows before it."""
        before, group = 0, 0
        while group < self._file.num_row_groups:
            rows: int = self._file.metadata.row_group(group).num_rows
            if before + rows > skipped:
                break
            before, group = before + rows, group + 1
        groups = list(range(group, self._file.num_row_groups))
        if not groups:
            return
        for batch in self._file.iter_batches(
            batch_size=_ROWS, row_groups=groups, use_threads=False
        ):
            columns = [values_of(column) for column in batch.columns]
            rows_of = [
                dict(zip(self.columns, values, strict=False))
                for values in zip(*columns, strict=False)
            ]
            yield before, rows_of
            before += len(rows_of)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def values_of(column: pa.Array) -> list[object]:
    """Return the Python values of a column's cells; a cell without one is `Unreadable`."""
    kind = column.type
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    try:
        cells = column.to_pylist(maps_as_pydicts="lossy")
        return [json_value(cell) for cell in cells] if pa.types.is_nested(kind) else cells
    except Exception:  # noqa: BLE001  (pyarrow converts by many libraries)
        return [_value_of(scalar) for scalar in column]


def _value_of(scalar: pa.Scalar) -> object:
    try:
        value = scalar.as_py(maps_as_pydicts="lossy")
    except UnicodeDecodeError as error:
        if pa.types.is_nested(scalar.type):
            return Unreadable(str(error))
        # Kept, so that the dead letter has the original.
        return scalar.cast(pa.binary()).as_py().decode(errors="surrogateescape")
    except Exception as error:  # noqa: BLE001
        is_time = pa.types.is_temporal(scalar.type)
        return Unreadable(f"{scalar.type} {scalar.value}: {error}" if is_time else str(error))
    try:
        return json_value(value) if pa.types.is_nested(scalar.type) else value
    except (TypeError, ValueError) as error:
        return Unreadable(str(error), repr(value))


def json_value(value: object) -> object:
    """Return a value as it is on the wire: without nulls, which a struct has in every row.

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


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and isnan(value))
