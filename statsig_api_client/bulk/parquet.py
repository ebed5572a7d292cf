"""Rows of Parquet, by pyarrow, which has no types: none of it is seen outside."""

# mypy: disable-error-code="import-untyped,no-any-return"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet

_ROWS = 2000
"""Rows that are in memory as Python's objects at once."""


class Table:
    """A file of Parquet."""

    def __init__(self, path: Path) -> None:
        self._file = pyarrow.parquet.ParquetFile(path)
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
            columns = [column.to_pylist() for column in batch.columns]
            rows_of = [
                dict(zip(self.columns, values, strict=True))
                for values in zip(*columns, strict=True)
            ]
            yield before, rows_of
            before += len(rows_of)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
