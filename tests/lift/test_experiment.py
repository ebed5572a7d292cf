"""Experiments, by hand and from projects."""

import json
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.lift import Experiment, LiftError
from statsig_api_client.local import LocalServer
from tests.lift.records import LOGO_TEST

PROJECT = Path(__file__).parents[2] / "examples" / "project.yaml"


def test_project_has_groups_and_shares() -> None:
    found = Experiment.from_project(PROJECT, "logo_test")
    assert found.groups == {"Control": 50, "Square": 50}
    assert (found.control, found.test_groups, found.id_type) == ("Control", ["Square"], "userID")
    other = Experiment.from_project(PROJECT, "logo_test", control="Square")
    assert other.test_groups == ["Control"]


def test_server_has_groups() -> None:
    with LocalServer(PROJECT) as server:
        found = Experiment.from_project(server.url, "add_to_cart_test")
    assert found.groups == {"Control": 50, "Green": 50}


def specs(tmp_path: Path, rules: list[dict[str, Any]]) -> Path:
    """Write config specs with one experiment."""
    document = {
        "feature_gates": [],
        "layer_configs": [],
        "dynamic_configs": [
            {
                "name": "logo_test",
                "type": "dynamic_config",
                "entity": "experiment",
                "salt": "salt",
                "enabled": True,
                "defaultValue": {},
                "idType": "stableID",
                "rules": rules,
            }
        ],
        "has_updates": True,
        "time": 1,
    }
    file = tmp_path / "specs.json"
    file.write_text(json.dumps(document))
    return file


def rule(rule_id: str, end: int | None, **more: Any) -> dict[str, Any]:
    condition: dict[str, Any] = {
        "type": "public" if end is None else "user_bucket",
        "operator": None if end is None else "lt",
        "field": None,
        "targetValue": end,
        "additionalValues": {"salt": "s"},
        "idType": "stableID",
    }
    return {
        "name": rule_id,
        "id": rule_id,
        "salt": rule_id,
        "passPercentage": 100,
        "conditions": [condition],
        "returnValue": {},
        "idType": "stableID",
        **more,
    }


def group(rule_id: str, name: str, end: int | None) -> dict[str, Any]:
    return rule(rule_id, end, groupName=name, isExperimentGroup=True)


def test_config_specs_name_groups_by_rule(tmp_path: Path) -> None:
    rules = [
        rule("override", None, groupName="Test"),
        group("4Qx", "Control", 200),
        group("9Zy", "Test", 1000),
    ]
    found = Experiment.from_project(specs(tmp_path, rules), "logo_test")
    assert found.groups == {"Control": 20, "Test": 80}
    assert found.rules == {"4Qx": "Control", "9Zy": "Test"}
    assert found.id_type == "stableID"


def test_config_specs_without_buckets_have_no_shares(tmp_path: Path) -> None:
    file = specs(tmp_path, [group("a", "A", None), group("b", "B", 500), group("c", "C", 400)])
    assert Experiment.from_project(file, "logo_test").groups == {"A": None, "B": None, "C": None}


def test_experiment_that_has_not_started_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(LiftError, match="has no groups; it has not started"):
        Experiment.from_project(specs(tmp_path, [rule("prestart", None)]), "logo_test")


@pytest.mark.parametrize(
    ("project", "name", "message"),
    [
        pytest.param(PROJECT, "logo_tst", "does not exist; did you mean 'logo_test'", id="name"),
        pytest.param("nowhere.yaml", "logo_test", "cannot be read", id="file"),
        pytest.param("http://127.0.0.1:9", "logo_test", "no response from", id="server"),
    ],
)
def test_unknown_experiment_is_rejected(project: Any, name: str, message: str) -> None:
    with pytest.raises(LiftError, match=message):
        Experiment.from_project(project, name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"groups": {"A": 1}}, "expected at least 2 groups", id="one group"),
        pytest.param({"groups": {}}, "expected at least 2 groups", id="no groups"),
        pytest.param({"control": "C"}, "a control group among A, B, got 'C'", id="control"),
        pytest.param({"rules": {"x": "C"}}, "rules of unknown groups C", id="rules"),
        pytest.param({"groups": {"A": 0, "B": 1}}, "expected positive shares", id="shares"),
    ],
)
def test_invalid_experiment_is_rejected(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(LiftError, match=message):
        Experiment(**{"name": "x", "groups": {"A": 1, "B": 1}, **arguments})


def test_first_group_is_control_by_default() -> None:
    assert Experiment(name="x", groups={"A": 1, "B": 1}).control == "A"
    assert Experiment(name="x", groups={"A": 1, "control": 1}).control == "control"
    assert LOGO_TEST.with_control(None) is LOGO_TEST
