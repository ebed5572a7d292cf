"""Evaluation of entities with their dependencies only."""

import json
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.local.config_specs import evaluator
from statsig_api_client.local.config_specs.core import Core
from statsig_api_client.local.config_specs.document import load_specs
from statsig_api_client.local.config_specs.evaluator import CorePool, Evaluator, partial_document
from statsig_api_client.local.config_specs.formats import SECTIONS, to_v2
from tests.support.config_specs import REAL_PROJECTS, spec, v1_specs
from tests.support.targeted_users import targeted_users

Json = dict[str, Any]


def test_partial_document_contains_only_dependencies() -> None:
    document: Json = to_v2(v1_specs())
    layer = partial_document(document, ["a_layer"])
    assert set(layer["layer_configs"]) == {"a_layer"}
    assert set(layer["dynamic_configs"]) == {"an_experiment"}
    assert layer["feature_gates"] == {}
    assert layer["experiment_to_layer"] == {"an_experiment": "a_layer"}
    assert len(layer["condition_map"]) == 2
    assert set(partial_document(document, ["held"])["feature_gates"]) == {"held", "a_holdout"}


def test_partial_document_contains_spec_overrides() -> None:
    document: Json = to_v2(v1_specs())
    document["overrides"] = {"a_config": [{"new_config_name": "an_experiment", "rules": []}]}
    assert set(partial_document(document, ["a_config"])["dynamic_configs"]) >= {
        "a_config",
        "an_experiment",
    }


def test_unknown_entity_has_no_core() -> None:
    pool = CorePool(to_v2(v1_specs()))
    assert pool.core("feature_gates", "a_config") is None
    pool.close()


def test_number_of_cores_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluator, "MAX_CORES", 3)
    names = [f"gate_{number}" for number in range(10)]
    gates = [spec(name, type="feature_gate", defaultValue=False) for name in names]
    pool = CorePool(to_v2({"feature_gates": gates}))
    cores = [pool.core("feature_gates", name) for name in names]
    assert len(set(cores)) == 3
    pool.close()


@pytest.mark.skipif(not REAL_PROJECTS.is_dir(), reason="real projects are not present")
@pytest.mark.parametrize("name", ["demo_project_dcs.json", "eval_project_dcs.json"])
def test_partial_core_evaluates_like_complete_core(name: str) -> None:
    document: Json = json.loads((REAL_PROJECTS / name).read_text())
    pool = CorePool(document)
    with Core(document) as core:
        for user in targeted_users(list(document["condition_map"].values()), 10, seed=3):
            results = core.evaluate(user)
            for section in SECTIONS:
                for entity, result in results[section].items():
                    partial = pool.core(section, entity)
                    assert partial is not None
                    assert partial.evaluate(user)[section][entity] == result
    pool.close()


@pytest.mark.parametrize(
    ("value", "is_logged"),
    [
        (1_700_000_000_000, False),
        ("1700000000000", False),
        ("2021-01-01T00:00:00Z", False),
        ("2021-01-01 00:00:00", False),
        ("2021-01-01T00:00:00.123Z", True),
        ("2021-01-01T00:00:00+00:00", True),
        ("2021-01-01T00:00:00", True),
        ("2021-01-01", True),
    ],
)
@pytest.mark.parametrize("holder", ["custom", "privateAttributes"])
def test_unreadable_time_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, value: Any, holder: str, *, is_logged: bool
) -> None:
    file = tmp_path / "project.yaml"
    file.write_text(
        "gates:\n  recent:\n    rules:\n      - {name: a, if: {custom.seen: {after: 2020-01-01}}}\n"
    )
    running = Evaluator(load_specs(file))
    users: list[Json] = [{"userID": "1"}, {"userID": "1", holder: {"seen": value}}]
    for user in users * 2:
        gate = running.evaluate(user).gate("recent")
    assert gate is not None
    assert gate.value is not is_logged
    assert caplog.text.count("user field seen: expected milliseconds") == is_logged
    running.close()
