"""Checkpoints: resumed, locked, killed and interrupted imports."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from statsig_api_client import Statsig
from statsig_api_client.bulk import (
    CheckpointInUseError,
    EventMapping,
    ImportOptions,
    ImportProgress,
    ImportStoppedError,
    SourceError,
    TimeFormat,
    import_events,
)
from tests.support.collector import OK, Collector, Response
from tests.support.event_files import event, letters, lines, write


def test_second_run_skips_and_restart_sends_all(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 10)
    import_events(statsig, file)
    again = import_events(statsig, file)
    assert (again.skipped, again.delivered, again.balances) == (10, 0, True)
    assert import_events(statsig, file, ImportOptions(restart=True)).delivered == 10
    assert set(collector.accepted.values()) == {2}


def test_changed_input_needs_force(statsig: Statsig, collector: Collector, tmp_path: Path) -> None:
    file = write(tmp_path / "e.jsonl", 10)
    import_events(statsig, file)
    with file.open("ab") as more:
        more.write(lines(event(10)))
    with pytest.raises(SourceError, match="files changed since the checkpoint"):
        import_events(statsig, file)
    summary = import_events(statsig, file, ImportOptions(force=True))
    assert (summary.skipped, summary.delivered) == (10, 1)
    assert set(collector.accepted.values()) == {1}
    (tmp_path / "e.jsonl.checkpoint").write_text("{}")
    with pytest.raises(SourceError, match="checkpoint cannot be read: number: missing"):
        import_events(statsig, file)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"number": "1"}, "number: expected an integer from 0, got '1'", id="string"),
        pytest.param({"number": True}, "number: expected an integer from 0, got True", id="bool"),
        pytest.param({"number": -1}, "number: expected an integer from 0, got -1", id="negative"),
        pytest.param({"position": 5}, "position: expected an object, got int", id="position"),
        pytest.param({"position": {}}, r"position\.file: expected an integer", id="no-position"),
        pytest.param(
            {"position": {"file": 7, "line": 1, "offset": 1}},
            r"position\.file: expected less than 1, got 7",
            id="file",
        ),
        pytest.param({"completed": {}}, "completed: expected a list, got dict", id="object"),
        pytest.param({"completed": [[1]]}, r"completed: expected pairs .*, got \[1\]", id="single"),
        pytest.param({"in_progress": [[2, 1]]}, "in_progress: expected pairs", id="order"),
        pytest.param({"in_progress": [5]}, "in_progress: expected a list, got int", id="number"),
        pytest.param({"dead_letters": None}, "dead_letters: expected an integer", id="null"),
        pytest.param({"dead_letter_bytes": []}, "dead_letter_bytes: expected an", id="list"),
    ],
)
def test_tampered_checkpoint_is_rejected(
    change: dict[str, object], problem: str, statsig: Statsig, tmp_path: Path
) -> None:
    file, checkpoint = write(tmp_path / "e.jsonl", 3), tmp_path / "e.jsonl.checkpoint"
    import_events(statsig, file)
    checkpoint.write_text(json.dumps(json.loads(checkpoint.read_text()) | change))
    with pytest.raises(SourceError, match=f"checkpoint cannot be read: {problem}"):
        import_events(statsig, file)
    assert import_events(statsig, file, ImportOptions(restart=True)).delivered == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [("[]", "checkpoint: expected an object, got list"), ("[" * 99_999, "recursion"), ("{", "")],
)
def test_checkpoint_of_other_form_is_rejected(
    content: str, problem: str, statsig: Statsig, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 3)
    (tmp_path / "e.jsonl.checkpoint").write_text(content)
    with pytest.raises(SourceError, match=f"cannot be read: .*{problem}.*; use restart"):
        import_events(statsig, file)


def test_pipe_as_checkpoint_is_rejected(statsig: Statsig, tmp_path: Path) -> None:
    file = write(tmp_path / "e.jsonl", 3)
    os.mkfifo(tmp_path / "e.jsonl.checkpoint")
    with pytest.raises(SourceError, match="checkpoint cannot be read: expected a regular file"):
        import_events(statsig, file)


def test_restart_deletes_dead_letters(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(event(1), b"{"))
    dead = import_events(statsig, file).dead_letters
    assert dead is not None
    file.write_bytes(lines(event(1), event(2)))
    summary = import_events(statsig, file, ImportOptions(restart=True))
    assert (summary.delivered, summary.dead_letters) == (2, None)
    assert not dead.exists()
    assert collector.accepted["2"] == 1


def test_restart_leaves_devices(statsig: Statsig, tmp_path: Path) -> None:
    options = ImportOptions(restart=True, dead_letters="/dev/null")
    assert import_events(statsig, write(tmp_path / "e.jsonl", 3), options).delivered == 3
    assert Path("/dev/null").exists()


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        pytest.param(["x", "y"], "use restart to send everything; no line was", id="nothing"),
        pytest.param(
            ["x", "1700000000000", ""],
            "or force to skip the 2 lines that are completed, of which 1 are dead letters",
            id="some",
        ),
    ],
)
def test_changed_mapping_recommends_restart(
    rows: list[str], problem: str, statsig: Statsig, tmp_path: Path
) -> None:
    file = tmp_path / "e.csv"
    file.write_text("name,ts\n" + "".join(f"a,{row}\n" for row in rows if row))
    mapping = EventMapping({"eventName": "name", "time": "ts"}, TimeFormat("ms"))
    import_events(statsig, file, ImportOptions(mapping=mapping))
    mapping = EventMapping({"eventName": "name", "time": "ts"}, TimeFormat("s"))
    with pytest.raises(SourceError, match=f"mapping changed .*{problem}"):
        import_events(statsig, file, ImportOptions(mapping=mapping))


def test_shorter_input_is_not_complete(statsig: Statsig, tmp_path: Path) -> None:
    file = write(tmp_path / "e.jsonl", 10)
    import_events(statsig, file)
    write(file, 5)
    with pytest.raises(ImportStoppedError, match="it is shorter than it was"):
        import_events(statsig, file, ImportOptions(force=True))


PROGRAM = """
import sys
from statsig_api_client import Statsig
from statsig_api_client.bulk import ImportOptions, import_events
with Statsig("secret-a", base_url=sys.argv[1]) as statsig:
    import_events(statsig, sys.argv[2], ImportOptions(max_batch=20, max_concurrency=4))
