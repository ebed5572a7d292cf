"""Generated calls: request bodies, argument checks, responses and fallbacks."""

from collections.abc import Callable, Iterable, Iterator
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client._errors import StatsigError
from statsig_api_client.generated import (
    API_SERVER,
    EVENTS_SERVER,
    DynamicConfig,
    Experiment,
    ExperimentExposure,
    FeatureGate,
    GateExposure,
    GateExposureDict,
    Layer,
    LogEventResult,
    RankedVariant,
    StatsigEvent,
    StatsigUser,
    calls,
)
from tests.support.spec import (
    DELIVERIES,
    EVALUATIONS,
    METHODS,
    SCHEMAS,
    SPEC,
    alike,
    minimal_arguments,
    request_body,
    request_schema,
    validator,
)
from tests.support.strategies import call_arguments, wire_dicts

USER = StatsigUser(user_id="42")
EVENT = StatsigEvent(event_name="purchase", user=USER)
EXPOSURE = GateExposure(gate_name="staff", passes=True, rule_id="r")

each_method = pytest.mark.parametrize("name", METHODS)
each_evaluation = pytest.mark.parametrize("name", EVALUATIONS)


def call(name: str, *arguments: Any) -> Any:
    return getattr(calls, name)(*arguments)


def some_arguments(name: str) -> list[Any]:
    names = dict.fromkeys(("gateName", "configName", "layerName"), "a")
    return minimal_arguments(name, user=USER, gateNames=["a", "b"], **names)


def made(name: str) -> Any:
    return call(name, *some_arguments(name))


# ---- Requests ----


@each_method
@given(data=st.data())
def test_body_matches_request_schema(name: str, data: st.DataObject) -> None:
    arguments = data.draw(call_arguments(name))
    body = call(name, *arguments).body
    assert alike(body, request_body(name, arguments))
    validator(request_schema(name)).validate(body)


@each_method
def test_call_path_matches_spec(name: str) -> None:
    path, operation, _ = METHODS[name]
    assert (made(name).operation, made(name).path) == (name, path)
    assert made(name).delivers == operation.get("x-delivers")


def test_servers_match_spec() -> None:
    assert SPEC["servers"][0]["url"] == API_SERVER
    for _, operation, _ in METHODS.values():
        assert operation.get("servers", [{"url": API_SERVER}])[0]["url"] == (
            EVENTS_SERVER if "x-delivers" in operation else API_SERVER
        )


def test_model_and_dict_make_equal_calls() -> None:
    assert calls.check_gate(USER, "staff").body == calls.check_gate({"userID": "42"}, "staff").body
    assert calls.log_events([EVENT]).body == calls.log_events([EVENT.to_dict()]).body  # type: ignore[list-item]


def test_batch_mixes_models_and_dicts() -> None:
    assert calls.log_events([EVENT, {"eventName": "b"}]).body == {
        "events": [{"eventName": "purchase", "user": {"userID": "42"}}, {"eventName": "b"}]
    }
    experiment = ExperimentExposure(experiment_name="logo", group="Test")
    gate: GateExposureDict = {"gateName": "x", "passes": False, "group": "Off"}
    assert calls.log_custom_exposures([EXPOSURE, experiment, gate]).body == {
        "exposures": [
            {"gateName": "staff", "passes": True, "ruleID": "r"},
            {"experimentName": "logo", "group": "Test"},
            gate,
        ]
    }


