"""Correct uses of the API, with the types that checkers must infer."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict, assert_type

import httpx
import httpx2

from statsig_api_client import (
    UNSET,
    APIResponse,
    AsyncStatsig,
    DynamicConfig,
    Experiment,
    ExperimentExposure,
    Exposure,
    FeatureGate,
    GateExposure,
    JsonInput,
    JsonValue,
    Layer,
    LogEventResult,
    RankedVariant,
    SecondaryExposure,
    Statsig,
    StatsigError,
    StatsigEvent,
    StatsigEventDict,
    StatsigUser,
    StatsigUserDict,
    Unset,
)


class Attributes(TypedDict):
    plan: str


user = StatsigUser(
    user_id="42",
    email="ada@example.com",
    custom={"plan": "pro", "level": 3, "tags": ["a", "b"], "nested": {"deep": [1, None]}},
    private_attributes={"salary": 1.5},
    custom_ids={"companyID": "c1"},
    statsig_environment={"tier": "staging"},
)
wire_user: StatsigUserDict = {"userID": "42", "custom": {"plan": "pro"}}
device: StatsigUserDict = {
    "os_name": "Android",
    "os_version": "15",
    "browser_name": "Firefox",
    "browser_version": "140.0",
    "custom": {"tags": ("a", "b")},
}
levels: dict[str, int] = {"level": 3}
StatsigUser(custom=levels, private_attributes={"tags": ("a", "b")}, os_name="Android")
read: JsonValue = {"plan": ["pro"]}
sent: JsonInput = read

assert_type(user.user_id, str | None)
assert_type(user.custom, Mapping[str, JsonInput] | None)
assert_type(user.custom_ids, Mapping[str, str] | None)
assert_type(user.to_dict(), dict[str, JsonInput])
assert_type(StatsigUser.from_dict({"userID": "42"}), StatsigUser)
# Checkers treat a TypedDict as Mapping[str, object], which could contain anything.
attributes: Attributes = {"plan": "pro"}
assert_type(StatsigUser.from_dict({"userID": "42", "custom": attributes}), StatsigUser)

with Statsig("secret-key", timeout=2.5, max_retries=0, on_error="fallback") as statsig:
    gate = statsig.check_gate(user, "new_checkout")
    assert_type(gate, FeatureGate)
    assert_type(gate.name, str)
    assert_type(gate.value, bool)
    assert_type(gate.rule_id, str | None)
    assert_type(gate.group_name, str | None)
    assert_type(gate.error, StatsigError | None)
    assert_type(bool(gate), bool)
    assert_type(gate.additional_properties, Mapping[str, JsonValue])
    assert_type(statsig.check_gate(wire_user, "new_checkout"), FeatureGate)
    assert_type(statsig.check_gate({"userID": "42"}, "new_checkout"), FeatureGate)
    assert_type(statsig.check_gates(user, ["a1", "b1"]), dict[str, FeatureGate])
    assert_type(statsig.check_gates(user, ("a1", "b1"))["a1"].value, bool)

    config = statsig.get_config(user, "homepage")
    assert_type(config, DynamicConfig)
    assert_type(config.value, dict[str, JsonValue])
    assert_type(config.get("button_color", "blue"), str)
    assert_type(config.get("shown", True), bool)
    assert_type(config.get("count", 1), int)
    assert_type(config.get("ratio", 0.5), float)
    assert_type(config.get("colors", ["blue"]), list[JsonValue])
    assert_type(config.get("colors", ("blue",)), Sequence[JsonInput])
    assert_type(config.get("sizes", {"small": 1}), dict[str, JsonValue])
    assert_type(config.get("sizes", levels), Mapping[str, JsonInput])
    assert_type(config.get("button_color", type=str), str | None)
    assert_type(config.get("shown", type=bool), bool | None)
    assert_type(config.get("count", type=int), int | None)
    assert_type(config.get("ratio", type=float), float | None)
    assert_type(config.get("colors", type=list), list[JsonValue] | None)
    assert_type(config.get("sizes", type=dict), dict[str, JsonValue] | None)
    assert_type(config.get("anything"), JsonValue)
    assert_type(config.get("anything", None), JsonValue)
    nested = config.value["nested"]
    if isinstance(nested, str):
        assert_type(nested, str)
    if isinstance(nested, dict):
        members: dict[str, JsonValue] = nested
    if isinstance(nested, list):
        items: list[JsonValue] = nested
    StatsigUser(custom=config.value)

    assert_type(statsig.get_experiment(user, "logo_test"), Experiment)
    assert_type(statsig.get_experiment(user, experiment_name="logo_test").get("shape", "o"), str)
    layer = statsig.get_layer(user, "page")
    assert_type(layer, Layer)
    assert_type(layer.rule_id, str | None)
    assert_type(layer.allocated_experiment_name, str | None)
    ranked = statsig.get_ranked_list(user, "articles")
    assert_type(ranked, list[RankedVariant])
    assert_type(ranked[0].score, float)

    assert_type(statsig.log_event(user, "purchase", 9.99, {"sku": "A1"}), LogEventResult)
    assert_type(statsig.log_event(wire_user, "seen", value="red", time=1), LogEventResult)
    event = StatsigEvent(event_name="purchase", user=user, value=None, time="2026-01-01T00:00:00Z")
    assert_type(event.value, str | float | Unset | None)
    assert_type(event.time, int | str | None)
    assert_type(event.user, StatsigUser | StatsigUserDict | None)
    if event.value is not UNSET and event.value is not None:
        assert_type(event.value, str | float)
    wire_event: StatsigEventDict = {"eventName": "purchase", "user": wire_user, "value": None}
    result = statsig.log_events([event, wire_event, {"eventName": "seen"}])
    assert_type(result.success, bool)

    exposures = [
        ExperimentExposure(
            experiment_name="logo_test",
            group="Test",
            user=user,
            secondary_exposures=[SecondaryExposure(gate="g1", gate_value="true", rule_id="r")],
        ),
        ExperimentExposure(experiment_name="logo_test", rule_id="r", user=wire_user),
    ]
    assert_type(statsig.log_custom_exposures(exposures), LogEventResult)
    mixed = [
        ExperimentExposure(experiment_name="logo_test", rule_id="r"),
        GateExposure(gate_name="g1", passes=True, rule_id="r"),
    ]
    assert_type(statsig.log_custom_exposures(mixed), LogEventResult)
    named: list[Exposure] = [*mixed]
    assert_type(statsig.log_custom_exposures(named), LogEventResult)
    assert_type(
        statsig.log_custom_exposures(
            [
                *exposures,
                GateExposure(gate_name="g1", passes=True, rule_id="r"),
                {"gateName": "g1", "passes": True, "ruleID": "r"},
            ]
        ),
        LogEventResult,
    )
    gate_value: Literal["true", "false"] = "true"
    assert_type(SecondaryExposure(gate="g1", gate_value=gate_value, rule_id="r").gate, str)

    assert_type(statsig.with_options(timeout=1, environment="staging"), Statsig)
    assert_type(statsig.with_options(log_exposures=False).check_gate(user, "g1"), FeatureGate)
    response = statsig.with_raw_response.check_gate(user, "new_checkout")
    assert_type(response, APIResponse[FeatureGate])
    assert_type(response.parse(), FeatureGate)
    assert_type(response.status_code, int)
    assert_type(response.elapsed, float)
    assert_type(response.attempts, int)
    assert_type(
        statsig.with_raw_response.check_gates(user, ["a1"]), APIResponse[dict[str, FeatureGate]]
    )

assert_type(Statsig(http_client=httpx.Client()), Statsig)
assert_type(Statsig(http_client=httpx2.Client(), base_url="https://example.com/v1"), Statsig)


async def asynchronous() -> None:
    async with AsyncStatsig(http_client=httpx.AsyncClient()) as statsig:
        assert_type(await statsig.check_gate(user, "new_checkout"), FeatureGate)
        assert_type(await statsig.check_gates(user, ["a1"]), dict[str, FeatureGate])
        assert_type((await statsig.get_config(user, "homepage")).get("color", "blue"), str)
        assert_type(await statsig.get_experiment(user, "logo_test"), Experiment)
        assert_type(await statsig.get_layer(user, "page"), Layer)
        assert_type(await statsig.get_ranked_list(user, "articles"), list[RankedVariant])
        assert_type(await statsig.log_event(user, "purchase", 9.99), LogEventResult)
        assert_type(
            await statsig.with_raw_response.check_gate(user, "g1"), APIResponse[FeatureGate]
        )
        assert_type(statsig.with_options(max_retries=0), AsyncStatsig)
    AsyncStatsig(http_client=httpx2.AsyncClient())
