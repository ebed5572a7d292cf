"""Commands `explain` and `local` against a local server."""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import Statsig, StatsigUserWarning
from statsig_api_client.cli.main import main
from statsig_api_client.local import LocalControl, LocalServer, RecordedEvent

SHOP = Path(__file__).parents[2] / "examples" / "project.yaml"


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def shop() -> Iterator[LocalServer]:
    with LocalServer(SHOP) as server:
        yield server


@pytest.fixture(autouse=True)
def server(shop: LocalServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.setenv("STATSIG_BASE_URL", shop.url)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "400")
    yield shop
    shop.reset()


def lines(*arguments: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    with redirect_stdout(out):
        assert main(arguments) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def terminal(*arguments: str) -> str:
    with redirect_stdout(Terminal()) as screen:
        assert main(arguments) == 0
    text = "\n".join(line.rstrip() for line in screen.getvalue().splitlines())
    return text.strip("\n")


def rows(text: str) -> list[list[str]]:
    """Return the cells of a printed table without its header."""
    return [[cell for cell in line.split("  ") if cell.strip()] for line in text.splitlines()[2:]]


def stripped(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in row] for row in rows(text)]


# ---- explain ----


def test_explain_prints_json_lines(server: LocalServer) -> None:
    results = lines("explain", "--user-id", "7", "--country", "NO", "--custom", "plan=pro")
    assert [result["name"] for result in results] == [e.name for e in server.entities()]
    (homepage,) = [result for result in results if result["name"] == "homepage"]
    assert homepage == {
        "kind": "config",
        "name": "homepage",
        "value": {"button_color": "red", "headline": "Winter sale", "products_shown": 48},
        "rule_id": "sale in the north",
        "group": "sale in the north",
        "experiment": None,
        "reason": "rule",
        "why": "country is DK, FI, NO or SE and custom.plan is not free",
    }


def test_explain_prints_table() -> None:
    text = terminal("explain", "--user-id", "1", "--kind", "layer")
    (row,) = stripped(text)
    assert row[:2] == ["layer", "product_page"]
    assert row[3:] == [
        "add_to_cart_test: Green",
        "in experiment add_to_cart_test: group Green: in 50 % of users",
    ]


@pytest.mark.parametrize(
    ("options", "gate"),
    [
        (["--email", "a@example.com"], "staff_tools"),
        (["--environment", "staging", "--app-version", "2.1"], "new_checkout"),
        (["--custom-id", "companyID=acme"], "new_checkout"),
    ],
)
def test_attribute_options_reach_evaluation(options: list[str], gate: str) -> None:
    (result,) = lines("explain", *options, "--name", gate)
    assert result["value"] is True


def test_all_attributes_have_options(tmp_path: Path) -> None:
    project = tmp_path / "project.yaml"
    attributes = {
        "ip": "8.8.8.8",
        "locale": "en_US",
        "userAgent": "curl",
        "os": "Android",
        "browser": "Firefox",
        "custom.secret": "x",
    }
    conditions = ", ".join(f"{name}: {{ is: {value!r} }}" for name, value in attributes.items())
    project.write_text(f"gates: {{all: {{rules: [{{name: r, if: {{{conditions}}}}}]}}}}", "utf-8")
    options = [
        "--ip",
        "8.8.8.8",
        "--locale",
        "en_US",
        "--user-agent",
        "curl",
        "--os-name",
        "Android",
        "--browser-name",
        "Firefox",
        "--private",
        "secret=x",
    ]
    (result,) = lines("explain", "--project", str(project), *options)
    assert (result["value"], result["rule_id"]) == (True, "r")


