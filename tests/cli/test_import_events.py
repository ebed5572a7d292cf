"""The command `import-events`."""

import gzip
import io
import json
import re
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.cli import import_events as command
from statsig_api_client.cli.main import main
from tests.support.clients import KEY
from tests.support.collector import OK, Collector, Response, collecting
from tests.support.event_files import event, lines, write


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Any:
    with collecting() as running:
        monkeypatch.setenv("STATSIG_API_KEY", KEY)
        monkeypatch.setenv("STATSIG_BASE_URL", running.url)
        yield running


def test_import_prints_summary(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "e.jsonl", 20)
    assert main(["import-events", str(file)]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["read"], summary["delivered"], summary["unsent"]) == (20, 20, 0)
    assert len(collector.accepted) == 20


def test_terminal_shows_bar_and_table(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    file, out, err = tmp_path / "e.jsonl", Terminal(), Terminal()
    file.write_bytes(lines(event(1), b"{"))
    with redirect_stdout(out), redirect_stderr(err):
        assert main(["import-events", str(file)]) == 5
        assert main(["import-events", str(file), "--dry-run"]) == 5
    assert "delivered                 1\nrejected                  1\n" in out.getvalue()
    assert "dead letters:" in out.getvalue()
    with redirect_stdout(out), redirect_stderr(err):
        assert main(["import-events", str(write(tmp_path / "good.jsonl", 2))]) == 0
    assert "2 lines: 1 valid, 1 invalid, 0 blank" in out.getvalue()
    assert "e.jsonl:2: not JSON" in out.getvalue()
    assert "1 delivered, 1 not" in err.getvalue()
    assert collector.accepted


def test_pipe_shows_progress_lines(
    collector: Collector,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command, "_LOG_EVERY", 0.0)
    assert main(["import-events", str(write(tmp_path / "e.jsonl", 2))]) == 0
    assert "2 delivered, 0 not" in capsys.readouterr().err
    assert collector.accepted


def test_dry_run_shows_most_frequent_reasons(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(b"{\n" * 12)
    with redirect_stdout(Terminal()) as out:
        assert main(["import-events", str(tmp_path / "e.jsonl"), "--dry-run"]) == 5
    shown = out.getvalue()
    assert shown.count("e.jsonl:") == 11
    assert re.search(r"^12 not sent: not JSON .* \(first in .*e.jsonl:1\)$", shown, re.MULTILINE)


def test_dry_run_needs_no_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import-events", str(write(tmp_path / "e.jsonl", 3)), "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["valid"] == 3


def test_columns_are_mapped(collector: Collector, tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("ts,uid\n1700000000,42\n")
    (tmp_path / "map.yaml").write_text("fields: {eventName: {constant: a}, time: ts}")
    words = ["--map", "time=ts,user.userID=uid", "--map", "eventName:=sale", "--time-unit", "s"]
    file = str(tmp_path / "s.csv")
    assert main(["import-events", file, *words]) == 0
    by_file = ["--map-file", str(tmp_path / "map.yaml"), "--time-unit", "s"]
    assert main(["import-events", file, *by_file, "--restart"]) == 0
    assert [e["eventName"] for e in collector.events] == ["sale", "a"]
    assert main(["import-events", file, *words, *by_file]) == 2
    assert main(["import-events", file, "--time-unit", "s"]) == 2
    assert main(["import-events", file]) == 3


def test_rejected_key_and_outage_exit_codes(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collector.plan = lambda *_: Response(401, accepts=False)
    file = str(write(tmp_path / "e.jsonl", 3000))
    assert main(["import-events", file]) == 4
    assert "401" in capsys.readouterr().err
    collector.plan = lambda number, _: OK if number == 1 else Response(503, accepts=False)
    assert main(["import-events", file, "--give-up-after", "0.01"]) == 5
    assert "the same command resumes the import" in capsys.readouterr().err
    assert main(["import-events", file, "--give-up-after", "0.01", "--restart"]) == 4
    assert "the same command without --restart resumes the import" in capsys.readouterr().err


def test_stopped_standard_input_cannot_be_resumed(
    collector: Collector,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    collector.plan = lambda number, _: OK if number == 0 else Response(401, accepts=False)
    with write(tmp_path / "e.jsonl", 3000).open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert main(["import-events", "-"]) == 5
    output = capsys.readouterr()
    assert "standard input cannot be resumed" in output.err
    assert json.loads(output.out)["delivered"] == 1000
    assert main(["import-events", "-", "--checkpoint", "c"]) == 3
    assert "resumed; `checkpoint` is not supported" in capsys.readouterr().err


def test_ctrl_c_stops_after_requests_in_progress(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(write(tmp_path / "e.jsonl", 20_000))

    def plan(number: int, _: object) -> Response:
        if number == 2:
            signal.raise_signal(signal.SIGINT)
        return OK

    collector.plan = plan
    assert main(["import-events", file]) == 130
    output = capsys.readouterr()
    assert json.loads(output.out)["stopped"]
    assert "stopping after" in output.err
    with command._stopping() as stop:  # noqa: SLF001
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    collector.plan = lambda *_: OK
    assert main(["import-events", file]) == 0
    assert set(collector.accepted.values()) == {1}
    assert len(collector.accepted) == 20_000


class _Impatient(io.StringIO):
    """Standard error that receives a second Ctrl-C while it prints."""

    def write(self, text: str) -> int:
        if not self.tell():
            super().write(text)
            signal.raise_signal(signal.SIGINT)
        return len(text)


def test_second_ctrl_c_during_handler_raises() -> None:
    with (
        command._stopping(),  # noqa: SLF001
        redirect_stderr(_Impatient()),
        pytest.raises(KeyboardInterrupt),
    ):
        signal.raise_signal(signal.SIGINT)


def test_second_ctrl_c_ends_immediately(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(write(tmp_path / "e.jsonl", 5000))
    collector.plan = lambda number, _: OK if number < 2 else Response(hangs=8)
    words = [sys.executable, "-m", "statsig_api_client.cli", "import-events", file]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        until = time.monotonic() + 30
        while len(collector.requests) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert "stopping after" in process.stderr.readline()
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert time.monotonic() - began < 5
    collector.plan = lambda *_: OK
    assert main(["import-events", file]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["skipped"] >= 1000
    assert summary["resent"] >= 1000
    assert len(collector.accepted) == 5000


def test_repaired_file_is_resumed(
    collector: Collector, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, data = tmp_path / "e.jsonl.gz", gzip.compress(lines(*map(event, range(50_000))))
    file.write_bytes(data[:50])
    assert main(["import-events", str(file), "--restart"]) == 3
    assert "without --restart and with --force resumes" in capsys.readouterr().err
    file.write_bytes(data[:-2000])
    assert main(["import-events", str(file), "--force"]) == 5
    output = capsys.readouterr()
    assert "e.jsonl.gz, after line" in output.err
    assert "with --force resumes the import" in output.err
    file.write_bytes(data)
    assert main(["import-events", str(file), "--force"]) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] > 0
    assert len(collector.accepted) == 50_000
    assert set(collector.accepted.values()) == {1}


def test_missing_extra_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "statsig_api_client.bulk", None)
    assert main(["import-events", "x"]) == 3
    assert "statsig-api-client[bulk]" in capsys.readouterr().err
