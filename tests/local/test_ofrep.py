"""OpenFeature's remote evaluation protocol."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

from statsig_api_client import Statsig
from statsig_api_client.local import LocalServer
from statsig_api_client.openfeature import StatsigProvider

from ..support.config_specs import v1_specs
from .conftest import SHOP, Api, Json

FLAGS = "/ofrep/v1/evaluate/flags"
CHANGES = "/ofrep/v1/changes"
ADA = {"targetingKey": "42", "email": "ada@example.com"}

PROJECT = """
gates:
  open: { rules: [{ name: all }] }
  staff: { rules: [{ name: by address, if: { email: { ends with: "@example.com" } } }] }
  part: { rules: [{ name: part, rollout: 99.99 }] }
  second: { rules: [{ name: staff, if: { email: a@b.c } }, { name: all }] }
  off: { enabled: false, rules: [{ name: all }] }
  both: { rules: [{ name: all }] }
  none: {}
configs:
  single: { default: { value: 3 } }
  price:
    default: { value: 3, whole: 2 }
    rules: [{ name: pro, if: { custom.plan: pro }, value: { value: 2.5, whole: 1 } }]
  off_config: { enabled: false, default: { value: hi } }
  both: { default: { value: hi, none: null } }
experiments:
  shape: { default: { shape: none }, groups: { Circle: { value: { shape: circle } } } }
  in_layer: { layer: page, groups: { Green: { value: { rate: 0.5 } } } }
  out_of_layer: { layer: spare, allocation: 0, groups: { A: { value: { rate: 0.5 } } } }
layers:
  page: { default: { rate: 1 } }
  spare: { default: { rate: 1, count: 1 } }
"""


class Ofrep:
    """A client of a server's OFREP."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        headers = {"authorization": f"Bearer {server.secret_key}"}
        self.http = httpx.Client(base_url=server.url.removesuffix("/v1"), headers=headers)

    def flag(self, key: str, context: Any = ADA) -> httpx.Response:
        return self.http.post(f"{FLAGS}/{key}", json={"context": context})

    def flags(self, context: Any = ADA, **headers: str) -> httpx.Response:
        return self.http.post(FLAGS, json={"context": context}, headers=headers)


@pytest.fixture(scope="module")
def ofrep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ofrep]:
    file = tmp_path_factory.mktemp("ofrep") / "project.yaml"
    file.write_text(PROJECT)
    with LocalServer(file) as server:
        client = Ofrep(server)
        yield client
        client.http.close()


@pytest.fixture
def shop(shop_server: Api) -> Iterator[Ofrep]:
    shop_server.server.reset()
    client = Ofrep(shop_server.server)
    yield client
    client.http.close()
    shop_server.server.reset()


@pytest.mark.parametrize(
    ("key", "value", "reason", "variant"),
    [
        ("open", True, "STATIC", "all"),
        ("none", False, "STATIC", "default"),
        ("staff", True, "TARGETING_MATCH", "by address"),
        ("gate:staff", True, "TARGETING_MATCH", "by address"),
        ("part", True, "TARGETING_MATCH", "part"),
        ("second", True, "TARGETING_MATCH", "all"),
        ("both", True, "STATIC", "all"),
        ("config:both", {"none": None, "value": "hi"}, "STATIC", "default"),
        ("config:both:value", "hi", "STATIC", "default"),
        ("both:value", "hi", "STATIC", "default"),
        ("single", 3, "STATIC", "default"),
        ("price:value", 3.0, "DEFAULT", "default"),
        ("price:whole", 2, "DEFAULT", "default"),
        ("shape:shape", "circle", "TARGETING_MATCH", "Circle"),
        ("experiment:shape:shape", "circle", "SPLIT", "Circle"),
        ("layer:page", {"rate": 0.5}, "SPLIT", "Green"),
        ("layer:spare:rate", 1.0, "DEFAULT", "default"),
        ("layer:spare:count", 1, "DEFAULT", "default"),
    ],
)
def test_flag_has_value_reason_and_variant(
    ofrep: Ofrep, key: str, value: Any, reason: str, variant: str
) -> None:
    response = ofrep.flag(key)
    assert response.status_code == 200
    result = response.json()
    assert (result["value"], result["reason"], result["variant"]) == (value, reason, variant)
    assert type(result["value"]) is type(value)
    assert result["key"] == key
    assert result["metadata"]["ruleID"]


