"""JSON whose numbers keep all digits: fractions and long integers are `Decimal` objects.

orjson parses both as floats: two IDs beyond 64 bits could become equal, and `1.10` would be sent as
`1.1`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

import orjson

_POSSIBLY_INEXACT: Final = re.compile(rb"[:\[,]\s*(-?\d{19}\d*|-?\d+[.eE][-+.eE\d]*|-0)")
"""Matches numbers that orjson may change, or similar text in a string."""
_MAX_DIGITS: Final = 400
"""Maximum exponent in decimal notation."""


def parse(content: bytes) -> object:
    """Parse JSON with floats, which is sufficient for checks.

    Raises:
        ValueError: It is not JSON in UTF-8.
    """
    return cast("object", orjson.loads(content))


def parse_exactly(content: bytes) -> object:
    """Parse an object or an array with all digits of its numbers.

    Raises:
        ValueError: It is not JSON in UTF-8.
        ArithmeticError: An exponent exceeds the range of `Decimal`.
        RecursionError: It is nested too deep.
    """
    # orjson parses first: it rejects lone surrogates, which json accepts.
    value = parse(content)
    is_common = _POSSIBLY_INEXACT.search(content) is None
    return value if is_common else _DECODER.decode(content.decode())


def is_exact(content: bytes) -> bool:
    """Return whether `parse` and `serialize` keep all digits of an object."""
    return all(is_exact_double(literal.decode()) for literal in _POSSIBLY_INEXACT.findall(content))


def is_exact_double(literal: str) -> bool:
    """Return whether a number keeps its digits in a conversion to a double and back."""
    try:
        return repr(float(literal)) == literal
    except ValueError:  # text in a string
        return False


def serialize(value: object) -> bytes:
    """Serialize JSON; a `Decimal` becomes a number with the same digits.

    Raises:
        TypeError: A value or a key cannot be represented in JSON.
    """
    return orjson.dumps(value, default=_fragment)


def number_text(number: Decimal) -> str:
    """Return a number in decimal notation, or with an exponent if that would be very long."""
    return f"{number:f}" if abs(number.adjusted()) <= _MAX_DIGITS else str(number)


def serializable_integer(number: int) -> int | Decimal:
    """Return an integer as `serialize` accepts it: a `Decimal` beyond 64 bits."""
    return number if -(2**63) <= number < 2**64 else Decimal(number)


def with_serializable_integers(value: object) -> object:
    """Return a JSON value with all integers as `serialize` accepts them."""
    if type(value) is int:
        return serializable_integer(value)
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value).items()
        return {name: with_serializable_integers(member) for name, member in members}
    if isinstance(value, list | tuple):
        return [with_serializable_integers(item) for item in cast("Sequence[object]", value)]
    return value


def _fragment(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} cannot be represented in JSON")


def _integer(literal: str) -> int | Decimal:
    if literal == "-0":
        return Decimal(literal)
    # int() accepts 4300 digits by default.
    return serializable_integer(int(literal)) if len(literal) < 40 else Decimal(literal)


_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_int=_integer)
