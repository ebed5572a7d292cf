"""Overrides apply to the intended users only."""

import asyncio
import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statsig_api_client.local.config_specs.overrides import Override, OverrideKind, Unit
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import ServerState
from tests.support.config_specs import REAL_PROJECTS, start_core

from .conftest import SHOP, Api, Json
from .sdks.running import require_legacy_sdk

USERS: list[Json] = [
    {},
    {"userID": "ada"},
    {"userID": "bob", "customIDs": {"companyID": "acme"}},
    {"userID": "eve", "email": "eve@example.com", "country": "FI"},
    {"customIDs": {"companyID": "acme"}},
]


def put(api: Api, kind: str, name: str, **more: Any) -> httpx.Response:
    url = api.server.url.removesuffix("v1") + "local/overrides"
    return httpx.put(url, json={"kind": kind, "name": name, **more})


@pytest.fixture
def api(serve: Callable[..., Api]) -> Api:
    return serve(SHOP.read_text(encoding="utf-8"))


def test_gate_override_applies_to_everyone(api: Api) -> None:
    for value in (True, False):
        put(api, "gate", "staff_tools", value=value)
        assert [api.gate("staff_tools", user) for user in USERS] == [value] * len(USERS)
    response = api.post("check_gate", {"gateName": "staff_tools"}).json()
    assert response["rule_id"] == "override"


def test_gate_override_applies_to_one_user(api: Api) -> None:
    put(api, "gate", "staff_tools", userID="ada", value=True)
    assert [api.gate("staff_tools", user) for user in USERS[:4]] == [False, True, False, True]


def test_override_matches_id_type_and_case(api: Api) -> None:
    put(api, "gate", "staff_tools", unitID={"type": "companyID", "id": "acme"}, value=True)
    assert [api.gate("staff_tools", user) for user in USERS] == [False, False, True, True, True]
    assert api.gate("staff_tools", {"userID": "acme"}) is False
    assert api.gate("staff_tools", {"customIDs": {"companyID": "ACME"}}) is False


@pytest.mark.parametrize("everyone_first", [True, False])
def test_unit_override_precedes_override_for_everyone(api: Api, *, everyone_first: bool) -> None:
    overrides: list[Json] = [{"value": True}, {"value": False, "userID": "ada"}]
    for override in overrides if everyone_first else reversed(overrides):
        put(api, "gate", "staff_tools", **override)
    assert [api.gate("staff_tools", user) for user in USERS[:3]] == [True, False, True]


def test_gate_override_applies_to_dependents(api: Api) -> None:
    put(api, "gate", "staff_tools", userID="ada", value=True)
    assert api.config("homepage", {"userID": "ada"})["value"]["button_color"] == "purple"


def test_config_override_replaces_parameters(api: Api) -> None:
    put(api, "config", "homepage", userID="ada", value={"headline": "Ada", "deep": {"a": []}})
    response = api.config("homepage", {"userID": "ada"})
    assert response["value"] == {"headline": "Ada", "deep": {"a": []}}
    assert response["rule_id"] == "override"
    assert api.config("homepage", {"userID": "bob"})["value"]["headline"] == "Welcome!"


def test_experiment_override_assigns_group(api: Api) -> None:
    for group, shape in (("Control", "circle"), ("Square", "square")):
        put(api, "experiment", "logo_test", group=group)
        for user in USERS:
            response = api.config("logo_test", user)
            assert (response["value"], response["group_name"]) == ({"shape": shape}, group)


def test_experiment_override_sets_any_value(api: Api) -> None:
    put(api, "experiment", "logo_test", value={"shape": "star"})
    assert api.config("logo_test")["value"] == {"shape": "star"}


def test_experiment_override_applies_to_its_layer(api: Api) -> None:
    put(api, "experiment", "add_to_cart_test", userID="ada", group="Green")
    layer = api.layer("product_page", {"userID": "ada", "userAgent": "IE"})
    assert layer["value"]["add_to_cart_color"] == "green"
    assert layer["value"]["show_reviews"] is True
    assert layer["allocatedExperimentName"] == "add_to_cart_test"
    assert layer["ruleID"] == "override"


def test_layer_override_keeps_other_parameters(api: Api) -> None:
    put(api, "experiment", "add_to_cart_test", value={"add_to_cart_color": "pink"})
    value = api.layer("product_page", {"userID": "ada"})["value"]
    assert value == {"add_to_cart_color": "pink", "price_format": "compact", "show_reviews": True}
    put(api, "layer", "product_page", value={"show_reviews": False})
    value = api.layer("product_page", {"userID": "ada"})["value"]
    assert value == {"add_to_cart_color": "blue", "price_format": "compact", "show_reviews": False}
    put(api, "experiment", "logo_test", value={})
    assert api.config("logo_test", {"userID": "ada"})["value"] == {}


