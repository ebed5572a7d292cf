"""Loading and serving of config specs in both formats."""

import gc
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.cli.main import main
from statsig_api_client.local import LocalServer, ProjectError
from statsig_api_client.local.config_specs.core import Core
from statsig_api_client.local.config_specs.document import load_specs
from statsig_api_client.local.config_specs.formats import as_object, to_v1, to_v2
from tests.support.config_specs import REAL_PROJECTS, v1_specs

from .conftest import SHOP, Api, Json

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


@pytest.fixture
def serve_specs(serve: Callable[..., Api]) -> Callable[[object], Api]:
    return lambda document: serve(json.dumps(document), "specs.json")


def test_v1_specs_are_served(serve_specs: Callable[[object], Api]) -> None:
    api = serve_specs(v1_specs())
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


def test_v2_specs_without_id_types_are_served(serve_specs: Callable[[object], Api]) -> None:
    document = to_v2(v1_specs())
    for key in ("feature_gates", "dynamic_configs", "layer_configs", "condition_map"):
        for item in as_object(document[key], key).values():
            as_object(item, key).pop("idType")
    api = serve_specs(document)
    assert api.gate("a_gate", {"email": "a@b.c"}) is True
    assert api.config("an_experiment", {"userID": "ada"})["group_name"] == "Test"


def test_v1_disabled_gate_ignores_its_rules(
    serve_specs: Callable[[object], Api],
) -> None:
    response = serve_specs(v1_specs()).post("check_gate", {"gateName": "disabled_gate"}).json()
    assert (response["value"], response["rule_id"]) == (False, "disabled")


def test_holdout_evaluates_as_gate_and_is_exposed(
    serve_specs: Callable[[object], Api],
) -> None:
    api = serve_specs(v1_specs())
    assert api.gate("a_holdout") is True
    assert api.gate("held") is True
    assert api.server.exposures()[1].secondary_exposures == [
        {"gate": "a_holdout", "gateValue": "true", "ruleID": "h1"}
    ]


def test_unsupported_condition_warns(
    serve_specs: Callable[[object], Api],
) -> None:
    document = v1_specs()
    document["feature_gates"][0]["rules"][0]["conditions"] = [{"type": "phase_of_the_moon"}]
    document["dynamic_configs"][0]["rules"][0]["conditions"] = [{"type": "multi_pass_gate"}]
    with pytest.warns(UserWarning, match="does not support, in a_config, a_gate"):
        api = serve_specs(document)
    assert api.gate("a_gate") is False


def change(path: str, *, to: object) -> dict[str, Any]:
    document = v1_specs()
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
        (
            change("company_id", to=5),
            "invalid type: integer `5`, expected a string at company_id",
        ),
        (
            change("condition_map", to={"c": {"type": "public"}, 'a "d"': {"operator": "any"}}),
            'missing field `type` at condition_map.a "d"',
        ),
        (
            change("experiment_to_layer", to={"a": "b", "c": 5}),
            "expected a string at experiment_to_layer.c",
        ),
        (change("feature_gates.0.salt", to=5), "core skips as invalid: a_gate"),
        (change("dynamic_configs.1.enabled", to="yes"), "core skips as invalid: an_experiment"),
        (change("layer_configs.0.salt", to=5), "core skips as invalid: a_layer"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_invalid_specs_raise_with_path(
    serve_specs: Callable[[object], Api], document: object, problem: str
) -> None:
    with pytest.raises(ProjectError, match=r"specs\.json: ") as caught:
        serve_specs(document)
    assert problem in str(caught.value)


def test_core_error_without_reason_raises() -> None:
    with pytest.raises(ValueError, match="it logs no reason"):
        Core({**to_v2({"feature_gates": {}}), "time": 0})


def test_core_error_without_position_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    log = b"2026-01-01T00:00:00Z ERROR [Statsig::SpecStore] Out of memory\n"
    child = subprocess.CompletedProcess([], 0, stdout=log)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: child)
    with pytest.raises(ValueError, match=r"^SpecStore: Out of memory$"):
        Core({**to_v2({"feature_gates": {}}), "time": 0})


def test_project_file_with_time_zero_is_served(tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    file.write_text("gates: {the gate: {}}")
    os.utime(file, (0, 0))
    assert main(["serve", str(file), "--print-specs"]) == 0
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
def test_invalid_json_raises_with_line(tmp_path: Path, text: str, place: str, problem: str) -> None:
    file = tmp_path / "specs.json"
    file.write_text(text)
    with pytest.raises(ProjectError) as caught:
        LocalServer(file)
    assert place in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.skipif(not REAL_PROJECTS.is_dir(), reason="real projects are not present")
@pytest.mark.filterwarnings("ignore:.*treated as empty. company_id_list")
@pytest.mark.parametrize("name", ["demo_project_dcs.json", "eval_project_dcs.json"])
def test_real_project_evaluates_alike_in_both_formats(
    serve_specs: Callable[[object], Api], name: str
) -> None:
    v2 = json.loads((REAL_PROJECTS / name).read_text())
    apis = [serve_specs(v2), serve_specs(to_v1(v2))]
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
    total = len(names.gates + names.configs + names.experiments + names.layers)
    assert len(first) == total * len(USERS)


def test_disabled_collector_stays_disabled() -> None:
    gc.disable()
    try:
        load_specs(SHOP)
        assert not gc.isenabled()
    finally:
        gc.enable()
