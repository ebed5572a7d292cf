"""The file of what was not delivered: one line of JSON for each, with the reason."""

import base64
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO, Literal

import orjson

from .batches import Item

State = Literal["rejected", "ambiguous"]


class DeadLetters:
    """Writes dead letters. The file is made with the first of them."""

    def __init__(self, path: Path, names: list[str], keep: int) -> None:
        self.path = path
        self._names = names
        self._keep = keep
        self._file: BinaryIO | None = None
        self.size: int = keep
        """Bytes that are known to be in the file."""

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self.size > 0

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
        self._file.write(data)
        self._file.flush()
        self.size += len(data)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def _opened(self) -> BinaryIO:
        if not self._keep:
            return self.path.open("wb", buffering=0)
        # Behind what the checkpoint knows there may be letters of batches that are sent again.
        file = self.path.open("r+b", buffering=0)
        file.truncate(self._keep)
        file.seek(self._keep)
        return file

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
        raw = content if isinstance(content, bytes) else repr(content).encode()
        encoded = base64.b64encode(raw).decode()
        return orjson.dumps(told | {"original_base64": encoded}) + b"\n"


def _plain(value: object) -> object:
    if isinstance(value, Decimal | timedelta):
        return str(value)
    raise TypeError
