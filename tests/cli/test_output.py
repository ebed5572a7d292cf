"""Escaped output, and standard streams that are closed, full or broken."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client.cli.main import main
from statsig_api_client.cli.output import EscapedStream, escape, print_error, to_json
from statsig_api_client.local import LocalServer
from tests.cli.test_command_line import Terminal
from tests.support.clients import KEY
from tests.support.collector import Collector, collecting
from tests.support.event_files import event, lines, write
from tests.support.loopback import Loopback, respond

ATTACK = "\x1b]0;owned\x07\x1b[2J\x9b31m\x85\u202e\ud800"
SHOWN = r"\u001b]0;owned\u0007\u001b[2J\u009b31m\u0085\u202e\ud800"
RAW = "\x1b\x07\x9b\x85\u202e\ud800"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(autouse=True)
def _connected(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", server.url)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")


def _results() -> dict[str, object]:
    value = {ATTACK: ATTACK, "rule": [ATTACK]}
    common = {"name": ATTACK, "rule_id": ATTACK, "group_name": ATTACK, "group": ATTACK}
    return {
        "check-gate": {**common, "value": True},
        "get-config": {**common, "value": value},
        "get-experiment": {**common, "value": value},
        "get-layer": {**common, "value": value, "allocated_experiment_name": ATTACK},
        "get-ranked-list": [{**common, "value": value, "score": 0.5}],
    }


@pytest.mark.parametrize("mode", ["terminal", "json", "pipe"])
@pytest.mark.parametrize("command", [*_results()])
def test_server_strings_are_escaped(command: str, mode: str, server: Loopback) -> None:
    server.script(respond(200, _results()[command]))
    screen = io.StringIO() if mode == "pipe" else Terminal()
    with redirect_stdout(screen):
        assert main([command, "g", "--user-id", "1", *["--json"][: mode == "json"]]) == 0
    shown = screen.getvalue()
    assert SHOWN in shown
    assert not set(RAW) & set(shown)
    if mode != "terminal":
        assert json.loads(shown)["name"] == ATTACK


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["check-gate", "g", "--custom", ATTACK], id="argument"),
        pytest.param(["check-gate", "g", "--user", ATTACK], id="user-file"),
        pytest.param([ATTACK], id="command"),
        pytest.param(["get-config", "g", "--user-id", "1", "--api-key-file", ATTACK], id="key"),
        pytest.param(["import-events", ATTACK], id="input-file"),
        pytest.param(["import-events", "{csv}"], id="columns"),
        pytest.param(["spool", "list", ATTACK], id="spool"),
        pytest.param(["check-gate", "g", "--user-id", "1"], id="error-response"),
    ],
)
def test_strings_in_errors_are_escaped(
    arguments: list[str], server: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.csv").write_text(f"{ATTACK[:-1]},x\n")
    server.script(respond(400, {"message": ATTACK[:-1]}))
    with redirect_stderr(Terminal()) as screen:
        assert main([one.replace("{csv}", "e.csv") for one in arguments]) != 0
    assert screen.getvalue()
    assert not set(RAW) & set(screen.getvalue())


def test_strings_in_import_reports_are_escaped(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)
    file = tmp_path / "e\x1b[2J.jsonl"
    file.write_bytes(lines(event(1), event(2, value=[ATTACK[:-1]]), b'{"\x9b": 1}'))
    with redirect_stdout(Terminal()) as out, redirect_stderr(Terminal()) as errors:
        main(["import-events", str(file), "--dry-run"])
        main(["import-events", str(file)])
    assert r"e\u001b[2J.jsonl:2" in out.getvalue()
    assert not set(RAW) & set(out.getvalue())
    assert not {"\x9b", "\u202e"} & set(errors.getvalue())


@given(st.text())
def test_escaped_json_has_same_value(text: str) -> None:
    assert json.loads(escape(to_json(text))) == text


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_printable_string_is_unchanged(text: str) -> None:
    assert escape(text) == text


def test_unencodable_string_is_escaped() -> None:
    raw = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    stream = EscapedStream(raw, is_essential=True)
    assert stream.write(to_json("a\xe9\u2713\U0001f600")) == 6
    stream.flush()
    raw.seek(0)
    assert raw.read() == '"a\xe9\\u2713\\ud83d\\ude00"'


def test_parameters_are_separate_from_metadata(server: Loopback) -> None:
    value = {"rule": "mine", "n": 1.5, "flag": True, "none": None, "list": ["a", {"b": 2}]}
    server.script(respond(200, {"name": "c", "rule_id": "r1", "group_name": "g", "value": value}))
    with redirect_stdout(Terminal()) as screen:
        main(["get-config", "c", "--user-id", "1"])
    rows = [line.strip("│ ") for line in screen.getvalue().splitlines()][1:-1]
    assert [row.split() for row in rows] == [
        ["rule", "r1"],
        ["group", "g"],
        ["parameters:"],
        ["rule", '"mine"'],
        ["n", "1.5"],
        ["flag", "true"],
        ["none", "null"],
        ["list", '["a",{"b":2}]'],
    ]


def test_broken_pipe_keeps_exit_code(server: Loopback) -> None:
    server.script(respond(200, {"name": "g", "value": True, "rule_id": "r"}))
    there, here = os.pipe()
    os.close(there)
    with os.fdopen(here, "w") as pipe, redirect_stdout(pipe):
        assert main(["check-gate", "g", "--user-id", "1", "--exit-code"]) == 0


def test_full_standard_error_keeps_exit_code(
    collector: Collector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)
    monkeypatch.setattr("statsig_api_client.cli.import_events._LOG_EVERY", 0.0)
    file = write(tmp_path / "e.jsonl", 3)
    with Path("/dev/full").open("w") as full, redirect_stderr(full):
        assert main(["import-events", str(file)]) == 0
    assert len(collector.accepted) == 3


def test_stream_accepts_strings_only() -> None:
    stream = EscapedStream(None, is_essential=True)
    with pytest.raises(TypeError, match="expected a string, got bytes"):
        stream.write(b"")  # type: ignore[arg-type]
    with pytest.raises(OSError, match="the stream is closed"):
        stream.fileno()
    assert stream.write("a") == 1
    stream.flush()
    assert not stream.isatty()


def test_fileno_equals_that_of_stream(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as file:
        assert EscapedStream(file, is_essential=True).fileno() == file.fileno()


def test_warnings_are_messages(server: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    server.script(respond(200, {"name": "g", "value": True, "rule_id": "r"}))
    assert main(["check-gate", "g", "--email", "a@b.c"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: user: expected userID or customIDs")


def test_errors_have_one_prefix(
    server: Loopback, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    server.script(respond(500, {}), respond(500, {}), respond(500, {}))
    for arguments in (
        ["check-gate"],
        ["no-such-command"],
        ["check-gate", "g"],
        ["check-gate", "g", "--user-id", "1", "--base-url", "x"],
        ["check-gate", "g", "--user-id", "1", "--api-key-file", "/no/such"],
        ["import-events", "/no/such"],
        ["spool", "list", str(tmp_path / "none")],
        ["flags", "generate", "/no/such.yaml", "-o", "x"],
        ["serve"],
        ["serve", "/no/such.yaml"],
    ):
        assert main(arguments) != 0
        assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
    print_error("a")
    assert capsys.readouterr().err == "error: a\n"


@pytest.mark.parametrize("arguments", [["check-gate", "g", "--user-id", "1"], ["spool", "drain"]])
def test_key_error_names_option(
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    if arguments[0] == "spool":
        from statsig_api_client import Statsig

        with Statsig(KEY) as statsig:
            statsig.events(spool=tmp_path / "s.db").close()
        arguments = [*arguments, str(tmp_path / "s.db")]
    monkeypatch.delenv("STATSIG_API_KEY")
    assert main(arguments) == 3
    assert "missing API key: pass --api-key-file FILE, or set STATSIG_API_KEY" in (
        capsys.readouterr().err
    )


@pytest.fixture(scope="module")
def shop() -> Iterator[LocalServer]:
    with LocalServer(Path(__file__).parents[2] / "examples" / "project.yaml") as running:
        yield running


def _shell(words: str, closed: str, url: str) -> int:
    program = f"exec {sys.executable} -m statsig_api_client.cli {words} {closed}"
    environment = os.environ | {"STATSIG_BASE_URL": url, "STATSIG_API_KEY": "secret-local"}
    done = subprocess.run(["sh", "-c", program], env=environment, check=False, timeout=60)
    return done.returncode


@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_not_change_import(
    closed: str, collector: Collector, tmp_path: Path
) -> None:
    file = write(tmp_path / "e.jsonl", 3)
    assert _shell(f"import-events {file}", closed, collector.url) == 0
    assert set(collector.accepted.values()) == {1}
    assert len(collector.accepted) == 3


def test_closed_output_does_not_change_gate(shop: LocalServer) -> None:
    words = "check-gate staff_tools --exit-code --email ada@example.com"
    assert _shell(words, ">&-", shop.url) == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check-gate", "g", "--user", "-"], 2),
        (["log-exposures", "-"], 2),
        (["import-events", "-"], 3),
    ],
)
def test_closed_standard_input_is_reported(
    arguments: list[str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(arguments) == code
    assert "standard input is closed" in capsys.readouterr().err


HELPED: list[tuple[str, ...]] = [
    (),
    ("check-gate",),
    ("spool",),
    ("flags", "generate"),
    ("import-events",),
]
HELP = f"""
from statsig_api_client.cli.main import main
for command in {HELPED!r}:
    main([*command, "--help"])
"""


def test_help_survives_removed_docstrings(capsys: pytest.CaptureFixture[str]) -> None:
    words = [sys.executable, "-OO", "-c", HELP]
    optimized = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    for command in HELPED:
        main([*command, "--help"])
    assert optimized == capsys.readouterr().out
    assert "Check a feature gate for a user." in optimized
