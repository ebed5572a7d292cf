"""Calls from end to end: every method, on every kind of client, on a real server."""

import copy
import gzip
import logging
import pickle
import re
import time
from typing import Any

import pytest

from statsig_api_client import (
    APIResponse,
    APIStatusError,
    ConfigurationError,
    ExperimentExposure,
    GateExposure,
    NotFoundError,
    ResponseValidationError,
    Statsig,
    StatsigError,
    StatsigEvent,
    StatsigUser,
    __version__,
)
from tests.support.clients import (
    KEY,
    ClientFactory,
    ScriptedError,
    ScriptedResponse,
    on_any_library,
)
from tests.support.loopback import GATE, Loopback, raw, respond

USER = StatsigUser(user_id="42", email="ada@example.com", private_attributes={"salary": 1})
WIRE_USER = {"userID": "42", "email": "ada@example.com", "privateAttributes": {"salary": 1}}
CONFIG = {"name": "a_config", "value": {"color": "blue"}, "rule_id": None, "group_name": "Test"}


@pytest.fixture
def statsig(make: ClientFactory, server: Loopback) -> Any:
    return make(base_url=server.url)


# ---- Evaluations ----


def test_check_gate(statsig: Any, server: Loopback) -> None:
    gate = statsig.check_gate(USER, "a_gate")
    assert gate
    assert (gate.name, gate.value, gate.rule_id, gate.group_name) == (
        "a_gate",
        True,
        "r1",
        "everyone",
    )
    (request,) = server.requests
    assert request.path == "/v1/check_gate"
    assert request.json == {"user": WIRE_USER, "gateName": "a_gate"}


@pytest.mark.parametrize("body", [{"a_gate": GATE}, [GATE], {"a_gate": {"value": True}}])
def test_check_gates(statsig: Any, server: Loopback, body: object) -> None:
    server.script(respond(200, body))
    gates = statsig.check_gates(USER, ["a_gate", "b_gate"])
    assert gates["a_gate"]
    assert server.requests[0].json == {"user": WIRE_USER, "gateNames": ["a_gate", "b_gate"]}


@pytest.mark.parametrize("method", ["get_config", "get_experiment"])
def test_get_config_and_get_experiment(statsig: Any, server: Loopback, method: str) -> None:
    server.script(respond(200, CONFIG))
    config = getattr(statsig, method)(USER, "a_config")
    assert config.get("color", "red") == "blue"
    assert config.group_name == "Test"
    (request,) = server.requests
    assert (request.path, request.json["configName"]) == ("/v1/get_config", "a_config")


def test_get_layer(statsig: Any, server: Loopback) -> None:
    server.script(respond(200, {"name": "a_layer", "value": {"a": 1}, "ruleID": "r"}))
    layer = statsig.get_layer(USER, "a_layer")
    assert (layer.rule_id, layer.get("a", 0)) == ("r", 1)
    assert server.requests[0].path == "/v1/get_layer"


def test_get_ranked_list(statsig: Any, server: Loopback) -> None:
    server.script(respond(200, [{"name": "v1", "value": {}, "rule_id": None, "score": 0.5}]))
    (variant,) = statsig.get_ranked_list(USER, "a_list")
    assert (variant.name, variant.score) == ("v1", 0.5)
    assert server.requests[0].path == "/v1/get_ranked_list"


def test_dict_is_accepted_as_user(statsig: Any, server: Loopback) -> None:
    statsig.check_gate({"userID": "42"}, "a_gate")
    assert server.requests[0].json["user"] == {"userID": "42"}


def test_response_of_2021_is_parsed(statsig: Any, server: Loopback) -> None:
    server.script(respond(200, {"name": "YOUR-GATE-NAME", "value": False}))
    assert not statsig.check_gate(USER, "YOUR-GATE-NAME")


def test_all_2xx_statuses_succeed(statsig: Any, server: Loopback) -> None:
    server.script(respond(206))
    assert statsig.check_gate(USER, "a_gate")


def test_last_duplicate_member_is_used(statsig: Any, server: Loopback) -> None:
    server.script(respond(200, b'{"name":"a","value":true,"value":false}'))
    assert not statsig.check_gate(USER, "a")


# ---- Deliveries ----


