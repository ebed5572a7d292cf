"""Parsing of ISO 8601 in the variants that databases write."""

import re
from datetime import datetime
from typing import Final

_WRITTEN: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)[Tt ](?P<time>\d\d:\d\d(:\d\d([.,]\d+)?)?)"
    r" ?(?P<zone>[Zz]|[+-]\d\d(:?\d\d)?|UTC|GMT|[+-]00:?00 UTC|)"
)
"""BigQuery writes `2026-01-31 12:00:00.5 UTC`; the zone is ` -0800` in Snowflake, `+00` in
PostgreSQL, and `+0000 UTC` in Go and Ruby."""
_ZONE_NAME: Final = re.compile(r"\d ?([A-Za-z]{2,}(/[A-Za-z_/]+)?)")


def parse_timestamp(text: str) -> datetime:
    """Parse a timestamp; the result has a zone if the string has one.

    Raises:
        ValueError: The string is not ISO 8601, or its zone is a name, which can stand for several
            offsets.
    """
    if written := _WRITTEN.fullmatch(text):
        zone = "Z" if written["zone"].endswith(("z", "UTC", "GMT")) else written["zone"]
        text = f"{written['date']}T{written['time']}{zone}"
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        name = _ZONE_NAME.search(text)
        if name is not None and text.endswith(name[1]):
            raise ValueError(f"expected an offset such as +02:00, got {name[1][:40]!r}") from None
        raise ValueError(f"expected ISO 8601, got {text[:40]!r}") from None
