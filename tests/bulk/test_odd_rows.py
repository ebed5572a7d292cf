"""Rows with values that JSON cannot represent."""

import math
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    Constant,
    EventMapping,
    ImportOptions,
    SourceError,
    TimeFormat,
    import_events,
)
from tests.support.collector import Collector
from tests.support.event_files import letters, lines

TEXT = pa.string()


BROKEN = pa.array([b"\xff"], pa.binary())


ODD: list[Any] = [
    pytest.param(pa.array([[(1, "a")]], pa.map_(pa.int64(), TEXT)), id="integer-keys"),
    pytest.param(pa.array([[(b"k", "a")]], pa.map_(pa.binary(), TEXT)), id="binary-keys"),
    pytest.param(pa.array([[(1.5, "a")]], pa.map_(pa.float64(), TEXT)), id="double-keys"),
    pytest.param(pa.array([[(True, "a")]], pa.map_(pa.bool_(), TEXT)), id="boolean-keys"),
    pytest.param(pa.array([[(date(2026, 1, 1), "a")]], pa.map_(pa.date32(), TEXT)), id="date-keys"),
    pytest.param(
        pa.array([[({"a": "b"}, "a")]], pa.map_(pa.struct([("a", TEXT)]), TEXT)), id="struct-keys"
    ),
    pytest.param(
        pa.array([{"m": [(1, "a")]}], pa.struct([("m", pa.map_(pa.int64(), TEXT))])), id="deep-keys"
    ),
    pytest.param(pa.array([{"x": math.inf}]), id="infinite"),
    pytest.param(pa.array([{"x": b"\xff"}]), id="bytes"),
    pytest.param(pa.array([b"\xff"]), id="binary"),
    pytest.param(pa.array([timedelta(1)]), id="duration"),
    pytest.param(pa.array([[timedelta(1)]]), id="durations"),
    pytest.param(pa.array([10**18], pa.timestamp("ms", "UTC")), id="far-timestamp"),
    pytest.param(pa.array([[10**18]], pa.list_(pa.timestamp("ms"))), id="far-timestamps"),
    pytest.param(pa.Array.from_buffers(TEXT, 1, BROKEN.buffers()), id="latin"),
    pytest.param(
        pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"]), id="same-fields"
    ),
]


@pytest.mark.parametrize("target", ["user.custom.x", "metadata.x", "user.userID", "value", "user"])
@pytest.mark.parametrize("cells", ODD)
def test_unserializable_row_rejects_only_itself(
    cells: pa.Array, target: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    column = pa.concat_arrays([cells, pa.nulls(1, cells.type)])
    names = ["good", "odd"]
    table = pa.table({"name": names[::-1], "time": [1_700_000_000_000] * 2, "cell": column})
    pq.write_table(table, tmp_path / "e.parquet")
    mapping = EventMapping({"eventName": "name", "time": "time", target: "cell"}, TimeFormat("ms"))
    summary = import_events(statsig, tmp_path / "e.parquet", ImportOptions(mapping=mapping))
    assert summary.balances
    assert summary.unsent == 0
    assert "good" in [event["eventName"] for event in collector.events]
    if summary.rejected:
        assert summary.dead_letters is not None
        (letter,) = letters(summary.dead_letters)
        assert letter["line"] == 1
        assert letter["reason"].startswith((f"{target}", "cannot be ", "user"))
        assert ("original" in letter) != ("original_base64" in letter)
    else:  # values with a JSON string
        assert target in {"metadata.x", "value", "user.userID"}
    assert (
        import_events(statsig, tmp_path / "e.parquet", ImportOptions(mapping=mapping)).skipped == 2
    )


def test_unreadable_cell_is_never_sent(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    struct = pa.StructArray.from_arrays(
        [pa.Array.from_buffers(TEXT, 1, BROKEN.buffers())], ["plan"]
    )
    table = pa.table({"name": ["a"], "time": [1_700_000_000_000], "context": struct})
    pq.write_table(table, tmp_path / "e.parquet")
    for target, source in {
        "metadata.plan": "context.plan",
        "metadata.*": "context",
        "user.custom.x": "context",
        "user.email": "context.plan",
    }.items():
        mapping = EventMapping(
            {"eventName": "name", "time": "time", target: source}, TimeFormat("ms")
        )
        assert import_events(
            statsig, tmp_path / "e.parquet", ImportOptions(mapping=mapping, restart=True)
        ).rejected
    assert collector.requests == []


def test_serializable_values_are_sent(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    cell = {"at": datetime(2026, 1, 1), "on": date(2026, 1, 1), "hour": time(1), "none": math.nan}  # noqa: DTZ001
    columns = {"eventName": ["a"], "time": [1_700_000_000_000], "user.custom.x": [cell]}
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    import_events(statsig, tmp_path / "e.parquet")
    expected = {"at": "2026-01-01T00:00:00", "on": "2026-01-01", "hour": "01:00:00"}
    assert collector.events[0]["user"]["custom"] == {"x": expected}


def test_nulls_of_map_are_omitted(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(lines({"m": {"n": "1", "null": None}}, {"m": {"n": None}}))
    fields = {"eventName": Constant("a"), "time": Constant(1_700_000_000_000), "metadata": "m"}
    import_events(
        statsig, tmp_path / "e.jsonl", ImportOptions(mapping=EventMapping(fields, TimeFormat("ms")))
    )
    assert [event["metadata"] for event in collector.events] == [{"n": "1"}, {}]


def test_constant_with_integer_keys_is_rejected(statsig: Statsig, tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(lines({}))
    constant: Any = {1: "a"}
    fields = {"eventName": Constant("a"), "metadata": Constant(constant)}
    mapping = EventMapping({**fields, "time": Constant(1)}, TimeFormat("s"))
    with pytest.raises(SourceError, match="metadata: expected strings as keys, got int"):
        import_events(statsig, tmp_path / "e.jsonl", ImportOptions(mapping=mapping))


def test_number_above_doubles_is_rejected(statsig: Statsig, tmp_path: Path) -> None:
    rows = "eventName,time,value\na,1700000000000,1e400\n"
    (tmp_path / "e.csv").write_text(rows)
    assert import_events(statsig, tmp_path / "e.csv").rejected == 1
