"""Many tabs at once, and a server that stops while they listen."""

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from statsig_api_client.local import LocalServer

from .console import Console


def test_eight_tabs_show_events(
    server: LocalServer, open_console: Callable[[LocalServer], Console]
) -> None:
    consoles = [open_console(server) for _ in range(8)]
    for console in consoles:
        console.open("live")
    with consoles[0].client() as statsig:
        statsig.log_event({"userID": "42"}, "purchase")
    for console in consoles:
        expect(console.page.locator(".live li")).to_contain_text("purchase")
    # Another tab continues the stream when the one that holds it closes.
    consoles[0].page.close()
    with consoles[1].client() as statsig:
        statsig.log_event({"userID": "42"}, "refund")
    for console in consoles[1:]:
        expect(console.page.locator(".live li")).to_have_count(2)
        assert console.complaints == []


def test_hidden_tab_catches_up(console: Console) -> None:
    console.open("live")
    script = """hidden => {
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    console.page.evaluate(script, arg=True)
    with console.client() as statsig:
        statsig.log_event({"userID": "42"}, "purchase")
    console.page.evaluate(script, arg=False)
    expect(console.page.locator(".live li")).to_contain_text("purchase")


def test_restarted_server_is_shown(page: Page, project: Path) -> None:
    with LocalServer(project) as first:
        port = int(first.url.split(":")[2].removesuffix("/v1"))
        console = Console(page, first)
        console.open("live")
        with console.client() as statsig:
            for _ in range(3):
                statsig.log_event({"userID": "42"}, "purchase")
        expect(page.locator(".live li")).to_have_count(3)
    expect(page.get_by_text("The server does not respond.").first).to_be_visible()
    with LocalServer(project, port=port) as second, Console(page, second).client() as statsig:
        statsig.log_event({"userID": "42"}, "refund")
        expect(page.locator(".live li")).to_have_count(1)
        expect(page.locator(".live li")).to_contain_text("refund")


def test_server_with_streams_stops_at_once(caplog: pytest.LogCaptureFixture) -> None:
    server = LocalServer("examples/project.yaml")
    url = server.url.removesuffix("v1") + "local/stream"
    ended: list[str] = []
    connected = threading.Barrier(6)

    def listen() -> None:
        with httpx.stream("GET", url, timeout=10) as response:
            lines = response.iter_lines()
            next(lines)
            connected.wait(10)
            ended.extend(line for line in lines if line.startswith("id: "))

    listeners = [threading.Thread(target=listen) for _ in range(5)]
    for listener in listeners:
        listener.start()
    connected.wait(10)
    with caplog.at_level(logging.WARNING):
        begin = time.perf_counter()
        server.close()
        assert time.perf_counter() - begin < 0.5
    for listener in listeners:
        listener.join(10)
    assert [r.message for r in caplog.records if r.levelno >= logging.WARNING] == []
