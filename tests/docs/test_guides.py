"""Every code block of the client's guides runs."""

import ast
import asyncio
import inspect
import json
import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import django
import pytest
from celery import Celery
from django.conf import settings
from django.test import RequestFactory
from fastapi.testclient import TestClient

from statsig_api_client import Statsig
from statsig_api_client.local import LocalServer
from tests.docs.pages import ROOT, code_blocks, run


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalServer]:
    monkeypatch.chdir(tmp_path)
    with LocalServer(ROOT / "examples" / "project.yaml") as server:
        server.override_gate("new_checkout", value=True)
        monkeypatch.setenv("STATSIG_API_KEY", server.secret_key)
        monkeypatch.setenv("STATSIG_BASE_URL", server.url)
        yield server


def test_tutorial_program_and_tests_pass(tmp_path: Path) -> None:
    page = "docs/tutorial.md"
    (project,) = code_blocks(page, "yaml")
    program, tests = code_blocks(page, "python")
    (printed,) = code_blocks(page, "text")
    for name, text in (("project.yaml", project), ("shop.py", program), ("test_shop.py", tests)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    with LocalServer(tmp_path / "project.yaml") as server:
        environment = os.environ | {
            "STATSIG_API_KEY": server.secret_key,
            "STATSIG_BASE_URL": server.url,
        }
        done = subprocess.run(
            [sys.executable, "shop.py"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == printed
        assert {exposure.name for exposure in server.exposures()} == {"free_shipping", "checkout"}
        assert [event.event_name for event in server.events()] == ["purchase"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--statsig-project=project.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout


def test_migration_example_runs(shop: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = code_blocks("docs/migrating.md", "python")
    run(code, "docs/migrating.md")
    assert capsys.readouterr().out == "new checkout\n"
    assert [event.event_name for event in shop.events()] == ["purchase"]


def test_lambda_handler_returns_variant(shop: LocalServer) -> None:
    (code,) = code_blocks("docs/serverless.md", "python")
    names = run(code, "docs/serverless.md")
    assert names["handler"]({"customer": "ada"}, None) == {"checkout": "new"}  # type: ignore[operator]
    names["statsig"].close()  # type: ignore[attr-defined]
    assert [event.metadata for event in shop.events()] == [{"variant": "new"}]


def test_notebook_cells_run(shop: LocalServer) -> None:
    names: dict[str, object] = {}

    async def run_cells() -> None:
        for cell in code_blocks("docs/notebooks.md", "python"):
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            result = eval(compile(cell, "docs/notebooks.md", "exec", flags), names)  # noqa: S307
            if inspect.isawaitable(result):
                await result

    asyncio.run(run_cells())
    assert names["gate"]
    assert len(shop.exposures("new_checkout")) == 101


def test_logging_blocks_run(shop: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
    root, package = logging.getLogger(), logging.getLogger("statsig_api_client")
    before = root.level, package.level
    try:
        for code in code_blocks("docs/logging.md", "python"):
            shop.fail_next(status=401)
            run(code, "docs/logging.md")
    finally:
        root.setLevel(before[0])
        package.setLevel(before[1])
    assert capsys.readouterr().out == "wrong key: None\n"


def test_fastapi_app_checks_and_logs(shop: LocalServer) -> None:
    (code,) = code_blocks("docs/frameworks.md", "python", "FastAPI")
    with TestClient(run(code, "docs/frameworks.md")["app"]) as client:  # type: ignore[arg-type]
        assert client.get("/checkout", headers={"x-customer": "ada"}).json() == {"new": True}
    assert [event.event_name for event in shop.events()] == ["checkout_shown"]


def test_flask_app_checks_and_logs(shop: LocalServer) -> None:
    (code,) = code_blocks("docs/frameworks.md", "python", "Flask")
    names = run(code, "docs/frameworks.md")
    client = names["app"].test_client()  # type: ignore[attr-defined]
    assert client.get("/checkout", headers={"X-Customer": "ada"}).get_json() == {"new": True}
    names["events"].close()  # type: ignore[attr-defined]
    names["statsig"].close()  # type: ignore[attr-defined]
    assert [event.event_name for event in shop.events()] == ["checkout_shown"]


@pytest.mark.usefixtures("shop")
def test_django_view_checks_gate() -> None:
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["testserver"])
        django.setup()
    (code,) = code_blocks("docs/frameworks.md", "python", "Django")
    names = run(code, "docs/frameworks.md")
    request = RequestFactory().get("/checkout", headers={"X-Customer": "ada"})
    response = names["checkout"](request)  # type: ignore[operator]
    assert json.loads(response.content) == {"new": True}
    names["statsig"].close()  # type: ignore[attr-defined]


def test_celery_task_logs_event(shop: LocalServer) -> None:
    (code,) = code_blocks("docs/frameworks.md", "python", "Celery")
    names = run(code, "docs/frameworks.md")
    app = names["app"]
    assert isinstance(app, Celery)
    app.conf.task_always_eager = True
    assert names["record_purchase"].delay("ada", 9.99).get()  # type: ignore[attr-defined]
    names["statsig"].close()  # type: ignore[attr-defined]
    assert [event.value for event in shop.events("purchase")] == [9.99]


class RecordingServer(ThreadingHTTPServer):
    """Server that responds to all documented calls and records the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), RecordingHandler)
        self.requests: list[tuple[str, object]] = []


class RecordingHandler(BaseHTTPRequestHandler):
    """Handler of one request."""

    server: RecordingServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, json.loads(body)))
        responses = {"/v1/check_gate": {"name": "g", "value": False}, "/v1/log_event": {}}
        content = json.dumps(responses.get(self.path, {"name": "c", "value": {}})).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def test_python_call_sends_curl_body() -> None:
    page = "docs/http-api.md"
    pairs = list(zip(code_blocks(page, "sh"), code_blocks(page, "python"), strict=True))
    assert len(pairs) == 4
    with RecordingServer() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        with Statsig("secret-key", base_url=url) as statsig:
            for curl, code in pairs:
                arguments = shlex.split(curl)
                run(code, page, statsig=statsig)
                path, body = server.requests.pop()
                assert path == arguments[-1].removeprefix("https://api.statsig.com")
                assert body == json.loads(arguments[arguments.index("--data") + 1])
        server.shutdown()
