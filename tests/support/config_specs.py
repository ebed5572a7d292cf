"""Config specs of small and real projects, and Statsig's core to evaluate them."""

from pathlib import Path
from typing import Any, Final, TypeAlias

from statsig_python_core import DataStore, DataStoreResponse, StatsigOptions
from statsig_python_core import Statsig as Core

Json: TypeAlias = dict[str, Any]

REAL_PROJECTS: Final = Path(__file__).parents[3] / "shared" / "data"
"""The directory of downloaded config specs; tests that need it are skipped without it."""

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


def v1_specs() -> dict[str, Any]:
    """Return a small project in v1, without entity types and ID types, like the oldest files."""
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


def start_core(text: str) -> Core:
    """Return Statsig's core with these config specs and no network."""

    class Specs(DataStore):
        def get(self, key: str) -> DataStoreResponse:  # noqa: ARG002
            return DataStoreResponse(result=text, time=1)

    options = StatsigOptions(
        output_log_level="none",
        disable_network=True,
        disable_all_logging=True,
        wait_for_country_lookup_init=True,
        wait_for_user_agent_init=True,
        environment="production",
        data_store=Specs(),
    )
    core = Core("secret-local", options)
    core.initialize().wait()
    return core
