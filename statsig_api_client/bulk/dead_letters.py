"""The file of what was not delivered: one line of JSON for each, with the reason."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from io import FileIO
from pathlib import Path
from typing import Literal

import orjson

from .batches import Item
from .cells import Unreadable

State = Literal["rejected", "ambiguous"]


class DeadLetters:
    """Writes dead letters. The file is made with the first of them."""

    def __init__(self, path: Path, names: list[str], known: int | None, *, replace: bool) -> None:
        """Prepare to write.

        Args:
            path: The file.
            names: Those of the input's files.
            known: The bytes that were in it when the checkpoint was made; None if there is none.
            replace: Whether nothing of what is in it is kept.
        """
        self.path = path
        self._names = names
        self._file: FileIO | None = None
        self.size: int = 0
        """Bytes of letters that are in the file, whole."""
        if not replace:
            with suppress(OSError):  # told when there is something to write
                self.size = self._whole(known)

    def write(self, letters: list[tuple[State, Item, str]]) -> None:
        """Write letters, all or, as far as the next run sees, none.

        Raises:
            OSError: The disk is full, or the file cannot be written.
        """
        if not letters:
            return
        if self._file is None:
            self._file = self._opened()
        data = b"".join(self._line(*letter) for letter in letters)
        try:
            _write(self._file, data)
            self.size += len(data)
        except OSError as error:
            error.filename = str(self.path)
            raise
        finally:
            self._keep(self._file)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _whole(self, known: int | None) -> int:
        """What is kept: all, but for letters of batches that are sent again.

        Those are behind what the checkpoint knows, unless another import has written there since.
        """
        there = self.path.stat().st_size
        if known is None or known >= there:
            return there
        own = tuple(orjson.dumps({"file": name})[:-1] for name in self._names)
        whole, foreign = known, False
        with self.path.open("rb") as file:
            file.seek(known)
            for line in file:
                if line.endswith(b"\n"):
                    whole += len(line)
                    foreign = foreign or not line.startswith(own)
        return whole if foreign else known

    def _opened(self) -> FileIO:
        if not self.size:
            return self.path.open("wb", buffering=0)
        file = self.path.open("r+b", buffering=0)
        self._keep(file)
        return file

    def _keep(self, file: FileIO) -> None:
        """Take away what is behind, since it is not whole, or not known."""
        with suppress(OSError):  # not of a pipe
            file.truncate(self.size)
            file.seek(self.size)

    def _line(self, state: State, item: Item, reason: str) -> bytes:
        place = {"file": self._names[item.file], "line": item.record.line}
        return letter(place, state, reason, item.record.content)


def letter(
    place: Mapping[str, object], state: State, reason: str, content: bytes | Mapping[str, object]
) -> bytes:
    """A line of JSON: where the original was, what became of it, why, and the original."""
    told: dict[str, object] = {**place, "state": state, "reason": reason}
    try:
        original = content.decode() if isinstance(content, bytes) else content
        return orjson.dumps(told | {"original": original}, default=_plain) + b"\n"
    except (UnicodeDecodeError, TypeError):
        raw = content if isinstance(content, bytes) else _of_row(content)
        encoded = base64.b64encode(raw).decode()
        return orjson.dumps(told | {"original_base64": encoded}) + b"\n"


def _write(file: FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:  # a disk that is nearly full takes a part of it
        left = left[file.write(left) :]


def _of_row(row: Mapping[str, object]) -> bytes:
    """JSON, but for bytes that are not UTF-8: they are as they were."""
    text = json.dumps(row, ensure_ascii=False, default=_text)
    return text.encode(errors="surrogateescape")


def _text(value: object) -> str:
    return value.decode(errors="surrogateescape") if isinstance(value, bytes) else str(value)


def _plain(value: object) -> object:
    if isinstance(value, Unreadable):
        return value.original or str(value)
    if isinstance(value, Decimal | timedelta):
        return str(value)
    raise TypeError
