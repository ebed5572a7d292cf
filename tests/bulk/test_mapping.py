"""Mappings of columns to event fields."""

import csv
import json
import math
import tempfile
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
    dry_run_import,
    import_events,
    read_mapping,
    read_mapping_file,
)
from statsig_api_client.bulk.batches import BatchReader
from statsig_api_client.bulk.errors import RowError
from statsig_api_client.bulk.input import open_input
from statsig_api_client.bulk.mapping.entries import read_entries
from statsig_api_client.bulk.mapping.rows import RowMapper
from statsig_api_client.bulk.readers.records import InputPosition
from tests.support.collector import Collector
from tests.support.event_files import lines

SALES = """\
event,uid,ts,amount,plan,utm_source,utm_medium,empty
purchase,1,1700000000,9.99,pro,mail,,
refund,2,1700000001,A-1,free,,cpc,
"""


SALES_MAP = (
    "eventName=event,user.userID=uid,time=ts,value=amount,user.custom.plan=plan,metadata.*=utm_*"
)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"a.csv": "x,y\n1,2\n"}, r"no column eventName; pass a mapping.*x, y \(line 1 of CSV"),
        ({"a.csv": ""}, "expected the header of CSV, got an empty file"),
        ({"a.csv": "eventName,eventName\n"}, "line 1: expected distinct column names"),
        ({"a.csv": "eventName,foo\n"}, "expected eventName, .*, got 'foo'"),
        (
            {"a.csv": "eventName,time\n", "b.csv": "eventName,value\n"},
            "b.csv: expected the columns of the previous file; different: time, value",
        ),
        ({"a.parquet": "no parquet"}, "a.parquet: expected Parquet, got text"),
        (
            {"a.jsonl": "{}", "b.csv": "eventName,time\n"},
            "need a mapping when they are read together",
        ),
    ],
)
def test_unsuitable_table_is_rejected_before_sending(
    files: dict[str, str], problem: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=problem):
        import_events(statsig, [tmp_path / name for name in files])
    assert not collector.requests


def test_missing_columns_are_rejected(statsig: Statsig, tmp_path: Path) -> None:
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
            "user.os_name": Constant("Android"),
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
            "os_name": "Android",
            "custom": {"flag": True},
            "customIDs": {"c": "c1"},
            "statsigEnvironment": {"tier": "staging"},
        },
        "metadata": {"dot": "dot", "y": "[1,2]"},
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
def test_equal_rows_cause_equal_requests(rows: list[dict[str, Any]]) -> None:
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
    """Return the events and errors of a file, by batch."""
    options = ImportOptions(mapping=read_mapping([SALES_MAP], TimeFormat("s")), max_batch=5)
    opened = open_input(path, options, None)
    return [
        [json.loads(event) for event in batch.events] + [why for _, why in batch.invalid]
        for batch in BatchReader(opened.sources, opened.build_event, options).read(
            0, InputPosition(), []
        )
    ]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["eventName"], "expected FIELD=COLUMN"),
        (["user.userID=x"], "eventName is missing"),
        (["eventName=e,user.name=x"], "expected eventName, .*, got 'user.name'"),
        (["eventName=e,time=a", "time=b"], "mapping: time occurs twice"),
        (["eventName:=a,b"], "got .b.; quote a name or a constant that contains a comma"),
        (["eventName=e,time="], "expected FIELD=COLUMN or FIELD:=CONSTANT, got .time=."),
        (["=e"], "expected FIELD=COLUMN or FIELD:=CONSTANT, got .=e."),
        (["eventName=e", "metadata.*:=x"], r"metadata\.\*: expected a pattern of columns"),
    ],
)
def test_invalid_mapping_is_rejected(words: list[str], problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        read_mapping(words)
    with pytest.raises(SourceError, match="mapping: metadata: expected an object, got str"):
        RowMapper(read_mapping(["eventName:=a", "metadata:=b"]))


def test_mapping_of_wrong_types_is_rejected() -> None:
    fields: Any = {"eventName": "e", "value": 5}
    with pytest.raises(SourceError, match="value: expected a column name or a Constant"):
        EventMapping(fields)
    unit: Any = "sec"
    with pytest.raises(SourceError, match="time unit: expected one of s, ms, us, ns, got 'sec'"):
        TimeFormat(unit)
    zone: Any = 5
    with pytest.raises(SourceError, match=r"time zone: expected UTC.*, got 5"):
        TimeFormat(zone=zone)


def test_constants_are_json_or_strings() -> None:
    mapping = read_mapping(["eventName:=a", "value:=1.5"])
    assert mapping.fields == {"eventName": Constant("a"), "value": Constant(1.5)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a:=x,b=c", {"a": Constant("x"), "b": "c"}, id="constant-first"),
        pytest.param("b=c,a:=x", {"a": Constant("x"), "b": "c"}, id="constant-last"),
        pytest.param(" a := x ;\n b = c \n", {"a": Constant("x"), "b": "c"}, id="whitespace"),
        pytest.param(",;a=b;;", {"a": "b"}, id="empty-entries"),
        pytest.param(
            'a:={"x": [1, "y,z=1"]},b=c',
            {"a": Constant({"x": [1, "y,z=1"]}), "b": "c"},
            id="json",
        ),
        pytest.param('a:="x, y",b:="1"', {"a": Constant("x, y"), "b": Constant("1")}, id="quoted"),
        pytest.param('a="x, \\"y\\";=",b=c', {"a": 'x, "y";=', "b": "c"}, id="quoted-name"),
        pytest.param('a="x"y,b={c,d:=[', {"a": '"x"y', "b": "{c", "d": Constant("[")}, id="odd"),
        pytest.param('a="x"y"', {"a": '"x"y"'}, id="odd-quotes"),
        pytest.param("a=1,b:=1.10", {"a": "1", "b": Constant(Decimal("1.10"))}, id="numbers"),
        pytest.param("a=x=y", {"a": "x=y"}, id="equals-in-name"),
        pytest.param("a:=" + "[" * 9999, {"a": Constant("[" * 9999)}, id="deep"),
        pytest.param("a=" + "[" * 9999, {"a": "[" * 9999}, id="deep-name"),
    ],
)
def test_entries_end_at_separators(text: str, expected: dict[str, object]) -> None:
    assert dict(read_entries(text)) == expected


