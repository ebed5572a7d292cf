"""Records of an input, and positions in it."""

from collections.abc import Mapping
from typing import NamedTuple

from attrs import frozen


class InputRecord(NamedTuple):
    """A line or a row."""

    line: int
    """Number of the row or of its last line, from 1."""
    end: int
    """Offset of its end in decompressed bytes; 0 in formats without offsets."""
    content: bytes | Mapping[str, object]
    error: str | None = None
    """The reason why it is malformed, or None."""


@frozen
class InputPosition:
    """A position between two records: the file, and the lines and bytes read of it."""

    file: int = 0
    line: int = 0
    offset: int = 0
