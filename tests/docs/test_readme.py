"""What the README shows is true."""

import asyncio
import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from statsig_api_client import AsyncStatsig, EventWarning, Statsig, StatsigUser
from statsig_api_client.local import LocalServer

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str, section: str) -> list[str]:
    """The code of a section of the README."""
    text = re.split(r"^## ", README, flags=re.MULTILINE)
    (body,) = [part for part in text if part.startswith(section)]
    return re.findall(rf"^```{language}\n(.*?)^```", body, flags=re.MULTILINE | re.DOTALL)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.chdir(ROOT)
    with LocalServer("examples/project.yaml") as server:
        monkeypatch.setenv("STATSIG_API_KEY", server.secret_key)
        monkeypatch.setenv("STATSIG_BASE_URL", server.url)
        yield server


def run(code: str, **names: object) -> dict[str, object]:
    exec(compile(code, "README.md", "exec"), names)  # noqa: S102
    return names


def test_the_first_commands_are_those_of_ci() -> None:
    first = README.partition("```sh\n")[2].partition("```")[0]
    commands = [line.partition("#")[0].strip() for line in first.splitlines()]
    steps = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    made = [step for step in steps if step.startswith("make ")]
    assert commands == ["make test", "make demo"]
    assert made == ["make test", "make test-spark", "make demo"]


def test_the_quickstart_runs(shop: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks("python", "Quickstart")
    shop_code = code.replace("new_checkout", "staff_tools")
    assert run(shop_code)["shape"] in ("circle", "square")
    assert capsys.readouterr().out == "the new checkout\n"
    (event,) = shop.events()
    assert (event.event_name, event.value, event.metadata) == ("purchase", 9.99, {"sku": "A1"})


def test_the_options_raw_responses_and_http_clients_run(shop: LocalServer) -> None:
    import httpx

    with Statsig() as statsig:
        names = {"Statsig": Statsig, "httpx": httpx, "user": StatsigUser(user_id="42")}
        for section in ("Errors", "Timeouts", "Raw responses", "Custom HTTP client"):
            for code in blocks("python", section):
                made = run(code, **names, statsig=statsig)
                if made["statsig"] is not statsig:
                    made["statsig"].close()  # type: ignore[attr-defined]
    assert [exposure.name for exposure in shop.exposures()] == ["new_checkout"]


def test_events_are_logged_in_the_background(
    shop: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python", "Events that are never lost")
    with Statsig() as statsig:
        run(code, statsig=statsig, user=StatsigUser(user_id="42"))
    assert [event.event_name for event in shop.events()] == ["purchase"]


def test_the_asynchronous_client_runs(shop: LocalServer) -> None:
    (code,) = blocks("python", "Async")
    body = textwrap.indent(code, "    ")
    program = f"async def main():\n{body}\n    return gate, config\n"
    main = run(program, asyncio=asyncio, user=StatsigUser(user_id="42"))["main"]
    gate, config = asyncio.run(main())  # type: ignore[operator]
    assert (gate.name, config.name) == ("new_checkout", "homepage")
    assert {exposure.name for exposure in shop.exposures()} == {"new_checkout", "homepage"}


def test_the_local_server_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = blocks("python", "Local server")
    run(code, Statsig=Statsig)


class Recorder(ThreadingHTTPServer):
    """Answers each of the four calls, and keeps the requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.requests: list[tuple[str, object]] = []


class Answer(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Recorder

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, json.loads(body)))
        reply = {"/v1/check_gate": {"name": "g", "value": False}, "/v1/log_event": {}}
        content = json.dumps(reply.get(self.path, {"name": "c", "value": {}})).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def test_the_python_form_of_each_curl_call_sends_the_same() -> None:
    section = "The calls in curl"
    pairs = list(zip(blocks("sh", section), blocks("python", section), strict=True))
    assert len(pairs) == 4
    with Recorder() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/v1"
        with Statsig("secret-key", base_url=url) as statsig:
            for curl, code in pairs:
                words = shlex.split(curl)
                run(code, statsig=statsig)
                path, body = server.requests.pop()
                assert path == words[-1].removeprefix("https://api.statsig.com")
                assert body == json.loads(words[words.index("--data") + 1])
        server.shutdown()


def test_the_warning_of_events_can_be_made_an_error(shop: LocalServer) -> None:
    import warnings

    with Statsig() as statsig, warnings.catch_warnings():
        warnings.filterwarnings("error", category=EventWarning)
        with pytest.raises(EventWarning, match="drops"):
            statsig.log_event({"userID": "42"}, "a<b")
    assert shop.events() == []


def test_the_errors_are_those_of_the_code() -> None:
    import statsig_api_client

    (tree,) = blocks("", "Errors")[:1]
    names = re.findall(r"\w+Error", tree)
    public = [name for name in statsig_api_client.__all__ if name.endswith("Error")]
    assert sorted(names) == sorted(set(public) - {"SchemaError"})
    assert AsyncStatsig is statsig_api_client.AsyncStatsig
