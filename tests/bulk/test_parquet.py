"""Parquet input."""

import base64
import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    EventMapping,
    ImportOptions,
    ImportStoppedError,
    SourceError,
    TimeFormat,
    dry_run_import,
    import_events,
)
from statsig_api_client.bulk.readers.files import find_sources
from statsig_api_client.bulk.readers.records import InputPosition
from statsig_api_client.bulk.readers.source_reader import SourceReader
from tests.support.collector import Collector
from tests.support.event_files import letters


class _Stop:
    """An event that is set after a few checks."""

    def __init__(self, times: int) -> None:
        self.left = times

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_parquet_is_resumed(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    table = pa.table(
        {
            "eventName": ["a"] * 100,
            "user": [{"userID": str(n), "email": None} for n in range(100)],
            "time": pa.array([moment] * 100, pa.timestamp("us", "UTC")),
            "value": pa.array([Decimal("1.50")] * 100),
            "metadata": [{"n": str(n), "odd": None} for n in range(100)],
        }
    )
    file = tmp_path / "e.parquet"
    pq.write_table(table, file, row_group_size=30)
    stop: Any = _Stop(8)
    first = import_events(statsig, file, ImportOptions(max_batch=20, stop=stop))
    assert 0 < first.delivered < 100
    rest = import_events(statsig, file, ImportOptions(max_batch=20))
    assert first.delivered + rest.delivered == 100
    assert set(collector.accepted.values()) == {1}
    assert import_events(statsig, file).skipped == 100
    assert collector.events[0] == {
        "eventName": "a",
        "user": {"userID": "0"},
        "time": int(moment.timestamp() * 1000),
        "value": 1.5,
        "metadata": {"n": "0"},
    }


def test_unreadable_cells_are_reported_with_row(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    cell = pa.array([b"\xff", b"ok", None], pa.binary())
    nanoseconds = pa.array([1_700_000_000_000_000_123] * 3, pa.timestamp("ns", "Europe/Berlin"))
    columns = {
        "eventName": ["a"] * 3,
        "time": nanoseconds,
        "user.email": pa.Array.from_buffers(pa.string(), 3, cell.buffers()),
    }
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    summary = import_events(statsig, tmp_path / "e.parquet")
    assert (summary.delivered, summary.rejected) == (2, 1)
    assert [sent["time"] for sent in collector.events] == [1_700_000_000_000] * 2
    moments = pa.array([10**18, 1_700_000_000_000], pa.timestamp("ms", "UTC"))
    pq.write_table(pa.table({"eventName": ["a"] * 2, "time": moments}), tmp_path / "f.parquet")
    summary = import_events(statsig, tmp_path / "f.parquet")
    assert (summary.delivered, summary.rejected) == (1, 1)
    assert summary.dead_letters is not None
    reason = letters(summary.dead_letters)[0]["reason"]
    assert reason.startswith(f"time: cannot be read: timestamp[ms, tz=UTC] {10**18}: ")


def test_unreadable_struct_is_reported_with_row(statsig: Statsig, tmp_path: Path) -> None:
    cell = pa.array([b"\xff", b"ok"], pa.binary())
    texts = pa.Array.from_buffers(pa.string(), 2, cell.buffers())
    columns = {
        "eventName": ["a"] * 2,
        "time": [1_700_000_000_000] * 2,
        "metadata": pa.StructArray.from_arrays([texts], ["k"]),
    }
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    summary = import_events(statsig, tmp_path / "e.parquet")
    assert (summary.delivered, summary.rejected) == (1, 1)
    assert summary.dead_letters is not None
    (letter,) = letters(summary.dead_letters)
    assert letter["line"] == 1
    assert letter["reason"].startswith("metadata: cannot be read: 'utf-8' codec")


def test_duplicate_column_names_are_rejected(tmp_path: Path) -> None:
    pq.write_table(pa.table([["a"], ["b"]], names=["eventName"] * 2), tmp_path / "e.parquet")
    with pytest.raises(SourceError, match="expected distinct column names"):
        dry_run_import(tmp_path / "e.parquet")


def test_binary_cell_is_rejected(statsig: Statsig, tmp_path: Path) -> None:
    table = pa.table({"eventName": ["a"], "time": [1_700_000_000_000], "user.custom.x": [b"\xff"]})
    pq.write_table(table, tmp_path / "e.parquet")
    summary = import_events(statsig, tmp_path / "e.parquet")
    assert summary.rejected == 1
    assert summary.dead_letters is not None
    (letter,) = letters(summary.dead_letters)
    assert "cannot be represented in JSON" in letter["reason"]
    original = json.loads(base64.b64decode(letter["original_base64"]).decode("latin-1"))
    assert original["user.custom.x"] == "\xff"
    table = pa.table({"eventName": ["a"], "time": [1], "metadata": ["x"], "value": [b"1"]})
    pq.write_table(table, tmp_path / "f.parquet")
    assert import_events(statsig, tmp_path / "f.parquet").rejected == 1


def test_nan_is_omitted(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
    missing = [math.nan]
    names = ["value", "user.userID", "user.custom.level", "metadata.price"]
    table = pa.table(
        {"eventName": ["a"], "time": [1_700_000_000_000], **dict.fromkeys(names, missing)}
    )
    pq.write_table(table, tmp_path / "e.parquet")
    fields = {"eventName": "eventName", "time": "time", "metadata.*": "metadata.*"}
    for mapping in (None, EventMapping(fields, TimeFormat("ms"))):
        import_events(statsig, tmp_path / "e.parquet", ImportOptions(mapping=mapping, restart=True))
        assert collector.events[-1] == {"eventName": "a", "time": 1_700_000_000_000}


def test_maps_and_structs_become_objects(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    custom = {"plan": None, "level": Decimal("1.5"), "tags": ["a"]}
    ids = {"companyID": "c", "stableID": None}
    table = pa.table(
        {
            "eventName": ["a"],
            "time": [1_700_000_000_000],
            "user": [{"userID": "1", "custom": custom, "customIDs": ids}],
            "metadata": pa.array([[("sku", "A1"), ("gone", None)]], pa.map_("string", "string")),
        }
    )
    pq.write_table(table, tmp_path / "e.parquet")
    assert import_events(statsig, tmp_path / "e.parquet").delivered == 1
    assert collector.events[0]["user"] == {
        "userID": "1",
        "custom": {"level": 1.5, "tags": ["a"]},
        "customIDs": {"companyID": "c"},
    }
    assert collector.events[0]["metadata"] == {"sku": "A1"}


def test_reader_starts_within_row_group(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": list(range(100))}), tmp_path / "e.parquet", row_group_size=30)
    (source,) = find_sources(tmp_path / "e.parquet")
    reader = SourceReader(source)
    assert [record.line for record in reader.records(InputPosition(0, 35))] == list(range(36, 101))
    reader.close()


def test_dates_are_midnight_of_zone(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
    days = pa.table({"eventName": ["a"], "time": pa.array([date(2026, 1, 31)], pa.date32())})
    pq.write_table(days, tmp_path / "e.parquet")
    mapping = EventMapping({"eventName": "eventName", "time": "time"}, TimeFormat(zone="UTC"))
    assert import_events(statsig, tmp_path / "e.parquet", ImportOptions(mapping=mapping)).delivered
    assert collector.events[0]["time"] == 1769817600000


def test_number_as_time_needs_unit_before_sending(tmp_path: Path) -> None:
    for kind in (pa.int64(), pa.float64(), pa.decimal128(20, 0)):
        times = pa.array([1_700_000_000]).cast(kind)
        pq.write_table(pa.table({"eventName": ["a"], "ts": times}), tmp_path / "e.parquet")
        mapping = EventMapping({"eventName": "eventName", "time": "ts"})
        with pytest.raises(SourceError, match=r"e\.parquet: column ts, for time, is a number"):
            dry_run_import(tmp_path / "e.parquet", ImportOptions(mapping=mapping))


def test_shorter_file_is_not_complete(statsig: Statsig, tmp_path: Path) -> None:
    file = tmp_path / "e.parquet"
    for rows in (10, 5):
        times = pa.array([1_700_000_000_000] * rows)
        pq.write_table(pa.table({"eventName": ["a"] * rows, "time": times}), file)
        if rows == 10:
            assert import_events(statsig, file).delivered == 10
    with pytest.raises(ImportStoppedError, match="it is shorter than it was"):
        import_events(statsig, file, ImportOptions(force=True))