@pytest.mark.parametrize("source", ["arguments", "text", "yaml-text", "yaml-map"])
def test_mapping_syntax_is_shared(source: str, tmp_path: Path) -> None:
    expected = {"eventName": Constant("a"), "time": "ts", "metadata.x": "b, c"}
    text = 'eventName:=a,time=ts;metadata.x="b, c"'
    file = tmp_path / "map.yaml"
    if source == "yaml-map":
        file.write_text("fields: {eventName: {constant: a}, time: ts, metadata.x: 'b, c'}")
    else:
        file.write_text("fields: |\n  " + text.replace(",t", "\n  t"))
    if source.startswith("yaml"):
        mapping = read_mapping_file(file)
    else:
        mapping = read_mapping(text if source == "text" else text.split(";"))
    assert mapping.fields == expected


def test_mapping_is_read_from_yaml(tmp_path: Path) -> None:
    file = tmp_path / "map.yaml"
    file.write_text(
        "fields:\n  eventName: {constant: purchase}\n  time: ts\ntime: {unit: s, zone: UTC}\n"
    )
    mapping = read_mapping_file(file)
    assert mapping.fields == {"eventName": Constant("purchase"), "time": "ts"}
    assert mapping.times == TimeFormat("s", "UTC")


@pytest.mark.parametrize(
    ("text", "problem"),
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
def test_invalid_yaml_is_rejected(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(SourceError, match=rf"map\.yaml: .*{problem}"):
        read_mapping_file(tmp_path / "map.yaml")


def test_cells_are_converted_for_fields() -> None:
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


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        pytest.param("eventName=event", "mapping: time is missing, so Statsig would", id="time"),
        pytest.param("eventName=event,time:=null", "mapping: time is missing", id="null"),
        pytest.param("eventName:=re<fund,time=ts", "mapping: eventName: Statsig drops", id="name"),
        pytest.param(
            'eventName:="",time=ts', "eventName: expected a name, got an empty", id="empty"
        ),
        pytest.param(
            "eventName=event,time=ts,metadata.a.b=uid",
            "mapping: metadata: Statsig reads the dot in the key 'a.b'",
            id="dot",
        ),
    ],
)
def test_unsuitable_mapping_is_rejected_before_sending(
    mapping: str, problem: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "sales.csv").write_text(SALES)
    options = ImportOptions(mapping=read_mapping(mapping, TimeFormat("s")))
    for run in (import_events, lambda _, *given: dry_run_import(*given)):
        with pytest.raises(SourceError, match=problem):
            run(statsig, tmp_path / "sales.csv", options)
    assert not collector.requests


def test_table_without_time_is_rejected_before_sending(statsig: Statsig, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("eventName\na\n")
    with pytest.raises(SourceError, match="mapping: time is missing"):
        import_events(statsig, tmp_path / "e.csv")
    summary = import_events(statsig, tmp_path / "e.csv", ImportOptions(allow_missing_time=True))
    assert summary.delivered == 1