@pytest.mark.parametrize("key", ["off", "off_config", "off_config:value"])
def test_disabled_flag_has_no_value(ofrep: Ofrep, key: str) -> None:
    result = ofrep.flag(key).json()
    assert (result["reason"], result["variant"]) == ("DISABLED", "")
    assert "value" not in result


def test_null_parameter_has_no_value(ofrep: Ofrep) -> None:
    assert "value" not in ofrep.flag("both:none").json()


def test_override_is_not_static(ofrep: Ofrep) -> None:
    ofrep.server.override_gate("none", value=True)
    try:
        result = ofrep.flag("none").json()
    finally:
        ofrep.server.reset()
    assert (result["value"], result["reason"]) == (True, "TARGETING_MATCH")
    assert result["metadata"]["override"] is True


@pytest.mark.parametrize(
    ("key", "details"),
    [
        ("nope", "nope: the project has no such config"),
        ("gate:nope", "gate:nope: the project has no such gate"),
        ("layer:nope", "layer:nope: the project has no such layer"),
        ("layer:page:nope", "layer:page:nope: the layer has no parameter 'nope'"),
        ("a/b", "a/b: the project has no such config"),
        ("a%2Fb%3Ac", "a/b:c: the project has no such config"),
        ("", "flag key: expected [KIND:]NAME[:PARAMETER], got ''"),
    ],
)
def test_unknown_flag_is_404(ofrep: Ofrep, key: str, details: str) -> None:
    response = ofrep.flag(key)
    assert response.status_code == 404
    body = response.json()
    assert (body["errorCode"], body["errorDetails"]) == ("FLAG_NOT_FOUND", details)
    assert body["key"] == httpx.URL(f"http://host/{key}").path[1:]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "PARSE_ERROR"),
        (b"[]", "INVALID_CONTEXT"),
        (b'{"context": 1}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": "4", "customIDs": 3}}', "INVALID_CONTEXT"),
        (b'{"context": {"targetingKey": true}}', "INVALID_CONTEXT"),
        (b"{}", "TARGETING_KEY_MISSING"),
        (b'{"context": {"email": "a@b.c"}}', "TARGETING_KEY_MISSING"),
    ],
)
def test_invalid_request_is_400(ofrep: Ofrep, body: bytes, code: str) -> None:
    one = ofrep.http.post(f"{FLAGS}/open", content=body)
    assert (one.status_code, one.json()["key"], one.json()["errorCode"]) == (400, "open", code)
    assert one.json()["errorDetails"]
    several = ofrep.http.post(FLAGS, content=body)
    assert (several.status_code, several.json()["errorCode"]) == (400, code)


def test_bulk_has_every_entity_and_parameter(ofrep: Ofrep) -> None:
    flags = {flag["key"]: flag for flag in ofrep.flags().json()["flags"]}
    assert [*flags] == [
        *("both", "none", "off", "open", "part", "second", "staff"),
        *("config:both", "config:both:none", "config:both:value"),
        *("off_config", "off_config:value", "price", "price:value", "price:whole"),
        *("single", "single:value", "in_layer", "in_layer:rate"),
        *("out_of_layer", "out_of_layer:count", "out_of_layer:rate", "shape", "shape:shape"),
        *("experiment:in_layer", "experiment:in_layer:rate", "experiment:out_of_layer"),
        *("experiment:out_of_layer:count", "experiment:out_of_layer:rate"),
        *("experiment:shape", "experiment:shape:shape", "layer:page", "layer:page:rate"),
        *("layer:spare", "layer:spare:count", "layer:spare:rate"),
    ]
    for key, flag in flags.items():
        assert ofrep.flag(key).json() == flag


