"""The mapping of flags, contexts and errors, by the SDK's client on a local server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import pytest
from attrs import frozen
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagType

from statsig_api_client import AsyncStatsig, Statsig
from statsig_api_client.local import LocalServer
from statsig_api_client.openfeature import StatsigProvider
from tests.support.loopback import Loopback, respond, silence

PROJECT: Final = """
gates:
  open: { rules: [{ name: all }] }
  staff: { rules: [{ name: by address, if: { email: { ends with: "@example.com" } } }] }
  half: { rules: [{ name: none of them, rollout: 0 }] }
  off: { enabled: false, rules: [{ name: all }] }
  held: { rules: [{ name: all }] }
  both: { rules: [{ name: all }] }
configs:
  home:
    default:
      { color: blue, shown: 12, price: 2, rate: 0.5, whole: 3.0, beta: true, tags: [a], none: null }
    rules: [{ name: pro, if: { custom.plan: pro }, value: { color: red } }]
  single: { default: { value: hi } }
  single_number: { default: { value: 3 } }
  off_config: { enabled: false, default: { value: hi } }
  both: { default: { value: hi } }
experiments:
  shape: { default: { shape: none }, groups: { Circle: { value: { shape: circle } } } }
  later: { active: false, default: { a: 1 }, groups: { A: { value: { a: 2 } } } }
  aimed: { targeting: { country: DE }, default: { a: 1 }, groups: { A: { value: { a: 2 } } } }
  none: { allocation: 0, default: { a: 1 }, groups: { A: { value: { a: 2 } } } }
  in_layer: { layer: page, groups: { Green: { value: { color: green } } } }
layers:
  page: { default: { color: blue, reviews: true } }
  empty: { default: { color: blue } }
holdouts:
  everyone: { share: 100, from: { gates: [held] } }
