"""Imports: every line is accounted for, whatever happens, and the next run goes on."""

import errno
import fcntl
import gzip
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import ConfigurationError, Statsig
from statsig_api_client.bulk import (
    CheckpointInUseError,
    EventsRejectedError,
    ImportOptions,
    ImportProgress,
    ImportStoppedError,
    ImportSummary,
    SourceError,
    import_events,
)
from tests.support.clients import KEY
from tests.support.collector import OK, Answer, Collector, collecting, first
from tests.support.event_files import event, letters, lines, write

DOWN = Answer(503, takes=False)


def test_every_line_is_delivered_in_batches(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    told: list[ImportProgress] = []
    file = write(tmp_path / "events.jsonl", 250)
    summary = import_events(statsig, file, ImportOptions(max_batch=100, on_progress=told.append))
    assert (summary.delivered, summary.read, summary.balances) == (250, 250, True)
    assert summary.complete
    assert sorted(map(len, collector.batches)) == [50, 100, 100]
    assert sorted(collector.taken, key=int) == [str(n) for n in range(250)]
    assert told[-1].bytes_total == file.stat().st_size
    assert told[-1].seconds_left is not None
    assert summary.dead_letters is None


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_packed_files_and_patterns_are_read(
    suffix: str, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    pack: Any = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}[suffix]
    for part in range(2):
        data = lines(*map(event, range(part * 10, part * 10 + 10)))
        (tmp_path / f"part-{part}.jsonl{suffix}").write_bytes(pack(data) * 1)
    summary = import_events(statsig, str(tmp_path / f"part-*.jsonl{suffix}"))
    assert summary.delivered == len(collector.taken) == 20
    assert import_events(statsig, str(tmp_path / f"part-*.jsonl{suffix}")).skipped == 20


def test_a_zstd_file_may_have_several_frames(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    frames = [zstandard.compress(lines(event(n))) for n in range(3)]
    (tmp_path / "e.jsonl.zst").write_bytes(b"".join(frames))
    assert import_events(statsig, tmp_path / "e.jsonl.zst").delivered == len(collector.taken) == 3


def test_standard_input_is_read(
    statsig: Statsig, collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[ImportProgress] = []
    monkeypatch.chdir(tmp_path)
    with write(tmp_path / "e", 5).open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        summary = import_events(statsig, "-", ImportOptions(on_progress=told.append))
    assert told[-1].seconds_left is None
    assert summary.delivered == len(collector.taken) == 5
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
    (event(0, eventName=""), "eventName: is missing"),
    (event(0, eventName="a[b]"), "eventName: Statsig drops names"),
    (event(0, eventName="a" * 65), "eventName: Statsig may truncate"),
    (event(0, value="a" * 65), "value: Statsig may truncate"),
    (event(0, value=[1]), "value: expected"),
    (event(0, user={"userID": 1}), "user.userID: expected string"),
    (event(0, metadata={"n": 1}), "metadata.n: expected a string, got int"),
    (event(0, metadata={"a.b": "1"}), "reads the dot"),
    (event(0, metadata={"a": "1" * 5000}), "metadata: Statsig may drop"),
    (event(0, metadata=[1]), "metadata: expected object"),
    (event(0, time=None), "time: is missing"),
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


def test_bad_lines_are_dead_letters_with_line_reason_and_original(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(event(1), *(bad for bad, _ in BAD_LINES), b"  ", event(2)))
    summary = import_events(statsig, file)
    assert (summary.delivered, summary.rejected, summary.blank) == (2, len(BAD_LINES), 1)
    assert summary.balances
    assert not summary.complete
    assert set(collector.taken) == {"1", "2"}
    assert summary.dead_letters is not None
    found = letters(summary.dead_letters)
    assert [letter["line"] for letter in found] == list(range(2, len(BAD_LINES) + 2))
    for letter, (_, reason) in zip(found, BAD_LINES, strict=True):
        assert reason in letter["reason"]
    assert found[0]["original"] == "{"
    assert "original_base64" in found[1]


def test_what_statsig_may_cut_is_sent_if_allowed(
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
    assert summary.delivered == len(collector.taken) == 3


def test_private_attributes_stay_here_and_the_environment_is_added(
    collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(event(1, user={"userID": "1", "privateAttributes": {"secret": 1}})))
    with Statsig(KEY, base_url=collector.url, environment="staging") as statsig:
        import_events(statsig, file)
    user = collector.events[0]["user"]
    assert user == {"userID": "1", "statsigEnvironment": {"tier": "staging"}}


def test_the_same_call_again_sends_nothing_and_restart_sends_all(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 10)
    import_events(statsig, file)
    again = import_events(statsig, file)
    assert (again.skipped, again.delivered, again.balances) == (10, 0, True)
    assert import_events(statsig, file, ImportOptions(restart=True)).delivered == 10
    assert set(collector.taken.values()) == {2}


def test_a_changed_input_is_refused_without_force(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 10)
    import_events(statsig, file)
    with file.open("ab") as more:
        more.write(lines(event(10)))
    with pytest.raises(SourceError, match="files changed since the checkpoint"):
        import_events(statsig, file)
    summary = import_events(statsig, file, ImportOptions(force=True))
    assert (summary.skipped, summary.delivered) == (10, 1)
    assert set(collector.taken.values()) == {1}
    (tmp_path / "e.jsonl.checkpoint").write_text("{}")
    with pytest.raises(SourceError, match=r"checkpoint cannot be read: KeyError\('input'\)"):
        import_events(statsig, file)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_key_stops_at_once_and_consumes_nothing(
    status: int, statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(b"{", *map(event, range(100)), b""))
    collector.plan = lambda *_: Answer(status, takes=False)
    with pytest.raises(ImportStoppedError, match=str(status)) as stopped:
        import_events(statsig, file, ImportOptions(max_batch=10))
    summary = stopped.value.summary
    assert (summary.delivered, summary.rejected, summary.balances) == (0, 0, True)
    assert summary.unsent == summary.read
    assert len(collector.requests) == 1
    assert not (tmp_path / "e.jsonl.dead-letters.jsonl").exists()
    collector.plan = lambda *_: OK
    summary = import_events(statsig, file, ImportOptions(max_batch=10))
    assert (summary.delivered, summary.rejected, summary.blank) == (100, 1, 1)
    assert set(collector.taken.values()) == {1}


def test_a_bad_event_is_found_among_good_ones(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    def plan(_: int, events: list[dict[str, Any]]) -> Answer:
        bad = any(one["metadata"]["n"] == "13" for one in events)
        return Answer(400, b'{"message":"no"}', takes=False) if bad else OK

    collector.plan = plan
    summary = import_events(statsig, write(tmp_path / "e.jsonl", 40))
    assert (summary.delivered, summary.rejected, summary.balances) == (39, 1, True)
    assert summary.dead_letters is not None
    (letter,) = letters(summary.dead_letters)
    assert (letter["line"], letter["state"]) == (14, "rejected")
    assert "400" in letter["reason"]


def test_lost_replies_are_ambiguous_or_sent_again(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    collector.plan = first(Answer(reset=True))
    summary = import_events(statsig, write(tmp_path / "a.jsonl", 5))
    assert (summary.ambiguous, summary.delivered, summary.balances) == (5, 0, True)
    assert summary.dead_letters is not None
    assert {letter["state"] for letter in letters(summary.dead_letters)} == {"ambiguous"}
    collector.plan = lambda number, _: Answer(reset=True) if number == 1 else OK
    summary = import_events(
        statsig, write(tmp_path / "b.jsonl", 5, 5), ImportOptions(resend_ambiguous=True)
    )
    assert (summary.delivered, summary.resent, summary.retried) == (5, 5, 5)


def test_retry_after_is_waited_for(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
    collector.plan = first(OK, Answer(429, headers={"Retry-After": "1"}, takes=False))
    summary = import_events(statsig, write(tmp_path / "e.jsonl", 50), ImportOptions(max_batch=10))
    assert summary.delivered == 50
    assert summary.retried >= 10
    assert set(collector.taken.values()) == {1}
    assert summary.seconds > 1


def test_the_rate_is_kept_and_progress_is_told(statsig: Statsig, tmp_path: Path) -> None:
    told: list[ImportProgress] = []
    options: ImportOptions = {"max_batch": 10, "max_rate": 50, "max_concurrency": 1}
    file = write(tmp_path / "e.jsonl", 60)
    summary = import_events(statsig, file, ImportOptions(on_progress=told.append, **options))
    assert summary.seconds > 0.95
    assert 0 < told[0].summary.delivered < 60
    assert told[0].bytes_read > 0
    assert told[0].concurrency == 1


def test_the_time_that_is_left_is_reckoned_from_what_this_run_has_read(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file, stop, told = write(tmp_path / "e.jsonl", 1000), threading.Event(), list[ImportProgress]()

    def plan(number: int, _: object) -> Answer:
        if number == 30:
            stop.set()
        return OK

    collector.plan = plan
    import_events(statsig, file, ImportOptions(max_batch=10, stop=stop))
    import_events(statsig, file, ImportOptions(max_batch=10, on_progress=told.append))
    assert 20_000 < told[-1].bytes_skipped < told[-1].bytes_read == file.stat().st_size
    summary = ImportSummary(seconds=2.0)
    progress = ImportProgress(
        summary=summary, bytes_read=900, bytes_total=1000, bytes_skipped=800, concurrency=1
    )
    assert progress.seconds_left == 2.0
    assert evolve(progress, bytes_skipped=900).seconds_left is None


def test_an_outage_ends_it_and_the_next_run_goes_on(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 100)
    collector.plan = lambda number, _: OK if number < 3 else DOWN
    with pytest.raises(ImportStoppedError, match="503") as stopped:
        import_events(statsig, file, ImportOptions(max_batch=10, give_up_after=0.05))
    before = stopped.value.summary
    assert before.delivered == 30
    assert before.balances
    collector.plan = lambda *_: OK
    after = import_events(statsig, file, ImportOptions(max_batch=10))
    assert (after.delivered, after.skipped, after.balances) == (70, 30, True)
    assert set(collector.taken.values()) == {1}


def test_a_full_disk_for_dead_letters_stops_it(statsig: Statsig, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(event(1), event(2), b"{"))
    with pytest.raises(ImportStoppedError, match="/dev/full: No space left") as stopped:
        import_events(statsig, file, ImportOptions(dead_letters="/dev/full"))
    summary = stopped.value.summary
    assert (summary.delivered, summary.rejected, summary.unsent) == (2, 0, 1)
    assert summary.balances
    summary = import_events(statsig, file)
    assert (summary.delivered, summary.rejected, summary.skipped) == (0, 1, 2)


def test_a_truncated_file_stops_it_where_it_breaks(
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
    assert collector.taken


def test_stopping_in_good_order_loses_nothing(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file, stop = write(tmp_path / "e.jsonl", 500), threading.Event()

    def plan(number: int, _: object) -> Answer:
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
    assert set(collector.taken.values()) == {1}


def test_options_are_checked(statsig: Statsig, tmp_path: Path) -> None:
    file = write(tmp_path / "e.jsonl", 1)
    with pytest.raises(TypeError, match="speed"):
        import_events(statsig, file, ImportOptions(speed=1))  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="max_batch: expected 1 or more"):
        import_events(statsig, file, ImportOptions(max_batch=0))
    with pytest.raises(TypeError, match="max_rate: expected a number"):
        import_events(statsig, file, ImportOptions(max_rate="x"))  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="no such file"):
        import_events(statsig, tmp_path / "none")
    with pytest.raises(SourceError, match="source: expected at least one file, got none"):
        import_events(statsig, [])
    with pytest.raises(SourceError, match="cannot be read"):
        import_events(statsig, tmp_path)


PROGRAM = """
import sys
from statsig_api_client import Statsig
from statsig_api_client.bulk import ImportOptions, import_events
with Statsig("secret-a", base_url=sys.argv[1]) as statsig:
    import_events(statsig, sys.argv[2], ImportOptions(max_batch=20, max_concurrency=4))
"""


def test_kill_9_sends_again_at_most_what_was_on_its_way(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(*(event(n) if n % 50 else b"{" for n in range(20_000))))
    for after in (30, 200):
        words = [sys.executable, "-c", PROGRAM, collector.url, str(file)]
        with subprocess.Popen(words) as process:
            until = time.monotonic() + 60
            while len(collector.batches) < after and time.monotonic() < until:
                time.sleep(0.002)
            process.send_signal(signal.SIGKILL)
    summary = import_events(statsig, file, ImportOptions(max_batch=20))
    assert summary.balances
    assert summary.read == 20_000
    assert len(collector.taken) == 20_000 - 400
    assert sum(times - 1 for times in collector.taken.values()) <= 2 * 6 * 20
    assert summary.resent <= 2 * 6 * 20
    assert len(letters(tmp_path / "e.jsonl.dead-letters.jsonl")) == 400


ANSWERS = st.sampled_from(
    [OK, OK, OK, Answer(400, takes=False), DOWN, Answer(reset=True), Answer(401, takes=False)]
)


@given(
    st.lists(st.sampled_from(["good", "bad", "blank"]), min_size=1, max_size=40),
    st.lists(ANSWERS, max_size=6),
    st.integers(1, 10),
)
def test_every_run_balances_and_all_runs_together_account_for_all(
    kinds: list[str], answers: list[Answer], max_batch: int
) -> None:
    with collecting() as collector, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "e.jsonl"
        content = {"bad": b"{", "blank": b""}
        file.write_bytes(
            lines(
                *(content.get(k) or (event(n) if k == "good" else b"") for n, k in enumerate(kinds))
            )
        )
        collector.plan = first(*answers)
        total = dict.fromkeys(("delivered", "rejected", "ambiguous", "blank"), 0)
        with Statsig(KEY, base_url=collector.url) as statsig:
            for _ in range(len(answers) + 2):
                try:
                    summary = import_events(
                        statsig, file, ImportOptions(max_batch=max_batch, give_up_after=0.001)
                    )
                except ImportStoppedError as error:
                    summary = error.summary
                assert summary.balances
                for name in total:
                    total[name] += getattr(summary, name)
        assert summary.unsent == 0
        assert sum(total.values()) == summary.read == len(kinds)
        assert total["blank"] == kinds.count("blank")
        assert set(collector.taken.values()) <= {1}
        assert len(collector.taken) >= total["delivered"]
        dead = total["rejected"] + total["ambiguous"]
        path = Path(f"{file}.dead-letters.jsonl")
        assert (len(letters(path)) if path.exists() else 0) == dead


def test_a_server_that_refuses_everything_ends_it_and_nothing_is_used_up(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(b"{", *map(event, range(3000))))
    collector.plan = lambda *_: Answer(400, b'{"message":"no such project"}', takes=False)
    with pytest.raises(ImportStoppedError, match=r"accepted no event.*no such project") as stopped:
        import_events(statsig, file, ImportOptions(max_batch=200))
    assert isinstance(stopped.value.__cause__, EventsRejectedError)
    summary = stopped.value.summary
    assert (summary.delivered, summary.rejected, summary.balances) == (0, 0, True)
    assert summary.unsent == summary.read
    assert len(collector.requests) < 300
    assert not (tmp_path / "e.jsonl.dead-letters.jsonl").exists()
    collector.plan = lambda *_: OK
    summary = import_events(statsig, file)
    assert (summary.delivered, summary.rejected, summary.skipped) == (3000, 1, 0)
    assert set(collector.taken.values()) == {1}


def test_small_batches_that_are_all_refused_wait_for_the_first_that_is_not(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    def plan(_: int, events: list[dict[str, Any]]) -> Answer:
        bad = any(int(one["metadata"]["n"]) < 30 for one in events)
        return Answer(400, takes=False) if bad else OK

    collector.plan = plan
    file = write(tmp_path / "e.jsonl", 60)
    with pytest.raises(ImportStoppedError, match="rejected 20 events one by one") as stopped:
        import_events(statsig, file, ImportOptions(max_batch=5, max_rejected=20, max_concurrency=1))
    assert stopped.value.summary.unsent == stopped.value.summary.read
    summary = import_events(statsig, file, ImportOptions(max_batch=5, max_concurrency=1))
    assert (summary.delivered, summary.rejected, summary.skipped) == (30, 30, 0)
    assert summary.balances
    assert summary.dead_letters is not None
    assert sorted(letter["line"] for letter in letters(summary.dead_letters)) == [*range(1, 31)]


def test_a_file_of_which_every_event_was_refused_alone_is_accounted_for(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    collector.plan = lambda *_: Answer(400, takes=False)
    summary = import_events(statsig, write(tmp_path / "e.jsonl", 3))
    assert (summary.rejected, summary.delivered, summary.unsent) == (3, 0, 0)
    file = write(tmp_path / "f.jsonl", 3)
    with pytest.raises(ImportStoppedError, match="No space left") as stopped:
        import_events(statsig, file, ImportOptions(dead_letters="/dev/full"))
    assert (stopped.value.summary.unsent, stopped.value.summary.balances) == (3, True)


def test_a_second_import_with_the_same_checkpoint_is_refused(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file, refused = write(tmp_path / "e.jsonl", 40), []

    def also(_: ImportProgress) -> None:
        with pytest.raises(CheckpointInUseError, match="another import uses") as error:
            import_events(statsig, file)
        refused.append(error.value)

    summary = import_events(statsig, file, ImportOptions(on_progress=also))
    assert refused
    assert summary.delivered == len(collector.taken) == 40
    assert set(collector.taken.values()) == {1}
    names = {"e.jsonl", "e.jsonl.checkpoint"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_an_import_that_was_killed_locks_nobody_out(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 10_000)
    words = [sys.executable, "-c", PROGRAM, collector.url, str(file)]
    with subprocess.Popen(words) as process:
        until = time.monotonic() + 60
        while not collector.batches and time.monotonic() < until:
            time.sleep(0.002)
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(CheckpointInUseError):
            import_events(statsig, file)
        process.send_signal(signal.SIGKILL)
    assert import_events(statsig, file).balances
    assert len(collector.taken) == 10_000


@pytest.mark.parametrize("made_again", [False, True])
def test_a_lock_that_another_import_took_away_meanwhile_is_none(
    made_again: bool,  # noqa: FBT001
    statsig: Statsig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file, lock, flock = write(tmp_path / "e.jsonl", 3), tmp_path / "e.jsonl.checkpoint.lock", None

    def take_away(descriptor: int, operation: int) -> None:
        monkeypatch.undo()
        lock.rename(tmp_path / "gone")
        if made_again:
            lock.touch()
        assert flock is not None
        flock(descriptor, operation)

    flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", take_away)
    assert import_events(statsig, file).delivered == 3
    assert not lock.exists()


def test_where_there_are_no_locks_imports_work_all_the_same(
    statsig: Statsig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert import_events(statsig, write(tmp_path / "e.jsonl", 3)).delivered == 3
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert import_events(statsig, write(tmp_path / "f.jsonl", 3)).delivered == 3


def test_an_interrupt_leaves_an_import_that_can_be_gone_on_with(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(*(event(n) if n % 50 else b"{" for n in range(5000))))

    def plan(number: int, _: object) -> Answer:
        if number == 20:
            signal.raise_signal(signal.SIGINT)
        return OK

    collector.plan = plan
    with pytest.raises(KeyboardInterrupt):
        import_events(statsig, file, ImportOptions(max_batch=20))
    sent = len(collector.taken)
    assert 0 < sent < 4900
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    rest = import_events(statsig, file, ImportOptions(max_batch=20))
    assert rest.balances
    assert rest.resent == 0
    assert sent + rest.delivered == len(collector.taken) == 4900
    assert set(collector.taken.values()) == {1}
    assert len(letters(tmp_path / "e.jsonl.dead-letters.jsonl")) == 100


def test_a_second_interrupt_does_not_wait_and_errors_of_the_program_close_the_account(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 200)

    def twice(number: int, _: object) -> Answer:
        if number == 3:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
        return OK

    collector.plan = twice
    with pytest.raises(KeyboardInterrupt):
        import_events(statsig, file, ImportOptions(max_batch=10))

    def slowly_twice(number: int, _: object) -> Answer:
        if number == reached:
            for _ in range(2):
                time.sleep(0.2)  # until it waits for this answer
                os.kill(os.getpid(), signal.SIGINT)
            return Answer(hangs=3)
        return OK

    reached = len(collector.requests) + 5
    collector.plan = slowly_twice
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        import_events(statsig, file, ImportOptions(max_batch=10, max_concurrency=1))
    assert time.monotonic() - began < 2.5
    collector.plan = lambda *_: OK

    def mistaken(_: ImportProgress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        import_events(
            statsig, file, ImportOptions(max_batch=10, max_rate=150, on_progress=mistaken)
        )
    assert import_events(statsig, file, ImportOptions(max_batch=10)).balances
    assert len(collector.taken) == 200
    assert len(collector.doubles) <= 10 * 10


def test_imports_outside_the_main_thread_leave_signals_alone(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 5)
    thread = threading.Thread(target=import_events, args=(statsig, file))
    thread.start()
    thread.join()
    assert len(collector.taken) == 5


def test_a_disk_that_takes_a_part_of_a_dead_letter_keeps_none_of_it(
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
    assert set(collector.taken.values()) == {1}


def test_dead_letters_of_another_import_stay_where_they_are(
    statsig: Statsig, tmp_path: Path
) -> None:
    dead = tmp_path / "dead.jsonl"
    for name in ("a.jsonl", "b.jsonl"):
        (tmp_path / name).write_bytes(lines(b"{", event(1)))
        import_events(statsig, tmp_path / name, ImportOptions(dead_letters=dead))
    write(tmp_path / "c.jsonl", 1)
    assert (
        import_events(statsig, tmp_path / "c.jsonl", ImportOptions(dead_letters=dead)).dead_letters
        is None
    )
    assert [Path(letter["file"]).name for letter in letters(dead)] == ["a.jsonl", "b.jsonl"]
    import_events(statsig, tmp_path / "b.jsonl", ImportOptions(dead_letters=dead, restart=True))
    assert [Path(letter["file"]).name for letter in letters(dead)] == ["b.jsonl"]


def test_disks_that_fill_up_lose_no_count(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(*(b"{" if n > 100 and n % 2 else event(n) for n in range(300))))

    def slowly(*_: object) -> Answer:
        time.sleep(0.01)  # so that many are on their way
        return OK

    collector.plan = slowly
    with pytest.raises(ImportStoppedError, match="No space left") as stopped:
        import_events(statsig, file, ImportOptions(max_batch=5, dead_letters="/dev/full"))
    before = stopped.value.summary
    assert before.balances
    assert before.delivered == len(collector.taken)
    after = import_events(statsig, file, ImportOptions(max_batch=5))
    assert before.delivered + after.delivered == 200
    assert (after.rejected, set(collector.taken.values())) == (100, {1})


def test_a_checkpoint_that_cannot_be_written_is_refused_before_anything_is_sent(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 10)
    with pytest.raises(SourceError, match="checkpoint cannot be written: No such file"):
        import_events(statsig, file, ImportOptions(checkpoint=tmp_path / "none" / "c"))
    assert not collector.requests


def test_a_checkpoint_that_can_be_written_no_more_stops_it_and_sends_nothing_that_it_misses(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file, folder, gone = write(tmp_path / "e.jsonl", 1000), tmp_path / "there", tmp_path / "gone"
    folder.mkdir()

    def plan(number: int, _: object) -> Answer:
        if number == 5:
            folder.rename(gone)
        return OK

    collector.plan = plan
    with pytest.raises(ImportStoppedError, match="there/c: No such file") as stopped:
        import_events(statsig, file, ImportOptions(checkpoint=folder / "c", max_batch=10))
    assert stopped.value.summary.balances
    assert stopped.value.summary.delivered == len(collector.taken) < 1000
    collector.plan = lambda *_: OK
    gone.rename(folder)
    assert import_events(
        statsig, file, ImportOptions(checkpoint=folder / "c", max_batch=10)
    ).balances
    assert len(collector.taken) == 1000
    assert len(collector.doubles) <= 10 * 10


def test_a_packed_file_that_got_shorter_is_noticed(statsig: Statsig, tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl.gz"
    file.write_bytes(gzip.compress(lines(event(1), event(2))))
    import_events(statsig, file)
    file.write_bytes(gzip.compress(lines(event(1))))
    with pytest.raises(ImportStoppedError, match="shorter than it was"):
        import_events(statsig, file, ImportOptions(force=True))


def test_a_line_without_end_is_rejected(statsig: Statsig, tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(lines(event(1)) + b"a" * 10_000_000)
    summary = import_events(statsig, tmp_path / "e.jsonl")
    assert (summary.delivered, summary.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("name", "module"),
    [("e.jsonl.zst", "zstandard"), ("e.parquet", "statsig_api_client.bulk.readers.parquet")],
)
def test_missing_extras_are_named(
    name: str, module: str, statsig: Statsig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(zstandard.compress(b"{}"))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises((SourceError, ImportStoppedError), match=r"statsig-api-client\[bulk\]"):
        import_events(statsig, tmp_path / name)
