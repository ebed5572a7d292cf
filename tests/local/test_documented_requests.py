"""Requests of Statsig's guides and SDKs that its own OpenAPI document does not describe."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client.local.http.events import as_documented

from .conftest import Api

PROJECT = """
keys: {client reads specs: %s}
gates:
  on_ios:
    rules:
      - {name: ios, if: {os: iOS}}
configs:
  homepage:
    default: {color: red}
layers:
  product_page:
    default: {size: 3}
"""


@pytest.fixture
def api(serve: Callable[..., Api]) -> Api:
    return serve(PROJECT % "false")


def test_get_experiment_returns_group(api: Api) -> None:
    response = api.post("get_experiment", {"experimentName": "homepage", "user": {"userID": "1"}})
    assert (response.status_code, response.json()["value"]) == (200, {"color": "red"})


def test_numbers_in_event_metadata_become_strings(api: Api) -> None:
    event = {"eventName": "a", "metadata": {"n": 5, "price": 9.5, "gift": True, "s": "x"}}
    assert api.post("log_event", {"events": [event]}).status_code == 202
    (logged,) = api.server.events()
    assert logged.metadata == {"n": "5", "price": "9.5", "gift": "true", "s": "x"}


@pytest.mark.parametrize("call", ["check_gate", "log_event", "log_custom_exposure"])
def test_empty_list_of_private_attributes_is_accepted(api: Api, call: str) -> None:
    user = {"userID": "1", "privateAttributes": []}
    exposure = {"gateName": "on_ios", "passes": True, "group": "x", "user": user}
    bodies = {
        "check_gate": {"gateName": "on_ios", "user": user},
        "log_event": {"events": [{"eventName": "a", "user": user}]},
        "log_custom_exposure": {"exposures": [exposure]},
    }
    assert api.post(call, bodies[call]).status_code < 300


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda values: (
            st.lists(values)
            | st.dictionaries(
                st.sampled_from(["events", "exposures", "metadata", "user", "privateAttributes"]),
                values,
            )
        ),
    )
)
def test_conversion_accepts_any_body(body: Any) -> None:
    as_documented(body)


def test_top_level_field_overrides_custom(api: Api) -> None:
    assert api.gate("on_ios", {"userID": "1", "os_name": "iOS", "custom": {"os_name": "Windows"}})


def test_hashed_names_of_sdk_are_resolved(api: Api) -> None:
    def exposure(kind: str, metadata: dict[str, str]) -> dict[str, Any]:
        secondary = [{"gate": _djb2("on_ios"), "gateValue": "true", "ruleID": "r"}]
        name = f"statsig::{kind}_exposure"
        return {"eventName": name, "metadata": metadata, "secondaryExposures": secondary}

    sha256 = base64.b64encode(hashlib.sha256(b"on_ios").digest()).decode()
    events = [
        exposure("gate", {"gate": _djb2("on_ios"), "ruleID": _djb2("on_ios")}),
        exposure("config", {"config": _djb2("homepage")}),
        exposure("layer", {"config": _djb2("product_page")}),
        exposure("config", {"config": "unknown"}),
        exposure("gate", {"gate": sha256}),
    ]
    api.http.headers["statsig-sdk-type"] = "js-client"
    assert api.post("rgstr", {"events": events}).status_code == 202
    assert api.post("rgstr", {"events": events[:1]}).status_code == 202
    logged = api.server.exposures()
    names = [it.metadata.get("gate") or it.metadata.get("config") for it in logged]
    assert names == ["on_ios", "homepage", "product_page", "unknown", "on_ios", "on_ios"]
    assert logged[0].metadata["ruleID"] == _djb2("on_ios")
    assert logged[0].secondary_exposures[0]["gate"] == "on_ios"


def _djb2(name: str) -> str:
    """Return the hash that Statsig's SDK for JavaScript computes."""
    value = 0
    for character in name:
        value = ((value << 5) - value + ord(character)) & 0xFFFFFFFF
    return str(value)


@pytest.mark.parametrize(("allowed", "status"), [("true", 200), ("false", 403)])
@pytest.mark.parametrize(
    "path", ["/v1/download_config_specs?k=client-local", "/v2/download_config_specs/client-local"]
)
def test_client_reads_specs_if_allowed(
    serve: Callable[..., Api], allowed: str, status: int, path: str
) -> None:
    api = serve(PROJECT % allowed)
    del api.http.headers["statsig-api-key"]
    url = api.server.url.removesuffix("/v1") + path
    page = {"origin": "https://example.com"}
    response = api.http.get(url, headers=page)
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == "*"
    secret = url.replace("client-local", "secret-local")
    assert api.http.get(secret, headers=page).status_code == 403
    assert api.http.get(secret).status_code == 200
    assert api.http.get(secret, headers={"host": "example.com"}).status_code == 421