"""

Evaluate: TypeAlias = Callable[..., FlagEvaluationDetails[Any]]

USER: Final = EvaluationContext("42", {"email": "ada@example.com"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    file = tmp_path_factory.mktemp("mapping") / "project.yaml"
    file.write_text(PROJECT)
    with LocalServer(file) as running:
        yield running


@asynccontextmanager
async def async_provider(key: str, url: str, **options: Any) -> AsyncIterator[StatsigProvider]:
    with Statsig(key, base_url=url, max_retries=0, timeout=1) as statsig:
        async with AsyncStatsig(key, base_url=url, max_retries=0, timeout=1) as async_statsig:
            yield StatsigProvider(
                statsig=statsig, async_statsig=async_statsig, check_key=False, **options
            )


@frozen
class Mode:
    """Blocking or asynchronous evaluation."""

    is_async: bool

    def evaluate(
        self,
        url: str,
        kind: FlagType,
        key: str,
        context: EvaluationContext = USER,
        *,
        default: Any,
        **options: Any,
    ) -> FlagEvaluationDetails[Any]:
        async def run() -> FlagEvaluationDetails[Any]:
            async with async_provider("secret-local", url, **options) as provider:
                api.set_provider_and_wait(provider)
                client = api.get_client()
                if self.is_async:
                    return await client.evaluate_flag_details_async(kind, key, default, context)
                return client.evaluate_flag_details(kind, key, default, context)

        return asyncio.run(run())


@pytest.fixture(params=[False, True], ids=["blocking", "async"])
def mode(request: pytest.FixtureRequest) -> Mode:
    return Mode(request.param)


BOOLEAN, STRING, OBJECT = FlagType.BOOLEAN, FlagType.STRING, FlagType.OBJECT
INTEGER, FLOAT = FlagType.INTEGER, FlagType.FLOAT

HOME: Final = {
    "color": "blue",
    "shown": 12,
    "price": 2,
    "rate": 0.5,
    "whole": 3.0,
    "beta": True,
    "tags": ["a"],
    "none": None,
}


@pytest.mark.parametrize(
    ("kind", "key", "default", "value", "reason", "variant"),
    [
        (BOOLEAN, "open", False, True, "TARGETING_MATCH", "all"),
        (BOOLEAN, "gate:open", False, True, "TARGETING_MATCH", "all"),
        (BOOLEAN, "staff", False, True, "TARGETING_MATCH", "by address"),
        (BOOLEAN, "half", True, False, "TARGETING_MATCH", "none of them"),
        (BOOLEAN, "held", True, False, "DEFAULT", "holdout:everyone"),
        (BOOLEAN, "off", True, True, "DISABLED", None),
        (BOOLEAN, "both", False, True, "TARGETING_MATCH", "all"),
        (OBJECT, "home", {}, HOME, "DEFAULT", "default"),
        (OBJECT, "config:home", {}, HOME, "DEFAULT", "default"),
        (STRING, "home:color", "x", "blue", "DEFAULT", "default"),
        (INTEGER, "home:shown", 1, 12, "DEFAULT", "default"),
        (INTEGER, "home:whole", 1, 3, "DEFAULT", "default"),
        (FLOAT, "home:price", 1.0, 2.0, "DEFAULT", "default"),
        (FLOAT, "home:rate", 1.0, 0.5, "DEFAULT", "default"),
        (BOOLEAN, "home:beta", False, True, "DEFAULT", "default"),
        (OBJECT, "home:tags", [], ["a"], "DEFAULT", "default"),
        (STRING, "single", "x", "hi", "DEFAULT", "default"),
        (STRING, "both", "x", "hi", "DEFAULT", "default"),
        (OBJECT, "single", {}, {"value": "hi"}, "DEFAULT", "default"),
        (FLOAT, "single_number", 0.5, 3.0, "DEFAULT", "default"),
        (STRING, "off_config", "x", "x", "DISABLED", None),
        (STRING, "shape:shape", "x", "circle", "TARGETING_MATCH", "Circle"),
        (STRING, "experiment:shape:shape", "x", "circle", "SPLIT", "Circle"),
        (INTEGER, "experiment:later:a", 0, 1, "DEFAULT", "prestart"),
        (INTEGER, "experiment:aimed:a", 0, 1, "DEFAULT", "inlineTargetingRules"),
        (INTEGER, "experiment:none:a", 0, 1, "DEFAULT", "layerAssignment"),
        (OBJECT, "layer:page", {}, {"color": "green", "reviews": True}, "SPLIT", "Green"),
        (STRING, "layer:page:color", "x", "green", "SPLIT", "Green"),
        (STRING, "layer:empty:color", "x", "blue", "DEFAULT", "default"),
    ],
)
def test_flag_has_value_reason_and_variant(
    server: LocalServer,
    mode: Mode,
    kind: FlagType,
    key: str,
    default: Any,
    value: Any,
    reason: str,
    variant: str | None,
) -> None:
    details = mode.evaluate(server.url, kind, key, default=default)
    assert (details.value, details.reason, details.variant) == (value, reason, variant)
    assert type(details.value) is type(value)
    assert (details.flag_key, details.error_code, details.error_message) == (key, None, None)


def test_context_selects_rule(server: LocalServer, mode: Mode) -> None:
    context = EvaluationContext("42", {"plan": "pro"})
    details = mode.evaluate(server.url, STRING, "home:color", context, default="x")
    assert (details.value, details.reason, details.variant) == ("red", "TARGETING_MATCH", "pro")


def test_metadata_has_rule_group_and_experiment(server: LocalServer, mode: Mode) -> None:
    assert mode.evaluate(server.url, BOOLEAN, "staff", default=False).flag_metadata == {
        "kind": "gate",
        "ruleID": "by address",
        "groupName": "by address",
    }
    layer = mode.evaluate(server.url, OBJECT, "layer:page", default={})
    assert layer.flag_metadata == {
        "kind": "layer",
        "ruleID": "Green",
        "allocatedExperiment": "in_layer",
    }


def test_override_is_targeting_match(server: LocalServer, mode: Mode) -> None:
    server.override_gate("half", value=True)
    try:
        details = mode.evaluate(server.url, BOOLEAN, "half", default=False)
    finally:
        server.reset()
    assert (details.value, details.reason) == (True, "TARGETING_MATCH")
    assert details.flag_metadata["override"] is True


@pytest.mark.parametrize(
    ("kind", "key", "default", "code", "message"),
    [
        (BOOLEAN, "nope", True, "FLAG_NOT_FOUND", "nope: the project has no such gate"),
        (STRING, "nope", "x", "FLAG_NOT_FOUND", "nope: the project has no such config"),
        (STRING, "nope:a", "x", "FLAG_NOT_FOUND", "nope:a: the project has no such config"),
        (OBJECT, "layer:nope", {}, "FLAG_NOT_FOUND", "layer:nope: the project has no such layer"),
        (
            *(STRING, "experiment:nope", "x", "FLAG_NOT_FOUND"),
            "experiment:nope: the project has no such experiment",
        ),
        (
            STRING,
            "home:nope",
            "x",
            "FLAG_NOT_FOUND",
            "home:nope: the config has no parameter 'nope'",
        ),
        (
            *(STRING, "home", "x", "FLAG_NOT_FOUND"),
            "home: the config has no parameter 'value'; use home:PARAMETER as the key",
        ),
        (
            *(STRING, "layer:", "x", "FLAG_NOT_FOUND"),
            "flag key: expected [KIND:]NAME[:PARAMETER], got 'layer:'",
        ),
        (
            *(BOOLEAN, "home", True, "TYPE_MISMATCH"),
            "home: expected boolean, got a config; use home:PARAMETER as the key of a parameter",
        ),
        (STRING, "open", "x", "TYPE_MISMATCH", "open: expected string, got a gate"),
        (STRING, "gate:open", "x", "TYPE_MISMATCH", "gate:open: expected string, got boolean"),
        (OBJECT, "open", {}, "TYPE_MISMATCH", "open: expected object, got a gate"),
        (INTEGER, "home:beta", 1, "TYPE_MISMATCH", "home:beta: expected integer, got boolean"),
        (INTEGER, "home:rate", 1, "TYPE_MISMATCH", "home:rate: expected integer, got number"),
        (FLOAT, "home:color", 0.1, "TYPE_MISMATCH", "home:color: expected float, got string"),
        (STRING, "home:none", "x", "TYPE_MISMATCH", "home:none: expected string, got null"),
        (OBJECT, "home:color", {}, "TYPE_MISMATCH", "home:color: expected object, got string"),
    ],
)
def test_unusable_flag_has_default_and_code(
    server: LocalServer,
    mode: Mode,
    kind: FlagType,
    key: str,
    default: Any,
    code: str,
    message: str,
) -> None:
    details = mode.evaluate(server.url, kind, key, default=default)
    assert (details.value, details.reason) == (default, "ERROR")
    assert (details.error_code, details.error_message) == (code, message)


@pytest.mark.parametrize(
    ("context", "code"),
    [
        (EvaluationContext(None, {"email": "a@b.c"}), "TARGETING_KEY_MISSING"),
        (EvaluationContext("42", {"customIDs": "x"}), "INVALID_CONTEXT"),
        (EvaluationContext("42", {"x": float("nan")}), "INVALID_CONTEXT"),
    ],
)
def test_invalid_context_has_code(
    server: LocalServer, mode: Mode, context: EvaluationContext, code: str
) -> None:
    details = mode.evaluate(server.url, BOOLEAN, "open", context, default=False)
    assert (details.value, details.reason, details.error_code) == (False, "ERROR", code)


@pytest.mark.parametrize("attributes", [{"email": "a@b.c"}, {"customIDs": {"companyID": "c"}}])
def test_targeting_key_can_be_optional(server: LocalServer, mode: Mode, attributes: Any) -> None:
    context = EvaluationContext(None, attributes)
    details = mode.evaluate(
        server.url, BOOLEAN, "open", context, default=False, require_targeting_key=False
    )
    assert details.value is True


def test_absent_context_is_missing_targeting_key(server: LocalServer) -> None:
    with Statsig("secret-local", base_url=server.url) as statsig:
        provider = StatsigProvider(statsig=statsig)
        details = provider.resolve_boolean_details("open", default_value=False)
    assert details.error_code == "TARGETING_KEY_MISSING"


@pytest.mark.parametrize(
    ("script", "code"),
    [
        pytest.param(respond(500, {"message": "broken"}), "GENERAL", id="500"),
        pytest.param(respond(503, {"message": "busy"}), "GENERAL", id="503"),
        pytest.param(respond(429, {"message": "slowly"}), "GENERAL", id="429"),
        pytest.param(respond(400, {"message": "bad"}), "GENERAL", id="400"),
        pytest.param(respond(401, {"message": "wrong key"}), "GENERAL", id="401"),
        pytest.param(respond(403, {"message": "wrong key"}), "GENERAL", id="403"),
        pytest.param(respond(404, {"message": "no such path"}), "GENERAL", id="404"),
        pytest.param(
            respond(200, {"name": "open", "value": "yes"}), "PARSE_ERROR", id="wrong type"
        ),
        pytest.param(respond(200, b"<html>"), "PARSE_ERROR", id="not JSON"),
        pytest.param(silence, "GENERAL", id="timeout"),
        pytest.param(lambda connection: connection.reset(), "GENERAL", id="connection"),
    ],
)
def test_failed_call_has_default_and_code(
    loopback_server: Loopback, mode: Mode, script: Any, code: str
) -> None:
    loopback_server.script(script)
    details = mode.evaluate(loopback_server.url, BOOLEAN, "open", default=True)
    assert (details.value, details.reason, details.error_code) == (True, "ERROR", code)
    assert details.error_message
    assert details.error_message.startswith("check_gate: ")


def test_single_request_unless_not_found(loopback_server: Loopback, mode: Mode) -> None:
    loopback_server.script(respond(200, {"name": "a", "value": False, "rule_id": "r"}))
    mode.evaluate(loopback_server.url, BOOLEAN, "a", default=False)
    assert [request.path for request in loopback_server.requests] == ["/v1/check_gate"]
    unknown = {"name": "a", "value": False, "rule_id": ""}
    loopback_server.script(respond(200, unknown), respond(200, {"name": "a", "value": {}}))
    mode.evaluate(loopback_server.url, BOOLEAN, "a", default=False)
    *_, first, second = loopback_server.requests
    assert (first.path, second.path) == ("/v1/check_gate", "/v1/get_config")
    assert "statsigMetadata" not in first.json
    assert second.json["statsigMetadata"] == {"exposureLoggingDisabled": True}


def test_exposures_are_recorded_unless_disabled(server: LocalServer, mode: Mode) -> None:
    server.reset()
    mode.evaluate(server.url, BOOLEAN, "open", default=False, log_exposures=False)
    assert server.exposures() == []
    mode.evaluate(server.url, BOOLEAN, "open", default=False)
    assert [exposure.name for exposure in server.exposures()] == ["open"]