"""


def test_kill_resends_only_requests_in_progress(
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
    assert len(collector.accepted) == 20_000 - 400
    assert sum(times - 1 for times in collector.accepted.values()) <= 2 * 6 * 20
    assert summary.resent <= 2 * 6 * 20
    assert len(letters(tmp_path / "e.jsonl.dead-letters.jsonl")) == 400


def test_second_import_with_checkpoint_is_rejected(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file, rejected = write(tmp_path / "e.jsonl", 40), []

    def also(_: ImportProgress) -> None:
        with pytest.raises(CheckpointInUseError, match="another import uses") as error:
            import_events(statsig, file)
        rejected.append(error.value)

    summary = import_events(statsig, file, ImportOptions(on_progress=also))
    assert rejected
    assert summary.delivered == len(collector.accepted) == 40
    assert set(collector.accepted.values()) == {1}
    names = {"e.jsonl", "e.jsonl.checkpoint"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_killed_import_releases_lock(
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
    assert len(collector.accepted) == 10_000


@pytest.mark.parametrize("made_again", [False, True])
def test_removed_lock_file_is_locked_again(
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


def test_file_system_without_locks_is_supported(
    statsig: Statsig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    assert import_events(statsig, write(tmp_path / "e.jsonl", 3)).delivered == 3
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert import_events(statsig, write(tmp_path / "f.jsonl", 3)).delivered == 3


def test_interrupted_import_is_resumed(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(lines(*(event(n) if n % 50 else b"{" for n in range(5000))))

    def plan(number: int, _: object) -> Response:
        if number == 20:
            signal.raise_signal(signal.SIGINT)
        return OK

    collector.plan = plan
    with pytest.raises(KeyboardInterrupt):
        import_events(statsig, file, ImportOptions(max_batch=20))
    sent = len(collector.accepted)
    assert 0 < sent < 4900
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    rest = import_events(statsig, file, ImportOptions(max_batch=20))
    assert rest.balances
    assert rest.resent == 0
    assert sent + rest.delivered == len(collector.accepted) == 4900
    assert set(collector.accepted.values()) == {1}
    assert len(letters(tmp_path / "e.jsonl.dead-letters.jsonl")) == 100


def test_second_interrupt_does_not_wait(
    statsig: Statsig, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 200)

    def twice(number: int, _: object) -> Response:
        if number == 3:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)
        return OK

    collector.plan = twice
    with pytest.raises(KeyboardInterrupt):
        import_events(statsig, file, ImportOptions(max_batch=10))

    def slowly_twice(number: int, _: object) -> Response:
        if number == reached:
            for _ in range(2):
                time.sleep(0.2)  # until it waits for this response
                os.kill(os.getpid(), signal.SIGINT)
            return Response(hangs=3)
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
    assert len(collector.accepted) == 200
    assert len(collector.doubles) <= 10 * 10
