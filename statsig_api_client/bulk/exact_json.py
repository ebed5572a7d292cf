"""JSON whose numbers keep all of their digits: fractions and long integers are `Decimal`s.

orjson parses both as floats. Two IDs of more than 64 bits would become one, and `1.10` would be
sent as `1.1`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, cast

import orjson

_INEXACT: Final = re.compile(rb"[:\[,]\s*(?:-?\d{19}|-?\d+[.eE]|-0)")
"""Numbers that orjson does not keep, or text that looks like one."""
_LONGEST: Final = 400
"""Digits: a number with a larger exponent is written with it."""


def parse(content: bytes) -> object:
    """Parse JSON with floats, which is enough to check it.

    Raises:
        ValueError: It is not JSON in UTF-8.
    """
    return cast("object", orjson.loads(content))


def parse_exactly(content: bytes) -> object:
    """Parse an object or an array with all digits of its numbers.

    Raises:
        ValueError: It is not JSON in UTF-8.
        ArithmeticError: A number has an exponent that no `Decimal` has.
        RecursionError: It is nested too deep.
    """
    # orjson goes first: it rejects lone surrogates, which json accepts.
    value = parse(content)
    return value if is_exact(content) else _DECODER.decode(content.decode())


def is_exact(content: bytes) -> bool:
    """Return whether `parse` keeps all digits of an object or an array."""
    return _INEXACT.search(content) is None


def dump(value: object) -> bytes:
    """Serialize JSON; a `Decimal` becomes a number with the same digits.

    Raises:
        TypeError: A value or a key has no form in JSON.
    """
    return orjson.dumps(value, default=_fragment)


def number_text(number: Decimal) -> str:
    """Return the digits of a number: without an exponent, unless it is very long."""
    return f"{number:f}" if abs(number.adjusted()) <= _LONGEST else str(number)


def whole_number(number: int) -> int | Decimal:
    """Return an integer in the form that `dump` accepts, however long it is."""
    return number if -(2**63) <= number < 2**64 else Decimal(number)


def with_whole_numbers(value: object) -> object:
    """Return a JSON value in which all integers have the form that `dump` accepts."""
    if type(value) is int:
        return whole_number(value)
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value).items()
        return {name: with_whole_numbers(member) for name, member in members}
    if isinstance(value, list | tuple):
        return [with_whole_numbers(member) for member in cast("Sequence[object]", value)]
    return value


def _fragment(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    raise TypeError(f"a value of the type {type(value).__name__} has no form in JSON")


def _integer(literal: str) -> int | Decimal:
    if literal == "-0":
        return Decimal(literal)
    return whole_number(int(literal)) if len(literal) < 40 else Decimal(literal)


_DECODER: Final = json.JSONDecoder(parse_float=Decimal, parse_int=_integer)