def test_layer_override_precedes_experiment_overrides(api: Api) -> None:
    value = {"add_to_cart_color": "red", "price_format": "long", "show_reviews": False}
    put(api, "experiment", "add_to_cart_test", userID="ada", group="Green")
    put(api, "layer", "product_page", value=value)
    layer = api.layer("product_page", {"userID": "ada"})
    assert (layer["value"], layer["allocatedExperimentName"]) == (value, None)


def test_override_group_of_gate_is_rejected(api: Api) -> None:
    response = put(api, "gate", "staff_tools", value=True, group="Square")
    assert (response.status_code, response.json()["message"]) == (400, "$.group: unexpected value")


@pytest.mark.parametrize(
    ("kind", "name", "more", "message"),
    [
        (
            "gate",
            "staff_tool",
            {"value": True},
            "unknown gate 'staff_tool'; did you mean 'staff_tools'?",
        ),
        (
            "config",
            "logo_test",
            {"value": {}},
            "unknown config 'logo_test'; expected one of homepage",
        ),
        (
            "experiment",
            "homepage",
            {"value": {}},
            "unknown experiment 'homepage'; expected one of add_to",
        ),
        (
            "layer",
            "product",
            {"value": {}},
            "unknown layer 'product'; did you mean 'product_page'?",
        ),
        (
            "experiment",
            "logo_test",
            {"group": "Squire"},
            "the experiment 'logo_test' has no group 'Squire'; did you mean 'Square'?",
        ),
        (
            "layer",
            "product_page",
            {"value": {"show_review": True}},
            "the layer 'product_page' has no parameter 'show_review'; did you mean 'show_reviews'?",
        ),
        (
            "experiment",
            "add_to_cart_test",
            {"value": {"show_review": True}},
            "the layer 'product_page' has no parameter 'show_review'; did you mean 'show_reviews'?",
        ),
    ],
)
def test_override_of_unknown_name_suggests_known(
    shop_server: Api, kind: str, name: str, more: Json, message: str
) -> None:
    response = put(shop_server, kind, name, **more)
    assert response.status_code == 404
    assert response.json()["message"].startswith(message)


def test_layer_override_accepts_experiment_parameters(serve: Callable[..., Api]) -> None:
    everyone = {"id": "r", "name": "r", "salt": "", "passPercentage": 100, "idType": "userID"}
    rule = everyone | {"conditions": [], "groupName": "Test"}
    named = {"salt": "", "enabled": True, "defaultValue": {}, "type": "dynamic_config"}
    experiment = named | {"entity": "experiment", "rules": [rule | {"returnValue": {"size": 2}}]}
    delegating = rule | {"returnValue": {}, "configDelegate": "sizes"}
    document = {
        "feature_gates": {},
        "dynamic_configs": {"sizes": experiment, "homeless": experiment},
        "layer_configs": {"page": named | {"entity": "layer", "rules": [delegating]}},
        "experiment_to_layer": {"sizes": "page", "gone": "page", "homeless": "torn down"},
    }
    api = serve(json.dumps(document), "specs.json")
    for kind, name in (("layer", "page"), ("experiment", "sizes")):
        assert put(api, kind, name, value={"size": 3}).status_code == 200
        assert api.layer("page", {"userID": "ada"})["value"] == {"size": 3}
        rejected = put(api, kind, name, value={"sise": 3}).json()["message"]
        assert rejected == "the layer 'page' has no parameter 'sise'; did you mean 'size'?"
    assert put(api, "experiment", "homeless", group="Test").status_code == 200
    assert api.config("homeless", {"userID": "ada"})["value"] == {"size": 2}


SPECS = """
gates:
  off: {}
  on: {rules: [{name: all, if: everyone}]}
"""


def _legacy(specs: Json) -> Any:
    import statsig

    sdk = statsig.StatsigServer()
    sdk.initialize(
        "secret-local",
        statsig.StatsigOptions(
            local_mode=True, bootstrap_values=json.dumps(specs), disable_diagnostics=True
        ),
    )
    return sdk