def test_log_event(statsig: Any, server: Loopback) -> None:
    server.script(respond(202, {"success": True}))
    before = int(time.time() * 1000)
    assert statsig.log_event(USER, "purchase", 9.99, {"sku": "A1"}).success
    (request,) = server.requests
    assert request.path == "/v1/log_event"
    (event,) = request.json["events"]
    assert before <= event.pop("time") <= time.time() * 1000
    assert event == {
        "eventName": "purchase",
        "user": {"userID": "42", "email": "ada@example.com"},
        "value": 9.99,
        "metadata": {"sku": "A1"},
    }


def test_log_event_sends_given_fields_only(statsig: Any, server: Loopback) -> None:
    server.script(respond(202, {"success": True}))
    statsig.log_event({"userID": "42"}, "seen", time="2026-01-01T00:00:00Z")
    (event,) = server.requests[0].json["events"]
    assert event == {
        "eventName": "seen",
        "user": {"userID": "42"},
        "time": "2026-01-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((USER, 7), "event_name: expected string, got integer"),
        ((USER, "purchase", [1]), "value: expected "),
        ((USER, "purchase", 1, {"a": 1}), "metadata.a: expected string, got integer"),
        ((USER, "purchase", 1, {}, 1.5), "time: expected integer or string, got number"),
        (("ada", "purchase"), "user: expected StatsigUser or object, got string"),
    ],
)
def test_log_event_rejects_invalid_arguments(
    statsig: Any, server: Loopback, arguments: tuple[Any, ...], problem: str
) -> None:
    with pytest.raises(TypeError, match=problem):
        statsig.log_event(*arguments)
    assert server.requests == []


def test_log_events(statsig: Any, server: Loopback) -> None:
    server.script(respond(202, {"success": True, "message": None}))
    events = [StatsigEvent(event_name="e1", user=USER), {"eventName": "e2", "value": "x"}]
    result = statsig.log_events(iter(events))
    assert (result.success, result.additional_properties) == (True, {"message": None})
    (request,) = server.requests
    assert [event["eventName"] for event in request.json["events"]] == ["e1", "e2"]
    assert request.headers["statsig-event-count"] == "2"


def test_log_custom_exposures(statsig: Any, server: Loopback) -> None:
    server.script(respond(202, {"success": True}))
    statsig.log_custom_exposures(
        [
            ExperimentExposure(experiment_name="a_test", group="Test", user=USER),
            GateExposure(gate_name="a_gate", passes=True, rule_id="r1", user=USER),
        ]
    )
    (request,) = server.requests
    assert request.path == "/v1/log_custom_exposure"
    assert [exposure["user"] for exposure in request.json["exposures"]] == [
        {"userID": "42", "email": "ada@example.com"}
    ] * 2
    assert request.headers["statsig-event-count"] == "2"


@pytest.mark.parametrize("status", [200, 202, 204])
def test_delivery_response_may_be_empty(statsig: Any, server: Loopback, status: int) -> None:
    server.script(raw(f"HTTP/1.1 {status} Fine\r\ncontent-length: 0\r\n\r\n".encode(), keep=True))
    assert statsig.log_event(USER, "purchase").success


def test_evaluation_response_must_not_be_empty(statsig: Any, server: Loopback) -> None:
    server.script(respond(200, b""))
    with pytest.raises(ResponseValidationError, match="not JSON"):
        statsig.check_gate(USER, "a_gate")


@pytest.mark.parametrize("names", [[], ["n"] * 101])
def test_check_gates_accepts_1_to_100_names(
    statsig: Any, server: Loopback, names: list[str]
) -> None:
    with pytest.raises(ValueError, match="gate_names: expected 1 to 100 items"):
        statsig.check_gates(USER, names)
    assert server.requests == []


@pytest.mark.parametrize("name", ["", "a", "x" * 500, "no/such*name", "日本"])
def test_invalid_name_is_rejected_by_api(statsig: Any, server: Loopback, name: str) -> None:
    statsig.check_gate(USER, name)
    assert server.requests[0].json["gateName"] == name


# ---- Headers and options ----


def test_requests_identify_sdk(statsig: Any, server: Loopback) -> None:
    statsig.check_gate(USER, "a_gate")
    headers = server.requests[0].headers
    assert headers["statsig-api-key"] == KEY
    assert headers["content-type"] == headers["accept"] == "application/json"
    assert headers["accept-encoding"] == "gzip, deflate"
    assert headers["user-agent"] == f"statsig-api-client-python/{__version__}"
    assert headers["statsig-sdk-type"] == "py-http-api"
    assert headers["statsig-sdk-version"] == __version__
    assert abs(int(headers["statsig-client-time"]) - time.time() * 1000) < 60_000
    assert "statsig-event-count" not in headers


