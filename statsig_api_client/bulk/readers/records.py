"""Records of an input, and positions in it."""

from collections.abc import Mapping
from typing import NamedTuple

from attrs import frozen


class InputRecord(NamedTuple):
    """A line or a row."""

    line: int
    """Number of its last line, or of the row, from 1."""
    end: int
    """Offset behind it in decompressed bytes; 0 in formats without one."""
    content: bytes | Mapping[str, object]
    error: str | None = None
    """Why it is malformed."""


@frozen
class InputPosition:
    """A position between two records: the file, and the lines and bytes read of it."""

    file: int = 0
    line: int = 0
    offset: int = 0