def test_override_applies_in_official_sdks(serve: Callable[..., Api]) -> None:
    from statsig_python_core import StatsigUser

    api = serve(SPECS)
    put(api, "gate", "off", userID="ada", value=True)
    put(api, "gate", "on", userID="ada", value=False)
    root = api.server.url.removesuffix("/v1")
    core = start_core(api.http.get(f"{root}/v2/download_config_specs").text)
    passes = [core.check_gate(StatsigUser(u), g) for u in ("ada", "bob") for g in ("off", "on")]
    core.shutdown().wait()
    assert passes == [True, False, False, True]
    require_legacy_sdk()
    import statsig

    legacy = _legacy(api.http.get(f"{root}/v1/download_config_specs").json())
    users = [statsig.StatsigUser(name) for name in ("ada", "bob")]
    passes = [legacy.check_gate(user, gate) for user in users for gate in ("off", "on")]
    legacy.shutdown()
    assert passes == [True, False, False, True]


class Project:
    """A project and its evaluations, without a server."""

    def __init__(self, file: Path) -> None:
        self.recording = Recording(None)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*treated as empty")
            self.service = ServerState(file, self.recording)

    def evaluations(self, user: Json) -> dict[tuple[str, str], object]:
        specs, user_evaluations = self.service.specs, self.service.evaluator.evaluate(user)
        return {
            **{("gate", name): user_evaluations.gate(name) for name in specs.gates},
            **{("config", name): user_evaluations.config(name) for name in specs.configs},
            **{("experiment", name): user_evaluations.config(name) for name in specs.experiments},
            **{("layer", name): user_evaluations.layer(name) for name in specs.layers},
        }

    def names(self) -> list[tuple[OverrideKind, str]]:
        specs = self.service.specs
        return [
            *(("gate", name) for name in specs.gates),
            *(("config", name) for name in specs.configs),
            *(("experiment", name) for name in specs.experiments),
            *(("layer", name) for name in specs.layers),
        ]

    def values_of_layer(self, kind: OverrideKind, name: str) -> object:
        document: Any = self.service.specs.document
        inside = document["experiment_to_layer"].get(name) if kind == "experiment" else None
        layer = name if kind == "layer" else inside
        return None if layer is None else document["layer_configs"][layer]["defaultValue"]

    def close(self) -> None:
        self.service.close()
        self.recording.close()


@pytest.fixture(
    scope="module",
    params=[SHOP, REAL_PROJECTS / "demo_project_dcs.json", REAL_PROJECTS / "eval_project_dcs.json"],
)
def project(request: pytest.FixtureRequest) -> Iterator[Project]:
    if not request.param.exists():
        pytest.skip("real projects are not present")
    project = Project(request.param)
    yield project
    project.close()


@settings(max_examples=8)  # each evaluates all entities several times
@given(data=st.data())
def test_override_leaves_other_users_unchanged(project: Project, data: st.DataObject) -> None:
    kind, name = data.draw(st.sampled_from(project.names()))
    unit = Unit(id_type="userID", id="ada")
    value: Any = data.draw(st.booleans()) if kind == "gate" else {}
    users: list[Json] = [*USERS, {"userID": data.draw(st.text(min_size=1, max_size=3))}]
    before = [project.evaluations(user) for user in users]
    asyncio.run(
        project.service.override(Override(kind=kind, name=name, unit=unit, value=value, group=None))
    )
    during = [project.evaluations(user) for user in users]
    asyncio.run(project.service.remove_overrides(lambda _: True))
    assert [project.evaluations(user) for user in users] == before
    overridden: Any = during[1][kind, name]
    kept = project.values_of_layer(kind, name)
    assert overridden.rule_id == "override"
    assert overridden.value == (value if kept is None else kept)
    assert [
        now for user, now in zip(users, during, strict=True) if user.get("userID") != "ada"
    ] == [then for user, then in zip(users, before, strict=True) if user.get("userID") != "ada"]
    # Entities that do not reference the config evaluate as before, even for the user.
    document = json.dumps(project.service.specs.document)
    if kind == "config" and document.count(json.dumps(name)) <= 2:
        changed = {entity for entity in before[1] if before[1][entity] != during[1][entity]}
        assert changed == {(kind, name)}


def test_override_can_assign_every_group(project: Project) -> None:
    from statsig_api_client.local.config_specs.overrides import group_rules

    specs = project.service.specs
    for name in specs.experiments:
        for group, rule in group_rules(specs.document["dynamic_configs"][name]).items():
            wanted = Override(kind="experiment", name=name, unit=None, value=None, group=group)
            asyncio.run(project.service.override(wanted))
            found = project.service.evaluator.evaluate({"userID": "ada"}).config(name)
            assert found is not None
            assert (found.value, found.group_name) == (rule["returnValue"], group)
    asyncio.run(project.service.remove_overrides(lambda _: True))