def test_comparison_prints_differences(tmp_path: Path) -> None:
    other = tmp_path / "user.json"
    other.write_text('{"userID": "7", "email": "a@example.com"}', "utf-8")
    results = lines("explain", "--user-id", "7", "--compare", str(other))
    assert [result["name"] for result in results] == ["staff_tools", "homepage", "staff"]
    assert results[0]["first"]["value"] is False
    assert results[0]["second"]["why"] == "in segment staff"
    everything = lines("explain", "--user-id", "7", "--compare", str(other), "--all")
    assert len(everything) == 8
    table = stripped(
        terminal("explain", "--user-id", "7", "--compare", str(other), "--kind", "gate")
    )
    assert table[0][0:2] == ["gate", "staff_tools"]
    assert table[0][4:] == ["pass", "in segment staff"]
    assert terminal("explain", "--user-id", "7", "--compare", '{"userID": "7"}') == (
        "Both users get the same results."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--compare", "{"], "--compare: not JSON"),
        (["--compare", "no such file"], "--compare: expected a JSON object or a file"),
        (["--compare", '{"userID": 1}'], "user.userID: expected string"),
        (["--name", "nothing"], "--name: the project has no entity nothing"),
    ],
)
def test_invalid_argument_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--user-id", "7", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_compared_list_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "users.json"
    file.write_text("[]", "utf-8")
    assert main(["explain", "--user-id", "7", "--compare", str(file)]) == 2
    assert "expected one JSON object" in capsys.readouterr().err


def test_invalid_project_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "project.yaml"
    project.write_text("gates:\n  a_gate: { rulez: [] }\n", "utf-8")
    assert main(["explain", "--user-id", "7", "--project", str(project)]) == 2
    assert "project.yaml:2: " in capsys.readouterr().err


def test_missing_server_exits_with_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--user-id", "7", "--url", "http://127.0.0.1:9"]) == 4
    assert "start one with statsig-api serve" in capsys.readouterr().err


def test_missing_extra_exits_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.startswith("statsig_api_client.local")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "statsig_python_core", None)
    assert main(["local", "reset"]) == 3
    assert "statsig-api-client[local]" in capsys.readouterr().err


# ---- local overrides ----


def test_overrides_are_set_listed_removed(server: LocalServer) -> None:
    for arguments in (
        ["gate", "staff_tools", "pass", "--user-id", "42"],
        ["gate", "staff_tools", "fail"],
        ["experiment", "logo_test", "Square", "--unit-id", "companyID=acme"],
        ["experiment", "logo_test", '{"shape": "star"}'],
        ["config", "homepage", '{"headline": "Hi"}'],
        ["layer", "product_page", '{"show_reviews": false}'],
    ):
        assert main(["local", "overrides", "set", *arguments]) == 0
    assert lines("local", "overrides")[0] == {
        "kind": "gate",
        "name": "staff_tools",
        "value": True,
        "group": None,
        "unit": {"type": "userID", "id": "42"},
    }
    assert stripped(terminal("local", "overrides")) == [
        ["gate", "staff_tools", "userID 42", "pass"],
        ["gate", "staff_tools", "everyone", "fail"],
        ["experiment", "logo_test", "companyID acme", "Square"],
        ["experiment", "logo_test", "everyone", '{"shape": "star"}'],
        ["config", "homepage", "everyone", '{"headline": "Hi"}'],
        ["layer", "product_page", "everyone", '{"show_reviews": false}'],
    ]
    assert main(["local", "overrides", "remove", "gate", "staff_tools", "--user-id", "42"]) == 0
    assert len(server.overrides()) == 5
    assert main(["local", "overrides", "remove"]) == 0
    assert server.overrides() == []


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["gate", "staff_tools", "yes"], 2, "VALUE: expected pass or fail, got 'yes'"),
        (["config", "homepage", "{"], 2, "VALUE: expected a JSON object"),
        (["config", "homepage", "[]"], 2, "VALUE: expected a JSON object, got '[]'"),
        (["gate", "staf_tools", "pass"], 4, "did you mean 'staff_tools'?"),
        (["gate", "staff_tools", "pass", "--unit-id", "acme"], 2, "--unit-id: expected KEY=VALUE"),
        (
            ["gate", "staff_tools", "pass", "--unit-id", "a=b", "--user-id", "1"],
            2,
            "expected at most one of --user-id and --unit-id",
        ),
    ],
)
def test_invalid_override_is_reported(
    arguments: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["local", "overrides", "set", *arguments]) == status
    assert message in capsys.readouterr().err


# ---- local exposures, events ----


@pytest.fixture
def statsig(server: LocalServer) -> Iterator[Statsig]:
    with Statsig(server.secret_key, base_url=server.url) as statsig:
        yield statsig


