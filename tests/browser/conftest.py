"""The console and SDKs in Chromium, on local servers of the test's own."""

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from statsig_api_client.local import EXAMPLE_PROJECT, LocalServer

if find_spec("playwright") is None:  # `make test` leaves the browser to `make test-browser`.
    collect_ignore_glob = ["test_*.py"]
else:
    from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

    from .console import Console

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A name of the tests of DNS rebinding.
    "--host-resolver-rules=MAP attacker.example 127.0.0.1",
)


def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, "no Chromium; install one, such as Debian's package chromium"
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: "Browser") -> Iterator["BrowserContext"]:
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def page(context: "BrowserContext") -> "Page":
    return context.new_page()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    file = tmp_path / "project.yaml"
    shutil.copyfile(EXAMPLE_PROJECT, file)
    return file


@pytest.fixture
def server(project: Path) -> Iterator[LocalServer]:
    with LocalServer(project, watch=True) as server:
        yield server


@pytest.fixture
def console(page: "Page", server: LocalServer) -> Iterator["Console"]:
    """The console of the server; it must make no foreign request and log nothing."""
    console = Console(page, server)
    yield console
    assert console.complaints == []


@pytest.fixture
def open_console(context: "BrowserContext") -> "Callable[[LocalServer], Console]":
    return lambda server: Console(context.new_page(), server)
