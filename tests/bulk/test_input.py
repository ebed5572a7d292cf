"""Input files and standard input."""

import gzip
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    EventMapping,
    ImportOptions,
    SourceError,
    TimeFormat,
    dry_run_import,
    import_events,
)
from tests.support.collector import Collector
from tests.support.event_files import event, letters, lines, write


@pytest.mark.parametrize("by", ["pattern", "names"])
def test_outputs_are_not_input_of_next_run(
    by: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(event(1), b"{"))
    write(tmp_path / "b.jsonl", 3, first=2)

    def source() -> str | list[Path]:
        return str(tmp_path / "*") if by == "pattern" else sorted(tmp_path.iterdir())

    first = import_events(statsig, source())
    assert (first.delivered, first.rejected) == (4, 1)
    again = import_events(statsig, source())
    assert (again.read, again.skipped) == (5, 5)
    assert set(collector.accepted.values()) == {1}


def test_dead_letters_can_be_input(statsig: Statsig, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(lines(b"{", b"{"))
    dead = import_events(statsig, tmp_path / "a.jsonl").dead_letters
    assert dead is not None
    assert dry_run_import(dead).read == 2


def test_duplicate_file_and_output_are_rejected(statsig: Statsig, tmp_path: Path) -> None:
    file, other = write(tmp_path / "a.jsonl", 1), write(tmp_path / "b.jsonl", 1)
    with pytest.raises(SourceError, match=r"a\.jsonl: occurs twice"):
        import_events(statsig, [file, str(tmp_path / "*.jsonl")])
    with pytest.raises(SourceError, match=r"b\.jsonl: is an output of this import"):
        import_events(statsig, [file, other], ImportOptions(dead_letters=other))


def test_pipe_is_rejected_and_not_read(statsig: Statsig, tmp_path: Path) -> None:
    there, here = os.pipe()
    os.write(here, lines(event(1)))
    os.close(here)
    with pytest.raises(SourceError, match="expected a regular file; pass a pipe as -"):
        import_events(statsig, f"/dev/fd/{there}", ImportOptions(checkpoint=tmp_path / "c"))
    assert os.read(there, 99999) == lines(event(1))
    os.close(there)


def test_named_pipe_is_rejected_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "e.jsonl")
    with pytest.raises(SourceError, match="expected a regular file; pass a pipe as -"):
        dry_run_import(tmp_path / "e.jsonl")


@pytest.mark.parametrize(
    "name", ["E.CSV", "E.Csv.Gz", "e.tsv.csv", "E.TSV", "E.TSV.ZST", "e.v1.CSV"]
)
def test_format_by_name_ignores_case(name: str, tmp_path: Path) -> None:
    content = CSV.replace(b",", b"\t") if ".TSV" in name else CSV
    pack = {".Gz": gzip.compress, ".ZST": zstandard.compress}.get(Path(name).suffix, bytes)
    (tmp_path / name).write_bytes(pack(content))
    assert dry_run_import(tmp_path / name).valid == 2


def test_unreadable_file_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = write(tmp_path / "e.jsonl", 1)
    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(SourceError, match=r"e\.jsonl: cannot be read: Permission denied"):
        dry_run_import(file)


def test_name_outside_utf8_is_escaped(statsig: Statsig, tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"\xff.jsonl")
    file.write_bytes(lines(b"{", event(1)))
    summary = import_events(statsig, file)
    assert (summary.delivered, summary.rejected) == (1, 1)
    assert summary.dead_letters is not None
    assert letters(summary.dead_letters)[0]["file"].endswith(r"\xff.jsonl")


def test_empty_file_among_others_is_accepted(statsig: Statsig, tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", 1)
    (tmp_path / "b.jsonl").touch()
    mapping = EventMapping({"eventName": "eventName", "time": "time"}, TimeFormat("ms"))
    assert (
        import_events(statsig, str(tmp_path / "*.jsonl"), ImportOptions(mapping=mapping)).delivered
        == 1
    )


CSV = b"eventName,time\na,1700000000000\nb,1700000000000\n"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_table_on_standard_input_is_read(
    pack: Callable[[bytes], bytes],
    statsig: Statsig,
    collector: Collector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("e").write_bytes(pack(CSV))
    for mapping in (
        None,
        EventMapping({"eventName": "eventName", "time": "time"}, TimeFormat("ms")),
    ):
        with Path("e").open() as file:
            monkeypatch.setattr(sys, "stdin", file)
            assert (
                import_events(statsig, "-", ImportOptions(format="csv", mapping=mapping)).read == 2
            )
        with Path("e").open() as file:
            monkeypatch.setattr(sys, "stdin", file)
            assert dry_run_import("-", ImportOptions(format="csv", mapping=mapping)).valid == 2
    assert [sent["eventName"] for sent in collector.events] == ["a", "b"] * 2


def test_closed_standard_input_is_rejected(
    statsig: Statsig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SourceError, match="standard input is closed"):
        import_events(statsig, "-")


def test_dry_run_counts_without_sending(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(
        lines(event(1), b"{", b"", event(2, eventName="a#"), *map(event, (3, 4)))
    )
    found = dry_run_import(tmp_path / "e.jsonl", ImportOptions(max_rate=10.0))
    assert (found.read, found.valid, found.invalid, found.blank) == (6, 3, 2, 1)
    assert found.errors[0].startswith(f"{tmp_path}/e.jsonl:2: not JSON")
    assert "e.jsonl:4: eventName: Statsig drops" in found.errors[1]
    assert found.compressed_bytes > 0
    assert found.seconds >= 0.1
    again = dry_run_import(tmp_path / "e.jsonl", ImportOptions(max_batch=1, compress=False))
    assert again.compressed_bytes == again.bytes
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.jsonl"]
