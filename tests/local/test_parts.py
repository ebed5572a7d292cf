"""An entity, evaluated alone: with all that decides about it, and nothing else."""

import json
from typing import Any

import pytest

from statsig_api_client.local.config_specs.core import Core
from statsig_api_client.local.config_specs.evaluator import EntityEvaluator, entity_document
from statsig_api_client.local.config_specs.formats import SECTIONS, to_v2

from .targeted_users import targeted_users
from .test_specs_files import DATA, older

Json = dict[str, Any]


def test_a_part_has_what_an_entity_asks_and_no_more() -> None:
    document: Json = to_v2(older())
    layer = entity_document(document, "a_layer")
    assert set(layer["layer_configs"]) == {"a_layer"}
    assert set(layer["dynamic_configs"]) == {"an_experiment"}
    assert layer["feature_gates"] == {}
    assert layer["experiment_to_layer"] == {"an_experiment": "a_layer"}
    assert len(layer["condition_map"]) == 2
    assert set(entity_document(document, "held")["feature_gates"]) == {"held", "a_holdout"}


def test_what_overrides_an_entity_belongs_to_it() -> None:
    document: Json = to_v2(older())
    document["overrides"] = {"a_config": [{"new_config_name": "an_experiment", "rules": []}]}
    assert set(entity_document(document, "a_config")["dynamic_configs"]) >= {
        "a_config",
        "an_experiment",
    }


def test_there_is_no_answer_for_what_there_is_not() -> None:
    parts = EntityEvaluator(to_v2(older()))
    assert parts.evaluate("feature_gates", "a_config", {}) is None
    parts.close()


@pytest.mark.skipif(not DATA.is_dir(), reason="the specs of real projects are not there")
@pytest.mark.parametrize("name", ["demo_project_dcs.json", "eval_project_dcs.json"])
def test_alone_an_entity_evaluates_as_in_its_project(name: str) -> None:
    document: Json = json.loads((DATA / name).read_text())
    parts = EntityEvaluator(document)
    with Core(document) as whole:
        for user in targeted_users(list(document["condition_map"].values()), 10, seed=3):
            answers = whole.evaluate(user)
            for section in SECTIONS:
                for entity, answer in answers[section].items():
                    assert parts.evaluate(section, entity, user) == answer
    parts.close()
