"""Rows of Parquet, by pyarrow, which has no types: none of it is seen outside."""

# mypy: disable-error-code="import-untyped,no-any-return"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq

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
    """Python's objects for the cells of a column; what has none stays to be seen with its row."""
    kind = column.type
    if pa.types.is_nested(kind):
        return _nested_values(column)
    if pa.types.is_timestamp(kind) and kind.unit == "ns":
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    try:
        return column.to_pylist()
    except UnicodeDecodeError:
        cells = column.cast(pa.binary()).to_pylist()
        return [cell and cell.decode(errors="surrogateescape") for cell in cells]
    except (ValueError, OverflowError):  # a moment beyond the years of Python's
        return column.cast(pa.string()).to_pylist()


def _nested_values(column: pa.Array) -> list[object]:
    try:
        return [json_value(cell) for cell in column.to_pylist(maps_as_pydicts="lossy")]
    except (ValueError, OverflowError):  # text that is not UTF-8, a moment beyond Python's years
        return [_nested_value(scalar) for scalar in column]


def _nested_value(scalar: pa.Scalar) -> object:
    try:
        return json_value(scalar.as_py(maps_as_pydicts="lossy"))
    except (ValueError, OverflowError) as error:
        return f"cannot be read: {error}"


def json_value(value: object) -> object:
    """A value as it is on the wire: without nulls, and with numbers for decimals.

    A struct has all of its fields in every row; on the wire what is null is not there.
    """
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).items()
        return {name: json_value(member) for name, member in members if member is not None}
    if isinstance(value, list):
        return [json_value(member) for member in cast("list[object]", value)]
    return float(value) if isinstance(value, Decimal) else value
