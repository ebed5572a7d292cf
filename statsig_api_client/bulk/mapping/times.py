"""Conversion of times into milliseconds since 1970, without guessing units or zones."""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import frozen

from ..._timestamps import parse_timestamp
from ..errors import RowError, SourceError

TimeUnit: TypeAlias = Literal["s", "ms", "us", "ns"]

_MILLISECONDS: Final[dict[TimeUnit, Decimal]] = {
    "s": Decimal(1000),
    "ms": Decimal(1),
    "us": Decimal("1e-3"),
    "ns": Decimal("1e-6"),
}
_INTEGER_FACTORS: Final[dict[TimeUnit | None, int]] = {"s": 1000, "ms": 1}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_DIGITS: Final = 30
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


@frozen
class TimeFormat:
    """Unit of numeric times, and zone of times without one.

    Raises:
        SourceError: The unit or the zone does not exist.
    """

    unit: TimeUnit | None = None
    """`s`, `ms`, `us` or `ns`. None rejects numbers."""
    zone: str | None = None
    """Zone such as `UTC` or `Europe/Berlin`, or an offset. None rejects times without a zone."""

    def __attrs_post_init__(self) -> None:
        if self.unit is not None and self.unit not in _MILLISECONDS:
            raise SourceError(
                f"time unit: expected one of {', '.join(_MILLISECONDS)}, got {self.unit!r}"
            )
        self.zone_info()

    def zone_info(self) -> tzinfo | None:
        """Return the zone.

        Raises:
            SourceError: It does not exist.
        """
        if self.zone is None:
            return None
        try:
            if offset := re.fullmatch(r"([+-])(\d\d):([0-5]\d)", self.zone):
                minutes = int(offset[2]) * 60 + int(offset[3])
                return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
            return UTC if self.zone == "UTC" else ZoneInfo(self.zone)
        # The directory of a region raises OSError on some systems.
        except (ZoneInfoNotFoundError, TypeError, ValueError, OSError):
            raise SourceError(
                "time zone: expected UTC, +02:00 or a name such as Europe/Berlin, got "
                f"{self.zone!r}"
            ) from None


def milliseconds(value: object, unit: TimeUnit | None, zone: tzinfo | None) -> int:
    """Convert a time to milliseconds since 1970.

    Raises:
        RowError: The value is not a time, or lacks a unit or a zone.
    """
    if isinstance(value, str):
        value = _parsed(value)
    if type(value) is int and (factor := _INTEGER_FACTORS.get(unit)):
        return value * factor
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    try:
        if isinstance(value, datetime):
            return _since_epoch(value, zone)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise RowError(f"expected a number or a string, got {type(value).__name__}")
        if unit is None:
            raise RowError("is a number without a unit; set the time unit")
        number = Decimal(value)
        if number.adjusted() > _MAX_DIGITS:
            raise OverflowError
        return round(number * _MILLISECONDS[unit])
    except (ArithmeticError, ValueError):  # NaN, infinity, the first or the last day
        raise RowError(f"{value} is out of range") from None


def _since_epoch(moment: datetime, zone: tzinfo | None) -> int:
    if moment.tzinfo is None:
        if zone is None:
            raise RowError("has no time zone; set the time zone")
        moment = _in_zone(moment, zone)
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1000 + round(Decimal(since.microseconds) / 1000)


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    """Add the zone to a local time.

    Raises:
        RowError: It occurs twice in that zone, or never.
    """
    earlier, later = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
    # They differ only where clocks are set back or forward.
    if earlier.utcoffset() != later.utcoffset():
        is_repeated = later.timestamp() > earlier.timestamp()
        problem = "occurs twice" if is_repeated else "does not exist"
        raise RowError(f"{moment} {problem} in {zone}; write it with an offset such as +02:00")
    return earlier


def _parsed(text: str) -> int | Decimal | datetime:
    if _NUMBER.fullmatch(text):
        return int(text) if len(text) <= _MAX_DIGITS and text.isdecimal() else Decimal(text)
    try:
        return parse_timestamp(text)
    except ValueError as error:
        reason = str(error).replace("expected ISO 8601", "expected a number or ISO 8601")
        raise RowError(reason) from None
