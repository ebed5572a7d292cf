"""Rejection of unauthorized, invalid, large and hostile requests."""

import asyncio
import gzip
import json
import socket
import time
import tracemalloc
import zlib

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from statsig_api_client._runtime.parsers import JsonObject, SchemaError
from statsig_api_client.generated.typed_dicts import (
    LogCustomExposureRequestDict,
    LogEventRequestDict,
)
from statsig_api_client.local.http.body import read_body
from statsig_api_client.local.http.validation import statsig_api_validator

from .conftest import Api

MEGABYTE = 1024 * 1024
NAME = "expected a string that matches ^[a-zA-Z0-9_\\-. ]+$"


# The call, its body, the JSON path of the problem, and the message.
MALFORMED: list[tuple[str, object, str, str]] = [
    ("check_gate", [], "$", "expected object, got array"),
    ("check_gate", None, "$", "expected object, got null"),
    ("check_gate", {}, "$", "expected gateName or gateNames"),
    (
        "check_gate",
        {"gateName": "ab", "gateNames": ["ab"]},
        "$",
        "expected exactly one of the alternatives, got several",
    ),
    ("check_gate", {"gateName": 5}, "$.gateName", "expected string, got integer"),
    ("check_gate", {"gateName": 0.5}, "$.gateName", "expected string, got number"),
    ("check_gate", {"gateName": True}, "$.gateName", "expected string, got boolean"),
    ("check_gate", {"gateName": "a"}, "$.gateName", "expected at least 2 characters, got 1"),
    (
        "check_gate",
        {"gateName": "a" * 101},
        "$.gateName",
        "expected at most 100 characters, got 101",
    ),
    ("check_gate", {"gateName": "a/b"}, "$.gateName", NAME),
    ("check_gate", {"gateNames": []}, "$.gateNames", "expected at least 1 items, got 0"),
    (
        "check_gate",
        {"gateNames": ["ab"] * 101},
        "$.gateNames",
        "expected at most 100 items, got 101",
    ),
    ("check_gate", {"gateNames": ["ab", {}]}, "$.gateNames[1]", "expected string, got object"),
    (
        "check_gate",
        {"gateName": "ab", "user": {"userID": 4}},
        "$.user.userID",
        "expected string, got integer",
    ),
    (
        "check_gate",
        {"gateName": "ab", "user": {"customIDs": {"a b": None}}},
        '$.user.customIDs["a b"]',
        "expected string, got null",
    ),
    ("get_config", {}, "$", "expected configName, which is missing"),
    ("get_layer", {"layerName": None}, "$.layerName", "expected string, got null"),
    (
        "get_ranked_list",
        {"configName": "a.b"},
        "$.configName",
        "expected a string that matches ^[a-zA-Z0-9_\\- ]+$",
    ),
    ("log_event", {"events": []}, "$.events", "expected at least 1 items, got 0"),
    (
        "log_event",
        {"events": [{"eventName": "e"}, {"eventName": "e", "value": True}]},
        "$.events[1].value",
        "expected null or number or string, got boolean",
    ),
    (
        "log_event",
        {
            "events": [
                {
                    "eventName": "e",
                    "secondaryExposures": [{"gate": "g", "gateValue": "maybe", "ruleID": ""}],
                }
            ]
        },
        "$.events[0].secondaryExposures[0].gateValue",
        "expected true or false",
    ),
    ("log_custom_exposure", {"exposures": ["x"]}, "$.exposures[0]", "expected object, got"),
    (
        "log_custom_exposure",
        {"exposures": [{"experimentName": "e"}]},
        "$.exposures[0]",
        "expected group or ruleID",
    ),
    (
        "log_custom_exposure",
        {"exposures": [{"gateName": "g", "passes": "yes", "group": "r"}]},
        "$.exposures[0].passes",
        "expected boolean, got string",
    ),
]


def test_both_keys_are_accepted(shop_server: Api) -> None:
    for key in ("secret-local", "client-local"):
        response = httpx.post(
            f"{shop_server.server.url}/check_gate",
            headers={"Statsig-API-Key": key},
            json={"gateName": "staff_tools"},
        )
        assert response.status_code == 200


@pytest.mark.parametrize("key", [None, "", "secret-locaL", "console-x", "sécret-local"])
@pytest.mark.parametrize("call", ["check_gate", "get_ranked_list", "log_event"])
def test_missing_or_unknown_key_returns_401(shop_server: Api, key: str | None, call: str) -> None:
    headers = {} if key is None else {b"statsig-api-key": key.encode("latin-1")}
    url = f"{shop_server.server.url}/{call}"
    response = httpx.post(url, headers=headers, content=b"not even JSON")
    assert response.status_code == 401
    assert response.json()["status"] == 401
    assert "statsig-api-key" in response.json()["message"]
    assert "local" not in response.text


