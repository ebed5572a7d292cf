"""Validated fields of a checkpoint."""

import json
from pathlib import Path
from stat import S_ISREG
from typing import cast

from .batches import RecordSpan
from .readers.records import InputPosition


class CheckpointFields:
    """Fields of a checkpoint; invalid ones raise `ValueError` or `TypeError`.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not JSON.
        TypeError: It is not an object.
        RecursionError: It is nested too deep.
    """

    def __init__(self, path: Path) -> None:
        # Opening a pipe would wait for its writer.
        if not S_ISREG(path.stat().st_mode):
            raise ValueError("expected a regular file")
        text = path.read_text(encoding="utf-8")
        self._members = _object("checkpoint", cast("object", json.loads(text)))

    def member(self, name: str) -> object:
        """Return a field of any type."""
        if name not in self._members:
            raise ValueError(f"{name}: missing")
        return self._members[name]

    def integer(self, name: str) -> int:
        """Return a field that is an integer from 0."""
        return _integer(name, self.member(name))

    def optional_integer(self, name: str) -> int | None:
        """Return a field that is an integer from 0, or null."""
        return None if self.member(name) is None else self.integer(name)

    def position(self, files: int) -> InputPosition:
        """Return the position, in one of the given number of files."""
        members = _object("position", self.member("position"))
        file, line, offset = (
            _integer(f"position.{name}", members.get(name)) for name in ("file", "line", "offset")
        )
        if file >= files:
            raise ValueError(f"position.file: expected less than {files}, got {file}")
        return InputPosition(file, line, offset)

    def spans(self, name: str) -> list[RecordSpan]:
        """Return a field that is a list of spans."""
        spans: list[RecordSpan] = []
        for span in _list(name, self.member(name)):
            numbers = [_integer(name, number) for number in _list(name, span)]
            if len(numbers) != 2 or numbers[0] > numbers[1]:
                raise ValueError(f"{name}: expected pairs of numbers in order, got {span!r:.40}")
            spans.append((numbers[0], numbers[1]))
        return spans


def _object(name: str, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"{name}: expected an object, got {type(value).__name__}")
    return cast("dict[str, object]", value)


def _list(name: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"{name}: expected a list, got {type(value).__name__}")
    return cast("list[object]", value)


def _integer(name: str, value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{name}: expected an integer from 0, got {value!r:.40}")
    return value
