"""Imports of valid and invalid events."""

import gzip
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import zstandard
from attrs import evolve

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    ImportOptions,
    ImportProgress,
    ImportStoppedError,
    ImportSummary,
    SourceError,
    import_events,
)
from statsig_api_client.bulk.batches import BatchReader
from statsig_api_client.bulk.input import open_input
from statsig_api_client.bulk.readers.records import InputPosition
from tests.support.clients import KEY
from tests.support.collector import OK, Collector, Response, first
from tests.support.event_files import event, letters, lines, write

DOWN = Response(503, accepts=False)


def test_lines_are_delivered_in_batches(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    reported: list[ImportProgress] = []
    file = write(tmp_path / "events.jsonl", 250)
    summary = import_events(
        statsig, file, ImportOptions(max_batch=100, on_progress=reported.append)
    )
    assert (summary.delivered, summary.read, summary.balances) == (250, 250, True)
    assert summary.complete
    assert sorted(map(len, collector.batches)) == [50, 100, 100]
    assert sorted(collector.accepted, key=int) == [str(n) for n in range(250)]
    assert reported[-1].bytes_total == file.stat().st_size
    assert reported[-1].seconds_left is not None
    assert summary.dead_letters is None


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_compressed_files_and_patterns_are_read(
    suffix: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    pack: Any = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[suffix]
    for part in range(2):
        data = lines(*map(event, range(part * 10, part * 10 + 10)))
        (tmp_path / f"part-{part}.jsonl{suffix}").write_bytes(pack(data) * 1)
    summary = import_events(statsig, str(tmp_path / f"part-*.jsonl{suffix}"))
    assert summary.delivered == len(collector.accepted) == 20
    assert import_events(statsig, str(tmp_path / f"part-*.jsonl{suffix}")).skipped == 20


def test_zstd_file_with_several_frames_is_read(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    frames = [zstandard.compress(lines(event(n))) for n in range(3)]
    (tmp_path / "e.jsonl.zst").write_bytes(b"".join(frames))
    summary = import_events(statsig, tmp_path / "e.jsonl.zst")
    assert summary.delivered == len(collector.accepted) == 3


def test_standard_input_is_read(
    statsig: Statsig, collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[ImportProgress] = []
    monkeypatch.chdir(tmp_path)
    with write(tmp_path / "e", 5).open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        summary = import_events(statsig, "-", ImportOptions(on_progress=reported.append))
    assert reported[-1].seconds_left is None
    assert summary.delivered == len(collector.accepted) == 5
    assert not list(tmp_path.glob("*checkpoint*"))
    with pytest.raises(SourceError, match="standard input cannot be resumed"):
        import_events(statsig, "-", ImportOptions(checkpoint=tmp_path / "c"))
    with pytest.raises(SourceError, match="cannot be combined with files"):
        import_events(statsig, ["-", tmp_path / "e"])
    with pytest.raises(SourceError, match="Parquet cannot be read from standard input"):
        import_events(statsig, "-", ImportOptions(format="parquet"))


BAD_LINES: list[tuple[object, str]] = [
    (b"{", "not JSON in UTF-8"),
    (b'{"eventName":"\xff"}', "not JSON in UTF-8"),
    (b"[1]", "expected a JSON object"),
    (event(0, eventName=""), "eventName: expected a non-empty string"),
    (event(0, eventName="a[b]"), "eventName: Statsig drops names"),
    (event(0, eventName="a" * 65), "eventName: Statsig may truncate"),
    (event(0, value="a" * 65), "value: Statsig may truncate"),
    (event(0, value=[1]), "value: expected"),
    (event(0, user={"userID": 1}), "user.userID: expected string"),
    (event(0, metadata={"n": 1}), "metadata.n: expected a string, got int"),
    (event(0, metadata={"a.b": "1"}), "reads the dot"),
    (event(0, metadata={"a": "1" * 5000}), "metadata: Statsig may drop"),
    (event(0, metadata=[1]), "metadata: expected object"),
    (event(0, time=None), "time: missing"),
    (event(0, time=1_700_000_000), "before the year 2000"),
    (event(0, time=10**14), "more than a day from now"),
    (event(0, time="2026-01-01T00:00:00"), "RFC 3339 with a time zone"),
    (event(0, time=1.5), "time: expected integer milliseconds"),
    (
        event(0, user={"userID": "1"}, other="x" * 2_000_000),
        "event: expected at most 1,048,576 bytes",
    ),
    (event(0, user={"userID": "x" * 129}), "user.userID: Statsig may truncate IDs above 128"),
    (event(0, user={"custom": {"a": "ä" * 5000}}), "user: Statsig may remove fields above 4,096"),
    (b'{"eventName":"' + b"a" * 10_000_000 + b'"}', "more than 9,437,184 bytes"),
]


def test_invalid_lines_become_dead_letters(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(event(1), *(bad for bad, _ in BAD_LINES), b"  ", event(2)))
    summary = import_events(statsig, file)
    assert (summary.delivered, summary.rejected, summary.blank) == (2, len(BAD_LINES), 1)
    assert summary.balances
    assert not summary.complete
    assert set(collector.accepted) == {"1", "2"}
    assert summary.dead_letters is not None
    found = letters(summary.dead_letters)
    assert [letter["line"] for letter in found] == list(range(2, len(BAD_LINES) + 2))
    for letter, (_, reason) in zip(found, BAD_LINES, strict=True):
        assert reason in letter["reason"]
    assert found[0]["original"] == "{"
    assert "original_base64" in found[1]


def test_truncatable_events_are_sent_if_allowed(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    long = event(1, value="a" * 65, metadata={"n": "1", "a.b": "x" * 5000})
    long["user"] = {"userID": "x" * 129, "custom": {"a": "x" * 5000}}
    timeless = event(3)
    del timeless["time"], timeless["user"]
    dated = event(2, time="2026-01-01T00:00:00+01:00", user={"custom": {"a": 1}})
    file.write_bytes(lines(long, dated, timeless))
    summary = import_events(
        statsig, file, ImportOptions(allow_truncation=True, allow_missing_time=True)
    )
    assert summary.delivered == len(collector.accepted) == 3


def test_event_is_completed_before_sending(collector: Collector, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(event(1, user={"userID": "1", "privateAttributes": {"secret": 1}})))
    with Statsig(KEY, base_url=collector.url, environment="staging") as statsig:
        import_events(statsig, file)
    user = collector.events[0]["user"]
    assert user == {"userID": "1", "statsigEnvironment": {"tier": "staging"}}


def test_max_rate_is_respected(statsig: Statsig, tmp_path: Path) -> None:
    reported: list[ImportProgress] = []
    options: ImportOptions = {"max_batch": 10, "max_rate": 50, "max_concurrency": 1}
    file = write(tmp_path / "e.jsonl", 60)
    summary = import_events(statsig, file, ImportOptions(on_progress=reported.append, **options))
    assert summary.seconds > 0.95
    assert 0 < reported[0].summary.delivered < 60
    assert reported[0].bytes_read > 0
    assert reported[0].concurrency == 1


def test_seconds_left_ignore_earlier_runs(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file, stop, reported = (
        write(tmp_path / "e.jsonl", 1000),
        threading.Event(),
        list[ImportProgress](),
    )

    def plan(number: int, _: object) -> Response:
        if number == 30:
            stop.set()
        return OK

    collector.plan = plan
    import_events(statsig, file, ImportOptions(max_batch=10, stop=stop))
    import_events(statsig, file, ImportOptions(max_batch=10, on_progress=reported.append))
    assert 20_000 < reported[-1].bytes_skipped < reported[-1].bytes_read == file.stat().st_size
    summary = ImportSummary(seconds=2.0)
    progress = ImportProgress(
        summary=summary, bytes_read=900, bytes_total=1000, bytes_skipped=800, concurrency=1
    )
    assert progress.seconds_left == 2.0
    assert evolve(progress, bytes_skipped=900).seconds_left is None


def test_retry_after_delays_next_request(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    collector.plan = first(OK, Response(429, headers={"Retry-After": "1"}, accepts=False))
    summary = import_events(statsig, write(tmp_path / "e.jsonl", 50), ImportOptions(max_batch=10))
    assert summary.delivered == 50
    assert summary.retried >= 10
    assert set(collector.accepted.values()) == {1}
    assert summary.seconds > 1


def test_stop_event_loses_no_event(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
    file, stop = write(tmp_path / "e.jsonl", 500), threading.Event()

    def plan(number: int, _: object) -> Response:
        if number == 5:
            stop.set()
        return OK

    collector.plan = plan
    summary = import_events(statsig, file, ImportOptions(max_batch=10, stop=stop))
    assert summary.stopped
    assert 0 < summary.delivered < 500
    assert summary.balances
    rest = import_events(statsig, file, ImportOptions(max_batch=10))
    assert summary.delivered + rest.delivered == 500
    assert set(collector.accepted.values()) == {1}


def test_other_thread_keeps_signal_handlers(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 5)
    thread = threading.Thread(target=import_events, args=(statsig, file))
    thread.start()
    thread.join()
    assert len(collector.accepted) == 5


def test_endless_line_is_rejected(statsig: Statsig, tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(lines(event(1)) + b"a" * 10_000_000)
    summary = import_events(statsig, tmp_path / "e.jsonl")
    assert (summary.delivered, summary.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("name", "module"),
    [("e.jsonl.zst", "zstandard"), ("e.parquet", "statsig_api_client.bulk.readers.parquet")],
)
def test_missing_extra_is_reported(
    name: str, module: str, statsig: Statsig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(zstandard.compress(b"{}"))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises((SourceError, ImportStoppedError), match=r"statsig-api-client\[bulk\]"):
        import_events(statsig, tmp_path / name)


def test_invalid_lines_count_towards_batch_size(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(lines(*[b"{" + b"x" * 999] * 10))
    options = ImportOptions(max_batch_bytes=3000)
    opened = open_input(tmp_path / "e.jsonl", options, None)
    batches = BatchReader(opened.sources, opened.build_event, options).read(0, InputPosition(), [])
    assert [len(batch.invalid) for batch in batches] == [3, 3, 3, 1]