@pytest.mark.filterwarnings("ignore::statsig_api_client.StatsigUserWarning")
def test_recorded_events_are_printed(statsig: Statsig) -> None:
    user = {"userID": "42", "customIDs": {"companyID": "acme"}}
    statsig.check_gate({"userID": "42", "customIDs": {"companyID": "acme"}}, "staff_tools")
    statsig.get_config({"userID": "43"}, "homepage")
    statsig.log_event({"userID": "42"}, "purchase", 9.5, metadata={"sku": "A\x1b1"})
    with pytest.warns(StatsigUserWarning, match="without an ID"):
        statsig.log_event({}, "visit")
    exposures = lines("local", "exposures", "--user-id", "42")
    assert [exposure["user"] for exposure in exposures] == [user]
    assert [event["eventName"] for event in lines("local", "events", "--limit", "1")] == ["visit"]
    shown = [line[10:] for line in terminal("local", "exposures").splitlines()]
    assert shown == [
        "gate  staff_tools  42, acme  fail  default",
        "config  homepage  43  default",
    ]
    shown = [line[10:] for line in terminal("local", "events").splitlines()]
    assert shown == ['event  purchase  42  9.5  {"sku": "A\\u001b1"}', "event  visit  no ID"]


class Stop(KeyboardInterrupt):
    """The interrupt of a test."""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["exposures"], ["staff_tools", "homepage", "staff_tools"]),
        (["exposures", "staff_tools", "--user-id", "43"], ["staff_tools"]),
        (["exposures", "--kind", "config"], ["homepage"]),
        (["events"], ["purchase"]),
    ],
)
def test_follow_prints_arriving_events(
    statsig: Statsig,
    arguments: list[str],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statsig.check_gate({"userID": "42"}, "staff_tools")

    def log() -> None:
        statsig.get_config({"userID": "42"}, "homepage")
        statsig.log_event({"userID": "42"}, "purchase")
        statsig.check_gate({"userID": "43"}, "staff_tools")
        statsig.log_event({"userID": "42"}, "the last")

    stream = LocalControl.stream

    def until_last(self: LocalControl, after: int | None = None) -> Iterator[RecordedEvent]:
        log()
        for event in stream(self, after):
            if event.event_name == "the last":
                raise Stop
            yield event

    monkeypatch.setattr(LocalControl, "stream", until_last)
    out = io.StringIO()
    with redirect_stdout(out):
        assert main(["local", *arguments, "--follow"]) == 130
    printed = [json.loads(line) for line in out.getvalue().splitlines()]
    names = [
        event["metadata"].get("gate") or event["metadata"].get("config") or event["eventName"]
        for event in printed
    ]
    assert names == expected


# ---- local faults, reset ----


@pytest.mark.parametrize(
    ("options", "effect", "left"),
    [
        ([], "status 503", "1"),
        (
            ["--status", "429", "--retry-after", "1", "--times", "3"],
            "status 429, retry after 1 s",
            "3",
        ),
        (["--retry-after", "2"], "status 503, retry after 2 s", "1"),
        (["--delay", "0.5", "--forever"], "delayed by 0.5 s", "until removed"),
        (["--drop"], "connection dropped", "1"),
        (["--garbage"], "body that is not JSON", "1"),
    ],
)
def test_faults_are_added_and_listed(options: list[str], effect: str, left: str) -> None:
    assert main(["local", "faults", "add", "--call", "check_gate", *options]) == 0
    assert stripped(terminal("local", "faults")) == [["check_gate", effect, left]]
    assert main(["local", "faults", "remove"]) == 0
    assert main(["local", "faults", "add"]) == 0
    assert lines("local", "faults")[0]["calls"] is None
    assert stripped(terminal("local", "faults")) == [["all", "status 503", "1"]]


def test_contradicting_faults_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["local", "faults", "add", "--drop", "--garbage"]) == 2
    assert "expected at most one of" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ([], (0, 0, 0)),
        (["--recorded"], (0, 1, 1)),
        (["--overrides"], (1, 0, 1)),
        (["--faults"], (1, 1, 0)),
    ],
)
def test_reset_discards_parts(
    server: LocalServer, statsig: Statsig, options: list[str], left: tuple[int, int, int]
) -> None:
    statsig.check_gate({"userID": "42"}, "staff_tools")
    server.override_gate("staff_tools", value=True)
    server.fail_next()
    assert main(["local", "reset", *options]) == 0
    found = (len(server.exposures()), len(server.overrides()), len(server.faults()))
    assert found == left