@pytest.mark.parametrize(("call", "body", "path", "message"), MALFORMED)
def test_invalid_request_names_path_and_expectation(
    shop_server: Api, call: str, body: object, path: str, message: str
) -> None:
    response = shop_server.http.post(f"/{call}", content=json.dumps(body))
    assert response.status_code == 400
    shown = response.json()
    assert (shown["status"], shown["path"]) == (400, path)
    assert shown["message"].startswith(f"{path}: {message}")


@pytest.mark.parametrize("call", ["check_gate", "log_event"])
@pytest.mark.parametrize("count", ["0", "-1", "many", ""])
def test_invalid_event_count_header_is_rejected(shop_server: Api, call: str, count: str) -> None:
    headers = {"statsig-event-count": count}
    response = shop_server.http.post(f"/{call}", headers=headers, content=b"{}")
    message = "$: expected a positive integer in the header statsig-event-count"
    assert (response.status_code, response.json()["message"]) == (400, message)


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        pytest.param(LogEventRequestDict, {"events": ["x"] * 500_000}, id="events"),
        pytest.param(
            LogCustomExposureRequestDict,
            {"exposures": [{"gateName": "gate", "secondaryExposures": [{"x": 1}] * 100_000}]},
            id="alternatives",
        ),
    ],
)
def test_validation_stops_at_first_error(shape: type, body: JsonObject) -> None:
    validator = statsig_api_validator()
    begin = time.process_time()
    with pytest.raises(SchemaError):
        validator.check(shape, body)
    # All errors would take 7 s and 40 s.
    assert time.process_time() - begin < 2


def test_error_message_omits_sent_value(shop_server: Api) -> None:
    response = shop_server.post("check_gate", {"gateNames": ["x" * MEGABYTE]})
    assert response.status_code == 400
    assert len(response.content) < 500


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "Input is a zero-length, empty document"),
        (b"{", "unexpected end of data: line 1 column 2"),
        (b'{"gateName": "ab"} x', "unexpected content after document"),
        (b'{"gateName": NaN}', "unexpected character"),
        (b'{"gateName": -Infinity}', ""),  # The words depend on the version of orjson.
        (b'{"gateName": 1e400}', "number is infinity when parsed as double"),
        (b'{"gateName": ' + b"9" * 5000 + b"}", "number is infinity when parsed as double"),
        (b'{"gateName": "\\ud800"}', "no low surrogate in string"),
        (b'{"gateName": "\xff"}', "str is not valid UTF-8"),
        (b"[" * 200 + b"]" * 200, "nested deeper than 100 levels"),
        (b'{"user":' * 101 + b"1" + b"}" * 101, "nested deeper than 100 levels"),
        (b"[" * 100_000, ""),
    ],
    ids=lambda value: str(value)[:30],
)
def test_body_without_json_is_rejected(shop_server: Api, body: bytes, problem: str) -> None:
    response = shop_server.http.post("/check_gate", content=body)
    assert response.status_code == 400
    assert response.json()["path"] == "$"
    assert response.json()["message"].startswith(f"$: expected JSON: {problem}")


@pytest.mark.parametrize(
    "value",
    [
        10**30,
        -(2**64),
        1e308,
        -0.0,
        "\U0001f5fb",
        "\0",
        "",
        None,
        [None, [1], {}],
        {"a": {"b": []}},
    ],
    ids=repr,
)
def test_unusual_attribute_values_are_evaluated(shop_server: Api, value: object) -> None:
    user = {"custom": {"a": value}, "privateAttributes": {"b": value}, "plan": value}
    body = {"gateName": "staff_tools", "user": user}
    assert shop_server.post("check_gate", body).status_code == 200


def test_surrogate_pairs_are_parsed_as_character(shop_server: Api) -> None:
    body = b'{"events": [{"eventName": "\\ud83d\\uddfb"}]}'
    assert shop_server.http.post("/log_event", content=body).status_code == 202
    assert shop_server.server.events()[-1].event_name == "\U0001f5fb"


def test_wide_body_is_accepted(shop_server: Api) -> None:
    events = [{"eventName": "wide", "metadata": {"a": "b"}}] * 300
    assert shop_server.post("log_event", {"events": events}).status_code == 202