def test_large_event_batches_are_compressed(make: ClientFactory, server: Loopback) -> None:
    server.script(respond(200, {"success": True}))
    events = [{"eventName": "a_name", "value": index} for index in range(100)]
    statsig = make(base_url=server.url)
    packing = statsig.with_options(gzip_events=True)
    statsig.log_events(events)
    packing.log_events(events)
    packing.log_events(events[:1])
    packing.log_event(USER, "a_name")
    plain, packed, *small = server.requests
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["statsig-event-count"] == "100"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 5
    assert all("content-encoding" not in each.headers for each in small)


def test_log_exposures_false_disables_exposures(make: ClientFactory, server: Loopback) -> None:
    statsig = make(base_url=server.url, log_exposures=False)
    statsig.check_gate(USER, "a_gate")
    assert server.requests[0].json["statsigMetadata"] == {"exposureLoggingDisabled": True}
    statsig.with_options(log_exposures=True).check_gate(USER, "a_gate")
    assert "statsigMetadata" not in server.requests[1].json
    server.script(respond(202, {"success": True}))
    statsig.log_event(USER, "purchase")
    assert "statsigMetadata" not in server.requests[2].json


def test_environment_applies_to_users_without_one(make: ClientFactory, server: Loopback) -> None:
    statsig = make(base_url=server.url, environment="staging")
    users = [
        {"userID": "1"},
        {"userID": "2", "statsigEnvironment": {}},
        {"userID": "3", "statsigEnvironment": {"tier": "development"}},
    ]
    for user in users:
        statsig.check_gate(user, "a_gate")
    tiers = [request.json["user"]["statsigEnvironment"]["tier"] for request in server.requests]
    assert tiers == ["staging", "staging", "development"]
    server.script(respond(202, {"success": True}))
    statsig.log_events([{"eventName": "e", "user": user} for user in users] + [{"eventName": "e"}])
    *events, last = server.requests[-1].json["events"]
    assert [event["user"]["statsigEnvironment"]["tier"] for event in events] == tiers
    assert "user" not in last


def test_arguments_are_not_modified(make: ClientFactory, server: Loopback) -> None:
    statsig = make(base_url=server.url, environment="staging", log_exposures=False)
    user = {"userID": "42", "privateAttributes": {"salary": 1}}
    event = {"eventName": "e", "user": user}
    before = copy.deepcopy(event)
    statsig.check_gate(user, "a_gate")
    statsig.log_events([event])
    assert event == before


# ---- Raw responses ----


def test_raw_response_has_status_headers_body(statsig: Any, server: Loopback) -> None:
    server.script(respond(201, GATE, {"X-Request-Id": "r7", "Set-Cookie": "a=1"}))
    response = statsig.with_raw_response.check_gate(USER, "a_gate")
    assert isinstance(response, APIResponse)
    assert (response.status_code, response.attempts, response.request_id) == (201, 1, "r7")
    assert response.content.startswith(b'{"name": "a_gate"')
    assert 0 < response.elapsed < 5
    assert response.headers["content-type"] == response.headers["Content-Type"]
    assert "X-REQUEST-ID" in response.headers
    assert response.parse() == statsig.check_gate(USER, "a_gate")


def test_raw_response_joins_repeated_headers(statsig: Any, server: Loopback) -> None:
    twice = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\ncontent-length: 0\r\n\r\n"
    server.script(raw(twice, keep=True))
    headers = statsig.with_raw_response.check_gate(USER, "a_gate").headers
    assert dict(headers) == {"x-a": "1, 2", "content-length": "0"}
    assert (len(headers), headers.get("nothing")) == (2, None)
    assert repr(headers) == "<Headers: x-a, content-length>"


def test_raw_response_copy_keeps_headers(statsig: Any) -> None:
    response = statsig.with_raw_response.check_gate(USER, "a_gate")
    copied = copy.deepcopy(response)
    pickled = pickle.dumps(response.headers)
    assert copied.headers == pickle.loads(pickled) == response.headers  # noqa: S301  (our own)
    assert copied.parse() == response.parse()


def test_raw_response_parses_lazily(statsig: Any, server: Loopback) -> None:
    server.script(respond(200, b"nonsense"))
    response = statsig.with_raw_response.get_config(USER, "a_config")
    assert response.content == b"nonsense"
    for _ in range(2):
        with pytest.raises(ResponseValidationError):
            response.parse()


