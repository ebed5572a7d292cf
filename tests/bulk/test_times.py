"""Conversion of times."""

import math
from decimal import Decimal
from pathlib import Path

import pytest

from statsig_api_client.bulk import (
    SourceError,
    TimeFormat,
)
from statsig_api_client.bulk.errors import RowError
from statsig_api_client.bulk.mapping.times import TimeUnit, milliseconds


@pytest.mark.parametrize(
    ("value", "unit", "zone", "expected"),
    [
        (1700000000, "s", None, 1700000000000),
        ("1700000000.5", "s", None, 1700000000500),
        (1700000000000, "ms", None, 1700000000000),
        (1700000000000000, "us", None, 1700000000000),
        (1700000000000000000, "ns", None, 1700000000000),
        (Decimal("1700000000.5"), "s", None, 1700000000500),
        ("2026-01-31T12:00:00Z", None, None, 1769860800000),
        ("2026-01-31 12:00:00", None, "UTC", 1769860800000),
        ("2026-01-31T12:00:00", None, "Europe/Berlin", 1769857200000),
        ("2026-01-31T12:00:00", None, "-01:00", 1769864400000),
    ],
)
def test_times_follow_unit_and_zone(
    value: object, unit: TimeUnit | None, zone: str | None, expected: int
) -> None:
    assert milliseconds(value, unit, TimeFormat(unit, zone).zone_info()) == expected


@pytest.mark.parametrize("zone", ["Mars", "+24:00", "+01:60", "a folder"])
def test_unknown_zone_is_rejected(
    zone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "tzdata" / "zoneinfo" / "a folder"
    package.mkdir(parents=True)
    for folder in (package.parent, package.parent.parent):
        (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SourceError, match="expected UTC"):
        TimeFormat(zone=zone)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1700000000, "is a number without a unit"),
        ("2026-01-31T12:00:00", "has no time zone"),
        ("yesterday", "ISO 8601"),
        (True, "expected a number or a string, got bool"),
    ],
)
def test_unit_and_zone_are_not_guessed(value: object, said: str) -> None:
    with pytest.raises(RowError, match=said):
        milliseconds(value, None, None)


@pytest.mark.parametrize("value", [math.nan, math.inf, "9" * 400])
def test_time_out_of_range_is_rejected(value: object) -> None:
    with pytest.raises(RowError, match="is out of range"):
        milliseconds(value, "s", None)
