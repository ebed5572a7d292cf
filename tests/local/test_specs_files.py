"""Serving the config specs of a real project, in the newer and the older form."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.local import LocalServer, ProjectError
from statsig_api_client.local.__main__ import main
from statsig_api_client.local.config_specs.core import Core
from statsig_api_client.local.config_specs.formats import to_v1, to_v2

from .conftest import SHOP, Api, Json

DATA = SHOP.parents[2] / "shared" / "data"

USERS: list[Json] = [
    {},
    {"userID": "a-user", "email": "someone@statsig.com"},
    {"userID": "123", "customIDs": {"companyID": "c1", "stableID": "s1"}},
    {
        "userID": "user-control-1",
        "ip": "84.56.1.1",
        "appVersion": "1.10.2",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
        "custom": {"level": 5, "tags": ["a"]},
        "statsigEnvironment": {"tier": "development"},
    },
]

CONDITION = {"type": "user_field", "field": "email", "operator": "any", "targetValue": ["a@b.c"]}
BUCKETS = {
    "type": "user_bucket",
    "operator": "any",
    "targetValue": list(range(1000)),
    "additionalValues": {"salt": "s"},
    "idType": "userID",
}


def rule(name: str, condition: object, **more: object) -> Json:
    return {
        "name": name,
        "id": name,
        "salt": name,
        "passPercentage": 100,
        "conditions": [condition],
        "returnValue": True,
    } | more


def spec(name: str, *rules: Json, **more: object) -> Json:
    default: Json = {}
    return {
        "name": name,
        "type": "dynamic_config",
        "salt": name,
        "enabled": True,
        "defaultValue": default,
        "rules": list(rules),
    } | more


def older() -> dict[str, Any]:
    """A small project in the form of the oldest files: no kinds, no types of ID."""
    everyone = {"type": "public"}
    held = {"type": "pass_gate", "targetValue": "a_holdout"}
    gate = {"type": "feature_gate", "defaultValue": False}
    group = {"groupName": "Test", "isExperimentGroup": True}
    experiment = {"entity": "experiment", "isActive": True, "explicitParameters": ["a"]}
    return {
        "feature_gates": [
            spec("a_gate", rule("r1", CONDITION, groupName="The right ones"), **gate),
            spec("disabled_gate", rule("r1", everyone), **gate, enabled=False),
            spec("a_holdout", rule("h1", everyone), **gate, entity="holdout"),
            spec("held", rule("r2", held), **gate),
        ],
        "dynamic_configs": [
            spec("a_config", rule("r3", CONDITION, returnValue={"a": 1}, groupName="Them")),
            spec("an_experiment", rule("g1", BUCKETS, returnValue={"a": 2}, **group), **experiment),
        ],
        "layer_configs": [
            spec(
                "a_layer",
                rule("l1", everyone, returnValue={}, configDelegate="an_experiment"),
                defaultValue={"a": 0},
            )
        ],
        "layers": {"a_layer": ["an_experiment"]},
        "has_updates": True,
        "time": 1700000000000,
    }


@pytest.fixture
def serve_specs(serve: Callable[..., Api]) -> Callable[[object], Api]:
    return lambda document: serve(json.dumps(document), "specs.json")


def test_the_older_form_is_served_like_the_newer(serve_specs: Callable[[object], Api]) -> None:
    api = serve_specs(older())
    server = api.server
    assert server.gates == ("a_gate", "disabled_gate", "held")
    assert (server.configs, server.experiments) == (("a_config",), ("an_experiment",))
    assert server.layers == ("a_layer",)
    assert (server.secret_key, server.client_key) == ("secret-local", "client-local")
    ada = {"userID": "ada", "email": "a@b.c"}
    assert api.post("check_gate", {"gateName": "a_gate", "user": ada}).json() == {
        "name": "a_gate",
        "value": True,
        "rule_id": "r1",
        "group_name": "The right ones",
    }
    assert api.gate("a_gate") is False
    assert api.config("a_config", ada)["group_name"] == "Them"
    assert api.config("an_experiment", ada)["group_name"] == "Test"
    assert api.layer("a_layer", ada) == {
        "name": "a_layer",
        "value": {"a": 2},
        "ruleID": "g1",
        "allocatedExperimentName": "an_experiment",
    }


def test_a_disabled_gate_does_not_pass_though_the_file_has_its_rules(
    serve_specs: Callable[[object], Api],
) -> None:
    reply = serve_specs(older()).post("check_gate", {"gateName": "disabled_gate"}).json()
    assert (reply["value"], reply["rule_id"]) == (False, "disabled")


def test_a_holdout_can_be_asked_like_any_gate_and_is_a_secondary_exposure(
    serve_specs: Callable[[object], Api],
) -> None:
    api = serve_specs(older())
    assert api.gate("a_holdout") is True
    assert api.gate("held") is True
    assert api.server.exposures()[1].secondary_exposures == [
        {"gate": "a_holdout", "gateValue": "true", "ruleID": "h1"}
    ]


def test_a_condition_that_the_core_does_not_support_is_warned_of(
    serve_specs: Callable[[object], Api],
) -> None:
    document = older()
    document["feature_gates"][0]["rules"][0]["conditions"] = [{"type": "phase_of_the_moon"}]
    document["dynamic_configs"][0]["rules"][0]["conditions"] = [{"type": "multi_pass_gate"}]
    with pytest.warns(UserWarning, match="does not support, in a_config, a_gate"):
        api = serve_specs(document)
    assert api.gate("a_gate") is False


def change(path: str, *, to: object) -> dict[str, Any]:
    document = older()
    *steps, last = path.split(".")
    place: Any = document
    for step in steps:
        place = place[int(step) if step.isdecimal() else step]
    place[int(last) if last.isdecimal() else last] = to
    return document


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "expected config specs, as downloaded from /v2/download_config_specs"),
        ({"name": "a package"}, "expected config specs, as downloaded"),
        (
            change("has_updates", to=False),
            "expected config specs, got a response without updates",
        ),
        (change("feature_gates", to=5), "feature_gates: expected an array, got integer"),
        (change("feature_gates.0", to=5), "feature_gates: expected an object, got integer"),
        (
            change("feature_gates.0.name", to=None),
            "feature_gates: expected specs with distinct names",
        ),
        (change("feature_gates.0.name", to="held"), "with distinct names, got 'held'"),
        (change("feature_gates.0.rules", to={}), "feature_gates.a_gate.rules: expected an array"),
        (
            change("feature_gates.0.rules.0", to=[]),
            "feature_gates.a_gate.rules: expected an object",
        ),
        (change("layers", to=[]), "layers: expected an object, got array"),
        (
            change("experiment_to_layer", to=[]),
            "experiment_to_layer: expected an object, got array",
        ),
        (change("layers.a_layer", to={}), "layers.a_layer: expected an array, got object"),
        (change("condition_map", to=[]), "condition_map: expected an object, got array"),
        (change("condition_map", to={"c": []}), "condition_map.c: expected an object, got array"),
        (
            change("feature_gates.0.rules.0.conditions", to=["lost"]),
            "feature_gates.a_gate.rules.conditions: 'lost' is not in condition_map",
        ),
        (change("time", to="now"), "time: expected milliseconds since 1970, got 'now'"),
        (change("time", to=0), "time: expected milliseconds since 1970, got 0"),
        (change("company_id", to=5), "Statsig's core cannot read: SpecStore: Failed to parse JSON"),
        (change("feature_gates.0.salt", to=5), "core skips as invalid: a_gate"),
        (change("dynamic_configs.1.enabled", to="yes"), "core skips as invalid: an_experiment"),
        (change("layer_configs.0.salt", to=5), "core skips as invalid: a_layer"),
    ],
    ids=str,
)
def test_specs_that_cannot_be_served_are_refused_aloud(
    serve_specs: Callable[[object], Api], document: object, problem: str
) -> None:
    with pytest.raises(ProjectError, match=r"specs\.json: ") as caught:
        serve_specs(document)
    assert problem in str(caught.value)


def test_what_the_core_refuses_without_a_word_is_refused_aloud_too() -> None:
    with pytest.raises(ValueError, match="it logs no reason"):
        Core({**to_v2({"feature_gates": {}}), "time": 0})


def test_a_project_whose_file_was_saved_before_all_others_is_served(tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    file.write_text("gates: {the gate: {}}")
    os.utime(file, (0, 0))
    assert main([str(file), "--print-specs"]) == 0
    with LocalServer(file) as server:
        assert server.gates == ("the gate",)


@pytest.mark.parametrize(
    ("text", "place", "problem"),
    [
        ('{\n"feature_gates": {\n]', "specs.json:3:", "invalid JSON: "),
        (
            f'{{"feature_gates": {"[" * 200 + "]" * 200}}}',
            "specs.json:",
            "invalid JSON: nested deeper",
        ),
        ('{"feature_gates": NaN}', "specs.json:", "invalid JSON: unexpected character"),
        ('{"feature_gates": "\\ud800"}', "specs.json:", "invalid JSON: no low surrogate in string"),
    ],
)
def test_a_file_that_is_no_json_is_refused_with_the_line(
    tmp_path: Path, text: str, place: str, problem: str
) -> None:
    file = tmp_path / "specs.json"
    file.write_text(text)
    with pytest.raises(ProjectError) as caught:
        LocalServer(file)
    assert place in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.skipif(not DATA.is_dir(), reason="the specs of real projects are not there")
@pytest.mark.filterwarnings("ignore:.*treated as empty. company_id_list")
@pytest.mark.parametrize("name", ["demo_project_dcs.json", "eval_project_dcs.json"])
def test_everything_in_a_real_project_is_answered_alike_in_both_forms(
    serve_specs: Callable[[object], Api], name: str
) -> None:
    newer = json.loads((DATA / name).read_text())
    apis = [serve_specs(newer), serve_specs(to_v1(newer))]
    names = apis[0].server
    for user in USERS:
        for start in range(0, len(names.gates), 100):
            gates = {"gateNames": names.gates[start : start + 100], "user": user}
            first, second = (api.post("check_gate", gates).json() for api in apis)
            assert first == second
            assert all(gate["rule_id"] for gate in first.values())
        for config in (*names.configs, *names.experiments):
            first, second = (api.config(config, user) for api in apis)
            assert first == second
            assert first["rule_id"]
        for layer in names.layers:
            first, second = (api.layer(layer, user) for api in apis)
            assert first == second
            assert first["ruleID"]
    first, second = (
        [(e.name, e.metadata, e.secondary_exposures) for e in api.server.exposures()]
        for api in apis
    )
    assert first == second
    everything = len(names.gates + names.configs + names.experiments + names.layers)
    assert len(first) == everything * len(USERS)
