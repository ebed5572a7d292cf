"""Fault injection: matching, order, and the errors that clients raise."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from statsig_api_client import (
    APIConnectionError,
    RateLimitError,
    ResponseValidationError,
    Statsig,
)

from .conftest import Api, Json

ASK = {"gateName": "blue"}
ALWAYS: dict[str, Any] = {"times": None}


@pytest.fixture
def api(serve: Callable[..., Api]) -> Api:
    return serve("gates: {blue: {}}")


@pytest.fixture
def statsig(api: Api) -> Iterator[Statsig]:
    with Statsig(api.server.secret_key, base_url=api.server.url, max_retries=0) as client:
        yield client


def local(api: Api, path: str) -> str:
    return api.server.url.removesuffix("v1") + f"local/{path}"


def fail(api: Api, **fault: Any) -> None:
    assert httpx.post(local(api, "faults"), json=fault).status_code == 200


def pending(api: Api) -> list[Any]:
    items: list[Any] = httpx.get(local(api, "faults")).json()["items"]
    return items


def statuses(api: Api, *calls: str) -> list[int]:
    return [api.post(call, ASK).status_code for call in calls]


def test_fault_applies_once_by_default(api: Api) -> None:
    fail(api, status=503)
    assert statuses(api, *["check_gate"] * 2) == [503, 200]
    fail(api, status=503, times=2)
    assert statuses(api, *["check_gate"] * 3) == [503, 503, 200]
    fail(api, status=503, **ALWAYS)
    assert statuses(api, *["check_gate"] * 5) == [503] * 5
    assert httpx.delete(local(api, "faults")).status_code == 204
    assert statuses(api, "check_gate") == [200]


def test_fault_applies_to_named_calls(api: Api) -> None:
    fail(api, calls=["get_layer", "log_event"], status=500, **ALWAYS)
    assert statuses(api, "check_gate", "get_layer", "log_event") == [200, 500, 500]


def test_oldest_matching_fault_is_used(api: Api) -> None:
    fail(api, status=500, calls=["check_gate"])
    fail(api, status=501, times=2)
    fail(api, status=502)
    assert [fault["times"] for fault in pending(api)] == [1, 2, 1]
    assert statuses(api, "get_config", "check_gate", "check_gate") == [501, 500, 501]
    assert [fault["status"] for fault in pending(api)] == [502]


def test_status_fault_has_body_and_retry_after(api: Api) -> None:
    fail(api, status=429, retryAfter=1.5, body="slow down")
    response = api.post("check_gate", ASK)
    assert (response.status_code, response.headers["retry-after"], response.text) == (
        429,
        "1.5",
        "slow down",
    )
    fail(api, status=503)
    response = api.post("check_gate", ASK)
    assert response.json() == {"status": 503, "message": "injected fault"}
    assert "retry-after" not in response.headers


@pytest.mark.parametrize("only", [{"retryAfter": 2}, {"body": "sorry"}])
def test_body_or_retry_after_implies_503(api: Api, only: Json) -> None:
    fail(api, **only)
    assert statuses(api, "check_gate", "check_gate") == [503, 200]


@pytest.mark.parametrize(
    ("seconds", "written"), [(0, "0"), (30, "30"), (2_000_000, "2000000"), (0.0001, "0")]
)
def test_retry_after_is_written_in_digits(api: Api, seconds: float, written: str) -> None:
    fail(api, status=503, retryAfter=seconds)
    assert api.post("check_gate", ASK).headers["retry-after"] == written


@pytest.mark.parametrize("status", [204, 304])
def test_status_204_has_no_body(api: Api, status: int) -> None:
    fail(api, status=status, body="nobody reads it")
    assert api.post("check_gate", ASK).content == b""


def test_delayed_call_succeeds(api: Api) -> None:
    fail(api, delay=300)
    start = time.monotonic()
    assert api.gate("blue") is False
    assert time.monotonic() - start >= 0.3


@pytest.mark.parametrize("patience", [0.2, 20])
def test_close_does_not_wait_for_delay(
    serve: Callable[..., Api], caplog: pytest.LogCaptureFixture, patience: float
) -> None:
    api = serve("gates: {blue: {}}", "delayed.yaml")
    fail(api, delay=600_000)

    def end() -> None:
        while pending(api):
            time.sleep(0.01)
        time.sleep(0.3)  # An impatient client has gone by then.
        api.server.close()

    with ThreadPoolExecutor() as pool:
        ended = pool.submit(end)
        with pytest.raises((httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError)):
            api.http.post("/check_gate", json=ASK, timeout=patience)
        ended.result(20)
    assert caplog.records == []


def test_dropped_connection_sends_nothing(api: Api) -> None:
    fail(api, drop=True)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.post("check_gate", {**ASK, "user": {"custom": {"long": "x" * 1_000_000}}})
    assert statuses(api, "check_gate") == [200]


def test_garbage_is_invalid_json(api: Api) -> None:
    fail(api, garbage=True)
    response = api.post("check_gate", ASK)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"decode|Expecting"):
        json.loads(response.content)


def test_request_body_is_read_before_failure(api: Api) -> None:
    fail(api, status=503)
    body = {**ASK, "user": {"custom": {"long": "x" * 3_000_000}}}
    assert api.post("check_gate", body).status_code == 503


def test_control_api_never_fails(api: Api) -> None:
    fail(api, drop=True, **ALWAYS)
    for path in ("", "health", "project", "faults", "openapi.json"):
        assert httpx.get(local(api, path)).status_code == 200


def test_preflight_never_fails(api: Api) -> None:
    fail(api, status=503)
    preflight = api.http.options(
        "/check_gate",
        headers={"origin": "https://shop.example", "access-control-request-method": "POST"},
    )
    assert preflight.status_code == 200
    response = api.http.post("/check_gate", json=ASK, headers={"origin": "https://shop.example"})
    # The page can read the failed response.
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (503, "*")


def test_faults_apply_to_sdks(api: Api) -> None:
    fail(api, calls=["download_config_specs"], status=500, times=2)
    root = api.server.url.removesuffix("/v1")
    for path in ("/v1/download_config_specs/secret-local.json", "/v2/download_config_specs"):
        assert api.http.get(root + path).status_code == 500
        assert api.http.get(f"{api.server.url}/get_id_lists").status_code == 200


def test_reset_removes_faults_by_default(api: Api) -> None:
    fail(api, status=503, **ALWAYS)
    httpx.post(local(api, "reset"), json={"faults": False})
    assert statuses(api, "check_gate") == [503]
    httpx.post(local(api, "reset"), json={})
    assert statuses(api, "check_gate") == [200]


def test_client_raises_rate_limit_error(api: Api, statsig: Statsig) -> None:
    fail(api, status=429, retryAfter=7)
    with pytest.raises(RateLimitError) as caught:
        statsig.check_gate({"userID": "ada"}, "blue")
    assert caught.value.retry_after == 7


def test_client_raises_connection_error(api: Api, statsig: Statsig) -> None:
    fail(api, drop=True)
    with pytest.raises(APIConnectionError):
        statsig.check_gate({"userID": "ada"}, "blue")


def test_client_rejects_garbage(api: Api, statsig: Statsig) -> None:
    fail(api, garbage=True)
    with pytest.raises(ResponseValidationError):
        statsig.check_gate({"userID": "ada"}, "blue")
