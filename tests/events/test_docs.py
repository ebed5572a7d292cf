"""Every command and Python block of the guide runs."""

import ast
import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import statsig_api_client
import statsig_api_client.events
from tests.chaos.chance import logger
from tests.docs.pages import code_blocks
from tests.support.clients import KEY
from tests.support.collector import Collector, Response

ROOT = Path(__file__).parents[2]
PAGE = "docs/events.md"
GUIDE = (ROOT / PAGE).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _at_the_collector(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)


def spoken(start: str) -> str:
    """The code within the text that begins so."""
    text = re.sub(r"^```.*?^```", "", GUIDE, flags=re.MULTILINE | re.DOTALL)
    (found,) = {code for code in re.findall(r"`([^`]+)`", text) if code.startswith(start)}
    return found


def run(code: str, **names: Any) -> Any:
    """Run code; a coroutine, if it awaits something."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return eval(compile(code, "guide", "exec", flags=flags), names)  # noqa: S307


def test_first_program_delivers(collector: Collector) -> None:
    code = code_blocks(PAGE, "python")[0]
    run(code)
    long_way = 'EventLogger(statsig, spool="events.db")'
    assert long_way in code
    run(code.replace(long_way, spoken("statsig.events(")))
    assert [event["metadata"] for event in collector.events] == [{"sku": "A1"}] * 2


def test_asyncio_program_delivers(collector: Collector) -> None:
    code = spoken("async with").replace("...", '{"userID": "42"}, "purchase"')
    asyncio.run(run(code, AsyncStatsig=statsig_api_client.AsyncStatsig))
    assert [event["eventName"] for event in collector.events] == ["purchase"]


def test_flush_before_freeze_is_bounded(collector: Collector) -> None:
    collector.plan = lambda *_: Response(503, b"", {"Retry-After": "60"}, accepts=False)
    with logger(collector.url, flush_interval=3600) as events:
        events.log({"userID": "42"}, "purchase")
        run(spoken("events.flush(timeout"), events=events)
        assert events.stats().pending == 1


def test_signal_handler_ends_program() -> None:
    before = signal.getsignal(signal.SIGTERM)
    try:
        run(code_blocks(PAGE, "python", "Recipes")[0], signal=signal, sys=sys)
        with pytest.raises(SystemExit) as ended:
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended.value.code == 0


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_spool_commands_run(collector: Collector) -> None:
    collector.plan = lambda *_: Response(400, b"bad", accepts=False)
    with logger(collector.url, spool="events.db") as events:
        events.log({"userID": "42"}, "purchase")
        events.flush(30)
    collector.plan = lambda *_: Response()
    (commands,) = code_blocks(PAGE, "sh", "Inspecting a spool")
    ended = subprocess.run(
        [shutil.which("bash") or "", "-ec", commands],
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "1 rejected" in ended.stdout
    assert '"eventName":"purchase"' in ended.stdout
    assert ended.stdout.splitlines()[-3:] == [
        "1 dead letters are pending again",
        "0 dead letters are deleted",
        "1 delivered, 0 rejected, 0 pending",
    ]
    assert len(collector.events) == 1


def test_options_and_files_of_guide_exist() -> None:
    options = statsig_api_client.events.EventLoggerOptions.__annotations__
    named = set(re.findall(r"`([a-z_]+)=", GUIDE)) | {"max_spool_bytes", "max_pending", "overflow"}
    assert named - {"timeout"} <= options.keys()
    for path in re.findall(r"python (benchmarks/\S+\.py)", GUIDE):
        assert (ROOT / path).exists()
