"""Recognition of JSON lines: one object a line, unlike other forms of JSON and other files."""

import json
from collections.abc import Callable
from typing import Final

from .errors import SourceError

_BLANK: Final = b" \t\r\n"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_HEAD: Final = 65536
_DECODER: Final = json.JSONDecoder()


def read_first_lines(readline: Callable[[], bytes]) -> list[bytes]:
    """Read as many lines as it takes to see that they are JSON lines.

    Args:
        readline: Returns the next line, and nothing at the end.

    Returns:
        The lines that were read.

    Raises:
        SourceError: They are not.
    """
    lines: list[bytes] = []
    blank = 0
    while line := readline():
        lines.append(line)
        blank += len(line)
        if blank > _HEAD or line.strip(_BLANK + _BYTE_ORDER_MARK):
            break
    start = line.removeprefix(_BYTE_ORDER_MARK).lstrip(_BLANK)
    if b"\0" in line:
        raise SourceError("expected JSON lines, got a binary file")
    if start.startswith(b"["):
        raise SourceError(
            "expected JSON lines, got a JSON array; write each event on a line of its own, for "
            "instance with jq -c '.[]'"
        )
    text, at_end, longest = start, not start.endswith(b"\n"), len(start) + _HEAD
    while not at_end and len(text) < longest and _is_open(text):
        # Twice as much each time, so that the time does not grow with the square of the lines.
        goal = min(longest, 2 * len(text))
        while len(text) < goal and not at_end:
            if line := readline():
                lines.append(line)
                text += line
            else:
                at_end = True
    if b"\n" in text.strip() and _spans_lines(text):
        raise SourceError(
            "expected JSON lines, got a JSON document of several lines; write each event on a line "
            "of its own, for instance with jq -c"
        )
    return lines


def _is_open(text: bytes) -> bool:
    """Return whether text is the beginning of an object, and not all of it."""
    return text.startswith(b"{") and _end(text) is None


def _spans_lines(text: bytes) -> bool:
    end = _end(text)
    return end is None or b"\n" in text[:end]


def _end(text: bytes) -> int | None:
    """Return where the JSON value ends, 0 if there is an error before, or None if it is cut off."""
    decoded = text.decode("latin-1")
    try:
        return _DECODER.raw_decode(decoded)[1]
    except json.JSONDecodeError as error:
        is_cut = error.msg.startswith("Unterminated string") or not decoded[error.pos :].strip()
        return None if is_cut else 0
    except RecursionError:
        return 0
