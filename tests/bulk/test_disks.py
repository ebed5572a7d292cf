"""Imports with full disks and damaged files."""

import gzip
import resource
import time
from pathlib import Path

import pytest
import zstandard

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    ImportOptions,
    ImportStoppedError,
    SourceError,
    import_events,
)
from tests.support.collector import OK, Collector, Response
from tests.support.event_files import event, letters, lines, write


def test_full_disk_for_dead_letters_stops_import(statsig: Statsig, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(event(1), event(2), b"{"))
    with pytest.raises(ImportStoppedError, match="/dev/full: No space left") as stopped:
        import_events(statsig, file, ImportOptions(dead_letters="/dev/full"))
    summary = stopped.value.summary
    assert (summary.delivered, summary.rejected, summary.unsent) == (2, 0, 1)
    assert summary.balances
    summary = import_events(statsig, file)
    assert (summary.delivered, summary.rejected, summary.skipped) == (0, 1, 2)


def test_partly_written_dead_letter_is_removed(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(*(b"{" + b"x" * 900 if n % 2 else event(n) for n in range(40))))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(ImportStoppedError, match="File too large") as stopped:
            import_events(statsig, file, ImportOptions(max_batch=4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    summary = stopped.value.summary
    assert summary.balances
    assert summary.dead_letters is not None
    assert len(letters(summary.dead_letters)) == summary.rejected > 0
    rest = import_events(statsig, file)
    assert rest.rejected + summary.rejected == len(letters(summary.dead_letters)) == 20
    assert set(collector.accepted.values()) == {1}


def test_disk_that_fills_up_keeps_balance(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(*(b"{" if n > 100 and n % 2 else event(n) for n in range(300))))

    def slowly(*_: object) -> Response:
        time.sleep(0.01)  # so that many requests are in progress
        return OK

    collector.plan = slowly
    with pytest.raises(ImportStoppedError, match="No space left") as stopped:
        import_events(statsig, file, ImportOptions(max_batch=5, dead_letters="/dev/full"))
    before = stopped.value.summary
    assert before.balances
    assert before.delivered == len(collector.accepted)
    after = import_events(statsig, file, ImportOptions(max_batch=5))
    assert before.delivered + after.delivered == 200
    assert (after.rejected, set(collector.accepted.values())) == (100, {1})


def test_unwritable_checkpoint_is_rejected_before_sending(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 10)
    with pytest.raises(SourceError, match="checkpoint cannot be written: No such file"):
        import_events(statsig, file, ImportOptions(checkpoint=tmp_path / "none" / "c"))
    (tmp_path / "c.lock").mkdir()
    with pytest.raises(SourceError, match="checkpoint cannot be written: Is a directory"):
        import_events(statsig, file, ImportOptions(checkpoint=tmp_path / "c"))
    assert not collector.requests


def test_lost_checkpoint_stops_import(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file, folder, gone = write(tmp_path / "e.jsonl", 1000), tmp_path / "there", tmp_path / "gone"
    folder.mkdir()

    def plan(number: int, _: object) -> Response:
        if number == 5:
            folder.rename(gone)
        return OK

    collector.plan = plan
    with pytest.raises(ImportStoppedError, match="there/c: No such file") as stopped:
        import_events(statsig, file, ImportOptions(checkpoint=folder / "c", max_batch=10))
    assert stopped.value.summary.balances
    assert stopped.value.summary.delivered == len(collector.accepted) < 1000
    collector.plan = lambda *_: OK
    gone.rename(folder)
    assert import_events(
        statsig, file, ImportOptions(checkpoint=folder / "c", max_batch=10)
    ).balances
    assert len(collector.accepted) == 1000
    assert len(collector.doubles) <= 10 * 10


def test_truncated_file_stops_import(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    data = lines(*map(event, range(2000)))
    for name, packed in (
        ("e.jsonl.gz", gzip.compress(data)),
        ("e.jsonl.zst", zstandard.compress(data)),
    ):
        (tmp_path / name).write_bytes(packed[:-20])
        with pytest.raises(ImportStoppedError, match=f"{name}.*cannot be read") as stopped:
            import_events(statsig, tmp_path / name, ImportOptions(max_batch=100))
        assert stopped.value.summary.balances
    assert collector.accepted


def test_shorter_compressed_file_is_detected(statsig: Statsig, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl.gz"
    file.write_bytes(gzip.compress(lines(event(1), event(2))))
    import_events(statsig, file)
    file.write_bytes(gzip.compress(lines(event(1))))
    with pytest.raises(ImportStoppedError, match="shorter than it was"):
        import_events(statsig, file, ImportOptions(force=True))
