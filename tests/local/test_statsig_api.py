"""Responses of the six calls of the HTTP API."""

from collections.abc import Callable

import httpx
import pytest

from .conftest import Api

ADA = {"userID": "ada", "email": "ada@example.com"}


def test_passing_gate_names_rule(shop_server: Api) -> None:
    response = shop_server.post("check_gate", {"gateName": "staff_tools", "user": ADA})
    assert response.status_code == 200
    assert response.json() == {
        "name": "staff_tools",
        "value": True,
        "rule_id": "staff",
        "group_name": "staff",
    }


def test_gate_without_passing_rule_uses_default(shop_server: Api) -> None:
    response = shop_server.post("check_gate", {"gateName": "staff_tools", "user": {"userID": "x"}})
    assert response.json() == {
        "name": "staff_tools",
        "value": False,
        "rule_id": "default",
        "group_name": None,
    }


def test_unknown_gate_fails_without_rule(shop_server: Api) -> None:
    response = shop_server.post("check_gate", {"gateName": "no_such_gate"})
    assert response.status_code == 200
    assert response.json() == {
        "name": "no_such_gate",
        "value": False,
        "rule_id": None,
        "group_name": None,
    }


def test_several_gates_return_map(shop_server: Api) -> None:
    names = ["staff_tools", "no_such_gate"]
    response = shop_server.post("check_gate", {"gateNames": names, "user": ADA}).json()
    assert list(response) == names
    assert response["staff_tools"]["value"] is True
    assert response["no_such_gate"] == {
        "name": "no_such_gate",
        "value": False,
        "rule_id": None,
        "group_name": None,
    }


def test_list_of_one_gate_returns_map(shop_server: Api) -> None:
    response = shop_server.post("check_gate", {"gateNames": ["staff_tools"]}).json()
    assert list(response) == ["staff_tools"]


def test_config_names_rule_in_both_fields(shop_server: Api) -> None:
    assert shop_server.config("homepage", ADA) == {
        "name": "homepage",
        "value": {
            "headline": "Welcome, colleague!",
            "button_color": "purple",
            "products_shown": 24,
        },
        "group": "staff preview",
        "rule_id": "staff preview",
        "group_name": "staff preview",
    }


def test_config_without_matching_rule_returns_default(shop_server: Api) -> None:
    response = shop_server.config("homepage")
    assert response["value"] == {
        "headline": "Welcome!",
        "button_color": "blue",
        "products_shown": 12,
    }
    assert (response["group"], response["rule_id"], response["group_name"]) == (
        "default",
        "default",
        None,
    )


def test_unknown_config_is_empty(shop_server: Api) -> None:
    response = shop_server.post("get_config", {"configName": "no_such_config"})
    assert response.status_code == 200
    assert response.json() == {
        "name": "no_such_config",
        "value": {},
        "group": "",
        "rule_id": None,
        "group_name": None,
    }


def test_experiment_names_group(shop_server: Api) -> None:
    responses = [shop_server.config("logo_test", {"userID": str(n)}) for n in range(20)]
    assert {(r["group_name"], r["value"]["shape"]) for r in responses} == {
        ("Control", "circle"),
        ("Square", "square"),
    }


def test_layer_returns_parameters_of_experiment(shop_server: Api) -> None:
    responses = [shop_server.layer("product_page", {"userID": str(n)}) for n in range(40)]
    assert {
        (r["ruleID"], r["allocatedExperimentName"], r["value"]["add_to_cart_color"])
        for r in responses
    } == {
        ("default", None, "blue"),
        ("Control", "add_to_cart_test", "blue"),
        ("Green", "add_to_cart_test", "green"),
    }
    assert all(set(r) == {"name", "value", "ruleID", "allocatedExperimentName"} for r in responses)
    assert all(r["value"]["price_format"] == "compact" for r in responses)


def test_unknown_layer_returns_404(shop_server: Api) -> None:
    response = shop_server.post("get_layer", {"layerName": "no_such_layer"})
    assert (response.status_code, response.json()) == (
        404,
        {"status": 404, "message": "no such layer"},
    )


@pytest.mark.parametrize("name", ["no_such_config", "homepage"])
def test_ranked_list_returns_404(shop_server: Api, name: str) -> None:
    response = shop_server.post("get_ranked_list", {"configName": name})
    assert (response.status_code, response.json()["status"]) == (404, 404)


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("log_event", {"events": [{"eventName": "purchase"}]}),
        ("log_custom_exposure", {"exposures": [{"experimentName": "logo_test", "ruleID": "x"}]}),
    ],
)
def test_events_are_accepted_with_202(shop_server: Api, call: str, body: object) -> None:
    response = shop_server.post(call, body)
    assert (response.status_code, response.json()) == (202, {"success": True})


def test_request_without_user_is_evaluated(shop_server: Api) -> None:
    assert shop_server.post("check_gate", {"gateName": "staff_tools"}).json()["value"] is False


def test_rollout_buckets_are_stable(shop_server: Api) -> None:
    passing = "".join(
        "x" if shop_server.gate("new_checkout", {"userID": str(n)}) else "." for n in range(32)
    )
    assert passing == "xx....xx..x..x.x...xx.x...xx...x"


def test_default_environment_is_production(
    serve: Callable[..., Api],
) -> None:
    api = serve("""
        gates:
          live: {rules: [{name: r, if: {environment: production}}]}
          test: {rules: [{name: r, if: {environment: [staging, development]}}]}
    """)
    staging: dict[str, object] = {"statsigEnvironment": {"tier": "staging"}}
    assert (api.gate("live"), api.gate("test")) == (True, False)
    assert (api.gate("live", staging), api.gate("test", staging)) == (False, True)


def test_names_are_sorted(shop_server: Api) -> None:
    server = shop_server.server
    assert server.gates == ("new_checkout", "staff_tools")
    assert server.configs == ("homepage",)
    assert server.experiments == ("add_to_cart_test", "logo_test")
    assert server.layers == ("product_page",)
    assert (server.secret_key, server.client_key) == ("secret-local", "client-local")


def test_calls_of_original_documentation_succeed(shop_server: Api) -> None:
    headers = {"statsig-api-key": "client-local", "Content-Type": "application/json"}
    user = '"user": { "userID": "42" }'
    for call, body, status in [
        ("log_event", f'{{"events": [{{{user}, "time": 1616826986211, "eventName": "e"}}]}}', 202),
        ("check_gate", f'{{{user}, "gateName": "staff_tools"}}', 200),
        ("get_config", f'{{{user}, "configName": "homepage"}}', 200),
        ("get_config", f'{{{user}, "configName": "logo_test"}}', 200),
    ]:
        url = f"{shop_server.server.url}/{call}"
        assert httpx.post(url, headers=headers, content=body).status_code == status