def test_unknown_path_returns_404(shop_server: Api) -> None:
    for path in ("/check_gates", "/check_gate/", "/", "/../v2/check_gate"):
        response = shop_server.http.post(path, json={})
        assert (response.status_code, response.json()["status"]) == (404, 404)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_return_405(shop_server: Api, method: str) -> None:
    response = shop_server.http.request(method, "/check_gate")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_gzip_body_is_decompressed(shop_server: Api) -> None:
    body = gzip.compress(b'{"gateName": "staff_tools"}')
    headers = {"content-encoding": "GZIP"}
    assert shop_server.http.post("/check_gate", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "body",
    [b"{}", gzip.compress(b"{}")[:-4], gzip.compress(b"{}")[:8], zlib.compress(b"{}")],
    ids=["plain", "truncated", "header alone", "zlib"],
)
def test_body_without_declared_gzip_is_rejected(shop_server: Api, body: bytes) -> None:
    headers = {"content-encoding": "gzip"}
    response = shop_server.http.post("/check_gate", content=body, headers=headers)
    assert response.status_code == 400
    assert response.json()["message"] == "$: expected gzip, as in the header content-encoding"


def test_damaged_gzip_body_is_rejected(shop_server: Api) -> None:
    packed = bytearray(gzip.compress(b"{}" * 1000))
    packed[12:20] = b"\xff" * 8
    headers = {"content-encoding": "gzip"}
    response = shop_server.http.post("/check_gate", content=bytes(packed), headers=headers)
    assert response.status_code == 400


def test_unsupported_encoding_returns_415(shop_server: Api) -> None:
    headers = {"content-encoding": "br"}
    response = shop_server.http.post("/check_gate", content=b"{}", headers=headers)
    assert (response.status_code, response.json()["status"]) == (415, 415)


def test_body_limit_is_ten_megabytes(shop_server: Api) -> None:
    start, end = b'{"events": [{"eventName": "large", "metadata": {"a": "', b'"}}]}'
    padding = b"x" * (10 * MEGABYTE - len(start) - len(end))
    assert shop_server.http.post("/log_event", content=start + padding + end).status_code == 202
    response = shop_server.http.post("/log_event", content=start + padding + b"x" + end)
    assert (response.status_code, response.json()["status"]) == (413, 413)


def test_decompressed_body_above_limit_is_rejected(shop_server: Api) -> None:
    bomb = gzip.compress(b" " * (11 * MEGABYTE))
    assert len(bomb) < 20_000
    headers = {"content-encoding": "gzip"}
    response = shop_server.http.post("/log_event", content=bomb, headers=headers)
    assert (response.status_code, response.json()["status"]) == (413, 413)


def test_gzip_body_with_several_members_is_accepted(shop_server: Api) -> None:
    body = gzip.compress(b'{"gateName":') + gzip.compress(b'"staff_tools"}')
    headers = {"content-encoding": "gzip"}
    assert shop_server.http.post("/check_gate", content=body, headers=headers).status_code == 200


def test_gzip_members_above_limit_are_rejected(shop_server: Api) -> None:
    body = gzip.compress(b" " * MEGABYTE) * 11
    headers = {"content-encoding": "gzip"}
    response = shop_server.http.post("/check_gate", content=body, headers=headers)
    assert response.status_code == 413


def test_many_empty_gzip_members_are_rejected(shop_server: Api) -> None:
    body = gzip.compress(b"") * (9 * MEGABYTE // len(gzip.compress(b"")))
    headers = {"content-encoding": "gzip"}
    start = time.process_time()
    response = shop_server.http.post("/check_gate", content=body, headers=headers)
    assert response.status_code == 400
    assert time.process_time() - start < 2  # It takes 0.1 s; reading them all, many times that.


def test_gzip_bomb_is_not_decompressed_in_memory() -> None:
    bomb = gzip.compress(b" " * (64 * MEGABYTE))
    request = Request(
        {"type": "http", "method": "POST", "headers": [(b"content-encoding", b"gzip")]},
        receive=_received(bomb * 50),
    )
    tracemalloc.start()
    with pytest.raises(HTTPException) as caught:
        asyncio.run(read_body(request))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.status_code == 413
    assert peak < 40 * MEGABYTE


def _received(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def test_client_disconnect_leaves_server_running(
    shop_server: Api, caplog: pytest.LogCaptureFixture
) -> None:
    url = httpx.URL(shop_server.server.url)
    with socket.create_connection((url.host, url.port or 0)) as connection:
        connection.sendall(
            b"POST /v1/check_gate HTTP/1.1\r\nhost: x\r\nstatsig-api-key: secret-local\r\n"
            b"content-length: 1000\r\n\r\n{"
        )
    assert shop_server.post("check_gate", {"gateName": "staff_tools"}).status_code == 200
    assert caplog.records == []


@pytest.mark.parametrize("written", ["soon", "", "9" * 5000, 10**19, 1e300, "2026-02-30T00:00:00Z"])
def test_unparsable_event_time_becomes_arrival_time(shop_server: Api, written: object) -> None:
    event = {"eventName": "timeless", "time": written}
    assert shop_server.post("log_event", {"events": [event]}).status_code == 202
    recorded = shop_server.server.events()[-1]
    assert (recorded.event_name, recorded.time) == ("timeless", recorded.received_time)
