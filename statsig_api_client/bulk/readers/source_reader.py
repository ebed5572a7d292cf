"""Reader of an input in any format."""

from collections.abc import Iterator
from typing import Protocol

from ..errors import SourceError
from .csv import CsvReader
from .files import InputSource
from .json_lines import JsonLinesReader
from .records import InputPosition, InputRecord
from .streams import is_damage


class FormatReader(Protocol):
    """Reader of one format."""

    columns: list[str] | None
    """Column names; None in formats without columns."""
    number_columns: frozenset[str]
    """Numeric columns, in formats with types."""
    line: int
    """Number of the last line or row read."""

    @property
    def consumed(self) -> int:
        """Approximate number of bytes read of the file."""
        ...

    def check_format(self) -> None:
        """Raise `SourceError` if the content has another format."""
        ...

    def records(self, position: InputPosition) -> Iterator[InputRecord]:
        """Read all records after a position."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


class SourceReader:
    """Reader of one source, from any position.

    Raises:
        SourceError: The source cannot be opened.
    """

    def __init__(self, source: InputSource) -> None:
        self.source = source
        self._reader: FormatReader | None = None
        with _SourceErrors(self):
            self._reader = _open(source)
        self.columns: list[str] | None = self._reader.columns
        """Column names; None in formats without columns."""
        self.number_columns: frozenset[str] = self._reader.number_columns
        """Numeric columns, in formats with types."""

    @property
    def consumed(self) -> int:
        """Approximate number of bytes read of the file."""
        return self._open_reader.consumed

    @property
    def place(self) -> str:
        """The name of the source and the last line read, for messages."""
        line = 0 if self._reader is None else self._reader.line
        return f"{self.source.name}, after line {line:,}" if line else self.source.name

    def check_format(self) -> None:
        """Check that the content has the format of the source.

        Raises:
            SourceError: It has another format.
        """
        with _SourceErrors(self):
            self._open_reader.check_format()

    def records(self, position: InputPosition) -> Iterator[InputRecord]:
        """Read all records after a position.

        Raises:
            SourceError: The file cannot be read, or is damaged.
        """
        with _SourceErrors(self):
            yield from self._open_reader.records(position)

    def close(self) -> None:
        """Close the file."""
        self._open_reader.close()

    @property
    def _open_reader(self) -> FormatReader:
        assert self._reader is not None
        return self._reader


def _open(source: InputSource) -> FormatReader:
    if source.format == "jsonl":
        return JsonLinesReader(source)
    if source.format == "csv":
        return CsvReader(source)
    if source.path is None:
        raise SourceError("Parquet cannot be read from standard input; pass a file")
    try:
        from .parquet import ParquetReader
    except ModuleNotFoundError:
        raise SourceError(
            f"{source.name}: Parquet needs pyarrow: pip install 'statsig-api-client[bulk]'"
        ) from None
    return ParquetReader(source)


class _SourceErrors:
    """Conversion of errors of files and decompressors into `SourceError`."""

    def __init__(self, reader: SourceReader) -> None:
        self._reader = reader

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if is_damage(error):
            raise SourceError(f"{self._reader.place}: cannot be read: {error}") from error
