"""The console's files, plain text for other clients, and hints for wrong URLs."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

import statsig_api_client.local
from statsig_api_client.local.http.app import create_app
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import ServerState

from .conftest import SHOP, Api

CONSOLE = Path(statsig_api_client.local.__file__).parent / "console"
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def root(api: Api) -> str:
    return api.server.url.removesuffix("v1")


def test_browser_receives_page(shop_server: Api) -> None:
    page = httpx.get(root(shop_server), headers=BROWSER)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    files = re.findall(r'"(/console/[^"]+)"', page.text)
    modules = {f"/console/{file.name}" for file in CONSOLE.glob("*.js")}
    assert modules <= set(files)
    for file in files:
        response = httpx.get(root(shop_server) + file[1:])
        assert response.status_code == 200
        assert response.headers["content-type"].startswith(("text/css", "text/javascript"))
        assert "content-security-policy" in response.headers


def test_all_modules_are_served(shop_server: Api) -> None:
    for file in CONSOLE.glob("*.js"):
        text = httpx.get(f"{root(shop_server)}console/{file.name}").text
        assert text == file.read_text(encoding="utf-8")
        for module in re.findall(r'from "\./([^"]+)"', text):
            assert (CONSOLE / module).is_file()


@pytest.mark.parametrize("name", ["nothing.js", "README.md", "preact.LICENSE", "..%2fserver.py"])
def test_other_files_are_not_served(shop_server: Api, name: str) -> None:
    assert httpx.get(f"{root(shop_server)}console/{name}").status_code == 404


def test_vendored_files_have_licenses() -> None:
    vendor = CONSOLE / "vendor"
    readme = (vendor / "README.md").read_text(encoding="utf-8")
    for file in vendor.glob("*.mjs"):
        (licence,) = re.findall(rf"`{file.name}`.*`([^`]+\.LICENSE)`", readme)
        assert (vendor / licence).is_file()


def test_control_page_redirects_browser(shop_server: Api) -> None:
    response = httpx.get(f"{root(shop_server)}local/", headers=BROWSER)
    assert (response.status_code, response.headers["location"]) == (307, "/")


def test_curl_receives_plain_text(shop_server: Api) -> None:
    response = httpx.get(root(shop_server))
    assert response.headers["content-type"].startswith("text/plain")
    assert f"POST {shop_server.server.url}/check_gate" in response.text
    assert str(SHOP) in response.text
    assert "base URL of the HTTP API" in httpx.get(shop_server.server.url).text


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("check_gate", "Not Found; did you mean /v1/check_gate?"),
        ("log_event/", "Not Found; did you mean /v1/log_event?"),
        ("nothing", "Not Found"),
    ],
)
def test_missing_prefix_is_suggested(shop_server: Api, path: str, message: str) -> None:
    response = httpx.post(root(shop_server) + path, json={})
    assert response.json() == {"status": 404, "message": message}


def test_public_server_reports_exposure() -> None:
    recording = Recording(None)
    state = ServerState(SHOP, recording)
    app = create_app(state, loopback_only=False)
    with TestClient(app, base_url="http://build-machine:8765") as client:
        assert client.get("/local/status").json()["loopbackOnly"] is False
    state.close()
    recording.close()


def test_api_responses_have_no_policy(serve: Callable[..., Api]) -> None:
    api = serve("gates: {one: {}}")
    response = api.post("check_gate", {"gateName": "one"})
    assert "content-security-policy" not in response.headers