def test_dict_is_sent_unchanged() -> None:
    odd: Any = {"userID": "42", "unheardOf": None}
    assert calls.check_gate(odd, "staff").body["user"] == odd


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda: calls.check_gate({"userID": 42}, "staff"), "user.userID: expected string"),  # type: ignore[typeddict-item]
        (lambda: calls.log_events([{"user": {}}]), r'events\[0\]: missing field "eventName"'),  # type: ignore[typeddict-item]
        (
            lambda: calls.log_events([{"eventName": "a", "user": {"ip": 1}}]),  # type: ignore[typeddict-item]
            r"events\[0\].user.ip: expected string",
        ),
        (
            lambda: calls.log_custom_exposures([{"gateName": "a", "passes": 1, "group": "x"}]),  # type: ignore[list-item,typeddict-item]
            r"exposures\[0\].passes: expected boolean",
        ),
        (lambda: calls.log_custom_exposures([{}]), r'missing field "group" or "ruleID"$'),  # type: ignore[list-item,typeddict-item]
        (
            lambda: calls.log_custom_exposures([{"group": "x"}]),  # type: ignore[list-item,typeddict-item]
            r'missing field "experimentName" or "gateName"$',
        ),
        (
            lambda: StatsigEvent(event_name="a", user={"userID": 42}),  # type: ignore[typeddict-item]
            "StatsigEvent.user.userID: expected string",
        ),
    ],
    ids=["user", "event", "event user", "exposure", "group", "kind", "constructor"],
)
def test_invalid_dict_is_rejected(call: Callable[[], object], problem: str) -> None:
    with pytest.raises(TypeError, match=problem):
        call()


def test_mapping_is_accepted_as_dict() -> None:
    user: Any = MappingProxyType({"userID": "42"})
    assert calls.check_gate(user, "staff").body["user"] == {"userID": "42"}
    event = StatsigEvent(event_name="purchase", user=user)
    assert calls.log_events([event]).body["events"] == [EVENT.to_dict()]


def test_body_is_independent_of_argument() -> None:
    user: Any = {"userID": "42"}
    made = calls.check_gate(user, "staff")
    user["userID"] = "43"
    assert made.body["user"] == {"userID": "42"}


def test_invalid_name_is_sent_unchanged() -> None:
    for name in ("", "a", "a/b", " padded ", "x" * 101, "ключ"):
        assert calls.check_gate(USER, name).body["gateName"] == name
        assert calls.check_gates(USER, [name]).body["gateNames"] == [name]
        assert calls.get_experiment(USER, name).body["configName"] == name


def test_user_without_id_is_sent_unchanged() -> None:
    assert calls.check_gate(StatsigUser(), "staff").body["user"] == {}
    assert calls.check_gate({}, "staff").body["user"] == {}


# ---- Lists of arguments ----


def once(items: Iterable[Any]) -> Iterator[Any]:
    yield from items


@pytest.mark.parametrize("form", [list, tuple, iter, once, dict.fromkeys, MappingProxyType])
def test_names_accept_iterables_except_mappings(form: Any) -> None:
    if form in (dict.fromkeys, MappingProxyType):
        values = form({"b": None, "a": None})
        with pytest.raises(TypeError, match=r"^gate_names: expected a list, got \w+$"):
            calls.check_gates(USER, values)
    else:
        assert calls.check_gates(USER, form(["b", "a"])).body["gateNames"] == ["b", "a"]


@pytest.mark.parametrize("form", [list, tuple, iter, once])
def test_iterator_is_consumed_once(form: Any) -> None:
    made = calls.check_gates(USER, form(["b", "a"]))
    assert made.body["gateNames"] == ["b", "a"]
    assert made.body["gateNames"] == ["b", "a"]
    assert made.fallback is not None
    assert list(made.fallback(StatsigError("down"))) == ["b", "a"]
    assert list(made.fallback(StatsigError("down"))) == ["b", "a"]


@pytest.mark.parametrize("form", [list, tuple, iter, once])
def test_events_accept_any_iterable(form: Any) -> None:
    assert calls.log_events(form([EVENT, EVENT])).body["events"] == [EVENT.to_dict()] * 2


@pytest.mark.parametrize("count", [1, 2, 100])
def test_one_to_hundred_names_are_accepted(count: int) -> None:
    assert len(calls.check_gates(USER, ["staff"] * count).body["gateNames"]) == count  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, 101, 5000])
def test_wrong_number_of_names_is_rejected(count: int) -> None:
    with pytest.raises(ValueError, match=rf"^gate_names: expected 1 to 100 items, got {count}$"):
        calls.check_gates(USER, ["staff"] * count)


