"""Evaluation of a single entity with its dependencies only."""

import json
from typing import Any

import pytest

from statsig_api_client.local.config_specs.core import Core
from statsig_api_client.local.config_specs.evaluator import EntityEvaluator, entity_document
from statsig_api_client.local.config_specs.formats import SECTIONS, to_v2
from tests.support.config_specs import REAL_PROJECTS, v1_specs
from tests.support.targeted_users import targeted_users

Json = dict[str, Any]


def test_entity_document_contains_only_dependencies() -> None:
    document: Json = to_v2(v1_specs())
    layer = entity_document(document, "a_layer")
    assert set(layer["layer_configs"]) == {"a_layer"}
    assert set(layer["dynamic_configs"]) == {"an_experiment"}
    assert layer["feature_gates"] == {}
    assert layer["experiment_to_layer"] == {"an_experiment": "a_layer"}
    assert len(layer["condition_map"]) == 2
    assert set(entity_document(document, "held")["feature_gates"]) == {"held", "a_holdout"}


def test_entity_document_contains_spec_overrides() -> None:
    document: Json = to_v2(v1_specs())
    document["overrides"] = {"a_config": [{"new_config_name": "an_experiment", "rules": []}]}
    assert set(entity_document(document, "a_config")["dynamic_configs"]) >= {
        "a_config",
        "an_experiment",
    }


def test_unknown_entity_evaluates_to_none() -> None:
    evaluator = EntityEvaluator(to_v2(v1_specs()))
    assert evaluator.evaluate("feature_gates", "a_config", {}) is None
    evaluator.close()


@pytest.mark.skipif(not REAL_PROJECTS.is_dir(), reason="real projects are not present")
@pytest.mark.parametrize("name", ["demo_project_dcs.json", "eval_project_dcs.json"])
def test_entity_evaluates_alone_as_in_project(name: str) -> None:
    document: Json = json.loads((REAL_PROJECTS / name).read_text())
    evaluator = EntityEvaluator(document)
    with Core(document) as core:
        for user in targeted_users(list(document["condition_map"].values()), 10, seed=3):
            results = core.evaluate(user)
            for section in SECTIONS:
                for entity, result in results[section].items():
                    assert evaluator.evaluate(section, entity, user) == result
    evaluator.close()
