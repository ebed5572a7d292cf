"""Programs for tests that end, fork or are killed."""

import atexit
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.chaos.chance import KEY
from tests.support.collector import Collector


def run(program: str, collector: Collector, *arguments: object) -> "subprocess.Popen[str]":
    """Start a program with a client `statsig` and a function `log`."""
    head = (
        "import asyncio, atexit, os, signal, sys, time\n"
        "from statsig_api_client import AsyncStatsig, Statsig\n"
        "from statsig_api_client.events import AsyncEventLogger, EventLogger\n"
        f"url = {collector.url!r}\n"
        f"statsig = Statsig({KEY!r}, base_url=url)\n"
        "user = {'userID': '42'}\n"
        "def log(events, n): events.log(user, 'purchase', metadata={'n': str(n)})\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def at_exit(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """Return the list in which handlers for the end of the interpreter are registered."""
    registered: list[Callable[[], object]] = []
    monkeypatch.setattr(atexit, "register", registered.append)
    return registered
