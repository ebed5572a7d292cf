"""JSON lines: one object per line."""

import json
from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Final

from ...events.options import MAX_REQUEST
from ..errors import SourceError
from .files import InputSource
from .records import InputPosition, InputRecord
from .signatures import BYTE_ORDER_MARK, recognised
from .streams import TextReader, is_damage

_BLANK: Final = b" \t\r\n"
_KEPT: Final = 65536
"""Bytes that are kept of an oversized line, and that are read to recognise the format."""
_SAMPLED_LINES: Final = 20
"""Number of first lines of which one must start like an object."""
_DECODER: Final = json.JSONDecoder()


class JsonLinesReader(TextReader):
    """Reader of JSON lines."""

    columns: list[str] | None = None

    def __init__(self, source: InputSource) -> None:
        super().__init__(source)
        self._first: list[bytes] = []
        """Lines that `check_format` has read."""

    def check_format(self) -> None:
        """Read lines until the format is recognised.

        Raises:
            SourceError: The input has another format.
        """
        start = self._first_line()
        if found := recognised(start):
            pass
        elif start.startswith(b"["):
            found = "a JSON array; write one event per line, for instance with jq -c '.[]'"
        elif self._is_multiline_document(start):
            found = "a JSON document of several lines; write one event per line"
        elif not self._has_object(start):
            text = start[:60].rstrip().decode(errors="replace")
            found = f"{text!r}; if the input is CSV, name it .csv, or set the format"
        else:
            return
        raise SourceError(f"{self.source.name}: expected JSON lines, got {found}")

    def records(self, position: InputPosition) -> Iterator[InputRecord]:
        """Read all records after a position."""
        self.seek(position)
        line, offset = self.line, self.offset
        first, self._first = self._first, []
        for raw in chain(first, iter(partial(self.stream.lines.readline, MAX_REQUEST), b"")):
            line += 1
            offset += len(raw)
            content, error = raw, None
            if line == 1:
                content = raw.removeprefix(BYTE_ORDER_MARK)
            if len(raw) == MAX_REQUEST and raw[-1:] != b"\n":
                content, offset = raw[:_KEPT], offset + self._skip_line()
                error = f"the line has more than {MAX_REQUEST:,} bytes"
            self.line = line
            yield InputRecord(line, offset, content.strip(), error)

    def _skip_line(self) -> int:
        """Skip the rest of a line, and return its size."""
        size = 0
        while raw := self.stream.lines.readline(_KEPT):
            size += len(raw)
            if raw[-1:] == b"\n":
                break
        return size

    def _first_line(self) -> bytes:
        """Return the first line with content, without leading whitespace."""
        size, line = 0, b""
        while size <= _KEPT and (line := self._read_ahead()):
            size += len(line)
            start = line.removeprefix(BYTE_ORDER_MARK).lstrip(_BLANK)
            if start:
                return start
        return b""

    def _has_object(self, start: bytes) -> bool:
        """Return whether one of the first lines starts like an object."""
        size = lines = 0
        while start and not start.startswith(b"{"):
            size, lines = size + len(start), lines + 1
            if lines == _SAMPLED_LINES or size > _KEPT:
                # The rest of an incomplete line is left to `records`.
                return not start.endswith(b"\n")
            start = self._first_line()
        return bool(start) or not lines

    def _read_ahead(self) -> bytes:
        try:
            line = self.stream.lines.readline(MAX_REQUEST)
        except Exception as error:
            # Damage is reported when the import reaches it.
            if self.source.path is None or not is_damage(error):
                raise
            return b""
        if line:
            self._first.append(line)
        return line

    def _is_multiline_document(self, start: bytes) -> bool:
        """Return whether an object starts in the first line and continues in the next."""
        text, limit = start, len(start) + _KEPT
        is_complete = not start.endswith(b"\n")
        while not is_complete and len(text) < limit and _is_open(text):
            # Doubling keeps the time linear in the number of lines.
            goal = min(limit, 2 * len(text))
            while len(text) < goal and not is_complete:
                line = self._read_ahead()
                is_complete = not line
                text += line
        if not text.startswith(b"{") or b"\n" not in text.strip():
            return False
        end = _end_of_value(text)
        return end is None or b"\n" in text[:end]


def _is_open(text: bytes) -> bool:
    return text.startswith(b"{") and _end_of_value(text) is None


def _end_of_value(text: bytes) -> int | None:
    """Return the end of a JSON value; 0 if it is malformed, None if it is incomplete."""
    decoded = text.decode("latin-1")
    try:
        return _DECODER.raw_decode(decoded)[1]
    except json.JSONDecodeError as error:
        is_cut = error.msg.startswith("Unterminated string") or not decoded[error.pos :].strip()
        return None if is_cut else 0
    except RecursionError:
        return 0