def test_unsupported_condition_has_no_flag(serve: Callable[..., Api]) -> None:
    unsupported = {"type": "user_field", "field": "a", "operator": "unknown", "targetValue": 1}
    specs = v1_specs()
    specs["feature_gates"][0]["rules"][0]["conditions"] = [unsupported]
    with pytest.warns(UserWarning, match="does not support, in a_gate"):
        client = Ofrep(serve(json.dumps(specs), "specs.json").server)
    keys = {flag["key"] for flag in client.flags().json()["flags"]}
    assert "held" in keys
    assert "a_gate" not in keys
    assert client.flag("a_gate").status_code == 404
    client.http.close()


def test_single_call_records_exposure(shop: Ofrep) -> None:
    for key in ("staff_tools", "homepage:headline", "layer:product_page", "experiment:logo_test"):
        shop.flag(key, ADA | {"privateAttributes": {"age": 36}})
    shop.flag("nope")
    shop.flags()
    exposures = shop.server.exposures()
    assert [(exposure.event_name, exposure.name) for exposure in exposures] == [
        ("statsig::gate_exposure", "staff_tools"),
        ("statsig::config_exposure", "homepage"),
        ("statsig::layer_exposure", "product_page"),
        ("statsig::config_exposure", "logo_test"),
    ]
    assert exposures[0].user == {"userID": "42", "email": "ada@example.com"}


# ---- Change detection ----


