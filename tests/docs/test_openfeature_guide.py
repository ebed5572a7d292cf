"""The OpenFeature guide and example: their code runs."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from openfeature import api

from statsig_api_client.local import LocalServer
from statsig_api_client.openfeature import StatsigProvider
from tests.docs.pages import ROOT, code_blocks, run
from tests.docs.test_local_server_guides import (
    RunningServer,
    matches,
    needs_curl,
    server,  # noqa: F401  (a fixture)
    sessions,
)

GUIDE = "docs/openfeature.md"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalServer]:
    monkeypatch.chdir(tmp_path)
    with LocalServer(ROOT / "examples" / "project.yaml") as running:
        running.override_gate("new_checkout", value=True)
        monkeypatch.setenv("STATSIG_API_KEY", running.secret_key)
        monkeypatch.setenv("STATSIG_BASE_URL", running.url)
        yield running
    api.shutdown()


def block(section: str) -> str:
    (code,) = code_blocks(GUIDE, "python", section)
    return code


@pytest.mark.usefixtures("shop")
def test_quickstart_prints_values(capsys: pytest.CaptureFixture[str]) -> None:
    run(block("Quickstart"), GUIDE)
    assert capsys.readouterr().out == "new checkout\nbutton color: purple\n"


def test_context_becomes_documented_user(shop: LocalServer) -> None:
    names = run(block("Quickstart"), GUIDE)
    context = run(block("Evaluation context"), GUIDE, **names)["user"]
    api.set_provider_and_wait(StatsigProvider())
    api.get_client().get_boolean_value("staff_tools", False, context)  # type: ignore[arg-type]  # noqa: FBT003
    assert shop.exposures("staff_tools")[-1].user == {
        "userID": "42",
        "email": "ada@example.com",
        "customIDs": {"companyID": "acme"},
        "custom": {"joined": "2026-02-01T00:00:00Z", "plan": "pro"},
    }


def test_tracking_block_logs_event(shop: LocalServer) -> None:
    names = run(block("Quickstart"), GUIDE)
    run(block("Tracking"), GUIDE, **names)
    (event,) = shop.events()
    assert (event.event_name, event.value) == ("purchase", 9.99)
    assert event.metadata == {"sku": "A1", "quantity": "2"}


@pytest.mark.usefixtures("shop")
def test_async_block_evaluates(capsys: pytest.CaptureFixture[str]) -> None:
    names = run(block("Quickstart"), GUIDE)
    names |= run(block("Tracking"), GUIDE, **names)
    capsys.readouterr()
    asyncio.run(run(block("Async"), GUIDE, **names)["main"]())  # type: ignore[operator]
    assert capsys.readouterr().out == "True\n"


@needs_curl
def test_ofrep_session_prints_documented_output(server: RunningServer) -> None:  # noqa: F811
    for command, documented in sessions("OFREP", GUIDE):
        assert matches(server.shell(command), documented), command


def test_ofrep_block_evaluates(shop: LocalServer) -> None:
    names = run(block("Quickstart"), GUIDE)
    address = shop.url.removesuffix("/v1")
    code = block("OFREP").replace("http://127.0.0.1:8765", address)
    run(code, GUIDE, **names)
    provider = api.get_client().provider
    details = api.get_client().get_boolean_details("new_checkout", False, names["user"])  # type: ignore[arg-type]  # noqa: FBT003
    assert details.value is True
    provider.session.close()  # type: ignore[attr-defined]


def test_example_prints_flags_and_logs_event(shop: LocalServer) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "openfeature_flags.py"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "'purple'     TARGETING_MATCH, variant staff preview" in done.stdout
    assert [event.event_name for event in shop.events()] == ["purchase"]
