"""The command `statsig-api lift`."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.cli.main import main
from statsig_api_client.local import LocalServer
from tests.lift.records import LOGO_TEST, T0, groups, source
from tests.lift.test_experiment import PROJECT
from tests.lift.test_export import export as export  # noqa: PLC0414  (a fixture)

GROUPS = ["--group", "Control=50", "--group", "Square=50"]


@pytest.fixture
def events(tmp_path: Path) -> str:
    return str(source(tmp_path, groups([[1], [2], []] * 50, [[3], [4], []] * 50)).files)


def output(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["lift", *arguments]) == 0, capsys.readouterr().err
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["lift", *arguments]) == 2
    return capsys.readouterr().err.rstrip("\n").rpartition("rror: ")[2]


def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)


def test_pipe_gets_json(events: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["logo_test", "--events", events, *GROUPS, "--no-winsorize"]
    results = output([*arguments, "--metric", "purchase:sum", "--metric", "purchase:users"], capsys)
    assert [one.get("metric_name") for one in results] == ["purchase:sum", "purchase:users", None]
    assert results[0]["ctrl_mean"] == pytest.approx(1.0)
    assert results[0]["rel_delta"] == pytest.approx(4 / 3)
    assert results[2]["health"]["account"]["events"] == 200


def test_terminal_gets_table(
    events: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal(monkeypatch)
    arguments = ["lift", "logo_test", "--events", events, *GROUPS, "--metric", "purchase:count"]
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("logo_test: 150 Control, 150 Square; control group")
    assert main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["name"] == "logo_test"


def test_options_reach_analysis(
    events: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["analyze", "logo_test", "--events", events, *GROUPS, "--metric", "purchase:sum"]
    arguments += ["--alpha", "0.1", "--relative", "delta", "--side", "greater"]
    arguments += ["--planned-units", "300", "--control", "Square", "--environment", "all"]
    arguments += ["--window", "2", "--correction", "bonferroni"]
    arguments += ["--start", "2025-11-01T00:00:00Z", "--end", "2025-12-31T00:00:00Z"]
    plot = tmp_path / "lift.png"
    (result, _) = output([*arguments, "--plot", str(plot)], capsys)
    assert (result["alpha"], result["rel_method"], result["side"]) == (0.1, "delta", "greater")
    assert (result["experiment_group"], result["is_complete"]) == ("Control", True)
    assert plot.exists()
    (result, _) = output([*arguments[:-10], "--correction", "benjamini-hochberg"], capsys)
    assert result["alpha"] == 0.1


def test_database_and_server_are_sources(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = str(tmp_path / "events.db")
    with LocalServer(PROJECT, db=db) as server:
        assert main(["lift", "logo_test", "--server", server.url, "--metric", "a:count"]) == 2
        assert "expected exposures, got none" in capsys.readouterr().err
        arguments = ["logo_test", "--db", db, "--project", str(PROJECT), "--metric", "a:count"]
        assert "expected exposures, got none" in error(arguments, capsys)


def test_exposures_may_have_columns_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assigned = tmp_path / "assigned.csv"
    assigned.write_text(f"uid,variant,ts\nx,Control,{T0}\ny,Square,{T0}\n")
    results = output(
        [
            *("logo_test", "--exposures", str(assigned), "--time-unit", "ms", *GROUPS),
            *("--exposure-map", "user.userID=uid,metadata.ruleID=variant,time=ts"),
            *("--metric", "purchase:count"),
        ],
        capsys,
    )
    assert results[1]["health"]["units"] == {"Control": 1, "Square": 1}


def test_export_is_source(export: Any, capsys: pytest.CaptureFixture[str]) -> None:
    files, _ = export
    arguments = ["logo_test", "--group", "Control", "--group", "Square"]
    arguments += ["--first-exposures", str(files.first_exposures)]
    arguments += ["--user-metrics", str(files.user_metrics)]
    metrics = ["--metric", "purchase:event_count", "--metric", "ctr:ratio:ratio"]
    results = output([*arguments, *metrics], capsys)
    assert [one["test_units"] for one in results[:2]] == [60, 60]
    assert "expected NAME:TYPE, got 'purchase'" in error(
        [*arguments, "--metric", "purchase"], capsys
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected a source: --db, --server, --events or --first-exposures"),
        (["--events", "x.jsonl"], "expected the groups of the experiment: --project or --group"),
        (["--user-metrics", "x.csv"], "--user-metrics needs --first-exposures"),
        (["--exposures", "x.csv"], "--exposures and --exposure-map need each other"),
        (["--db", "absent.db", *GROUPS], "absent.db: no such file"),
        (["--db", "x.db", "--group", "A=1", "--group", "B=b"], "NAME=SHARE, got 'B=b'"),
        (["--db", "x.db", *GROUPS, "--start", "monday"], "--start: expected 2026-11-01T00:00:00Z"),
        (["--db", "x.db", *GROUPS, "--metric", "y"], "metric: expected EVENT:count"),
    ],
)
def test_invalid_arguments_are_rejected(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in error(["logo_test", "--metric", "a:count", *arguments], capsys)


def test_invalid_option_is_rejected(events: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["lift", "logo_test", "--events", events, *GROUPS, "--metric", "a:count"]
    assert main([*arguments, "--alpha", "0.7"]) == 3
    assert capsys.readouterr().err == "error: alpha: expected a fraction below 0.5, got 0.7\n"


def test_size_prints_units_and_days(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["size", "--baseline", "0.1", "--effect", "5%"]
    (found,) = output(arguments, capsys)
    assert (found["units"], found["days"]) == (115_520, None)
    terminal(monkeypatch)
    assert main(["lift", *arguments, "--units-per-day", "2000"]) == 0
    assert capsys.readouterr().out == (
        "57,760 units in the control group\n57,760 units in each test group\n"
        "115,520 units in all, 58 days\n"
        "z-test of two means with unpooled variances, alpha 0.05 (two-sided), power 0.8\n"
    )
    assert main(["lift", *arguments[:-1], "0.05"]) == 0
    assert "115,520 units in all\n" in capsys.readouterr().out


def test_size_of_invalid_effect_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["size", "--baseline", "0.1", "--effect"]
    assert error([*arguments, "much"], capsys) == "--effect: expected 5% or 0.05, got 'much'"
    assert "effect: expected a difference" in error([*arguments, "0"], capsys)


def test_help_lists_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lift", "--help"]) == 0
    assert "analyze" in capsys.readouterr().out
    assert main(["lift", "logo_test", "--help"]) == 0
    assert "--crossover [drop|keep]" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["logo_test", "--metric", "a:count"], ["size", "--baseline", "1", "--effect", "1"]],
)
def test_missing_extra_is_reported(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("statsig_api_client.lift")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    assert main(["lift", *arguments]) == 3
    assert capsys.readouterr().err == (
        "error: lift requires the extra `lift` (scipy is missing): "
        "pip install 'statsig-api-client[lift]'\n"
    )


def test_source_without_its_extra_is_reported(
    events: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("statsig_api_client.bulk")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "orjson", None)
    arguments = ["lift", LOGO_TEST.name, "--events", events, *GROUPS, "--metric", "a:count"]
    assert main(arguments) == 3
    assert "bulk imports require orjson" in capsys.readouterr().err
