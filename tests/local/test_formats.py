"""Conversion of config specs between v1 and v2 preserves evaluations."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client.local.config_specs.core import Core, CoreResults
from statsig_api_client.local.config_specs.formats import to_v1, to_v2
from tests.support.config_specs import REAL_PROJECTS

Json = dict[str, Any]

CONDITIONS: dict[str, Json] = {
    "everyone": {"type": "public"},
    "email": {
        "type": "user_field",
        "field": "email",
        "operator": "any",
        "targetValue": ["a@b.c"],
    },
    "bucket": {
        "type": "user_bucket",
        "operator": "any",
        "targetValue": {str(bucket): True for bucket in (-1, "none", *range(0, 1000, 2))},
        "additionalValues": {"salt": "s"},
    },
    "holdout": {"type": "pass_gate", "targetValue": "a_holdout"},
}
USERS: list[Json] = [
    {"userID": f"user-{number}", "email": email}
    for number in range(6)
    for email in ("a@b.c", "other@b.c")
]


def specs_of(values: st.SearchStrategy[Any], default: st.SearchStrategy[Any]) -> Any:
    rules = st.fixed_dictionaries(
        {
            "conditions": st.lists(st.sampled_from(sorted(CONDITIONS)), min_size=1, max_size=2),
            "passPercentage": st.sampled_from([0, 50, 100]),
            "returnValue": values,
        }
    )
    return st.fixed_dictionaries(
        {"enabled": st.booleans(), "defaultValue": default, "rules": st.lists(rules, max_size=3)}
    )


GATES = specs_of(st.booleans(), st.booleans())
CONFIGS = specs_of(st.sampled_from([{"a": 1}, {"a": 2}]), st.just({"a": 0}))


def project(gate: Json, config: Json) -> Json:
    """Return a project in v2."""
    holdout = {
        "enabled": True,
        "defaultValue": False,
        "rules": [{"conditions": ["bucket"], "passPercentage": 100, "returnValue": True}],
    }
    kinds: dict[str, tuple[str, Json]] = {
        "a_gate": ("feature_gate", gate),
        "a_holdout": ("holdout", holdout),
        "a_config": ("dynamic_config", config),
    }
    specs = {name: _spec(name, kind, written) for name, (kind, written) in kinds.items()}
    return {
        "feature_gates": {name: specs[name] for name in ("a_gate", "a_holdout")},
        "dynamic_configs": {"a_config": specs["a_config"]},
        "layer_configs": {},
        "condition_map": {
            name: {"idType": "userID", **condition} for name, condition in CONDITIONS.items()
        },
        "experiment_to_layer": {},
        "has_updates": True,
        "time": 1,
    }


def _spec(name: str, entity: str, written: Json) -> Json:
    rules = [
        {"name": f"r{i}", "id": f"r{i}", "salt": f"r{i}", "idType": "userID", **rule}
        for i, rule in enumerate(written["rules"])
    ]
    kind = "dynamic_config" if entity == "dynamic_config" else "feature_gate"
    more = {"type": kind, "entity": entity, "salt": name, "idType": "userID", "rules": rules}
    return {**written, **more}


def evaluated(document: Json) -> list[CoreResults]:
    with Core(document) as core:
        return [core.evaluate(user) for user in USERS]


def decisions(evaluations: list[CoreResults]) -> list[Any]:
    """Return values and reasons; v1 cannot express that no rule of a config passed."""
    return [
        (name, result["value"], result["rule_id"], result["secondary_exposures"])
        for each in evaluations
        for section in (each["feature_gates"], each["dynamic_configs"], each["layer_configs"])
        for name, result in sorted(section.items())
    ]


@given(gate=GATES, config=CONFIGS)
def test_v1_round_trip_preserves_evaluations(gate: Json, config: Json) -> None:
    v2 = project(gate, config)
    v1 = json.loads(json.dumps(to_v1(v2)))
    assert decisions(evaluated(to_v2(v1))) == decisions(evaluated(v2))


@pytest.mark.skipif(not REAL_PROJECTS.is_dir(), reason="real projects are not present")
@pytest.mark.parametrize("name", ["demo_project_dcs.json", "eval_project_dcs.json"])
def test_v1_round_trip_preserves_real_projects(name: str) -> None:
    v2 = json.loads((REAL_PROJECTS / name).read_text())
    assert decisions(evaluated(to_v2(to_v1(v2)))) == decisions(evaluated(v2))
