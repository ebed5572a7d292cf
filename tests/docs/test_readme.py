"""Every code block of the README runs."""

import asyncio
import re
import textwrap
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from openfeature import api

import statsig_api_client
from statsig_api_client import EventWarning, Statsig, StatsigUser
from statsig_api_client.local import LocalServer
from tests.docs.pages import ROOT, code_blocks, run

README = "README.md"
REPOSITORY = "https://github.com/statsig-api-client/statsig-api-client/blob/main/"


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.chdir(ROOT)
    with LocalServer("examples/project.yaml") as server:
        monkeypatch.setenv("STATSIG_API_KEY", server.secret_key)
        monkeypatch.setenv("STATSIG_BASE_URL", server.url)
        yield server


def test_ci_runs_readme_commands() -> None:
    first = code_blocks(README, "sh")[0]
    commands = [line.partition("#")[0].strip() for line in first.splitlines()]
    steps = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    assert commands == ["make demo", "make test"]
    assert set(commands) < set(steps)


def test_first_steps_print_values(shop: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = code_blocks(README, "python", "First steps")
    run(code.replace("http://127.0.0.1:8765", shop.url.removesuffix("/v1")), README)
    printed = capsys.readouterr().out
    assert printed.startswith("staff tools are on\nbutton color: purple\nlogo: ")
    (event,) = shop.events()
    assert (event.event_name, event.value, event.metadata) == ("purchase", 9.99, {"sku": "A1"})


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "section", ["Errors", "Timeouts", "Request IDs and raw responses", "HTTP client"]
)
def test_section_blocks_run(section: str) -> None:
    with Statsig() as statsig:
        for code in code_blocks(README, "python", section):
            names = {"Statsig": Statsig, "httpx": httpx, "user": StatsigUser(user_id="42")}
            made = run(code, README, **names, statsig=statsig)["statsig"]
            assert isinstance(made, Statsig)
            if made is not statsig:
                made.close()


def test_durable_delivery_block_logs_event(
    shop: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = code_blocks(README, "python", "Durable event delivery")
    with Statsig() as statsig:
        run(code, README, statsig=statsig, user=StatsigUser(user_id="42"))
    assert [event.event_name for event in shop.events()] == ["purchase"]


def test_async_block_evaluates(shop: LocalServer) -> None:
    (code,) = code_blocks(README, "python", "Async")
    body = textwrap.indent(code, "    ")
    program = f"async def main():\n{body}\n    return gate, config\n"
    main = run(program, README, asyncio=asyncio, user=StatsigUser(user_id="42"))["main"]
    gate, config = asyncio.run(main())  # type: ignore[operator]
    assert (gate.name, config.name) == ("new_checkout", "homepage")
    assert {exposure.name for exposure in shop.exposures()} == {"new_checkout", "homepage"}


@pytest.mark.usefixtures("shop")
def test_openfeature_block_evaluates() -> None:
    (code,) = code_blocks(README, "python", "OpenFeature")
    with Statsig() as statsig:
        names = run(code, README, statsig=statsig)
        assert names["color"] == "blue"
        api.shutdown()


def test_local_server_block_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = code_blocks(README, "python", "Local server")
    run(code, README, Statsig=Statsig)


def test_event_warning_can_be_error(shop: LocalServer) -> None:
    with Statsig() as statsig, warnings.catch_warnings():
        warnings.filterwarnings("error", category=EventWarning)
        with pytest.raises(EventWarning, match="drops"):
            statsig.log_event({"userID": "42"}, "a<b")
    assert shop.events() == []


def test_error_tree_lists_public_errors() -> None:
    (tree,) = code_blocks(README, "", "Errors")[:1]
    names = re.findall(r"\w+Error", tree)
    public = [name for name in statsig_api_client.__all__ if name.endswith("Error")]
    assert sorted(names) == sorted(set(public) - {"SchemaError"})


def test_links_work_outside_checkout() -> None:
    text = (ROOT / README).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)|^\[[\w-]+\]: (\S+)$", text, flags=re.MULTILINE)
    for link in (inline or reference for inline, reference in links):
        assert link.startswith(("https://", "#")), link
        if link.startswith(REPOSITORY):
            assert (ROOT / link.removeprefix(REPOSITORY)).is_file(), link
