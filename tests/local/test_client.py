"""LocalControl: control of a running server from Python."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from statsig_api_client import (
    APIConnectionError,
    InternalServerError,
    RateLimitError,
    ResponseValidationError,
    Statsig,
)
from statsig_api_client.local import (
    ControlError,
    LocalControl,
    LocalProject,
    LocalServer,
    UnknownNameError,
)

from .conftest import SHOP

ADA = {"userID": "ada", "email": "ada@example.com"}
BOB: dict[str, Any] = {"userID": "bob", "customIDs": {"companyID": "acme"}}


@pytest.fixture(scope="module")
def running() -> Iterator[LocalServer]:
    with LocalServer(SHOP) as server:
        yield server


@pytest.fixture
def local(running: LocalServer) -> Iterator[LocalControl]:
    with LocalControl(running.url) as control:
        yield control
    running.reset()


@pytest.fixture
def statsig(local: LocalControl) -> Iterator[Statsig]:
    with Statsig(local.secret_key, base_url=local.url, max_retries=0) as client:
        yield client


def test_project_is_described(local: LocalControl) -> None:
    project = local.project()
    assert isinstance(project, LocalProject)
    assert project.file.endswith("project.yaml")
    assert (project.secret_key, project.client_key) == ("secret-local", "client-local")
    assert project.problem is None
    assert local.client_key == "client-local"
    assert local.gates == ("new_checkout", "staff_tools")
    assert local.configs == ("homepage",)
    assert local.experiments == ("add_to_cart_test", "logo_test")
    assert local.layers == ("product_page",)


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_url_of_api_is_accepted(running: LocalServer, end: str) -> None:
    with LocalControl(running.url.removesuffix("/v1") + end) as local:
        assert local.url == running.url
        assert local.gates == running.gates


def test_all_pages_of_events_are_read(local: LocalControl, statsig: Statsig) -> None:
    for start in (0, 500, 1000, 1500, 2000):
        statsig.log_events([{"eventName": f"event {start + n}", "user": ADA} for n in range(500)])
    assert [event.event_name for event in local.events()] == [f"event {n}" for n in range(2500)]


def test_events_are_filtered(local: LocalControl, statsig: Statsig) -> None:
    statsig.log_event(ADA, "seen")
    statsig.log_event(BOB, "bought", value=2.5)
    time.sleep(0.01)
    later = time.time_ns() // 1_000_000
    statsig.log_event(BOB, "seen")
    statsig.check_gate(BOB, "staff_tools")
    assert [event.event_name for event in local.events()] == ["seen", "bought", "seen"]
    assert [event.value for event in local.events("bought")] == [2.5]
    assert [event.user["userID"] for event in local.events("seen")] == ["ada", "bob"]
    assert [event.event_name for event in local.events(user_id="bob")] == ["bought", "seen"]
    assert len(local.events(user_id="acme")) == 2
    assert [event.event_name for event in local.events(since=later)] == ["seen"]
    assert [event.event_name for event in local.events(until=later)] == ["seen", "bought"]


def test_exposures_are_filtered(local: LocalControl, statsig: Statsig) -> None:
    statsig.check_gate(ADA, "staff_tools")
    statsig.check_gate(BOB, "staff_tools")
    time.sleep(0.01)
    later = time.time_ns() // 1_000_000
    statsig.get_config(BOB, "homepage")
    statsig.get_layer(ADA, "product_page")
    assert len(local.exposures()) == 4
    assert [exposure.name for exposure in local.exposures("homepage")] == ["homepage"]
    assert [exposure.name for exposure in local.exposures(kind="layer")] == ["product_page"]
    assert [exposure.name for exposure in local.exposures(kind="config")] == ["homepage"]
    assert len(local.exposures(kind="gate", user_id="ada")) == 1
    assert [e.user["userID"] for e in local.exposures(rule_id="staff")] == ["ada"]
    assert len(local.exposures(since=later)) == 2
    assert len(local.exposures("staff_tools", until=later)) == 2


def test_newest_order_reverses_events(local: LocalControl, statsig: Statsig) -> None:
    for name in ("first", "second", "third"):
        statsig.log_event(BOB, name)
    assert [e.event_name for e in local.events(order="newest")] == ["third", "second", "first"]
    assert statsig.check_gate(ADA, "staff_tools")
    assert not statsig.check_gate(BOB, "staff_tools")
    assert [e.user["userID"] for e in local.exposures(order="newest")][:1] == ["bob"]


def test_gate_is_overridden(local: LocalControl, statsig: Statsig) -> None:
    local.override_gate("staff_tools", value=True)
    assert statsig.check_gate(BOB, "staff_tools")
    local.override_gate("staff_tools", value=False, user_id="ada")
    assert not statsig.check_gate(ADA, "staff_tools")
    assert statsig.check_gate(BOB, "staff_tools")
    local.override_gate("staff_tools", value=False, unit_id=("companyID", "acme"))
    assert not statsig.check_gate(BOB, "staff_tools")
    local.remove_overrides()
    assert statsig.check_gate(ADA, "staff_tools")
    assert not statsig.check_gate(BOB, "staff_tools")


def test_configs_experiments_and_layers_are_overridden(
    local: LocalControl, statsig: Statsig
) -> None:
    local.override_config("homepage", {"button_color": "black"}, "ada")
    assert statsig.get_config(ADA, "homepage").value == {"button_color": "black"}
    assert statsig.get_config(BOB, "homepage").get("button_color", "") == "blue"
    for group, shape in (("Control", "circle"), ("Square", "square")):
        local.override_experiment("logo_test", group=group)
        assert statsig.get_experiment(ADA, "logo_test").get("shape", "") == shape
    local.override_experiment("logo_test", {"shape": "star"}, user_id="bob")
    assert statsig.get_experiment(BOB, "logo_test").value == {"shape": "star"}
    assert statsig.get_experiment(ADA, "logo_test").value == {"shape": "square"}
    local.override_layer("product_page", {"price_format": "long"})
    layer = statsig.get_layer(ADA, "product_page")
    assert (layer.get("price_format", ""), layer.get("show_reviews", False)) == ("long", True)


def test_misspelt_name_raises_with_suggestion(local: LocalControl) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'staff_tools'") as caught:
        local.override_gate("staff_tool", value=True)
    assert caught.value.status == 404
    with pytest.raises(UnknownNameError, match="homepage"):
        local.override_config("home_page", {})
    with pytest.raises(UnknownNameError, match="Square"):
        local.override_experiment("logo_test", group="Squares")
    with pytest.raises(UnknownNameError, match="product_page"):
        local.override_layer("product_pages", {})


def test_experiment_override_requires_value_or_group(local: LocalControl) -> None:
    with pytest.raises(TypeError, match="either value or group"):
        local.override_experiment("logo_test")
    with pytest.raises(TypeError, match="either value or group"):
        local.override_experiment("logo_test", {"shape": "star"}, group="Square")


def test_invalid_value_raises_with_path(local: LocalControl) -> None:
    with pytest.raises(ControlError) as caught:
        local.fail_next(status=9)
    assert caught.value.status == 400
    assert caught.value.path == "$.status"
    assert str(caught.value) == "$.status: expected at least 200"
    with pytest.raises(ControlError) as caught:
        local.override_gate("staff_tools", True, "ada", unit_id=("companyID", "acme"))  # noqa: FBT003
    assert caught.value.status == 400


def test_fault_requires_keyword_arguments(local: LocalControl) -> None:
    with pytest.raises(TypeError, match="positional argument"):
        local.fail_next(503)  # type: ignore[misc]  # pyright: ignore[reportCallIssue]


def test_next_calls_fail(local: LocalControl, statsig: Statsig) -> None:
    local.fail_next(times=2, status=500)
    for _ in range(2):
        with pytest.raises(InternalServerError):
            statsig.check_gate(ADA, "staff_tools")
    assert statsig.check_gate(ADA, "staff_tools")


def test_named_calls_fail_until_faults_are_removed(local: LocalControl, statsig: Statsig) -> None:
    local.fail_next(times=None, call="check_gate", status=429, retry_after=7)
    for _ in range(3):
        with pytest.raises(RateLimitError) as caught:
            statsig.check_gate(ADA, "staff_tools")
    assert caught.value.status_code == 429
    assert statsig.get_config(ADA, "homepage").value
    response = httpx.post(
        f"{local.url}/check_gate",
        headers={"statsig-api-key": local.secret_key},
        json={"gateName": "staff_tools"},
    )
    assert response.headers["retry-after"] == "7"
    local.remove_faults()
    local.fail_next(call=["get_layer", "log_event"])
    assert statsig.check_gate(ADA, "staff_tools")
    with pytest.raises(InternalServerError):
        statsig.get_layer(ADA, "product_page")


def test_drop_garbage_and_delay_are_injected(local: LocalControl, statsig: Statsig) -> None:
    local.fail_next(drop=True)
    with pytest.raises(APIConnectionError):
        statsig.check_gate(ADA, "staff_tools")
    local.fail_next(garbage=True)
    with pytest.raises(ResponseValidationError):
        statsig.check_gate(ADA, "staff_tools")
    local.fail_next(status=None, delay=0.3)
    begin = time.monotonic()
    assert statsig.check_gate(ADA, "staff_tools")
    assert time.monotonic() - begin >= 0.3


def test_reset_discards_everything(local: LocalControl, statsig: Statsig) -> None:
    statsig.log_event(BOB, "seen")
    local.override_gate("staff_tools", value=True)
    local.fail_next(times=None)
    local.reset()
    assert local.events() == []
    assert not statsig.check_gate(BOB, "staff_tools")


def test_proxy_of_environment_is_ignored(
    running: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with LocalControl(running.url) as local:
        assert local.gates == running.gates


def test_connections_are_not_kept_open() -> None:
    clients: list[tuple[str, int]] = []

    class Kept(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            clients.append(self.client_address)
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(204)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Kept) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with LocalControl(f"http://127.0.0.1:{server.server_port}") as local:
            local.reset()
            local.reset()
        server.shutdown()
    assert len(set(clients)) == 2


def test_unreachable_server_raises() -> None:
    with (
        LocalControl("http://127.0.0.1:9") as local,
        pytest.raises(ControlError, match=r"no local server at http://127\.0\.0\.1:9: ") as caught,
    ):
        local.events()
    assert caught.value.status is None


class Page(BaseHTTPRequestHandler):
    """Responds to all requests with a page, as web applications do."""

    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\ncontent-type: text/html\r\n\r\n<!doctype html>")


class OtherVersion(BaseHTTPRequestHandler):
    """A local server whose status has another form."""

    def do_GET(self) -> None:
        body = b'{"version": 2}'
        self.wfile.write(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n" + body)


def test_response_of_other_version_raises() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherVersion) as another:
        threading.Thread(target=another.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{another.server_port}"
        with LocalControl(url) as local, pytest.raises(ControlError) as caught:
            local.status()
        another.shutdown()
    assert caught.value.status == 200
    assert str(caught.value) == (
        f"unexpected response of the local server {url}: $.version: expected string, got integer"
    )


@pytest.mark.parametrize(("handler", "status"), [(BaseHTTPRequestHandler, 501), (Page, 200)])
def test_other_server_raises(handler: type[BaseHTTPRequestHandler], status: int) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as another:
        threading.Thread(target=another.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{another.server_port}"
        with LocalControl(url) as local, pytest.raises(ControlError) as caught:
            local.events()
        another.shutdown()
    assert caught.value.status == status
    assert str(caught.value).startswith(f"{url}/local/events")
    assert str(caught.value).endswith(" is not a local server")
