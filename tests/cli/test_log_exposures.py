"""The commands `log-exposures` and `get-ranked-list`."""

import json
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from statsig_api_client.cli.main import main
from tests.cli.test_command_line import Terminal
from tests.support.clients import KEY
from tests.support.loopback import Loopback, respond

EXPERIMENT = {"experimentName": "e", "group": "Test", "user": {"userID": "1"}}
GATE = {"gateName": "g", "passes": True, "ruleID": "r", "user": {"userID": "1"}}


@pytest.fixture(autouse=True)
def _connected(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", server.url)


def test_exposures_are_sent_in_one_request(
    server: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.script(respond(202, {"success": True}), respond(202, {"success": True}))
    file = tmp_path / "exposures.jsonl"
    file.write_text(f"\ufeff{json.dumps(EXPERIMENT)}\n\n{json.dumps(GATE)}\n", encoding="utf-8")
    assert main(["log-exposures", str(file)]) == 0
    assert json.loads(capsys.readouterr().out) == {"success": True}
    with redirect_stdout(Terminal()) as screen:
        assert main(["log-exposures", str(file)]) == 0
    assert screen.getvalue() == "Statsig accepted 2 exposures.\n"
    assert server.requests[0].path.endswith("/log_custom_exposure")
    assert server.requests[0].json["exposures"] == [EXPERIMENT, GATE]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\n", "e: expected at least one exposure, got none"),
        (b"\xff", "e: not UTF-8"),
        (b'{"gateName": "g"\n', "e:1: not JSON"),
        (b"[" * 99_999, "e:1: not JSON"),
        (b"[]", "e:1: exposure: expected object"),
        (json.dumps(EXPERIMENT).encode() + b'\n{"experimentName": "e"}', "e:2: exposure"),
        (b'{"gateName": "g", "passes": 1, "group": "a"}', "e:1: exposure.passes"),
    ],
)
def test_invalid_exposures_are_not_sent(
    content: bytes,
    problem: str,
    server: Loopback,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("e").write_bytes(content)
    assert main(["log-exposures", "e"]) == 2
    assert problem in capsys.readouterr().err
    assert not server.requests


def test_ranked_list_prints_line_per_variant(
    server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    variants = [
        {"name": name, "value": {"offer": name}, "score": score, "rule_id": "r"}
        for name, score in (("a", 0.9), ("b", 0.1))
    ]
    server.script(respond(200, variants), respond(200, variants))
    assert main(["get-ranked-list", "offers", "--user-id", "1"]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == variants
    with redirect_stdout(Terminal()) as screen:
        assert main(["get-ranked-list", "offers", "--user-id", "1"]) == 0
    assert "variant a" in screen.getvalue()
    assert "0.9" in screen.getvalue()
