"""Evaluations and events of Statsig's own SDKs on the local server."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import evolve

from statsig_api_client.local import LocalServer, state
from statsig_api_client.local.config_specs.document import load_specs
from tests.support.config_specs import REAL_PROJECTS, rule, spec, v1_specs
from tests.support.targeted_users import targeted_users

from ..conftest import SHOP, Api
from .running import Language, require_legacy_sdk, run

pytestmark = pytest.mark.slow

Json = dict[str, Any]

SDKS: Final = (
    "python_core.py",
    "python_legacy.py",
    "node_core.cjs",
    "node_server.cjs",
    "js_client.cjs",
)
PROJECTS: Final = {
    "the shop": SHOP,
    "demo": REAL_PROJECTS / "demo_project_dcs.json",
    "eval": REAL_PROJECTS / "eval_project_dcs.json",
}
EXPOSURES: Final = {
    "gates": "statsig::gate_exposure",
    "configs": "statsig::config_exposure",
    "experiments": "statsig::config_exposure",
    "layers": "statsig::layer_exposure",
}

SHOPPERS: Final[list[Json]] = [
    {"userID": "ada", "email": "ada@example.com"},
    {"userID": "bob", "country": "DK", "custom": {"plan": "pro"}},
    {"userID": "cyd", "userAgent": "Mozilla/5.0 (X11; rv:130.0) Gecko/20100101 Firefox/130.0"},
    *({"userID": f"user-{number}"} for number in range(17)),
]


LISTS: Final = {"friends": ("ada", "bob"), "nobody": ()}


def _listed(operator: str, id_list: str) -> Json:
    return {"type": "unit_id", "operator": operator, "targetValue": id_list, "idType": "userID"}


GATE: Final = {"type": "feature_gate", "defaultValue": False}
LISTED: Final = v1_specs() | {
    "feature_gates": [
        spec("among", rule("r", _listed("in_segment_list", "friends")), **GATE),
        spec("beyond", rule("r", _listed("not_in_segment_list", "friends")), **GATE),
        spec("nowhere", rule("r", _listed("in_segment_list", "nobody")), **GATE),
        spec("everywhere", rule("r", _listed("not_in_segment_list", "nobody")), **GATE),
    ]
}


def run_sdk(sdk: str, sdk_input: Json) -> Any:
    """Run an SDK that evaluates, logs an event and sends its events."""
    if sdk == "python_legacy.py":
        require_legacy_sdk()
    language: Language = "python" if sdk.endswith(".py") else "node"
    return json.loads(run(language, sdk, given=json.dumps(sdk_input)))


class EvaluatedProject:
    """A project, users, and the results of the HTTP API."""

    def __init__(self, file: Path, users: list[Json], tier: str | None = None) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*treated as empty")
            self.server = LocalServer(file)
        self.api = Api(self.server)
        self.users = users
        self.sdk_input: Json = {
            "url": self.server.url,
            "secretKey": self.server.secret_key,
            "clientKey": self.server.client_key,
            "tier": tier,
            "users": self.users,
            "gates": self.server.gates,
            "configs": self.server.configs,
            "experiments": self.server.experiments,
            "layers": {name: sorted(self.api.layer(name)["value"]) for name in self.server.layers},
        }
        environment = {} if tier is None else {"statsigEnvironment": {"tier": tier}}
        self.results = [self._results(user | environment) for user in self.users]
        self.exposures = {
            (EXPOSURES[kind], name, result["rule"], user["userID"])
            for user, results in zip(self.users, self.results, strict=True)
            for kind in results
            for name, result in results[kind].items()
            if kind != "layers" or result["value"]  # SDKs log a layer when a parameter is read.
        }

    def close(self) -> None:
        self.api.http.close()
        self.server.close()

    def exposures_since(self, count: int) -> set[tuple[object, ...]]:
        return {
            (e.event_name, e.name, e.rule_id, e.user["userID"])
            for e in self.server.exposures()[count:]
        }

    def _results(self, user: Json) -> Json:
        gates = self.api.post("check_gate", {"gateNames": self.server.gates, "user": user}).json()
        configs = {name: self.api.config(name, user) for name in self.server.configs}
        experiments = {name: self.api.config(name, user) for name in self.server.experiments}
        layers = {name: self.api.layer(name, user) for name in self.server.layers}
        return {
            "gates": {n: {"value": g["value"], "rule": g["rule_id"]} for n, g in gates.items()},
            "configs": {n: {"value": c["value"], "rule": c["rule_id"]} for n, c in configs.items()},
            "experiments": {
                n: {"value": e["value"], "rule": e["rule_id"], "group": e["group_name"]}
                for n, e in experiments.items()
            },
            "layers": {n: {"value": la["value"], "rule": la["ruleID"]} for n, la in layers.items()},
        }


# Without a tier, the HTTP API uses production, and an SDK none at all; only the project "eval" has
# rules that depend on it.
@pytest.fixture(
    scope="module",
    params=[("the shop", None), ("demo", None), ("eval", "production"), ("eval", "staging")],
    ids=str,
)
def evaluated(request: pytest.FixtureRequest) -> Iterator[EvaluatedProject]:
    name, tier = request.param
    if not PROJECTS[name].exists():
        pytest.skip("real projects are not present")
    users = SHOPPERS
    if name != "the shop":
        conditions = json.loads(PROJECTS[name].read_text())["condition_map"].values()
        users = targeted_users(list(conditions), 20, seed=2)
        for user in users:  # The SDKs' option applies to all users.
            user.pop("statsigEnvironment", None)
    project = EvaluatedProject(PROJECTS[name], users, tier)
    yield project
    project.close()


def differences(
    evaluated: EvaluatedProject, results: list[Json]
) -> list[tuple[str, str, Json, Json, Json]]:
    """Kind, name, result of the HTTP API, result of the SDK, and user."""
    return [
        (kind, name, our_answer, theirs[kind][name], user)
        for user, ours, theirs in zip(evaluated.users, evaluated.results, results, strict=True)
        for kind in ours
        for name, our_answer in ours[kind].items()
        if _present(theirs[kind][name]) != our_answer
    ]


def _present(result: Json) -> Json:
    """Return results without parameters that the user's layers do not have."""
    if not isinstance(result["value"], dict):
        return result
    return result | {"value": {p: v for p, v in result["value"].items() if v is not None}}


