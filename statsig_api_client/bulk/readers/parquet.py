"""Parquet."""

# pyarrow is untyped, so its objects do not leave this module.
# mypy: disable-error-code="import-untyped,no-any-return"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import SourceError
from ..mapping.arrow import python_values
from .files import InputSource
from .records import InputPosition, InputRecord
from .signatures import LONGEST, recognised

_SIGNATURE: Final = b"PAR1"
_BATCH_ROWS: Final = 1000
"""Maximum rows in memory as Python objects."""
_BUFFER_BYTES: Final = 65536
"""Bytes that are read of each column at a time; without a buffer, a row group is loaded
completely."""


class ParquetReader:
    """Reader of Parquet."""

    def __init__(self, source: InputSource) -> None:
        _check_signature(source)
        self._file = pq.ParquetFile(source.path, buffer_size=_BUFFER_BYTES, pre_buffer=False)
        self._size = source.size or 0
        self.columns: list[str] | None = list(self._file.schema_arrow.names)
        self.number_columns: frozenset[str] = frozenset(
            field.name
            for field in self._file.schema_arrow
            if pa.types.is_integer(field.type)
            or pa.types.is_floating(field.type)
            or pa.types.is_decimal(field.type)
        )
        self.line: int = 0
        """Number of the last row that was read."""
        self.consumed: int = 0
        """Approximate number of bytes read of the file."""
        if len(set(self.columns)) < len(self.columns):
            self.close()
            raise SourceError(f"{source.name}: expected distinct column names")

    def check_format(self) -> None:
        """Do nothing, since pyarrow has checked the format."""

    def records(self, position: InputPosition) -> Iterator[InputRecord]:
        """Read all rows after a position."""
        if position.line > self._file.metadata.num_rows:
            raise EOFError("it is shorter than it was")
        first, groups = self._groups_after(position.line)
        if not groups:
            return
        line = first
        for batch in self._file.iter_batches(
            batch_size=_BATCH_ROWS, row_groups=groups, use_threads=False
        ):
            columns = [python_values(column) for column in batch.columns]
            for cells in zip(*columns, strict=True):
                line += 1
                if line > position.line:
                    self.line = line
                    yield InputRecord(line, 0, dict(zip(batch.schema.names, cells, strict=True)))
            self.consumed = self._size * line // self._file.metadata.num_rows

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _groups_after(self, row: int) -> tuple[int, list[int]]:
        """Return the number of rows in row groups that end before a row, and the other groups."""
        first, group = 0, 0
        while group < self._file.num_row_groups:
            rows: int = self._file.metadata.row_group(group).num_rows
            if first + rows > row:
                break
            first, group = first + rows, group + 1
        return first, list(range(group, self._file.num_row_groups))


def _check_signature(source: InputSource) -> None:
    """Check the first bytes; pyarrow checks the last ones.

    Raises:
        SourceError: The file has another format.
    """
    assert source.path is not None
    with source.path.open("rb") as file:
        start = file.read(LONGEST)
    if not start.startswith(_SIGNATURE):
        found = recognised(start) or "text" if start else "an empty file"
        raise SourceError(f"{source.name}: expected Parquet, got {found}")