@pytest.mark.parametrize("form", [list, iter, once])
def test_empty_batch_is_rejected(form: Any) -> None:
    with pytest.raises(ValueError, match=r"^events: expected 1 or more items, got 0$"):
        calls.log_events(form([]))
    with pytest.raises(ValueError, match=r"^exposures: expected 1 or more items, got 0$"):
        calls.log_custom_exposures(form([]))


def test_batch_size_is_unlimited() -> None:
    assert len(calls.log_events([EVENT] * 5000).body["events"]) == 5000  # type: ignore[arg-type]


# ---- Arguments of the wrong type ----


@pytest.mark.parametrize(
    ("name", "arguments", "problem"),
    [
        ("check_gate", ("staff", USER), "user: expected StatsigUser or dict, got str"),
        ("check_gate", (USER, USER), "gate_name: expected string, got StatsigUser"),
        ("check_gate", (USER, None), "gate_name: expected string, got null"),
        ("check_gate", (USER, b"staff"), "gate_name: expected string, got bytes"),
        ("check_gate", (USER, ["staff"]), "gate_name: expected string, got array"),
        ("check_gate", (None, "staff"), "user: expected StatsigUser or dict, got NoneType"),
        ("check_gate", ("42", "staff"), "user: expected StatsigUser or dict, got str"),
        ("check_gate", (EVENT, "staff"), "user: expected StatsigUser or dict, got StatsigEvent"),
        ("check_gate", (StatsigUser, "a"), "user: expected StatsigUser or dict, got type"),
        ("check_gate", ([USER], "a"), "user: expected StatsigUser or dict, got list"),
        ("check_gates", (["staff"], USER), "gate_names: expected a list, got StatsigUser"),
        ("check_gates", (USER, "staff"), "gate_names: expected a list, got str"),
        ("check_gates", (USER, b"staff"), "gate_names: expected a list, got bytes"),
        ("check_gates", (USER, None), "gate_names: expected a list, got NoneType"),
        ("check_gates", (USER, 5), "gate_names: expected a list, got int"),
        ("check_gates", (USER, ["a", 5]), "gate_names[1]: expected string, got integer"),
        ("check_gates", (USER, [["a"]]), "gate_names[0]: expected string, got array"),
        ("get_config", (USER, 5), "config_name: expected string, got integer"),
        ("get_config", ("homepage", USER), "user: expected StatsigUser or dict, got str"),
        ("get_experiment", (USER, 5), "experiment_name: expected string, got integer"),
        ("get_layer", (USER, 5), "layer_name: expected string, got integer"),
        ("get_ranked_list", (USER, 5), "config_name: expected string, got integer"),
        ("log_events", (EVENT,), "events: expected a list, got StatsigEvent"),
        ("log_events", ({"eventName": "a"},), "events: expected a list, got dict"),
        ("log_events", ("purchase",), "events: expected a list, got str"),
        ("log_events", (["a"],), "events[0]: expected StatsigEvent or dict, got str"),
        ("log_events", ([EVENT, 5],), "events[1]: expected StatsigEvent or dict, got int"),
        ("log_events", ([USER],), "events[0]: expected StatsigEvent or dict, got StatsigUser"),
        (
            "log_custom_exposures",
            ([EXPOSURE, EVENT],),
            "exposures[1]: expected ExperimentExposure or GateExposure or dict, got StatsigEvent",
        ),
    ],
)
def test_wrong_argument_type_is_reported(name: str, arguments: Any, problem: str) -> None:
    with pytest.raises(TypeError) as refusal:
        call(name, *arguments)
    assert str(refusal.value) == problem


@each_method
def test_all_arguments_are_checked(name: str) -> None:
    arguments = some_arguments(name)
    for index in range(len(arguments)):
        wrong = [*arguments[:index], 5j, *arguments[index + 1 :]]
        with pytest.raises(TypeError, match=r"^\w+: expected .*, got complex$"):
            call(name, *wrong)