def test_raw_response_has_no_fallback(make: ClientFactory, server: Loopback) -> None:
    server.script(respond(404, b"no"))
    statsig = make(base_url=server.url, on_error="fallback")
    with pytest.raises(NotFoundError):
        statsig.with_raw_response.get_layer(USER, "a_layer")


def test_every_method_has_raw_form(statsig: Any, server: Loopback) -> None:
    raw_methods = statsig.with_raw_response
    for name in ("check_gate", "get_config", "get_experiment", "get_layer", "get_ranked_list"):
        assert getattr(raw_methods, name)(USER, "aa").status_code == 200
    assert raw_methods.check_gates(USER, ["aa"]).status_code == 200
    assert raw_methods.log_events([{"eventName": "e"}]).status_code == 200
    exposure = {"gateName": "g", "passes": True, "ruleID": "r"}
    assert raw_methods.log_custom_exposures([exposure]).status_code == 200
    assert len(server.requests) == 8


@on_any_library
def test_raw_response_counts_attempts(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(500), ScriptedError("ReadError"), ScriptedResponse())
    response = statsig.with_raw_response.check_gate(USER, "a_gate")
    assert (response.attempts, response.elapsed) == (3, 1.5)
    assert repr(response) == "APIResponse(status_code=200, elapsed=1.5, attempts=3)"


# ---- Opening and closing ----


def test_closed_client_raises_configuration_error(statsig: Any, server: Loopback) -> None:
    statsig.check_gate(USER, "a_gate")
    statsig.close()
    statsig.close()
    with pytest.raises(ConfigurationError, match=r"^check_gate: the client is closed$"):
        statsig.check_gate(USER, "a_gate")
    assert len(server.requests) == 1


def test_copy_shares_connections(statsig: Any, server: Loopback) -> None:
    view = statsig.with_options(timeout=5)
    view.check_gate(USER, "a_gate")
    view.close()
    statsig.check_gate(USER, "a_gate")
    view.check_gate(USER, "a_gate")
    assert server.connections == 1
    statsig.close()
    with pytest.raises(ConfigurationError, match="closed"):
        view.check_gate(USER, "a_gate")


def test_client_is_context_manager(server: Loopback) -> None:
    with Statsig(KEY, base_url=server.url) as statsig:
        assert statsig.check_gate(USER, "a_gate")
    with pytest.raises(ConfigurationError):
        statsig.check_gate(USER, "a_gate")


def test_unused_client_needs_no_close(server: Loopback) -> None:
    Statsig(KEY, base_url=server.url)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_client_copy_is_rejected(copied: Any) -> None:
    with Statsig(KEY) as statsig, pytest.raises(TypeError, match="cannot be pickled or copied"):
        copied(statsig)


def test_two_clients_do_not_share_connections(server: Loopback) -> None:
    with Statsig(KEY, base_url=server.url) as one, Statsig(KEY, base_url=server.url) as other:
        one.check_gate(USER, "a_gate")
        one.close()
        assert other.check_gate(USER, "a_gate")


def test_unreachable_port_is_reported(server: Loopback) -> None:
    with Statsig(KEY, base_url=server.url, max_retries=0) as statsig:
        statsig.check_gate(USER, "a_gate")
        server.stop()
        with pytest.raises(StatsigError):
            statsig.check_gate(USER, "a_gate")


# ---- Logging ----


@on_any_library
def test_attempts_are_logged_at_debug(
    make: ClientFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "statsig_api_client")
    statsig = make.script(ScriptedResponse(500), ScriptedError("ReadError"), ScriptedResponse())
    statsig.check_gate(USER, "a_gate")
    lines = [
        record.getMessage() for record in caplog.records if record.name == "statsig_api_client"
    ]
    assert [re.sub(r"\d\.\d+", "T", line) for line in lines] == [
        "check_gate: attempt 1 at api.statsig.com, T s after the start: 500",
        "check_gate: attempt 2 at api.statsig.com, T s after the start: it went wrong",
        "check_gate: attempt 3 at api.statsig.com, T s after the start: 200",
    ]


@on_any_library
def test_success_is_not_logged(make: ClientFactory, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "statsig_api_client")
    statsig = make.script(ScriptedResponse(500), ScriptedResponse(404))
    with pytest.raises(APIStatusError):
        statsig.check_gate(USER, "a_gate")
    assert [r for r in caplog.records if r.name == "statsig_api_client"] == []
