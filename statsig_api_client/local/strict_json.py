"""Strict JSON parsing."""

import json
from typing import Final, cast

import orjson

from .._runtime.parsers import JsonValue

MAX_DEPTH: Final = 100
"""The maximum nesting of arrays and objects."""

_ZEROS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG: Final = b"0" * 19
"""Integers of 19 or more digits may exceed 64 bits with a sign."""


def read_json(data: bytes) -> JsonValue:
    """Parse JSON strictly, so that the value can be stored, compared and serialized again.

    Integers keep all of their digits, since they may be IDs.

    Args:
        data: JSON in UTF-8.

    Raises:
        ValueError: The bytes are not JSON, or contain NaN, infinity, a lone surrogate or more than
            `MAX_DEPTH` levels.
    """
    value = cast("JsonValue", orjson.loads(data))
    # Counting brackets is cheap, and most bodies have too few to be deep.
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _is_deeper(value, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if _LONG in data.translate(_ZEROS):  # orjson parses integers of more than 64 bits as floats
        value = cast("JsonValue", json.loads(data))
    return value


def write_json(value: object) -> str:
    """Serialize a value as JSON.

    Raises:
        TypeError: The value cannot be represented in JSON.
    """
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # orjson rejects integers of more than 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _is_deeper(value: JsonValue, limit: int) -> bool:
    # Iterative, because deep values would exhaust the stack.
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent)
            # 10 times faster than `isinstance`, which matters for batches of events.
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return bool(level)
