"""Records of CSV: rows, each with its lines.

The csv module alone cannot be trusted with where a row ends: after an error, such as a cell above
its limit of 131,072 characters, it would continue in the middle of a quoted cell.
"""

import csv
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from .settings import MAX_EVENT

HEAD: Final = 65536
"""Bytes that are kept of a row that is too long."""

_QUOTE: Final = ord('"')


class CsvRecord(NamedTuple):
    """A row of CSV, or lines that are not one."""

    content: bytes
    """Its lines; of a row that is too long, their beginning."""
    lines: int
    size: int
    """Bytes of all of its lines."""
    cells: list[str]
    problem: str | None = None


def read_records(stream: BinaryIO, delimiter: str) -> Iterator[CsvRecord]:
    """Read all rows of a stream.

    Args:
        stream: The stream, at the beginning of a row.
        delimiter: The character between two cells.
    """
    while raw := stream.readline(MAX_EVENT):
        if raw[-1:] == b"\n" or len(raw) < MAX_EVENT:
            try:
                cells = _cells([raw], delimiter)
            except csv.Error:
                yield _joined(stream, raw, delimiter)
            else:
                yield CsvRecord(raw, 1, len(raw), cells)
        else:
            yield _joined(stream, raw, delimiter)


def _joined(stream: BinaryIO, raw: bytes, delimiter: str) -> CsvRecord:
    """Return a row that does not end with its first line, or is malformed."""
    quotes = _Quotes(delimiter)
    parts, size, lines = [raw], len(raw), 0
    while True:
        lines += raw[-1:] == b"\n"
        is_open = quotes.is_open_after(raw)
        if raw[-1:] == b"\n" and not is_open:
            break
        raw = stream.readline(MAX_EVENT)
        if not raw:
            lines += parts[-1][-1:] != b"\n"
            break
        size += len(raw)
        if size <= MAX_EVENT:
            parts.append(raw)
    content = b"".join(parts)
    if size > MAX_EVENT:
        problem = f"the row has more than {MAX_EVENT:,} bytes"
        return CsvRecord(content[:HEAD], lines, size, [], problem)
    try:
        return CsvRecord(content, lines, size, _cells(parts, delimiter))
    except csv.Error as error:
        return CsvRecord(content, lines, size, [], f"not CSV: {error}")


def _cells(lines: list[bytes], delimiter: str) -> list[str]:
    decoded = [line.decode(errors="surrogateescape") for line in lines]
    return next(csv.reader(decoded, delimiter=delimiter, strict=True))


class _Quotes:
    """Follows the quotes of one row, whether it is well-formed or not."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter.encode()
        self._state = "start"

    def is_open_after(self, raw: bytes) -> bool:
        """Return whether a quoted cell is open behind some bytes of the row."""
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
            else:  # at the start of a cell, or behind a quote in a quoted one
                is_quote = raw[index] == _QUOTE
                state = "quoted" if is_quote else "plain"
                index += is_quote
        self._state = state
        return state == "quoted"
