"""Endpoints of SDKs: config specs, ID lists, initialize."""

import base64
import gzip
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard
from attrs import evolve

from statsig_api_client.local import LocalServer, state
from statsig_api_client.local.config_specs.document import load_specs
from statsig_api_client.local.config_specs.id_lists import IdListFiles
from tests.support.config_specs import v1_specs

from .conftest import SHOP, Api

Json = dict[str, Any]

SPECS = [
    "/v1/download_config_specs",
    "/v1/download_config_specs/secret-local.json",
    "/v2/download_config_specs",
    "/v2/download_config_specs/secret-local.json",
]
SECRET_CALLS = [
    ("GET", "/v1/download_config_specs"),
    ("GET", "/v2/download_config_specs"),
    ("POST", "/v1/get_id_lists"),
    ("GET", "/v1/get_id_lists"),
]


@pytest.fixture
def http(shop_server: Api) -> Iterator[httpx.Client]:
    """HTTP client that sends no key."""
    url = shop_server.server.url.removesuffix("/v1")
    with httpx.Client(base_url=url, timeout=10) as client:
        yield client


KEY = {"statsig-api-key": "secret-local"}
CLIENT_KEY = {"statsig-api-key": "client-local"}


@pytest.mark.parametrize("path", SPECS)
def test_specs_are_served_in_both_versions(http: httpx.Client, path: str) -> None:
    headers = {} if path.endswith(".json") else KEY
    document = http.get(path, headers=headers).json()
    assert document["has_updates"] is True
    assert SHOP.stat().st_mtime * 1000 < document["time"] <= time.time() * 1000
    gates = document["feature_gates"]
    if path.startswith("/v1"):
        gate = next(gate for gate in gates if gate["name"] == "staff_tools")
        assert gate["rules"][0]["conditions"][0]["targetValue"] == "segment:staff"
        assert document["layers"] == {"product_page": ["add_to_cart_test"]}
    else:
        (condition,) = gates["staff_tools"]["rules"][0]["conditions"]
        assert document["condition_map"][condition]["targetValue"] == "segment:staff"
        assert document["experiment_to_layer"] == {"add_to_cart_test": "product_page"}


def test_core_always_receives_version_2(http: httpx.Client) -> None:
    document = http.get("/v1/download_config_specs?supports_proto=true", headers=KEY).json()
    assert isinstance(document["feature_gates"], dict)


def test_specs_are_compressed_if_accepted(http: httpx.Client) -> None:
    plain, packed = (
        http.get(SPECS[2], headers=KEY | {"accept-encoding": encoding})
        for encoding in ("identity", "gzip")
    )
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.json() == packed.json()


def test_specs_report_no_updates(http: httpx.Client) -> None:
    newest = http.get(SPECS[1]).json()["time"]
    for path in SPECS[1::2]:
        assert http.get(f"{path}?sinceTime={newest}").json() == {"has_updates": False}
        assert http.get(f"{path}?sinceTime={newest - 1}").json()["has_updates"] is True
    evaluated = http.post(SPECS[0], headers=KEY, json={"sinceTime": newest, "statsigMetadata": {}})
    assert evaluated.json() == {"has_updates": False}
    etag = http.get(SPECS[1]).headers["etag"]
    unchanged = http.get(SPECS[1], headers={"if-none-match": etag})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_specs_are_sent_without_previous_time(http: httpx.Client) -> None:
    assert http.get(f"{SPECS[1]}?sinceTime=0").json()["has_updates"] is True


def test_specs_of_restarted_server_are_newer(
    serve: Callable[..., Api],
) -> None:
    gone = serve("gates: {new gate: {}}", "gone.yaml")
    gone.server.override_gate("new gate", value=True)
    newest = gone.http.get("/download_config_specs").json()["time"]
    file = Path(gone.server.project().file)
    os.utime(file, (1, 1))
    with LocalServer(file) as following:
        evaluated = httpx.get(
            f"{following.url}/download_config_specs?sinceTime={newest}", headers=KEY
        ).json()
    assert evaluated["has_updates"] is True
    assert evaluated["time"] > newest


def test_invalid_since_time_is_rejected(http: httpx.Client) -> None:
    rejected = http.get(f"{SPECS[1]}?sinceTime=yesterday")
    assert rejected.status_code == 400
    assert "milliseconds since 1970" in rejected.json()["message"]