def test_etag_changes_with_project_and_user(shop: Ofrep) -> None:
    first = shop.flags()
    etag = first.headers["etag"]
    same = shop.flags(**{"if-none-match": etag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", etag)
    assert shop.flags({"targetingKey": "42"}, **{"if-none-match": etag}).status_code == 200
    shop.server.override_gate("staff_tools", value=False)
    assert shop.flags(**{"if-none-match": etag}).status_code == 200


def test_stream_reports_changes(shop: Ofrep) -> None:
    (stream,) = shop.flags().json()["eventStreams"]
    assert stream == {"type": "sse", "endpoint": {"requestUri": CHANGES}}
    with httpx.stream("GET", shop.server.url.removesuffix("/v1") + CHANGES) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        lines = response.iter_lines()
        first = next_event(lines)
        shop.server.override_gate("staff_tools", value=False)
        second = next_event(lines)
    for event in (first, second):
        assert event["data"] == {
            "type": "refetchEvaluation",
            "etag": f'"{event["id"]}"',
            "lastModified": int(event["id"]) // 1000,
        }
    assert int(second["id"]) == shop.server.project().time > int(first["id"])


def test_resumed_stream_skips_seen_change(shop: Ofrep) -> None:
    time = shop.server.project().time
    url = shop.server.url.removesuffix("/v1") + CHANGES
    with httpx.stream("GET", url, headers={"last-event-id": str(time)}) as response:
        shop.server.override_gate("staff_tools", value=False)
        assert int(next_event(response.iter_lines())["id"]) > time


def test_streams_end_with_server() -> None:
    server = LocalServer(SHOP)
    with httpx.stream("GET", server.url.removesuffix("/v1") + CHANGES) as response:
        lines = response.iter_lines()
        next_event(lines)
        server.close()
        assert [*lines] == []


def next_event(lines: Iterator[str]) -> Json:
    """Return the next event of a stream, with its data parsed."""
    fields = dict(line.split(": ", 1) for line in iter(lambda: next(lines), ""))
    return fields | {"data": json.loads(fields["data"])}


# ---- Access and faults ----


@pytest.mark.parametrize(
    "header", ["authorization: Bearer {}", "authorization: bearer {}", "x-api-key: {}"]
)
def test_key_is_required(shop: Ofrep, header: str) -> None:
    name, value = header.split(": ")
    for url in (FLAGS, f"{FLAGS}/staff_tools"):
        for key, status in (("client-local", 200), ("secret-local", 200), ("secret-wrong", 401)):
            headers = {name: value.format(key)}
            response = httpx.post(
                shop.http.base_url.join(url), json={"context": ADA}, headers=headers
            )
            assert response.status_code == status
    message = httpx.post(shop.http.base_url.join(FLAGS), json={}).json()["message"]
    assert message.endswith("in header x-api-key, or as a bearer token")


def test_web_page_may_use_client_key(shop: Ofrep) -> None:
    page = {"origin": "https://shop.example", "host": "10.0.0.1"}
    url = shop.http.base_url.join(FLAGS)
    preflight = httpx.options(
        url,
        headers=page
        | {
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, content-type, if-none-match",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == "*"
    for key, status in (("client-local", 200), ("secret-local", 403)):
        headers = page | {"authorization": f"Bearer {key}"}
        response = httpx.post(url, json={"context": ADA}, headers=headers)
        assert response.status_code == status
        assert response.headers["access-control-expose-headers"] == "etag"


@pytest.mark.parametrize(
    ("call", "fails"),
    [
        (None, (True, True)),
        ("evaluate_flag", (True, False)),
        ("evaluate_flags", (False, True)),
        ("check_gate", (False, False)),
    ],
)
def test_faults_apply_to_calls(shop: Ofrep, call: str | None, fails: tuple[bool, bool]) -> None:
    shop.server.fail_next(times=None, call=call, status=429, retry_after=2)
    responses = (shop.flag("staff_tools"), shop.flags())
    assert tuple(response.status_code == 429 for response in responses) == fails
    for response in responses:
        assert response.headers.get("retry-after") == ("2" if response.status_code == 429 else None)


# ---- Python's client ----

SHOP_FLAGS: dict[str, Any] = {
    "staff_tools": False,
    "new_checkout": False,
    "experiment:logo_test:shape": "x",
    "homepage": {},
    "homepage:headline": "x",
    "homepage:button_color": "x",
    "homepage:products_shown": 1,
    "experiment:logo_test": {},
    "logo_test:shape": "x",
    "layer:product_page": {},
    "layer:product_page:add_to_cart_color": "x",
    "layer:product_page:show_reviews": False,
}


def evaluated(provider: Any) -> Json:
    api.set_provider_and_wait(provider)
    client = api.get_client()
    get: dict[type, Callable[..., Any]] = {
        bool: client.get_boolean_details,
        str: client.get_string_details,
        int: client.get_integer_details,
        dict: client.get_object_details,
    }
    results = {
        (key, user): get[type(default)](key, default, EvaluationContext(user, {"country": "NO"}))
        for key, default in SHOP_FLAGS.items()
        for user in ("ada", "42", "7")
    }
    api.shutdown()
    assert not [details for details in results.values() if details.error_code]
    return {name: (details.value, details.variant) for name, details in results.items()}


def test_python_client_evaluates_like_provider(shop: Ofrep) -> None:
    client = OFREPProvider(
        str(shop.http.base_url),
        headers_factory=lambda: {"Authorization": f"Bearer {shop.server.secret_key}"},
    )
    with Statsig(shop.server.secret_key, base_url=shop.server.url) as statsig:
        assert evaluated(client) == evaluated(StatsigProvider(statsig=statsig))
    client.session.close()


@pytest.mark.parametrize(
    ("key", "context", "code"),
    [
        ("nope", EvaluationContext("42"), "FLAG_NOT_FOUND"),
        ("staff_tools", EvaluationContext(), "TARGETING_KEY_MISSING"),
        ("staff_tools", EvaluationContext("42", {"customIDs": 1}), "INVALID_CONTEXT"),
        ("homepage", EvaluationContext("42"), "TYPE_MISMATCH"),
    ],
)
def test_python_client_understands_errors(
    shop: Ofrep, key: str, context: EvaluationContext, code: str
) -> None:
    client = OFREPProvider(
        str(shop.http.base_url), headers_factory=lambda: {"X-API-Key": shop.server.client_key}
    )
    api.set_provider_and_wait(client)
    details = api.get_client().get_boolean_details(key, False, context)  # noqa: FBT003
    api.shutdown()
    client.session.close()
    assert details.error_code == code
