"""JSON as it travels: its types, and reading it from bytes without surprises."""

import json
import math
from typing import Final, NoReturn, TypeAlias, cast

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""Anything that JSON can say."""

JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object."""

MAX_DEPTH: Final = 100
"""How many arrays and objects may stand inside each other."""


def read_json(data: bytes) -> JsonValue:
    """Read JSON strictly, so that whatever was read can be stored, compared and written again.

    Args:
        data: JSON in UTF-8.

    Raises:
        ValueError: The bytes are not JSON, or JSON that other programs could not read: NaN and
            infinite numbers, half a surrogate pair, more than `MAX_DEPTH` levels.
    """
    try:
        text = data.decode()
        value = cast("JsonValue", json.loads(text, parse_constant=_refuse, parse_float=_finite))
        if "\\ud" in text.lower():  # Pairs of them are fine; one alone cannot be encoded again.
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    except UnicodeEncodeError:
        raise ValueError("half of a surrogate pair in a text") from None
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from None
    if _is_deeper(value, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number too large for a double")
    return number


def _is_deeper(value: JsonValue, limit: int) -> bool:
    # Level by level and not by recursion, which is what deep values are meant to exhaust.
    level: list[JsonValue] = [value]
    for _ in range(limit + 1):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: JsonValue) -> list[JsonValue]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
