"""Syntax of mappings: `FIELD=COLUMN` and `FIELD:=CONSTANT`."""

import json
import re
from collections.abc import Iterator
from typing import Final, cast

from attrs import frozen

from ..._runtime.parsers import JsonValue
from ..errors import SourceError
from .exact_json import parse_exactly

_FIELD: Final = re.compile(r"\s*([^=,;\n]*?)\s*(:?=)\s*")
_PLAIN: Final = re.compile(r"[^,;\n]*")
_SEPARATOR: Final = re.compile(r"\s*(?:[,;\n]\s*|$)")
_DECODER: Final = json.JSONDecoder()


@frozen
class Constant:
    """A value that is the same for all events."""

    value: JsonValue


def read_entries(text: str) -> Iterator[tuple[str, str | Constant]]:
    """Read the fields of a mapping, each with its column or constant.

    Raises:
        SourceError: An entry is malformed.
    """
    end = len(text) - len(text.lstrip(",; \t\r\n"))
    while end < len(text):
        start = end
        field = _FIELD.match(text, start)
        if field is None or not field[1]:
            raise _malformed(text, start)
        raw, end = _value(text, field.end())
        if not raw:
            raise _malformed(text, start)
        yield field[1], _constant(raw) if field[2] == ":=" else _column(raw)
        end = _end_of_separators(text, end)


def _value(text: str, start: int) -> tuple[str, int]:
    """Return the value that starts at an index, and the index after it."""
    if text[start : start + 1] in ('"', "{", "["):
        try:
            _, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            pass  # a column name may start with such a character, too
        else:
            if _SEPARATOR.match(text, end):
                return text[start:end], end
    plain = _PLAIN.match(text, start)
    assert plain is not None
    return plain[0].strip(), plain.end()


def _end_of_separators(text: str, end: int) -> int:
    while end < len(text) and (separator := _SEPARATOR.match(text, end)):
        end = separator.end()
    return end


def _column(raw: str) -> str:
    """Return a name that may be quoted."""
    try:
        name: object = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    return name if isinstance(name, str) else raw


def _constant(raw: str) -> Constant:
    """Return a JSON value, or the text itself if it is not JSON."""
    try:
        (value,) = cast("list[JsonValue]", parse_exactly(b"[%b]" % raw.encode()))
    except (ValueError, ArithmeticError, RecursionError):
        return Constant(raw)
    return Constant(value)


def _malformed(text: str, start: int) -> SourceError:
    entry = text[start:].splitlines()[0][:40]
    return SourceError(
        f"mapping: expected FIELD=COLUMN or FIELD:=CONSTANT, got {entry!r}; quote a name or a "
        'constant that contains a comma: eventName:="a, b"'
    )