@pytest.mark.parametrize(("method", "path"), SECRET_CALLS)
def test_client_key_cannot_download_specs(http: httpx.Client, method: str, path: str) -> None:
    rejected = http.request(method, path, headers=CLIENT_KEY)
    assert rejected.status_code == 403
    assert "expected the server secret key" in rejected.json()["message"]
    unknown = http.request(method, path, headers={"statsig-api-key": "secret-other"})
    assert unknown.status_code == 401
    assert "secret-other" not in unknown.text
    assert http.request(method, f"{path}?k=secret-local").status_code == 200


@pytest.mark.parametrize("call", ["initialize", "log_event", "rgstr", "sdk_exception"])
def test_client_key_is_accepted_for_initialize(http: httpx.Client, call: str) -> None:
    body = {"events": [{"eventName": "e"}], "user": {"userID": "a"}}
    sdk = {"statsig-sdk-type": "an-sdk"}
    path = f"/v1/{call}"
    assert http.post(path, headers=CLIENT_KEY | sdk, json=body).is_success
    assert http.post(f"{path}?k=client-local&st=an-sdk", json=body).is_success
    assert http.post(f"{path}?k=client-other&st=an-sdk", json=body).status_code == 401


def test_specs_omit_foreign_key_and_checksum(
    serve: Callable[..., Api],
) -> None:
    # SDKs reject specs with a foreign key or checksum.
    document = v1_specs() | {"hashed_sdk_key_used": "1", "checksum": "1", "company_id": "c"}
    api = serve(json.dumps(document), "specs.json")
    for version in ("v1", "v2"):
        url = api.server.url.replace("v1", version)
        served = api.http.get(f"{url}/download_config_specs").json()
        assert served.keys().isdisjoint({"hashed_sdk_key_used", "checksum"})
        assert served["company_id"] == "c"


def test_specs_with_id_lists_warn(serve: Callable[..., Api]) -> None:
    document = v1_specs()
    document["feature_gates"][0]["rules"][0]["conditions"] = [
        {"type": "unit_id", "operator": "in_segment_list", "targetValue": "a_list"}
    ]
    with pytest.warns(
        UserWarning, match=r"ID lists without members in the config specs, treated as empty: a_list"
    ):
        api = serve(json.dumps(document), "specs.json")
    assert api.gate("a_gate", {"userID": "a"}) is False
    assert api.post("get_id_lists", {}).json() == {}


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch, serve: Callable[..., Api]) -> Api:
    lists = {"friends": ("ada", "bob"), "nobody": ()}
    monkeypatch.setattr(state, "load_specs", lambda file: evolve(load_specs(file), id_lists=lists))
    return serve(SHOP.read_text())


def line(unit_id: str, sign: str = "+") -> bytes:
    hashed = base64.b64encode(hashlib.sha256(unit_id.encode()).digest())[:8]
    return sign.encode() + hashed + b"\n"


def test_id_lists_are_downloaded(listed: Api) -> None:
    lists = listed.post("get_id_lists", {"statsigMetadata": {}}).json()
    assert listed.http.get("/get_id_lists/secret-local.json").json() == lists
    assert list(lists) == ["friends"]  # The core treats an empty file as a failure.
    friends = lists["friends"]
    assert friends["url"] == f"{listed.server.url}/download_id_list_file/{friends['fileID']}"
    assert friends["size"] == 20
    whole = httpx.get(friends["url"])
    assert (whole.status_code, whole.content) == (200, line("ada") + line("bob"))


def test_id_list_range_returns_end_of_file(listed: Api) -> None:
    url = listed.post("get_id_lists", {}).json()["friends"]["url"]
    end = httpx.get(url, headers={"range": "bytes=10-"})
    assert (end.status_code, end.content) == (206, line("bob"))
    assert end.headers["content-range"] == "bytes 10-19/20"
    assert end.headers["content-length"] == "10"
    for wanted in ("bytes=20-", "bytes=-5", "lines=1-"):
        rejected = httpx.get(url, headers={"range": wanted})
        assert rejected.status_code == 416
        assert rejected.headers["content-range"] == "bytes */20"
    assert httpx.get(f"{url}x").status_code == 404


