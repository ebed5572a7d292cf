"""From the columns of files to the fields of events."""

import base64
import csv
import gzip
import json
import math
import tempfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    Constant,
    EventMapping,
    ImportOptions,
    SourceError,
    TimeFormat,
    examine_events,
    import_events,
    read_mapping,
    read_mapping_file,
)
from statsig_api_client.bulk.batches import BatchReader
from statsig_api_client.bulk.errors import RowError
from statsig_api_client.bulk.input import open_input
from statsig_api_client.bulk.mapping.rows import RowMapper
from statsig_api_client.bulk.mapping.times import TimeUnit, milliseconds
from statsig_api_client.bulk.readers.files import find_sources
from statsig_api_client.bulk.readers.records import InputPosition
from statsig_api_client.bulk.readers.source_reader import SourceReader
from tests.support.collector import Collector
from tests.support.event_files import event, letters, lines

SALES = """\
event,uid,ts,amount,plan,utm_source,utm_medium,empty
purchase,1,1700000000,9.99,pro,mail,,
refund,2,1700000001,A-1,free,,cpc,
"""
SALES_MAP = (
    "eventName=event,user.userID=uid,time=ts,value=amount,user.custom.plan=plan,metadata.*=utm_*"
)


def test_a_csv_is_mapped(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text(SALES)
    mapping = read_mapping([SALES_MAP], TimeFormat("s"))
    assert (
        import_events(statsig, tmp_path / "sales.csv", ImportOptions(mapping=mapping)).delivered
        == 2
    )
    assert collector.events == [
        {
            "eventName": "purchase",
            "user": {"userID": "1", "custom": {"plan": "pro"}},
            "time": 1_700_000_000_000,
            "value": 9.99,
            "metadata": {"utm_source": "mail"},
        },
        {
            "eventName": "refund",
            "user": {"userID": "2", "custom": {"plan": "free"}},
            "time": 1_700_000_001_000,
            "value": "A-1",
            "metadata": {"utm_medium": "cpc"},
        },
    ]


def test_columns_named_like_fields_need_no_mapping(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    text = "\ufeffeventName\tuser.userID\ttime\tvalue\npurchase\t1\t1700000000000\t007\n"
    (tmp_path / "e.tsv").write_text(text)
    assert import_events(statsig, tmp_path / "e.tsv").delivered == 1
    assert collector.events[0]["value"] == "007"


def test_rows_of_csv_that_are_none_are_rejected(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    head = b"eventName,user.userID,time,metadata.n\n"
    rows = [b'"a\nb",1', b"a,1,1700000000000,1,5", b"a,\xff,1700000000000,1", b"", b'a,"x"y,1,1']
    good = b'a,"1\n2",1700000000000,%d\n'
    data = head + good % 1 + b"\n".join(rows) + b"\n" + good % 2
    (tmp_path / "e.csv").write_bytes(data)
    summary = import_events(statsig, tmp_path / "e.csv", ImportOptions(max_batch=1))
    assert (summary.delivered, summary.rejected, summary.blank) == (2, 4, 1)
    assert set(collector.taken) == {"1", "2"}
    assert summary.dead_letters is not None
    reasons = [letter["reason"] for letter in letters(summary.dead_letters)]
    assert [letter["line"] for letter in letters(summary.dead_letters)] == [5, 6, 7, 9]
    originals = [letter.get("original") for letter in letters(summary.dead_letters)]
    assert originals == ['"a\nb",1', "a,1,1700000000000,1,5", None, 'a,"x"y,1,1']
    encoded = letters(summary.dead_letters)[2]["original_base64"]
    assert base64.b64decode(encoded) == b"a,\xff,1700000000000,1"
    for reason, said in zip(
        reasons, ["expected 4 columns", "got 5", "not UTF-8", "not CSV"], strict=True
    ):
        assert said in reason


def test_a_quote_that_is_never_closed_takes_lines_with_it_that_are_all_kept(
    statsig: Statsig, tmp_path: Path
) -> None:
    rows = ['a,"open'] + ["a,1700000000000"] * 5000
    (tmp_path / "e.csv").write_text("\n".join(["eventName,time", "a,1700000000000", *rows]))
    summary = import_events(statsig, tmp_path / "e.csv")
    assert (summary.delivered, summary.rejected) == (1, 1)
    assert summary.dead_letters is not None
    assert letters(summary.dead_letters)[0]["original"] == "\n".join(rows)


def test_a_line_of_csv_without_end_is_one_row(statsig: Statsig, tmp_path: Path) -> None:
    head, good = b"eventName,time\n", b"a,1700000000000\n"
    (tmp_path / "e.csv").write_bytes(head + b"a," * 5_000_000 + b"\n" + good)
    summary = import_events(statsig, tmp_path / "e.csv")
    assert (summary.delivered, summary.rejected) == (1, 1)
    assert summary.dead_letters is not None
    (letter,) = letters(summary.dead_letters)
    assert (letter["line"], len(letter["original"])) == (2, 65536)


def test_a_csv_goes_on_in_its_middle(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    text = "eventName,time,metadata.n\n" + "".join(f"a,1700000000000,{n}\n" for n in range(50))
    for name, data in (("e.csv", text.encode()), ("e.csv.gz", gzip.compress(text.encode()))):
        (tmp_path / name).write_bytes(data)
        collector.taken.clear()
        first = import_events(statsig, tmp_path / name, ImportOptions(max_batch=10, stop=_Stop(3)))  # type: ignore[arg-type]
        assert first.stopped
        rest = import_events(statsig, tmp_path / name, ImportOptions(max_batch=10))
        assert first.delivered + rest.delivered == len(collector.taken) == 50
        assert set(collector.taken.values()) == {1}


class _Stop:
    """Says stop when it was asked a few times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.csv": "x,y\n1,2\n"}, r"no column eventName; pass a mapping.*x, y \(line 1 of CSV"),
        ({"a.csv": ""}, "expected the header of CSV, got an empty file"),
        ({"a.csv": "eventName,eventName\n"}, "line 1: expected distinct column names"),
        ({"a.csv": "eventName,foo\n"}, "expected eventName, .*, got 'foo'"),
        (
            {"a.csv": "eventName,time\n", "b.csv": "eventName,value\n"},
            "b.csv: expected the columns of the previous file; different: time, value",
        ),
        ({"a.parquet": "no parquet"}, "a.parquet: cannot be read"),
        (
            {"a.jsonl": "{}", "b.csv": "eventName,time\n"},
            "need a mapping when they are read together",
        ),
    ],
)
def test_tables_that_do_not_fit_are_refused_before_anything_is_sent(
    files: dict[str, str], said: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=said):
        import_events(statsig, [tmp_path / name for name in files])
    assert not collector.requests


def test_the_order_of_columns_does_not_matter(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("eventName,time\na,1700000000000\n")
    (tmp_path / "b.csv").write_text("time,eventName\n1700000000000,b\n")
    assert import_events(statsig, str(tmp_path / "*.csv")).delivered == 2
    assert [sent["eventName"] for sent in collector.events] == ["a", "b"]


def test_columns_of_a_mapping_that_are_nowhere_are_refused(
    statsig: Statsig, tmp_path: Path
) -> None:
    (tmp_path / "sales.csv").write_text(SALES)
    (tmp_path / "e.jsonl").write_bytes(lines(b"{", {"event": "a", "ts": 1}))
    for name in ("sales.csv", "e.jsonl"):
        with pytest.raises(SourceError, match="columns that do not exist: who"):
            import_events(
                statsig, tmp_path / name, ImportOptions(mapping=read_mapping(["eventName=who"]))
            )


def test_json_lines_are_mapped_by_paths(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    row = {
        "e": "view",
        "at": "2026-01-31T12:00:00",
        "who": {"id": 42},
        "a.b": "dot",
        "x": True,
        "y": [1, 2],
        "z": None,
        "amount": 3,
    }
    (tmp_path / "e.jsonl").write_bytes(lines(row))
    mapping = EventMapping(
        {
            "eventName": "e",
            "time": "at",
            "user.userID": "who.id",
            "value": "amount",
            "user.customIDs.c": Constant("c1"),
            "user.email": Constant(None),
            "user.custom.flag": "x",
            "metadata.dot": "a.b",
            "metadata.*": "[xyz]",
            "metadata.gone": "who.gone",
            "user.statsigEnvironment.tier": Constant("staging"),
        },
        TimeFormat(zone="+01:00"),
    )
    import_events(statsig, tmp_path / "e.jsonl", ImportOptions(mapping=mapping))
    (sent,) = collector.events
    assert sent == {
        "eventName": "view",
        "time": 1769857200000,
        "value": 3,
        "user": {
            "userID": "42",
            "custom": {"flag": True},
            "customIDs": {"c": "c1"},
            "statsigEnvironment": {"tier": "staging"},
        },
        "metadata": {"dot": "dot", "y": "[1,2]"},
    }


def test_parquet_is_read_and_gone_on_with(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
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
    assert set(collector.taken.values()) == {1}
    assert import_events(statsig, file).skipped == 100
    assert collector.events[0] == {
        "eventName": "a",
        "user": {"userID": "0"},
        "time": int(moment.timestamp() * 1000),
        "value": 1.5,
        "metadata": {"n": "0"},
    }


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1, max_size=8)
ROWS = st.lists(
    st.fixed_dictionaries(
        {"event": TEXTS, "uid": TEXTS, "ts": st.integers(-(10**6), 10**10)},
        optional={
            "amount": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-9, 9),
            "plan": TEXTS,
            "utm_source": TEXTS,
            "utm_medium": TEXTS,
        },
    ),
    min_size=1,
    max_size=20,
)


@given(ROWS)
def test_equal_rows_give_equal_requests_whatever_the_format(rows: list[dict[str, Any]]) -> None:
    columns = SALES.splitlines()[0].split(",")
    with tempfile.TemporaryDirectory() as name:
        json_lines, table, parquet = (
            Path(name) / f"e.{end}" for end in ("jsonl", "csv", "parquet")
        )
        json_lines.write_bytes(lines(dict.fromkeys(columns), *rows))
        with table.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows([{"empty": ""}, *rows])
        types = {"ts": pa.int64(), "amount": pa.float64()}
        schema = pa.schema({column: types.get(column, pa.string()) for column in columns})
        pq.write_table(pa.Table.from_pylist([{}, *rows], schema), parquet, row_group_size=7)
        found = [_requests(path) for path in (json_lines, table, parquet)]
    assert found[0] == found[1] == found[2]
    assert sum(map(len, found[0])) == len(rows) + 1


def _requests(path: Path) -> list[list[object]]:
    """What would be sent of a file, and why some is not, by batches."""
    options = ImportOptions(mapping=read_mapping([SALES_MAP], TimeFormat("s")), max_batch=5)
    opened = open_input(path, options, None)
    return [
        [json.loads(event) for event in batch.events] + [why for _, why in batch.invalid]
        for batch in BatchReader(opened.sources, opened.build_event, options).read(
            0, InputPosition(), []
        )
    ]


def test_cells_of_parquet_that_python_cannot_hold_are_told_with_their_row(
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


def test_a_struct_of_parquet_that_python_cannot_hold_is_told_with_its_row(
    statsig: Statsig, tmp_path: Path
) -> None:
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


def test_columns_of_parquet_have_different_names(tmp_path: Path) -> None:
    pq.write_table(pa.table([["a"], ["b"]], names=["eventName"] * 2), tmp_path / "e.parquet")
    with pytest.raises(SourceError, match="expected distinct column names"):
        examine_events(tmp_path / "e.parquet")


def test_what_parquet_has_and_json_has_not_is_rejected(statsig: Statsig, tmp_path: Path) -> None:
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
def test_times_are_read_with_unit_and_zone(
    value: object, unit: TimeUnit | None, zone: str | None, expected: int
) -> None:
    assert milliseconds(value, unit, TimeFormat(unit, zone).zone_info()) == expected


@pytest.mark.parametrize("zone", ["Mars", "+24:00", "+01:60", "a folder"])
def test_zones_that_are_none_are_refused(
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
def test_nothing_about_times_is_guessed(value: object, said: str) -> None:
    with pytest.raises(RowError, match=said):
        milliseconds(value, None, None)


@pytest.mark.parametrize("value", [math.nan, math.inf, "9" * 400])
def test_moments_that_are_none_are_refused(value: object) -> None:
    with pytest.raises(RowError, match="is out of range"):
        milliseconds(value, "s", None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["eventName"], "expected FIELD=COLUMN"),
        (["user.userID=x"], "eventName is missing"),
        (["eventName=e,user.name=x"], "expected eventName, .*, got 'user.name'"),
        (["eventName=e,time=a", "time=b"], "mapping: time occurs twice"),
        (["eventName=e", "metadata.*:=x"], r"metadata\.\*: expected a pattern of columns"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(SourceError, match=said):
        read_mapping(words)
    with pytest.raises(SourceError, match="mapping: metadata: expected an object, got str"):
        RowMapper(read_mapping(["eventName:=a", "metadata:=b"]))


def test_values_of_another_kind_make_no_mapping() -> None:
    fields: Any = {"eventName": "e", "value": 5}
    with pytest.raises(SourceError, match="value: expected a column name or a Constant"):
        EventMapping(fields)
    unit: Any = "sec"
    with pytest.raises(SourceError, match="time unit: expected one of s, ms, us, ns, got 'sec'"):
        TimeFormat(unit)
    zone: Any = 5
    with pytest.raises(SourceError, match=r"time zone: expected UTC.*, got 5"):
        TimeFormat(zone=zone)


def test_constants_are_json_or_text() -> None:
    mapping = read_mapping(["eventName:=a", "value:=1.5"])
    assert mapping.fields == {"eventName": Constant("a"), "value": Constant(1.5)}


def test_a_mapping_is_read_from_yaml(tmp_path: Path) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(
        "fields:\n  eventName: {constant: purchase}\n  time: ts\ntime: {unit: s, zone: UTC}\n"
    )
    mapping = read_mapping_file(file)
    assert mapping.fields == {"eventName": Constant("purchase"), "time": "ts"}
    assert mapping.times == TimeFormat("s", "UTC")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "expected `fields:`"),
        ("fields: []", "expected `fields:`"),
        ("more: 1\nfields: {}", "expected `fields:`"),
        ("fields: {time: ts}", "eventName is missing"),
        ("fields: {eventName: 1}", "fields.eventName: expected a column name"),
        ("fields: {eventName: {const: a}}", "fields.eventName: expected a column name"),
        ("fields: {1: a}", "expected eventName, .*, got '1'"),
        ("fields: {eventName: a}\ntime: {unit: d}", "time.unit: expected one of s, ms"),
        ("fields: {eventName: a}\ntime: {zone: +10:00}", "time.zone: expected a quoted string"),
        ("fields: {eventName: a}\ntime: {units: s}", "time: expected unit and zone, got units"),
    ],
)
def test_yaml_that_is_no_mapping_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(SourceError, match=rf"map\.yaml: .*{said}"):
        read_mapping_file(tmp_path / "map.yaml")


def test_a_dry_run_tells_what_would_become_of_everything(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(
        lines(event(1), b"{", b"", event(2, eventName="a#"), *map(event, (3, 4)))
    )
    found = examine_events(tmp_path / "e.jsonl", ImportOptions(max_rate=10.0))
    assert (found.read, found.valid, found.invalid, found.blank) == (6, 3, 2, 1)
    assert found.errors[0].startswith(f"{tmp_path}/e.jsonl:2: not JSON")
    assert "e.jsonl:4: eventName: Statsig drops" in found.errors[1]
    assert found.compressed_bytes > 0
    assert found.seconds >= 0.1
    again = examine_events(tmp_path / "e.jsonl", ImportOptions(max_batch=1, compress=False))
    assert again.compressed_bytes == again.bytes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.jsonl"]


def test_cells_are_made_what_fields_need() -> None:
    fields = {"eventName": "e", "value": "v", "metadata.d": "d", "user.custom.c": "d"}
    reader = RowMapper(EventMapping({**fields, "metadata.*": "zz*"}))
    row = {"e": 7, "v": True, "d": Decimal("1.50")} | {f"c{n}": 1 for n in range(10_001)}
    assert reader.event(row) == {
        "eventName": "7",
        "value": "true",
        "metadata": {"d": "1.50"},
        "user": {"custom": {"c": 1.5}},
    }
    dotted = RowMapper(EventMapping({"eventName": "a.b"}))
    assert dotted.event({"a.b": None, "a": {"b": "not this"}}) == {}
    with pytest.raises(RowError, match="eventName: expected a string, got bytes"):
        reader.event({"e": b"1"})
    with pytest.raises(RowError, match=r"metadata\.d: expected a finite number"):
        reader.event({"e": "a", "d": math.inf})
    for endless in (math.inf, "1e999"):
        with pytest.raises(RowError, match="value: expected a finite number"):
            reader.event({"e": "a", "v": endless})
    assert reader.event({"e": "a", "v": "9" * 5000})["value"] == "9" * 5000
    with pytest.raises(RowError, match="metadata: expected an object"):
        RowMapper(EventMapping({"eventName": "e", "metadata": "m"})).event({"e": "a", "m": "x"})


def test_what_is_missing_in_a_table_of_pandas_is_left_out(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
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


def test_maps_and_structs_of_parquet_are_objects(
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


def test_decimals_are_written_as_text_to_dead_letters(statsig: Statsig, tmp_path: Path) -> None:
    table = pa.table({"eventName": ["a"], "time": [1], "value": pa.array([Decimal("1.50")])})
    pq.write_table(table, tmp_path / "e.parquet")
    summary = import_events(statsig, tmp_path / "e.parquet")
    assert summary.dead_letters is not None
    assert letters(summary.dead_letters)[0]["original"]["value"] == "1.50"


def test_parquet_is_read_from_the_middle_of_a_group(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": list(range(100))}), tmp_path / "e.parquet", row_group_size=30)
    (source,) = find_sources(tmp_path / "e.parquet")
    reader = SourceReader(source)
    assert [record.line for record in reader.records(InputPosition(0, 35))] == list(range(36, 101))
    reader.close()
