"""From the times in files to milliseconds since 1970, with nothing guessed."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

from .errors import Fault, SourceError

Unit: TypeAlias = Literal["s", "ms", "us", "ns"]

_MILLISECONDS: Final[dict[Unit, Decimal]] = {
    "s": Decimal(1000),
    "ms": Decimal(1),
    "us": Decimal("1e-3"),
    "ns": Decimal("1e-6"),
}
_LONGEST: Final = 30
"""Digits of a number that may be a time."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


@frozen
class Times:
    """How times are to be read: the unit of numbers, and the zone of what names none.

    Raises:
        SourceError: There is no such unit or zone.
    """

    unit: Unit | None = None
    zone: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.unit is not None and self.unit not in _MILLISECONDS:
            raise SourceError(
                f"time unit {self.unit!r}: expected one of {', '.join(_MILLISECONDS)}"
            )
        self.zone_info()

    def zone_info(self) -> tzinfo | None:
        """The zone.

        Raises:
            SourceError: There is none of this name.
        """
        if self.zone is None:
            return None
        try:
            if offset := re.fullmatch(r"([+-])(\d\d):([0-5]\d)", self.zone):
                minutes = int(offset[2]) * 60 + int(offset[3])
                return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
            return UTC if self.zone == "UTC" else ZoneInfo(self.zone)
        # A folder of zones is an OSError on some systems.
        except (ZoneInfoNotFoundError, TypeError, ValueError, OSError):
            raise SourceError(
                f"time zone {self.zone!r}: expected UTC, +02:00 or a name such as Europe/Berlin"
            ) from None


def milliseconds(value: object, unit: Unit | None, zone: tzinfo | None) -> int:
    """Return a time in milliseconds since 1970.

    Raises:
        Fault: It is not a time, or its unit or zone was not stated.
    """
    if type(value) is int and unit == "ms":
        return value
    if isinstance(value, str):
        value = Decimal(value) if _NUMBER.fullmatch(value) else _parsed(value)
    try:
        if isinstance(value, datetime):
            return _of_moment(value, zone)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise Fault(f"expected a number or a string, got {type(value).__name__}")
        if unit is None:
            raise Fault("is a number, and no unit was stated")
        number = Decimal(value)
        if number.adjusted() > _LONGEST:
            raise OverflowError
        return round(number * _MILLISECONDS[unit])
    except (ArithmeticError, ValueError):  # not a number, infinity, the first or the last day
        raise Fault(f"{value} is beyond all times") from None


def _of_moment(moment: datetime, zone: tzinfo | None) -> int:
    if moment.tzinfo is None:
        if zone is None:
            raise Fault("names no zone, and none was stated")
        moment = moment.replace(tzinfo=zone)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + round(Decimal(since.microseconds) / 1000)


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise Fault("expected a number, or a text of the form of ISO 8601") from None