def test_id_list_file_only_grows() -> None:
    # SDKs request only the bytes after those they have, the core even if the file's ID changed.
    files = IdListFiles()
    files.update({"a": ("ada", "bob"), "b": ()})
    first, empty = files
    assert (first.name, empty.content) == ("a", b"")
    file_id = first.file_id
    files.update({"a": ("bob", "cyd", "cyd"), "b": ("eve",)})
    file = files.find(file_id)
    assert file is first
    assert file.content == line("ada") + line("bob") + line("cyd") + line("ada", "-")
    assert len(empty.content) == 10
    files.update({"b": ("eve",)})
    assert [file.name for file in files] == ["b"]


def initialize(api: Api, body: Json, query: str = "") -> httpx.Response:
    return api.http.post(f"/initialize{query}", json=body)


def test_initialize_returns_evaluations(shop_server: Api) -> None:
    user = {"userID": "ada", "email": "ada@example.com", "privateAttributes": {"secret": "s"}}
    result = initialize(shop_server, {"user": user, "hash": "none"}).json()
    assert result["has_updates"] is True
    assert SHOP.stat().st_mtime * 1000 < result["time"] <= time.time() * 1000
    assert {name: gate["value"] for name, gate in result["feature_gates"].items()} == {
        "new_checkout": shop_server.gate("new_checkout", user),
        "staff_tools": True,
    }
    assert set(result["dynamic_configs"]) == {"homepage", "logo_test", "add_to_cart_test"}
    assert set(result["layer_configs"]) == {"product_page"}
    assert "privateAttributes" not in result["user"]


def test_initialize_omits_segments_and_holdouts(serve: Callable[..., Api]) -> None:
    api = serve(json.dumps(v1_specs()), "specs.json")
    gates = initialize(api, {"user": {"userID": "a"}, "hash": "none"}).json()["feature_gates"]
    assert set(gates) == {"a_gate", "disabled_gate", "held"}
    assert gates["held"]["secondary_exposures"][0]["gate"] == "a_holdout"


def test_numeric_id_is_bucketed_as_string(shop_server: Api) -> None:
    numbers, texts = (
        [
            initialize(shop_server, {"user": {"userID": kind(n)}, "hash": "none"}).json()
            for n in range(20)
        ]
        for kind in (int, str)
    )
    gates = [result["feature_gates"]["new_checkout"]["value"] for result in numbers]
    assert set(gates) == {True, False}
    assert gates == [result["feature_gates"]["new_checkout"]["value"] for result in texts]


def djb2(name: str) -> str:
    number = 0
    for character in name:
        number = (number * 31 + ord(character)) & 0xFFFFFFFF
    return str(number)


def test_initialize_hashes_names(shop_server: Api) -> None:
    sha256 = base64.b64encode(hashlib.sha256(b"staff_tools").digest()).decode()
    for algorithm, name in (("djb2", djb2("staff_tools")), ("sha256", sha256), (None, sha256)):
        result = initialize(shop_server, {"user": {}, "hash": algorithm}).json()
        assert name in result["feature_gates"]
        assert result["hash_used"] == (algorithm or "sha256")


def test_initialize_reports_no_updates(shop_server: Api) -> None:
    newest = initialize(shop_server, {}).json()["time"]
    unchanged = initialize(shop_server, {"sinceTime": newest})
    assert (unchanged.status_code, unchanged.content) == (204, b"")
    assert initialize(shop_server, {"sinceTime": 0}).status_code == 200


@pytest.mark.parametrize(
    ("body", "path", "problem"),
    [
        ({"user": "ada"}, "$.user", "expected an object"),
        ({"hash": "md5"}, "$.hash", "expected one of none, sha256, djb2"),
        ([], "$", "expected an object"),
    ],
)
def test_invalid_initialize_request_names_path(
    shop_server: Api, body: Any, path: str, problem: str
) -> None:
    rejected = initialize(shop_server, body)
    assert rejected.status_code == 400
    assert rejected.json() == {"status": 400, "message": f"{path}: {problem}", "path": path}


def test_javascript_body_encodings_are_decoded(
    shop_server: Api,
) -> None:
    body = json.dumps({"user": {"userID": "Zoë"}, "hash": "none"}, ensure_ascii=False)
    plain = shop_server.http.post("/initialize", content=body).json()
    backwards = base64.b64encode(body.encode("latin-1"))[::-1]  # As `btoa` in a browser does.
    assert plain["user"]["userID"] == "Zoë"
    for content, query in (
        (gzip.compress(body.encode()), "gz=1"),
        (backwards, "se=1"),
        (gzip.compress(backwards), "se=1&gz=1"),
    ):
        result = shop_server.http.post(f"/initialize?{query}", content=content).json()
        assert result["user"] == plain["user"]
        assert result["feature_gates"] == plain["feature_gates"]
    encoded = {"statsig-encoded": "1"}  # As statsig-js 5.1 does.
    result = shop_server.http.post("/initialize", content=backwards, headers=encoded).json()
    assert result["user"] == plain["user"]
    for content, query in ((b"{}", "gz=1"), (b"{}", "se=1"), (b"{", "")):
        rejected = shop_server.http.post(f"/initialize?{query}", content=content)
        assert rejected.status_code == 400


