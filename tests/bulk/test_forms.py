"""Files whose form is not what it claims: nothing of them is sent."""

import csv
import gzip
import io
import json
import sys
import tarfile
from collections.abc import Callable
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
    examine_events,
    import_events,
)
from statsig_api_client.bulk.readers.csv import split_rows
from tests.support.collector import Collector
from tests.support.event_files import event, letters, lines

EVENTS = [event(1), event(2)]
TAR = io.BytesIO()
with tarfile.open(fileobj=TAR, mode="w") as archive:
    member = tarfile.TarInfo("e.jsonl")
    member.size = len(lines(*EVENTS))
    archive.addfile(member, io.BytesIO(lines(*EVENTS)))

OTHER_FORMS: list[Any] = [
    pytest.param(json.dumps(EVENTS), "got a JSON array", id="array"),
    pytest.param(f" \n{json.dumps(EVENTS, indent=1)}", "got a JSON array", id="pretty-array"),
    pytest.param("[\n" + ",\n".join(map(json.dumps, EVENTS)) + "\n]", "JSON array", id="rows"),
    pytest.param("\ufeff[\n" + json.dumps(EVENTS[0]) + "\n]", "JSON array", id="marked"),
    pytest.param(
        '{"events": [\n' + ",\n".join(map(json.dumps, EVENTS)) + "\n]}", "several lines", id="body"
    ),
    pytest.param(json.dumps(EVENTS[0], indent=1), "several lines", id="pretty-object"),
    pytest.param('{"events":\n' + json.dumps(EVENTS[0]), "several lines", id="cut-body"),
    pytest.param(
        '{"a": "' + "x" * 70_000 + '",\n"events":[\n' + json.dumps(EVENTS[0]),
        "several lines",
        id="long-head",
    ),
    pytest.param(
        '{"events": [\n' + (json.dumps(EVENTS[0]) + ",\n") * 2000, "several lines", id="long-body"
    ),
    pytest.param(TAR.getvalue().decode("latin-1"), "got a binary file", id="tar"),
]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize(("text", "said"), OTHER_FORMS)
def test_other_forms_of_json_are_rejected(
    text: str,
    said: str,
    pack: Callable[[bytes], bytes],
    statsig: Statsig,
    collector: Collector,
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(event(0)))
    (tmp_path / "b.json").write_bytes(pack(text.encode()))
    with pytest.raises(SourceError, match=rf"b\.json: expected JSON lines, .*{said}"):
        import_events(statsig, [tmp_path / "a.jsonl", tmp_path / "b.json"])
    with pytest.raises(SourceError, match=said):
        examine_events(tmp_path / "b.json")
    assert not collector.requests


@pytest.mark.parametrize(("text", "said"), OTHER_FORMS)
def test_other_forms_of_standard_input_are_rejected(
    text: str,
    said: str,
    statsig: Statsig,
    collector: Collector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "e").write_text(text)
    with (tmp_path / "e").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(SourceError, match=f"standard input: .*{said}"):
            import_events(statsig, "-")
    assert not collector.requests


def test_standard_input_that_is_cut_off_is_reported(
    statsig: Statsig, collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "e").write_bytes(gzip.compress(lines(*EVENTS))[:20])
    with (tmp_path / "e").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(SourceError, match="standard input: cannot be read"):
            import_events(statsig, "-")
    assert not collector.requests


@pytest.mark.parametrize(
    ("first", "rejected"),
    [
        pytest.param(b"{", 1, id="brace"),
        pytest.param(b'{"a": 1,', 1, id="cut-object"),
        pytest.param(b'{"a": "x', 1, id="cut-string"),
        pytest.param(b'{"a":' * 2000, 1, id="deep"),
        pytest.param(b"\n" * 3, 0, id="blank"),
        pytest.param(b"\n" * 70_000, 0, id="very-blank"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(event(0)).encode(), 0, id="marked"),
        pytest.param(b"x" * 10_000_000, 1, id="long"),
    ],
)
@pytest.mark.parametrize("source", ["file", "standard-input"])
def test_bad_first_line_is_rejected_alone(
    first: bytes,
    rejected: int,
    source: str,
    statsig: Statsig,
    collector: Collector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(first, *EVENTS))
    with file.open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        summary = import_events(statsig, file if source == "file" else "-")
    assert summary.rejected == rejected
    assert {"1", "2"} <= set(collector.taken)
    assert summary.read == first.count(b"\n") + 3


@pytest.mark.parametrize(
    "content", [lines(*EVENTS), b'["eventName",\n"time"]\n', TAR.getvalue(), b'"eventName,\n']
)
def test_csv_of_another_form_is_rejected(
    content: bytes, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "e.csv").write_bytes(content)
    mapping = EventMapping({"eventName": "eventName", "metadata.*": "*"})
    with pytest.raises(SourceError, match=r"e\.csv: line 1: expected the header of CSV"):
        import_events(statsig, tmp_path / "e.csv", ImportOptions(mapping=mapping))
    assert not collector.requests


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".csv.gz", ".csv.zst"])
@pytest.mark.parametrize("size", [140_000, 10_000_000])
def test_long_cell_with_line_breaks_is_one_rejected_row(
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
    assert set(collector.taken) == {"1", "2"}
    assert summary.dead_letters is not None
    (letter,) = letters(summary.dead_letters)
    assert letter["line"] == 3 + bad.count(b"\n") - 1
    assert len(letter["original"]) in (len(bad) - 1, 65_536)
    assert import_events(statsig, file).skipped == 3


def test_row_of_csv_that_is_too_long_is_not_cut(
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
def test_rows_of_csv_are_read_as_written(rows: list[list[str]]) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerows(rows)
    records = [*split_rows(io.BytesIO(file.getvalue().encode()), ",")]
    assert [record.cells for record in records] == rows
    assert b"".join(record.content for record in records) == file.getvalue().encode()
    assert sum(record.lines for record in records) == file.getvalue().count("\n")


@given(st.text(st.sampled_from('a",\n'), max_size=20))
def test_every_byte_of_csv_is_in_one_record(text: str) -> None:
    records = [*split_rows(io.BytesIO(text.encode()), ",")]
    assert "".join(record.content.decode() for record in records) == text
    assert [record.size for record in records] == [len(record.content) for record in records]
    assert sum(record.lines for record in records) == len(text.splitlines())
