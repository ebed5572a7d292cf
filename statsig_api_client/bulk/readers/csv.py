"""CSV with a header.

Rows are split here, because after an error, such as a cell above its limit of 131,072 characters,
the csv module would continue in the middle of a quoted cell.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from ...events.options import MAX_REQUEST
from ..errors import SourceError
from ..options import Delimiter
from .files import InputSource
from .records import InputPosition, InputRecord
from .signatures import recognised
from .streams import TextReader

_KEPT: Final = 65536
"""Bytes that are kept of an oversized row."""
_QUOTE: Final = ord('"')
_CHARACTERS: Final[dict[Delimiter, str]] = {
    "comma": ",",
    "semicolon": ";",
    "tab": "\t",
    "pipe": "|",
}
_NAMES: Final = {character: name for name, character in _CHARACTERS.items()}
_REASONS: Final = {
    "new-line character": "a carriage return outside of quotes",
    "unexpected end": "a quote is not closed",
    "field larger": "a cell has more than 131,072 characters",
}
"""Explanations for messages of the csv module, by their first words."""


class CsvReader(TextReader):
    """Reader of CSV."""

    line: int
    offset: int

    def __init__(self, source: InputSource) -> None:
        super().__init__(source)
        by_name: Delimiter = "tab" if source.is_tab_separated else "comma"
        self._delimiter_name: Delimiter = source.delimiter or by_name
        try:
            self.offset = self.stream.skip_byte_order_mark()
            self.columns: list[str] | None = self._header()
        except BaseException:
            self.close()
            raise

    def check_format(self) -> None:
        """Do nothing, since the header was checked when it was read."""

    def records(self, position: InputPosition) -> Iterator[InputRecord]:
        """Read all rows after a position."""
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
        for row in split_rows(self.stream.lines, _CHARACTERS[self._delimiter_name]):
            self.line += row.lines
            self.offset += row.size
            yield row

    def _header(self) -> list[str]:
        row = next(self._rows(), None)
        if row is None or not (row.cells or row.error):
            raise SourceError(f"{self.source.name}: expected the header of CSV, got an empty file")
        if problem := self._problem_of_header(row):
            raise SourceError(f"{self.source.name}: line 1: {problem}")
        return row.cells

    def _problem_of_header(self, row: "CsvRow") -> str | None:
        if found := recognised(row.content):
            pass
        elif row.error is not None and b"\r" in row.content.rstrip(b"\r\n"):
            found = "lines that end with a carriage return alone; convert it, for instance with "
            found += r"tr '\r' '\n'"
        elif row.content.lstrip()[:1] in (b"[", b"{"):
            found = "JSON; name it .jsonl, or set the format"
        if found := found or row.error:
            return f"expected the header of CSV, got {found}"
        return self._problem_of_names(row.cells)

    def _problem_of_names(self, names: list[str]) -> str | None:
        if "" in names:
            return (
                f"column {names.index('') + 1} has no name; name or remove it (pandas writes its "
                "index so; use index=False)"
            )
        name, count = Counter(names).most_common(1)[0]
        if count > 1:
            return f"expected distinct column names, got {name!r} {count} times"
        if self.source.delimiter is None and len(names) == 1:
            for character, other in _NAMES.items():
                if character in name:
                    return (
                        f"expected columns separated by a {self._delimiter_name}, got one column "
                        f"{name!r}; set the delimiter to {other}"
                    )
        return None


class CsvRow(NamedTuple):
    """A row, or malformed lines."""

    content: bytes
    """Its lines, or the first part of an oversized row."""
    lines: int
    size: int
    """Size of all lines in bytes."""
    cells: list[str]
    error: str | None = None


def split_rows(stream: BinaryIO, delimiter: str) -> Iterator[CsvRow]:
    """Split a stream into rows.

    Args:
        stream: The stream, at the start of a row.
        delimiter: The character between two cells.
    """
    while raw := stream.readline(MAX_REQUEST):
        if raw[-1:] == b"\n" or len(raw) < MAX_REQUEST:
            try:
                cells = _cells(raw, delimiter)
            except csv.Error:
                yield _long_row(stream, raw, delimiter)
            else:
                yield CsvRow(raw, 1, len(raw), cells)
        else:
            yield _long_row(stream, raw, delimiter)


def _long_row(stream: BinaryIO, raw: bytes, delimiter: str) -> CsvRow:
    """Read the rest of a row that has several lines or is malformed."""
    quotes = _QuoteScanner(delimiter)
    # One object for all lines, since a row may have millions.
    content, size, lines = bytearray(raw), len(raw), 0
    while True:
        lines += raw[-1:] == b"\n"
        is_open = quotes.is_open_after(raw)
        if raw[-1:] == b"\n" and not is_open:
            break
        raw = stream.readline(MAX_REQUEST)
        if not raw:
            lines += not content.endswith(b"\n")
            break
        size += len(raw)
        if size <= MAX_REQUEST:
            content += raw
    if size > MAX_REQUEST:
        error = f"the row has more than {MAX_REQUEST:,} bytes"
        return CsvRow(bytes(content[:_KEPT]), lines, size, [], error)
    try:
        return CsvRow(bytes(content), lines, size, _cells(content, delimiter))
    except csv.Error as error:
        return CsvRow(bytes(content), lines, size, [], f"not CSV: {_in_words(error)}")


def _cells(content: bytes | bytearray, delimiter: str) -> list[str]:
    text = content.decode(errors="surrogateescape")
    is_line = "\n" not in text[:-1]
    rows = [text] if is_line else io.StringIO(text, newline="\n")
    return next(csv.reader(rows, delimiter=delimiter, strict=True))


def _in_words(error: csv.Error) -> str:
    message = str(error)
    return next((words for start, words in _REASONS.items() if message.startswith(start)), message)


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
