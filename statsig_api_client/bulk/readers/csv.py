"""CSV with a header.

Rows are split here, because the csv module loses the end of a row after an error, such as a cell
above its limit of 131,072 characters: it would continue in the middle of a quoted cell.
"""

import csv
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from ...events.options import MAX_REQUEST
from ..errors import SourceError
from .files import InputSource
from .records import InputPosition, InputRecord
from .streams import TextReader

_KEPT: Final = 65536
"""Bytes that are kept of a row that is too long."""
_QUOTE: Final = ord('"')


class CsvReader(TextReader):
    """Reader of CSV."""

    def __init__(self, source: InputSource) -> None:
        super().__init__(source)
        try:
            self.columns: list[str] | None = self._header()
        except BaseException:
            self.close()
            raise

    def check_format(self) -> None:
        """Do nothing; the header was checked when it was read."""

    def records(self, position: InputPosition) -> Iterator[InputRecord]:
        """Read all rows behind a position."""
        self.seek(position)
        columns = self.columns or []
        for row in self._rows():
            content, error = row.content.strip(), row.error
            if error is None and not row.cells:
                yield InputRecord(self.line, self.offset, b"")
                continue
            if error is None and len(row.cells) != len(columns):
                error = f"expected {len(columns)} columns, got {len(row.cells)}"
            if error is None and not _is_utf_8(content):
                error = "not UTF-8"
            if error is None:
                cells = dict(zip(columns, row.cells, strict=True))
                yield InputRecord(self.line, self.offset, cells)
            else:
                yield InputRecord(self.line, self.offset, content, error)

    def _rows(self) -> Iterator["CsvRow"]:
        delimiter = "\t" if self.source.is_tab_separated else ","
        for row in split_rows(self.stream.lines, delimiter):
            self.line += row.lines
            self.offset += row.size
            yield row

    def _header(self) -> list[str]:
        row = next(self._rows(), None)
        if row is None or not (row.cells or row.error):
            raise SourceError(f"{self.source.name}: expected the header of CSV, got an empty file")
        header = row.cells
        if row.error is not None or b"\0" in row.content or header[0][:1] in "[{":
            found = row.error or "another format"
            raise SourceError(
                f"{self.source.name}: line 1: expected the header of CSV, got {found}"
            )
        header[0] = header[0].removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        if len(set(header)) < len(header) or not all(header):
            raise SourceError(f"{self.source.name}: line 1: expected distinct column names")
        return header


class CsvRow(NamedTuple):
    """A row, or lines that are malformed."""

    content: bytes
    """Its lines; only the beginning of a row that is too long."""
    lines: int
    size: int
    """Bytes of all lines."""
    cells: list[str]
    error: str | None = None


def split_rows(stream: BinaryIO, delimiter: str) -> Iterator[CsvRow]:
    """Split a stream into rows.

    Args:
        stream: The stream, at the beginning of a row.
        delimiter: The character between two cells.
    """
    while raw := stream.readline(MAX_REQUEST):
        if raw[-1:] == b"\n" or len(raw) < MAX_REQUEST:
            try:
                cells = _cells([raw], delimiter)
            except csv.Error:
                yield _long_row(stream, raw, delimiter)
            else:
                yield CsvRow(raw, 1, len(raw), cells)
        else:
            yield _long_row(stream, raw, delimiter)


def _long_row(stream: BinaryIO, raw: bytes, delimiter: str) -> CsvRow:
    """Read a row that has several lines or is malformed, to its end."""
    quotes = _QuoteScanner(delimiter)
    parts, size, lines = [raw], len(raw), 0
    while True:
        lines += raw[-1:] == b"\n"
        is_open = quotes.is_open_after(raw)
        if raw[-1:] == b"\n" and not is_open:
            break
        raw = stream.readline(MAX_REQUEST)
        if not raw:
            lines += parts[-1][-1:] != b"\n"
            break
        size += len(raw)
        if size <= MAX_REQUEST:
            parts.append(raw)
    content = b"".join(parts)
    if size > MAX_REQUEST:
        error = f"the row has more than {MAX_REQUEST:,} bytes"
        return CsvRow(content[:_KEPT], lines, size, [], error)
    try:
        return CsvRow(content, lines, size, _cells(parts, delimiter))
    except csv.Error as error:
        return CsvRow(content, lines, size, [], f"not CSV: {error}")


def _cells(lines: list[bytes], delimiter: str) -> list[str]:
    decoded = [line.decode(errors="surrogateescape") for line in lines]
    return next(csv.reader(decoded, delimiter=delimiter, strict=True))


def _is_utf_8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


class _QuoteScanner:
    """State machine for the quotes of one row, well-formed or not."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter.encode()
        self._state = "start"

    def is_open_after(self, raw: bytes) -> bool:
        """Return whether a quoted cell is open after more bytes of the row."""
        state, index = self._state, 0
        while index < len(raw):
            if state == "quoted":
                index = raw.find(b'"', index) + 1
                if not index:
                    break
                state = "quote"
            elif state == "plain":
                index = raw.find(self._delimiter, index) + 1
                if not index:
                    break
                state = "start"
            else:  # at the start of a cell, or after a quote in a quoted cell
                is_quote = raw[index] == _QUOTE
                state = "quoted" if is_quote else "plain"
                index += is_quote
        self._state = state
        return state == "quoted"