ZSTD = {"content-encoding": "zstd"}


def test_zstd_body_is_decompressed(shop_server: Api) -> None:
    body = zstandard.ZstdCompressor(level=12).compress(b'{"user": {"userID": "a"}}')
    result = shop_server.http.post("/initialize", content=body, headers=ZSTD)
    assert result.json()["user"]["userID"] == "a"
    for content in (b"{}", body[: len(body) // 2]):
        rejected = shop_server.http.post("/initialize", content=content, headers=ZSTD)
        assert rejected.status_code == 400


def test_zstd_bomb_is_rejected(shop_server: Api) -> None:
    bomb = zstandard.compress(bytes(11 * 1024 * 1024))
    assert len(bomb) < 2000
    rejected = shop_server.http.post("/initialize", content=bomb, headers=ZSTD)
    assert rejected.status_code == 413
    greedy = zstandard.ZstdCompressionParameters(window_log=27, write_content_size=False)
    packing = zstandard.ZstdCompressor(compression_params=greedy).compressobj()
    content = packing.compress(b"{}") + packing.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    rejected = shop_server.http.post("/initialize", content=content, headers=ZSTD)
    assert rejected.status_code == 400


def test_cors_allows_api_only(http: httpx.Client) -> None:
    page = {"origin": "http://localhost:3000"}
    preflight = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "statsig-event-count,statsig-api-key",
    }
    allowed = http.options("/v1/rgstr", headers=page | preflight)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert "statsig-event-count" in allowed.headers["access-control-allow-headers"]
    result = http.post("/v1/initialize?k=client-local", headers=page, json={})
    assert result.headers["access-control-allow-origin"] == "*"
    rejected = http.post("/v1/initialize?k=client-other", headers=page, json={})
    assert rejected.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("path", [*SPECS, "/v1/get_id_lists/secret-local.json"])
def test_web_page_cannot_download_specs(http: httpx.Client, path: str) -> None:
    key = {"origin": "http://localhost:3000", "statsig-api-key": "secret-local"}
    response = http.get(path, headers=key)
    assert response.status_code == 403
    assert "got the secret key" in response.json()["message"]
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("call", ["check_gate", "initialize", "rgstr"])
def test_web_page_cannot_use_secret_key(http: httpx.Client, call: str) -> None:
    page = {"origin": "http://localhost:3000"}
    body = {"gateName": "staff_tools", "events": []}
    assert http.post(f"/v1/{call}?k=secret-local", headers=page, json=body).status_code == 403
    assert http.post(f"/v1/{call}?k=client-local", headers=page, json=body).is_success


def test_unsupported_condition_returns_empty_value(serve: Callable[..., Api]) -> None:
    document = v1_specs()
    for section in ("dynamic_configs", "layer_configs"):
        spec = document[section][0]
        spec["rules"] = [
            {**document["feature_gates"][0]["rules"][0], "returnValue": {"value": None}}
        ]
        spec["rules"][0]["conditions"] = [{"type": "unknown_type", "idType": "userID"}]
    config, layer = (document[s][0]["name"] for s in ("dynamic_configs", "layer_configs"))
    with pytest.warns(UserWarning, match="does not support"):
        api = serve(json.dumps(document), "specs.json")
    assert api.config(config)["value"] == {}
    assert api.layer(layer)["value"] == {}
    results = initialize(api, {"hash": "none"}).json()
    assert results["dynamic_configs"][config]["value"] == {}
    assert results["layer_configs"][layer]["value"] == {}


def test_sdk_exception_is_logged(shop_server: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    body = {"exception": "TypeError", "info": "it broke\n" * 1000, "statsigMetadata": {}}
    assert shop_server.post("sdk_exception", body).status_code == 202
    (record,) = caplog.records
    assert record.name == "statsig_api_client.local"
    assert record.getMessage().startswith("an SDK reports 'TypeError', 'it broke\\n")
    assert len(record.getMessage()) < 1100