@pytest.mark.parametrize("sdk", SDKS)
def test_sdk_agrees_with_http_api(evaluated: EvaluatedProject, sdk: str) -> None:
    exposures, events = len(evaluated.server.exposures()), len(evaluated.server.events())
    results = run_sdk(sdk, evaluated.sdk_input)
    assert differences(evaluated, results) == []
    assert evaluated.exposures_since(exposures) == evaluated.exposures
    # An SDK sends events again if a loaded machine is slow to respond.
    event, *again = [e for e in evaluated.server.events()[events:] if e.event_name == "purchase"]
    assert all(each.metadata == event.metadata for each in again)
    assert event.value == 9.5
    assert event.metadata["sku"] == "A1"
    assert json.loads(event.metadata["size"]) == {"width": 4}
    assert event.statsig_metadata["sdkType"]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EvaluatedProject]:
    file = tmp_path_factory.mktemp("listed") / "specs.json"
    file.write_text(json.dumps(LISTED))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(state, "load_specs", lambda path: evolve(load_specs(path), id_lists=LISTS))
        project = EvaluatedProject(
            file, [{"userID": name} for name in ("ada", "Ada", "bob", "eve")]
        )
    yield project
    project.close()


@pytest.mark.parametrize("sdk", SDKS)
def test_sdk_downloads_id_lists(listed: EvaluatedProject, sdk: str) -> None:
    among = [results["gates"]["among"]["value"] for results in listed.results]
    assert among == [True, False, True, False]
    assert differences(listed, run_sdk(sdk, listed.sdk_input)) == []
