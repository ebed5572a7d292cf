"""CSV input."""

import base64
import csv
import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    EventMapping,
    ImportOptions,
    SourceError,
    TimeFormat,
    import_events,
    read_mapping,
)
from statsig_api_client.bulk.batches import BatchReader
from statsig_api_client.bulk.input import open_input
from statsig_api_client.bulk.readers.csv import split_rows
from statsig_api_client.bulk.readers.records import InputPosition
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


def test_csv_is_mapped(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
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


def test_malformed_rows_are_rejected(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    head = b"eventName,user.userID,time,metadata.n\n"
    rows = [b'"a\nb",1', b"a,1,1700000000000,1,5", b"a,\xff,1700000000000,1", b"", b'a,"x"y,1,1']
    good = b'a,"1\n2",1700000000000,%d\n'
    data = head + good % 1 + b"\n".join(rows) + b"\n" + good % 2
    (tmp_path / "e.csv").write_bytes(data)
    summary = import_events(statsig, tmp_path / "e.csv", ImportOptions(max_batch=1))
    assert (summary.delivered, summary.rejected, summary.blank) == (2, 4, 1)
    assert set(collector.accepted) == {"1", "2"}
    assert summary.dead_letters is not None
    reasons = [letter["reason"] for letter in letters(summary.dead_letters)]
    assert [letter["line"] for letter in letters(summary.dead_letters)] == [5, 6, 7, 9]
    originals = [letter.get("original") for letter in letters(summary.dead_letters)]
    assert originals == ['"a\nb",1', "a,1,1700000000000,1,5", None, 'a,"x"y,1,1']
    encoded = letters(summary.dead_letters)[2]["original_base64"]
    assert base64.b64decode(encoded) == b"a,\xff,1700000000000,1"
    for reason, problem in zip(
        reasons, ["expected 4 columns", "got 5", "not UTF-8", "not CSV"], strict=True
    ):
        assert problem in reason


def test_unclosed_quote_rejects_following_lines(statsig: Statsig, tmp_path: Path) -> None:
    rows = ['a,"open'] + ["a,1700000000000"] * 5000
    (tmp_path / "e.csv").write_text("\n".join(["eventName,time", "a,1700000000000", *rows]))
    summary = import_events(statsig, tmp_path / "e.csv")
    assert (summary.delivered, summary.rejected) == (1, 1)
    assert summary.dead_letters is not None
    assert letters(summary.dead_letters)[0]["original"] == "\n".join(rows)


def test_endless_line_is_one_row(statsig: Statsig, tmp_path: Path) -> None:
    head, good = b"eventName,time\n", b"a,1700000000000\n"
    (tmp_path / "e.csv").write_bytes(head + b"a" * 10_000_000 + b"\n" + good)
    summary = import_events(statsig, tmp_path / "e.csv")
    assert (summary.delivered, summary.rejected) == (1, 1)
    assert summary.dead_letters is not None
    (letter,) = letters(summary.dead_letters)
    assert (letter["line"], len(letter["original"])) == (2, 65536)


def test_csv_is_resumed_in_middle(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
    text = "eventName,time,metadata.n\n" + "".join(f"a,1700000000000,{n}\n" for n in range(50))
    for name, data in (("e.csv", text.encode()), ("e.csv.gz", gzip.compress(text.encode()))):
        (tmp_path / name).write_bytes(data)
        collector.accepted.clear()
        first = import_events(statsig, tmp_path / name, ImportOptions(max_batch=10, stop=_Stop(3)))  # type: ignore[arg-type]
        assert first.stopped
        rest = import_events(statsig, tmp_path / name, ImportOptions(max_batch=10))
        assert first.delivered + rest.delivered == len(collector.accepted) == 50
        assert set(collector.accepted.values()) == {1}


class _Stop:
    """An event that is set after a few checks."""

    def __init__(self, times: int) -> None:
        self.left = times

    def is_set(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_order_of_columns_is_irrelevant(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("eventName,time\na,1700000000000\n")
    (tmp_path / "b.csv").write_text("time,eventName\n1700000000000,b\n")
    assert import_events(statsig, str(tmp_path / "*.csv")).delivered == 2
    assert [sent["eventName"] for sent in collector.events] == ["a", "b"]


EVENTS = [event(1), event(2)]
TAR = io.BytesIO()
with tarfile.open(fileobj=TAR, mode="w") as archive:
    member = tarfile.TarInfo("e.jsonl")
    member.size = len(lines(*EVENTS))
    archive.addfile(member, io.BytesIO(lines(*EVENTS)))


EVENTS = [event(1), event(2)]


@pytest.mark.parametrize(
    "content", [lines(*EVENTS), b'["eventName",\n"time"]\n', TAR.getvalue(), b'"eventName,\n']
)
def test_other_format_as_csv_is_rejected(
    content: bytes, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "e.csv").write_bytes(content)
    mapping = EventMapping({"eventName": "eventName", "metadata.*": "*"})
    with pytest.raises(SourceError, match=r"e\.csv: line 1: expected the header of CSV"):
        import_events(statsig, tmp_path / "e.csv", ImportOptions(mapping=mapping))
    assert not collector.requests


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".csv.zst"])
@pytest.mark.parametrize("size", [140_000, 10_000_000])
def test_long_cell_with_line_breaks_is_rejected(
    size: int, suffix: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    delimiter = b"\t" if suffix == ".tsv" else b","
    good = delimiter.join([b"good", b"1700000000000", b"%d"]) + b"\n"
    never = b"\n" + delimiter.join([b"never", b"1700000000000", b"666"]) + b"\n"
    cell = b'"' + b"x" * 1000 + never * (size // len(never)) + b'""x"'
    head = delimiter.join([b"eventName", b"time", b"metadata.n"]) + b"\n"
    bad = delimiter.join([b"bad", b"1700000000000", cell]) + b"\n"
    pack: Any = {".csv.gz": gzip.compress, ".csv.zst": zstandard.compress}.get(suffix, bytes)
    file = tmp_path / f"e{suffix}"
    file.write_bytes(pack(head + good % 1 + bad + good % 2))
    summary = import_events(statsig, file)
    assert (summary.delivered, summary.rejected, summary.read) == (2, 1, 3)
    assert set(collector.accepted) == {"1", "2"}
    assert summary.dead_letters is not None
    (letter,) = letters(summary.dead_letters)
    assert letter["line"] == 3 + bad.count(b"\n") - 1
    assert len(letter["original"]) in (len(bad) - 1, 65_536)
    assert import_events(statsig, file).skipped == 3


def test_row_above_limit_is_rejected(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    names = [f"metadata.c{number}" for number in range(90)]
    head = ",".join(["eventName", "time", *names])
    row = ",".join(["a", "1700000000000", *["x" * 120_000] * 90])
    (tmp_path / "e.csv").write_text(f"{head}\n{row}\n")
    mapping = EventMapping({"eventName": "eventName", "time": "time"}, TimeFormat("ms"))
    summary = import_events(statsig, tmp_path / "e.csv", ImportOptions(mapping=mapping))
    assert (summary.rejected, collector.requests) == (1, [])


CELLS = st.text(st.sampled_from('a", \n'), max_size=6)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=6))
def test_split_rows_inverts_writer(rows: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)
    records = [*split_rows(io.BytesIO(file.getvalue().encode()), ",")]
    assert [record.cells for record in records] == rows
    assert b"".join(record.content for record in records) == file.getvalue().encode()
    assert sum(record.lines for record in records) == file.getvalue().count("\n")


@given(st.text(st.sampled_from('a",\n'), max_size=20))
def test_split_rows_keeps_every_byte(text: str) -> None:
    records = [*split_rows(io.BytesIO(text.encode()), ",")]
    assert "".join(record.content.decode() for record in records) == text
    assert [record.size for record in records] == [len(record.content) for record in records]
    assert sum(record.lines for record in records) == len(text.splitlines())


HEADER = b'"eventName",time\n'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            b"eventName;time\n", "separated by a comma, .*; set the delimiter to semicolon", id=";"
        ),
        pytest.param(b"eventName\ttime\n", "set the delimiter to tab", id="tab"),
        pytest.param(b",eventName,time\n", "column 1 has no name; .*index=False", id="nameless"),
        pytest.param(b"eventName,,time\n", "column 2 has no name", id="nameless-second"),
        pytest.param(b"time,eventName,time\n", "distinct column names, got 'time' 2", id="twice"),
        pytest.param(HEADER.decode().encode("utf-16"), "got UTF-16; convert it", id="utf-16"),
        pytest.param(HEADER.decode().encode("utf-16-le"), "got UTF-16", id="utf-16-le"),
        pytest.param(HEADER.decode().encode("utf-16-be"), "got UTF-16", id="utf-16-be"),
        pytest.param(HEADER.decode().encode("utf-32"), "got UTF-32", id="utf-32"),
        pytest.param(b"eventName,time\ra,1\r", "end with a carriage return alone", id="cr"),
        pytest.param(b'"eventName', "got not CSV: a quote is not closed", id="open-quote"),
        pytest.param(b"x" * 140_000, "more than 131,072 characters", id="long-cell"),
        pytest.param(b'"a"b,c\n', "got not CSV: ',' expected after '\"'", id="quote"),
    ],
)
def test_unusable_header_is_described(
    content: bytes, problem: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "e.csv").write_bytes(content)
    with pytest.raises(SourceError, match=rf"e\.csv: line 1: .*{problem}"):
        import_events(statsig, tmp_path / "e.csv")
    assert not collector.requests


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_byte_order_mark_before_quote_is_skipped(
    pack: Any, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    rows = b"".join(b"a%d,1700000000000\n" % n for n in range(40))
    (tmp_path / "e.csv").write_bytes(pack(b"\xef\xbb\xbf" + HEADER + rows))
    options = ImportOptions(max_batch=10, stop=_Stop(3))  # type: ignore[arg-type]
    first = import_events(statsig, tmp_path / "e.csv", options)
    rest = import_events(statsig, tmp_path / "e.csv", ImportOptions(max_batch=10))
    assert (first.stopped, first.delivered + rest.delivered) == (True, 40)
    assert sorted(sent["eventName"] for sent in collector.events) == sorted(
        f"a{n}" for n in range(40)
    )


def test_delimiter_option_separates_columns(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    for delimiter, character in (("semicolon", ";"), ("pipe", "|"), ("tab", "\t"), ("comma", ",")):
        file = tmp_path / f"{delimiter}.csv"
        file.write_text(f"eventName{character}time\n{delimiter}{character}1700000000000\n")
        options = ImportOptions(delimiter=delimiter)  # type: ignore[arg-type]
        assert import_events(statsig, file, options).delivered == 1
    assert {event["eventName"] for event in collector.events} == {
        *("semicolon", "pipe", "tab", "comma")
    }
    with pytest.raises(SourceError, match="mapping changed since the checkpoint"):
        import_events(statsig, tmp_path / "comma.csv")


def test_carriage_return_in_row_is_described(statsig: Statsig, tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_bytes(HEADER + b"a\rb,1\n")
    dead = import_events(statsig, tmp_path / "e.csv").dead_letters
    assert dead is not None
    assert letters(dead)[0]["reason"] == "not CSV: a carriage return outside of quotes"


def test_row_of_many_lines_needs_little_memory() -> None:
    row = b'a,"' + b"x\n" * 100_000 + b'"\n'
    tracemalloc.start()
    try:
        (found,) = split_rows(io.BytesIO(row), ",")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.lines, found.size) == (100_001, len(row))
    assert peak < 12 * len(row)


def test_unmapped_columns_limit_batches(tmp_path: Path) -> None:
    row = b'a,1700000000000,"' + b"x" * 100_000 + b'"\n'
    (tmp_path / "e.csv").write_bytes(b"eventName,time,other\n" + row * 100)
    mapping = EventMapping({"eventName": "eventName", "time": "time"}, TimeFormat("ms"))
    options = ImportOptions(mapping=mapping)
    opened = open_input(tmp_path / "e.csv", options, None)
    batches = BatchReader(opened.sources, opened.build_event, options)
    sizes = [len(batch.events) for batch in batches.read(0, InputPosition(), [])]
    assert (sum(sizes), max(sizes)) == (100, 42)
