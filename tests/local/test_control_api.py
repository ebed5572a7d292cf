"""Control API below `/local`: responses, changes, and access control."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from statsig_api_client.local.http.app import create_app
from statsig_api_client.local.http.control_api import control_document
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import ServerState
from tests.support.config_specs import REAL_PROJECTS

from .conftest import SHOP, Api, Json


def local(api: Api, path: str) -> str:
    return api.server.url.removesuffix("v1") + f"local/{path}"


def get(api: Api, path: str, **query: Any) -> Any:
    response = httpx.get(local(api, path), params=query)
    assert response.status_code == 200, response.text
    return response.json()


def error_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["message"]


@pytest.fixture
def api(serve: Callable[..., Api]) -> Api:
    return serve(SHOP.read_text(encoding="utf-8"))


def test_health_returns_ok(shop_server: Api) -> None:
    assert get(shop_server, "health") == {"status": "ok"}


def test_project_is_returned(shop_server: Api) -> None:
    project = get(shop_server, "project")
    assert isinstance(project.pop("time"), int)
    assert project == {
        "file": str(SHOP),
        "url": shop_server.server.url,
        "keys": {"secret": "secret-local", "client": "client-local"},
        "environments": ["development", "staging", "production"],
        "gates": ["new_checkout", "staff_tools"],
        "configs": ["homepage"],
        "experiments": ["add_to_cart_test", "logo_test"],
        "layers": ["product_page"],
        "segments": ["staff"],
        "holdouts": ["yearly_holdout"],
        "idLists": ["partners"],
        "problem": None,
    }


def test_empty_project_is_returned(serve: Callable[..., Api]) -> None:
    api = serve("description: nothing")
    project = get(api, "project")
    assert all(project[k] == [] for k in ("gates", "configs", "experiments", "layers", "segments"))
    assert get(api, "entities") == {"items": []}
    assert get(api, "specs")["feature_gates"] == {}


@pytest.mark.filterwarnings("ignore:.*treated as empty")
@pytest.mark.parametrize("name", ["demo_project_dcs.json", "eval_project_dcs.json"])
def test_real_projects_are_returned_completely(serve: Callable[..., Api], name: str) -> None:
    if not REAL_PROJECTS.is_dir():
        pytest.skip("real projects are not present")
    text = (REAL_PROJECTS / name).read_text(encoding="utf-8")
    api, document = serve(text, "project.json"), json.loads(text)
    project, items = get(api, "project"), get(api, "entities")["items"]
    shown = sum(len(project[k]) for k in ("gates", "configs", "experiments", "layers", "segments"))
    sections = ("feature_gates", "dynamic_configs", "layer_configs")
    all_names = [name for section in sections for name in document[section]]
    written = [name for name in all_names if not name.startswith("segment:inline_targeting:")]
    assert shown + len(project["holdouts"]) == len(written) == len(items)
    assert all(len(set(item["groups"])) == len(item["groups"]) for item in items)


def test_entities_are_returned(api: Api) -> None:
    items = get(api, "entities")["items"]
    assert [(item["kind"], item["name"]) for item in items] == [
        ("gate", "new_checkout"),
        ("gate", "staff_tools"),
        ("config", "homepage"),
        ("experiment", "add_to_cart_test"),
        ("experiment", "logo_test"),
        ("layer", "product_page"),
        ("segment", "staff"),
        ("holdout", "yearly_holdout"),
    ]
    httpx.put(local(api, "overrides"), json={"kind": "gate", "name": "staff_tools", "value": True})
    httpx.put(
        local(api, "overrides"),
        json={"kind": "experiment", "name": "logo_test", "group": "Square", "userID": "ada"},
    )
    assert get(api, "entities", kind="experiment")["items"][1] == {
        "kind": "experiment",
        "name": "logo_test",
        "idType": "userID",
        "enabled": True,
        "groups": ["Control", "Square"],
        "overridden": True,
    }
    assert [g["overridden"] for g in get(api, "entities", kind="gate")["items"]] == [False, True]


def test_recorded_events_are_returned(api: Api) -> None:
    api.post("log_event", {"events": [{"eventName": "buy", "user": {"userID": "ada"}, "value": 2}]})
    for user in ("ada", "bob", "ada"):
        api.gate("staff_tools", {"userID": user})
    api.config("homepage", {"userID": "ada"})
    (event,) = get(api, "events", userID="ada", name="buy")["items"]
    assert (event["eventName"], event["value"], event["user"]) == ("buy", 2, {"userID": "ada"})
    assert get(api, "events", since=event["receivedTime"] + 1)["items"] == []
    assert get(api, "events", until=event["receivedTime"])["items"] == []
    gates = get(api, "exposures", kind="gate", name="staff_tools", userID="ada", ruleID="default")
    assert len(gates["items"]) == 2
    page = get(api, "exposures", limit=3)
    rest = get(api, "exposures", limit=3, after=page["next"])
    assert [item["id"] for item in (*page["items"], *rest["items"])] == [2, 3, 4, 5]
    assert rest["next"] is None


def test_reset_discards_requested_state(api: Api) -> None:
    override = {"kind": "gate", "name": "staff_tools", "value": True}

    def fill() -> None:
        api.gate("staff_tools")
        httpx.put(local(api, "overrides"), json=override)
        httpx.post(local(api, "faults"), json={"calls": ["get_layer"], "delay": 1})

    def left() -> list[bool]:
        return [bool(get(api, path)["items"]) for path in ("exposures", "overrides", "faults")]

    fill()
    kept = {"recorded": False, "overrides": False, "faults": False}
    for wanted, expected in (
        (kept, [True, True, True]),
        ({**kept, "recorded": True}, [False, True, True]),
        ({}, [False, False, False]),
    ):
        assert httpx.post(local(api, "reset"), json=wanted).status_code == 204
        assert left() == expected


def test_overrides_are_returned_and_removed(api: Api) -> None:
    made: list[Json] = [
        {"kind": "gate", "name": "staff_tools", "value": False},
        {"kind": "gate", "name": "staff_tools", "userID": "ada", "value": True},
        {"kind": "gate", "name": "new_checkout", "value": True},
        {"kind": "experiment", "name": "logo_test", "userID": "ada", "group": "Square"},
        {
            "kind": "config",
            "name": "homepage",
            "unitID": {"type": "companyID", "id": "acme"},
            "value": {"headline": "Hi"},
        },
    ]
    for override in made:
        response = httpx.put(local(api, "overrides"), json=override)
        assert (response.status_code, response.json()) == (200, override)
    assert get(api, "overrides")["items"] == made

    def without(query: Json, left: list[int]) -> None:
        assert httpx.delete(local(api, "overrides"), params=query).status_code == 204
        assert get(api, "overrides")["items"] == [made[n] for n in left]

    without({"name": "unknown"}, [0, 1, 2, 3, 4])
    without({"kind": "gate", "name": "staff_tools", "userID": "ada"}, [0, 2, 3, 4])
    without({"userID": "ada"}, [0, 2, 4])
    without({"kind": "gate"}, [4])
    without({}, [])


def test_user_override_is_normalized(api: Api) -> None:
    unit = {"type": "userID", "id": "ada"}
    override = {"kind": "gate", "name": "staff_tools", "unitID": unit, "value": True}
    assert "unitID" not in httpx.put(local(api, "overrides"), json=override).json()
    httpx.delete(local(api, "overrides"), params={"userID": "ada"})
    assert get(api, "overrides")["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("PUT", "overrides", {"kind": "gate"}, "$: expected name, which is missing"),
        (
            "PUT",
            "overrides",
            {"kind": "gat", "name": "a", "value": True},
            "$.kind: expected",
        ),
        (
            "PUT",
            "overrides",
            {"kind": "gate", "name": "a", "value": {}},
            "$.value: expected",
        ),
        (
            "PUT",
            "overrides",
            {"kind": "layer", "name": "a", "value": 1},
            "$.value: expected",
        ),
        (
            "PUT",
            "overrides",
            {"kind": "experiment", "name": "a", "value": {}, "group": "b"},
            "$.group: unexpected value",
        ),
        (
            "PUT",
            "overrides",
            {"kind": "experiment", "name": "a"},
            "$: expected value or group",
        ),
        (
            "PUT",
            "overrides",
            {"kind": "gate", "name": "a", "value": True, "userID": "x", "unitID": {}},
            "$.unitID: expected type, which is missing",
        ),
        (
            "PUT",
            "overrides",
            {
                "kind": "gate",
                "name": "a",
                "value": True,
                "userID": "x",
                "unitID": {"type": "t", "id": "i"},
            },
            "$: expected at most one of userID and unitID",
        ),
        ("POST", "faults", {"status": 42}, "$.status: expected at least 200"),
        (
            "POST",
            "faults",
            {"calls": ["chek"], "status": 500},
            "$.calls[0]: expected",
        ),
        ("POST", "faults", {"delay": "1s"}, "$.delay: expected integer, got string"),
        ("POST", "faults", {"dealy": 1}, "$: unknown field: dealy"),
        ("POST", "reset", [], "$: expected object, got array"),
    ],
)
def test_invalid_body_is_rejected(
    shop_server: Api, method: str, path: str, body: object, message: str
) -> None:
    status, problem = error_of(httpx.request(method, local(shop_server, path), json=body))
    assert (status, problem[: len(message)]) == (400, message)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("events?nam=x", "?nam: unknown parameter; did you mean 'name'?"),
        ("events?name=x&name=y", "?name: expected one value, got several"),
        ("events?limit=0", "?limit: expected at least 1"),
        ("events?limit=ten", "?limit: expected integer, got string"),
        ("events?after=99999999999999999999", "?after: expected at most 9223372036854775807"),
        ("exposures?kind=event", "?kind: expected gate or config or layer"),
        ("entities?kind=gates", "?kind: expected gate or config"),
    ],
)
def test_invalid_query_is_rejected(shop_server: Api, path: str, message: str) -> None:
    status, problem = error_of(httpx.get(local(shop_server, path)))
    assert (status, problem[: len(message)]) == (400, message)


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize(("method", "path"), [("POST", "reset"), ("PUT", "overrides")])
def test_body_without_json_content_type_is_rejected(
    shop_server: Api, method: str, path: str, kind: str | None
) -> None:
    headers = {} if kind is None else {"content-type": kind}
    response = httpx.request(method, local(shop_server, path), content=b"{}", headers=headers)
    assert error_of(response) == (415, "expected content-type application/json")


def test_cross_origin_request_is_rejected(shop_server: Api) -> None:
    evaluated = {"origin": "https://evil.example", "access-control-request-method": "PUT"}
    preflight = httpx.options(local(shop_server, "overrides"), headers=evaluated)
    read = httpx.get(local(shop_server, "project"), headers={"origin": "https://evil.example"})
    for response in (preflight, read):
        assert not [name for name in response.headers if name.startswith("access-control")]
    assert preflight.status_code == 405


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("127.0.0.1:1", 200),
        ("127.8.0.1", 200),
        ("[::1]:8765", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example:8765", 421),
        ("", 421),
    ],
)
def test_foreign_host_is_rejected(shop_server: Api, host: str, status: int) -> None:
    response = httpx.get(local(shop_server, "project"), headers={"host": host})
    assert response.status_code == status
    specs = (
        shop_server.server.url.replace("/v1", "/v2") + "/download_config_specs/secret-local.json"
    )
    for url in (
        specs,
        specs.replace("/v2", "/v1"),
        f"{shop_server.server.url}/get_id_lists/secret-local.json",
    ):
        assert httpx.get(url, headers={"host": host}).status_code == status
    if status == 421:
        assert response.json()["message"] == (f"expected a loopback name as the host, got {host!r}")
    user = {"headers": {"host": host, "statsig-api-key": "secret-local"}}
    call = httpx.post(f"{shop_server.server.url}/check_gate", json={"gateName": "ab"}, **user)
    assert call.status_code == 200


def test_public_server_accepts_any_host() -> None:
    recording = Recording(None)
    service = ServerState(SHOP, recording)
    app = create_app(service, loopback_only=False)
    with TestClient(app, base_url="http://build-machine:8765") as client:
        assert client.get("/local/project").json()["url"] == "http://build-machine:8765/v1"
    service.close()
    recording.close()


def test_document_is_valid_openapi() -> None:
    pytest.importorskip("openapi_spec_validator").validate(control_document())


@pytest.mark.parametrize("path", ["", "openapi.json"])
def test_document_has_url_of_server(shop_server: Api, path: str) -> None:
    document = httpx.get(local(shop_server, path)).json()
    url = local(shop_server, "").removesuffix("/")
    assert [server["url"] for server in document["servers"]] == [url]
    assert document | {"servers": None} == control_document() | {"servers": None}


def test_unknown_path_returns_json_error(shop_server: Api) -> None:
    assert httpx.get(local(shop_server, "nothing")).json() == {
        "status": 404,
        "message": "Not Found",
    }
    assert httpx.post(local(shop_server, "health")).json()["status"] == 405
