"""Dead letters: one JSON line per undelivered record."""

import base64
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from functools import partial
from io import FileIO
from pathlib import Path

import orjson

from .batches import NumberedRecord
from .mapping.cells import Unreadable
from .pipeline import DeadLetter, DeadLetterState


class DeadLetterFile:
    """Dead-letter file, created with the first dead letter.

    Args:
        path: The file.
        names: Names of the input files.
        known_bytes: Size of the file when the checkpoint was written, or None.
        mode: Permissions of a new file.
    """

    def __init__(self, path: Path, names: list[str], known_bytes: int | None, *, mode: int) -> None:
        self.path = path
        self._names = names
        self._mode = mode
        self._file: FileIO | None = None
        self.size: int = 0
        """Size of all complete dead letters in bytes."""
        with suppress(OSError):  # reported when there is something to write
            self.size = self._kept_size(known_bytes)

    def discard(self) -> None:
        """Delete the file, with the dead letters of earlier imports.

        Raises:
            OSError: The file cannot be deleted.
        """
        if self.path.is_file():  # not a pipe or a device
            self.path.unlink()
        self.size = 0

    def place(self, numbered: NumberedRecord) -> str:
        """Return the file and the line of a record."""
        return f"{self._names[numbered.file]}:{numbered.record.line}"

    def write(self, letters: list[DeadLetter]) -> None:
        """Append dead letters; if that fails, the next run discards them.

        Raises:
            OSError: The disk is full, or the file cannot be written.
        """
        if not letters:
            return
        if self._file is None:
            self._file = self._open()
        data = b"".join(map(self._line, letters))
        try:
            _write(self._file, data)
            self.size += len(data)
        except OSError as error:
            error.filename = str(self.path)
            raise
        finally:
            self._truncate(self._file)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _kept_size(self, known_bytes: int | None) -> int:
        """Return the size without the dead letters of batches that are sent again.

        The checkpoint does not know those, which are at the end unless another import appended.
        """
        size = self.path.stat().st_size
        if known_bytes is None or known_bytes >= size:
            return size
        own_starts = tuple(orjson.dumps({"file": name})[:-1] for name in self._names)
        complete, is_shared = known_bytes, False
        with self.path.open("rb") as file:
            file.seek(known_bytes)
            for line in file:
                if line.endswith(b"\n"):
                    complete += len(line)
                    is_shared = is_shared or not line.startswith(own_starts)
        return complete if is_shared else known_bytes

    def _open(self) -> FileIO:
        if not self.size:
            return open(self.path, "wb", buffering=0, opener=partial(os.open, mode=self._mode))
        file = self.path.open("r+b", buffering=0)
        self._truncate(file)
        return file

    def _truncate(self, file: FileIO) -> None:
        """Remove incomplete and unknown dead letters at the end."""
        with suppress(OSError):  # a pipe cannot be truncated
            file.truncate(self.size)
            file.seek(self.size)

    def _line(self, letter: DeadLetter) -> bytes:
        numbered = letter.record
        place = {"file": self._names[numbered.file], "line": numbered.record.line}
        return dead_letter_line(place, letter.state, letter.reason, numbered.record.content)


def dead_letter_line(
    place: Mapping[str, object],
    state: DeadLetterState,
    reason: str,
    content: bytes | Mapping[str, object],
) -> bytes:
    """Return a JSON line with the place, the reason and the original of a record."""
    fields: dict[str, object] = {**place, "state": state, "reason": reason}
    try:
        original = content.decode() if isinstance(content, bytes) else content
        return orjson.dumps(fields | {"original": original}, default=_printable) + b"\n"
    except (UnicodeDecodeError, TypeError):
        raw = content if isinstance(content, bytes) else _row_bytes(content)
        encoded = base64.b64encode(raw).decode()
        return orjson.dumps(fields | {"original_base64": encoded}) + b"\n"


def _write(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # a nearly full disk accepts only a part
        rest = rest[file.write(rest) :]


def _row_bytes(row: Mapping[str, object]) -> bytes:
    """Serialize a row as JSON; strings and bytes that are not UTF-8 stay unchanged."""
    text = json.dumps(row, ensure_ascii=False, default=_text)
    return text.encode(errors="surrogateescape")


def _text(value: object) -> str:
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)


def _printable(value: object) -> object:
    if isinstance(value, Unreadable):
        return value.original or str(value)
    if isinstance(value, Decimal | timedelta):
        return str(value)
    raise TypeError
