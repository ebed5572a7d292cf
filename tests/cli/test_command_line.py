"""Output and exit codes of the commands, against the local server."""

import errno
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from pathlib import Path

import pytest

from statsig_api_client.cli import run
from statsig_api_client.cli.main import commands, main
from statsig_api_client.local import LocalServer
from tests.support.clients import KEY
from tests.support.loopback import Loopback, respond, unused_port

SHOP = Path(__file__).parents[2] / "examples" / "project.yaml"


class Terminal(io.StringIO):
    """A stream that reports to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def shop() -> Iterator[LocalServer]:
    with LocalServer(SHOP) as server:
        yield server


@pytest.fixture(autouse=True)
def _connected(shop: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATSIG_API_KEY", shop.secret_key)
    monkeypatch.setenv("STATSIG_BASE_URL", shop.url)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    screen = Terminal()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm-256color")
    return screen


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["check-gate", "staff_tools", "--email", "ada@example.com"], {"value": True}),
        (["check-gate", "staff_tools", "--email", "ada@elsewhere.com"], {"value": False}),
        (["check-gate", "new_checkout", "--custom-id", "companyID=acme"], {"value": True}),
        (["get-config", "homepage", "--user-id", "1"], {"name": "homepage"}),
        (["get-experiment", "logo_test", "--user-id", "1"], {"name": "logo_test"}),
        (["get-layer", "product_page", "--user-id", "1"], {"name": "product_page"}),
        (["log-event", "purchase", "--user-id", "1", "--value", "9.5"], {"success": True}),
    ],
)
def test_piped_output_is_json_line(
    arguments: list[str], expected: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line).items() >= expected.items()


def test_check_gates_prints_line_per_gate(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["check-gates", "staff_tools", "new_checkout", "--custom-id", "companyID=acme"]
    assert main([*arguments, "--exit-code"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["name"]: line["value"] for line in lines} == {
        "staff_tools": False,
        "new_checkout": True,
    }


@pytest.mark.parametrize(("address", "status"), [("a@example.com", 0), ("a@else.com", 1)])
def test_exit_code_option_reports_gate(address: str, status: int) -> None:
    assert main(["check-gate", "staff_tools", "--email", address, "--exit-code"]) == status


def test_terminal_output_shows_panels(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with redirect_stdout(terminal):
        main(["check-gate", "staff_tools", "--email", "ada@example.com"])
        main(["get-config", "homepage", "--user-id", "1"])
        main(["get-layer", "product_page", "--user-id", "1"])
        main(["get-config", "no_such_config", "--user-id", "1"])
        main(["log-event", "purchase", "--user-id", "1"])
    shown = terminal.getvalue()
    for text in (
        "gate staff_tools",
        "passes",
        "button_color",
        '"blue"',
        "experiment",
        "layer product_page",
    ):
        assert text in shown
    assert "no parameters" in shown
    assert "Statsig accepted purchase." in shown
    assert not re.search(r"\x1b\[([0-9]+;)*3[0-7]m", shown)


def test_terminal_output_has_colors(terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        main(["check-gate", "staff_tools", "--email", "ada@elsewhere.com"])
    assert "\x1b[" in terminal.getvalue()


def test_json_option_prints_json_on_terminal(terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        main(["check-gate", "staff_tools", "--user-id", "1", "--json"])
    assert json.loads(terminal.getvalue())["name"] == "staff_tools"


def test_user_options_override_user_file(
    server: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STATSIG_BASE_URL", server.url)
    file = tmp_path / "user.json"
    file.write_text('{"userID": "1", "country": "NL", "custom": {"plan": "free", "team": "red"}}')
    arguments = [
        "--user",
        str(file),
        "--user-id",
        "2",
        "--custom",
        "plan=pro",
        "--custom",
        "level:=3",
    ]
    assert main(["check-gate", "a_gate", *arguments]) == 0
    assert server.requests[0].json["user"] == {
        "userID": "2",
        "country": "NL",
        "custom": {"plan": "pro", "team": "red", "level": 3},
    }


def test_api_key_file_provides_key(
    server: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    monkeypatch.delenv("STATSIG_API_KEY")
    arguments = ["--api-key-file", str(file), "--base-url", server.url, "--no-exposures"]
    assert main(["check-gate", "a_gate", "--user-id", "1", *arguments]) == 0
    assert server.requests[0].headers["statsig-api-key"] == KEY
    assert server.requests[0].json["statsigMetadata"] == {"exposureLoggingDisabled": True}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check-gate"], "Missing argument 'GATE'"),
        (["check-gate", "g"], "no user: pass"),
        (["check-gate", "g", "--custom", "plan"], "--custom: expected KEY=VALUE, got 'plan'"),
        (
            ["check-gate", "g", "--custom", "level:=x"],
            "--custom: expected KEY:=JSON, got 'level:=x'",
        ),
        (["check-gate", "g", "--custom", ":=x"], "--custom: expected KEY:=JSON"),
        (["check-gate", "g", "--custom", "x:=" + "[" * 99999], "expected KEY:=JSON"),
        (["check-gate", "g", "--user", "/no/such/file"], "No such file"),
        (
            ["log-event", "e", "--user-id", "1", "--time", "yesterday"],
            "got 'yesterday'; pass milli",
        ),
        (["log-event", "e", "--user-id", "1", "--time", "2026-01-31T12:00:00"], "with its zone"),
        (["check-gate", "g", "--user-id", "1", "--timeout", "0"], "--timeout"),
        (["check-gates", *map(str, range(101)), "--user-id", "1"], "1 to 100 items"),
        (["no-such-command"], "No such command"),
    ],
)
def test_invalid_arguments_exit_with_usage(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON in UTF-8"),
        ("[" * 99999, "not JSON in UTF-8"),
        ("[1]", "expected one JSON object"),
        ('{"userID": 1}', "userID"),
    ],
)
def test_invalid_user_file_exits_with_usage(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "user.json"
    file.write_text(text)
    assert main(["check-gate", "g", "--user", str(file)]) == 2
    assert message in capsys.readouterr().err


def test_missing_key_exits_with_configuration(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STATSIG_API_KEY")
    assert main(["check-gate", "g", "--user-id", "1"]) == 3
    assert "missing API key" in capsys.readouterr().err
    assert main(["check-gate", "g", "--user-id", "1", "--api-key-file", "/no/such"]) == 3
    assert "cannot read the API key" in capsys.readouterr().err


def test_api_error_exits_with_api(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], server: Loopback
) -> None:
    server.script(respond(401, {"message": "no"}))
    assert main(["check-gate", "g", "--user-id", "1", "--base-url", server.url]) == 4
    assert "401" in capsys.readouterr().err
    monkeypatch.setenv("STATSIG_BASE_URL", f"http://127.0.0.1:{unused_port()}/v1")
    assert main(["log-event", "e", "--user-id", "1"]) == 4


def test_full_output_disk_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with Path("/dev/full").open("w") as full, redirect_stdout(full):
        assert main(["check-gate", "staff_tools", "--user-id", "1"]) == 2
        with suppress(OSError):  # the unwritten rest
            full.close()
    assert "No space left" in capsys.readouterr().err


def test_log_event_sends_options(
    server: Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STATSIG_BASE_URL", server.url)
    server.script(respond(202, {"success": True}))
    for value, time in (
        ("9.5", "1700000000000"),
        ('"9"', "2026-01-31T12:00:00Z"),
        ("a", "1700000000001"),
    ):
        arguments = ["--user-id", "1", "--value", value, "--time", time, "--metadata", "sku=A1"]
        assert main(["log-event", "a[b]", *arguments]) == 0
    events = [request.json["events"][0] for request in server.requests]
    assert [event["value"] for event in events] == [9.5, "9", "a"]
    assert [event["time"] for event in events] == [1700000000000, 1769860800000, 1700000000001]
    assert events[0]["metadata"] == {"sku": "A1"}
    assert "warning: events[0].eventName: Statsig accepts and then drops" in capsys.readouterr().err


@pytest.mark.parametrize("command", sorted(commands.commands))
def test_command_help_contains_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Examples:" in shown
    assert "statsig-api " + command in shown


def test_key_help_explains_missing_option(capsys: pytest.CaptureFixture[str]) -> None:
    main(["check-gate", "--help"])
    assert "other users of the machine can read command lines" in " ".join(
        capsys.readouterr().out.split()
    )


def test_serve_without_extra_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for module in [name for name in sys.modules if name.startswith("statsig_api_client.local")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "statsig_api_client.cli.local_server", raising=False)
    monkeypatch.delattr("statsig_api_client.cli.local_server", raising=False)
    assert main(["serve", "x.yaml"]) == 3
    assert "statsig-api-client[local]" in capsys.readouterr().err


def test_module_runs_command_line(
    run_module: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_module("statsig_api_client.cli", "--version") == 0
    assert capsys.readouterr().out.startswith("statsig-api, version ")


def test_keyboard_interrupt_exits_without_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("statsig_api_client.cli.evaluate.make_user", interrupted)
    arguments, left = ["check-gate", "g", "--user-id", "1"], list[int]()
    assert main(arguments) == 130
    monkeypatch.setattr(sys, "argv", ["statsig-api", *arguments])
    monkeypatch.setattr(os, "_exit", left.append)
    monkeypatch.setattr(sys, "stderr", None)
    run()
    assert left == [130]  # which waits for no thread


def test_closed_descriptors_are_reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def is_closed(descriptor: int) -> None:
        if descriptor == 2:
            raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(sys, "argv", ["statsig-api", "--version"])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fstat", is_closed)
        patch.setattr(os, "open", lambda path, _: opened.append(path))
        assert run() == 0
    assert opened == [os.devnull]


def test_missing_click_names_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["statsig-api", "--version"])
    assert run() == 0
    for name in [name for name in sys.modules if name.startswith("statsig_api_client.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "click", None)
    assert run() == 3
    assert "statsig-api-client[cli]" in capsys.readouterr().err
