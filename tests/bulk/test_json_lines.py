"""JSON lines input, and formats that are not."""

import bz2
import gzip
import io
import json
import lzma
import sys
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    SourceError,
    dry_run_import,
    import_events,
)
from statsig_api_client.bulk.readers.streams import InputStream
from tests.support.collector import Collector
from tests.support.event_files import event, lines

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
    pytest.param(
        "eventName,time\n" + "a,1700000000000\n" * 60_000, "got 'eventName,time'", id="csv"
    ),
    pytest.param("\n\n" + '"eventName"\n' * 3, "if the input is CSV, name it .csv", id="quoted"),
    pytest.param("garbage", "got 'garbage'", id="garbage"),
    pytest.param(TAR.getvalue().decode("latin-1"), "got a binary file", id="tar"),
]


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
@pytest.mark.parametrize(("text", "problem"), OTHER_FORMS)
def test_other_format_is_rejected(
    text: str,
    problem: str,
    pack: Callable[[bytes], bytes],
    statsig: Statsig,
    collector: Collector,
    tmp_path: Path,
) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(event(0)))
    (tmp_path / "b.json").write_bytes(pack(text.encode()))
    with pytest.raises(SourceError, match=rf"b\.json: expected JSON lines, .*{problem}"):
        import_events(statsig, [tmp_path / "a.jsonl", tmp_path / "b.json"])
    with pytest.raises(SourceError, match=problem):
        dry_run_import(tmp_path / "b.json")
    assert not collector.requests


@pytest.mark.parametrize(("text", "problem"), OTHER_FORMS)
def test_other_format_on_standard_input_is_rejected(
    text: str,
    problem: str,
    statsig: Statsig,
    collector: Collector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "e").write_text(text)
    with (tmp_path / "e").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(SourceError, match=f"standard input: .*{problem}"):
            import_events(statsig, "-")
    assert not collector.requests


def test_truncated_standard_input_is_reported(
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
        pytest.param(b"x\n" * 18 + b"x", 19, id="words"),
    ],
)
@pytest.mark.parametrize("source", ["file", "standard-input"])
def test_invalid_first_line_rejects_only_itself(
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
    assert {"1", "2"} <= set(collector.accepted)
    assert summary.read == first.count(b"\n") + 3


def test_highly_compressed_file_needs_little_memory(tmp_path: Path) -> None:
    file, lines = tmp_path / "e.jsonl.zst", b'{"eventName": "the same again"}\n' * 10_000
    with zstandard.open(file, "wb") as packed:
        for _ in range(500):
            packed.write(lines)
    tracemalloc.start()
    try:
        stream = InputStream(file)
        size = sum(map(len, iter(lambda: stream.lines.read(1 << 18), b"")))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        stream.close()
    assert size == 500 * len(lines)
    assert peak < size / 4


def test_skippable_frames_are_skipped(tmp_path: Path) -> None:
    frame = b"\x5a\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"abcd"
    content = b"".join(frame + zstandard.compress(lines(one)) for one in EVENTS)
    (tmp_path / "e.jsonl.zst").write_bytes(content + frame)
    assert dry_run_import(tmp_path / "e.jsonl.zst").valid == len(EVENTS)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(bz2.compress(b"{}"), "bzip2; decompress it first", id="bz2"),
        pytest.param(lzma.compress(b"{}"), "xz; decompress it first", id="xz"),
        pytest.param(b"PK\x03\x04\x14\0", "a zip archive or an Excel workbook", id="zip"),
        pytest.param(gzip.compress(gzip.compress(b"{}")), "gzip in a compressed file", id="twice"),
        pytest.param(b"PAR1\x15\x04", "Parquet; name it .parquet", id="parquet"),
        pytest.param(json.dumps(EVENTS[0]).encode("utf-16"), "UTF-16; convert it", id="utf-16"),
        pytest.param(b"{\0\x01\0", "UTF-16", id="utf-16-le"),
        pytest.param(b"\0\0\0\0", "a binary file", id="zeros"),
    ],
)
@pytest.mark.parametrize("name", ["e.jsonl", "e.csv", "e"])
def test_binary_formats_are_reported(
    content: bytes, problem: str, name: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=f"{name}: .*expected .*, got {problem}"):
        dry_run_import(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "an empty file"), (b"eventName,time\n", "text"), (bz2.compress(b""), "bzip2")],
)
def test_other_format_as_parquet_is_reported(content: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "e.parquet").write_bytes(content)
    with pytest.raises(SourceError, match=rf"e\.parquet: expected Parquet, got {problem}"):
        dry_run_import(tmp_path / "e.parquet")