# ---- Responses ----

KINDS: dict[str, Any] = {
    "check_gate": FeatureGate,
    "get_config": DynamicConfig,
    "get_experiment": Experiment,
    "get_layer": Layer,
    "log_events": LogEventResult,
    "log_custom_exposures": LogEventResult,
}


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_response_is_parsed_as_return_type(name: str, data: st.DataObject) -> None:
    response = data.draw(wire_dicts(METHODS[name][2]["returns"]))
    read = made(name).parse(response, "$")
    assert type(read) is KINDS[name]
    assert read == KINDS[name].from_dict(response)


@given(response=wire_dicts("RankedList"))
def test_ranked_variants_keep_their_order(response: Any) -> None:
    read = made("get_ranked_list").parse(response, "$")
    assert read == [RankedVariant.from_dict(item) for item in response]


@given(response=wire_dicts("FeatureGates"))
def test_gates_are_keyed_by_name(response: Any) -> None:
    read = made("check_gates").parse(response, "$")
    if isinstance(response, list):
        assert read == {item["name"]: FeatureGate.from_dict(item) for item in response}
    else:
        assert read == {
            key: FeatureGate.from_dict({"name": key, **item}) for key, item in response.items()
        }


@each_method
def test_response_examples_are_parsed(name: str) -> None:
    responses = METHODS[name][1]["responses"]
    success = next(response for status, response in responses.items() if status.startswith("2"))
    content = success["content"]["application/json"]
    several = isinstance(made(name).body.get("gateNames"), list)
    for title, response in content.get("examples", {}).items():
        if name in ("check_gate", "check_gates") and several != title.startswith("several"):
            continue
        made(name).parse(response["value"], "$")


# ---- Fallbacks ----


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("check_gate", FeatureGate(name="a", value=False)),
        (
            "check_gates",
            {"a": FeatureGate(name="a", value=False), "b": FeatureGate(name="b", value=False)},
        ),
        ("get_config", DynamicConfig(name="a", value={})),
        ("get_experiment", Experiment(name="a", value={})),
        ("get_layer", Layer(name="a", value={})),
        ("get_ranked_list", []),
    ],
)
def test_evaluation_fallback_matches_spec(name: str, expected: Any) -> None:
    assert made(name).fallback(StatsigError("down")) == expected


@each_evaluation
def test_fallback_carries_error(name: str) -> None:
    error = StatsigError("down")
    if made(name).fallback is None:
        pytest.skip("no fallback")
    outcome = made(name).fallback(error)
    for one in outcome.values() if isinstance(outcome, dict) else [outcome]:
        # A list has no field for it; the client logs it.
        assert one == [] or one.error is error


def test_fallback_returns_defaults() -> None:
    error = StatsigError("down")
    gate, config = made("check_gate").fallback(error), made("get_config").fallback(error)
    assert not gate
    assert config.get("colour", "blue") == "blue"


@each_evaluation
def test_fallbacks_share_no_state(name: str) -> None:
    if made(name).fallback is None:
        pytest.skip("no fallback")
    one, other = (made(name).fallback(StatsigError("down")) for _ in range(2))
    assert one is not other
    if not isinstance(one, list | dict) and hasattr(one, "get"):
        one.value["colour"] = "blue"
        assert other.value == {}


@pytest.mark.parametrize("name", DELIVERIES)
def test_delivery_has_no_fallback(name: str) -> None:
    assert made(name).fallback is None


def test_fallbacks_are_defined_by_spec() -> None:
    for name, (_, _, method) in METHODS.items():
        schema = SCHEMAS[method["returns"]]
        schema = SCHEMAS[schema["x-keyed-by-name"]] if "x-keyed-by-name" in schema else schema
        assert (made(name).fallback is None) == ("x-fallback" not in schema)


@pytest.mark.parametrize("name", METHODS)
def test_call_repr_hides_user(name: str) -> None:
    assert repr(made(name)) == f"<Call of {name}>"
