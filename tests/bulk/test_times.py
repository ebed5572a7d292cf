"""Conversion of times."""

import math
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client.bulk import (
    SourceError,
    TimeFormat,
)
from statsig_api_client.bulk.errors import RowError
from statsig_api_client.bulk.mapping.times import TimeUnit, milliseconds

FIRST, LAST = datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2037-01-01")
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "+05:30"]


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
        pytest.param("2026-01-31 12:00:00 UTC", None, None, 1769860800000, id="bigquery"),
        pytest.param("2026-01-31 12:00:00.250 UTC", None, None, 1769860800250, id="fraction"),
        pytest.param("2026-01-31 12:00:00.000 -0800", None, None, 1769889600000, id="snowflake"),
        pytest.param("2026-01-31 12:00:00+00", None, None, 1769860800000, id="postgresql"),
        pytest.param("2026-01-31 12:00:00 +0000 UTC", None, None, 1769860800000, id="go"),
        pytest.param("2026-01-31 12:00:00 GMT", None, None, 1769860800000, id="gmt"),
        pytest.param("2026-01-31t12:00:00z", None, None, 1769860800000, id="lower-case"),
        pytest.param("2026-01-31 12:00 UTC", None, "+05:00", 1769860800000, id="zone-ignored"),
        pytest.param("20260131T120000Z", None, None, 1769860800000, id="basic"),
        pytest.param("2026-01-31", None, "UTC", 1769817600000, id="day"),
        pytest.param(date(2026, 1, 31), None, "Europe/Berlin", 1769814000000, id="date"),
        pytest.param(
            datetime.fromisoformat("2026-10-25T01:30"),
            None,
            "Europe/Berlin",
            1792884600000,
            id="before-change",
        ),
        pytest.param("2026-10-25T02:30+01:00", None, "Europe/Berlin", 1792891800000, id="offset"),
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
    ("value", "problem"),
    [
        (1700000000, "is a number without a unit"),
        ("2026-01-31T12:00:00", "has no time zone"),
        ("yesterday", "expected a number or ISO 8601, got 'yesterday'"),
        ("2026-01-31 12:00:00 PST", "expected an offset such as .02:00, got 'PST'"),
        ("2026-01-31T12:00 Europe/Berlin", "expected an offset such as .*, got 'Europe/Berlin'"),
        ("2026-01-31 12:00:00 -0800 UTC", "expected an offset such as .*, got .UTC."),
        ("2026-02-30 12:00:00Z", "ISO 8601"),
        (date(2026, 1, 31), "has no time zone"),
        (True, "expected a number or a string, got bool"),
    ],
)
def test_unit_and_zone_are_not_guessed(value: object, problem: str) -> None:
    with pytest.raises(RowError, match=problem):
        milliseconds(value, None, None)


@pytest.mark.parametrize("value", [math.nan, math.inf, "9" * 400])
def test_time_out_of_range_is_rejected(value: object) -> None:
    with pytest.raises(RowError, match="is out of range"):
        milliseconds(value, "s", None)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param("2026-10-25 02:30:00", "occurs twice in Europe/Berlin", id="twice"),
        pytest.param("2026-03-29T02:30:00", "does not exist in Europe/Berlin", id="never"),
        pytest.param(datetime.fromisoformat("2026-10-25T02:00"), "occurs twice", id="datetime"),
    ],
)
def test_ambiguous_local_time_is_rejected(value: object, problem: str) -> None:
    zone = TimeFormat(zone="Europe/Berlin").zone_info()
    with pytest.raises(RowError, match=rf"02:\d\d:00 {problem}.*; write it with an offset"):
        milliseconds(value, None, zone)


@given(st.datetimes(FIRST, LAST), st.sampled_from(ZONES))
def test_local_times_survive_conversion(moment: datetime, name: str) -> None:
    zone = TimeFormat(zone=name).zone_info()
    try:
        found = milliseconds(moment.replace(microsecond=0, fold=0), None, zone)
    except RowError:
        return
    back = datetime.fromtimestamp(found / 1000, zone).replace(tzinfo=None)
    assert back == moment.replace(microsecond=0)
