"""Agreement of the JSON Schema of project files with the reader."""

import copy
import json
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsig_api_client.local import ProjectError
from statsig_api_client.local.project import schema
from statsig_api_client.local.project.operators import CRITERIA, GATE_CRITERIA, OPERATORS, SHARE
from statsig_api_client.local.project.reader import read_project
from statsig_api_client.local.project.yaml_reader import read_yaml
from tests.support.conditions import CASES
from tests.support.project_files import COMPLETE_PROJECT, Steps, at, mappings

from .conftest import SHOP

PLACE = Path("project.yaml")
VALIDATOR = jsonschema.Draft202012Validator(schema.project_schema())


def reader_problem(document: object) -> str | None:
    """Return the reader's error for a document, or None."""
    try:
        read_project(PLACE, json.dumps(document))  # JSON is YAML.
    except ProjectError as error:
        return error.problem
    return None


def schema_errors(document: object) -> list[jsonschema.ValidationError]:
    return list(VALIDATOR.iter_errors(document))


KEYS = sorted(
    {step for steps in mappings(COMPLETE_PROJECT) for step in steps if isinstance(step, str)}
    | {*OPERATORS, *CRITERIA, *GATE_CRITERIA, SHARE, *schema.PROJECT, *schema.EXPERIMENT}
    | {*schema.GATE, *schema.CONFIG_RULE, *schema.HOLDOUT, *schema.HELD_OUT, *schema.GROUP}
    | {"rule", "value ", "custom.", "custom.x", "customIDs.", "customIDs.x", "Email", "passes"}
)
PLACES = list(mappings(COMPLETE_PROJECT))
VALUES: list[Any] = [True, 5, "x", "everyone", "two", "staff", [], ["a"], {}, None, 250, -1]


def test_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.project_schema())


def test_published_schema_is_current() -> None:
    file = resources.files("statsig_api_client.local.project") / "schema.json"
    text = file.read_text(encoding="utf-8")
    # To update it: statsig-api serve --print-schema
    assert text == json.dumps(schema.project_schema(), indent=2) + "\n"


def test_complete_project_is_valid_for_both() -> None:
    used = {step for steps in mappings(COMPLETE_PROJECT) for step in steps} | {
        key for steps in PLACES for key in at(COMPLETE_PROJECT, steps)
    }
    assert used >= {*OPERATORS, *CRITERIA, *GATE_CRITERIA, SHARE, *schema.PROJECT, *schema.GROUP}
    assert used >= {*schema.GATE, *schema.CONFIG_RULE, *schema.EXPERIMENT, *schema.HOLDOUT}
    assert used >= {*schema.HELD_OUT, *schema.NAMED_SHARE, *schema.LAYER, *schema.KEYS}
    assert reader_problem(COMPLETE_PROJECT) is None
    assert schema_errors(COMPLETE_PROJECT) == []


def test_example_project_is_valid_for_both() -> None:
    text = SHOP.read_text(encoding="utf-8")
    read_project(SHOP, text)
    assert schema_errors(read_yaml(SHOP, text).json()) == []


@pytest.mark.parametrize("condition", [case[0] for case in CASES])
def test_schema_accepts_every_tested_condition(condition: str) -> None:
    gate = f"gates: {{one: {{rules: [{{name: r, if: {condition}}}]}}}}"
    assert schema_errors(read_yaml(PLACE, gate).json()) == []


@given(place=st.sampled_from(PLACES), key=st.sampled_from(KEYS), value=st.sampled_from(VALUES))
@example(place=("gates", "one", "rules", 0, "if"), key="custom.", value="x")
@example(place=("gates", "one"), key="description", value=5)
def test_reader_and_schema_agree_on_keys(place: Steps, key: str, value: object) -> None:
    document = copy.deepcopy(COMPLETE_PROJECT)
    at(document, place)[key] = value
    problem = reader_problem(document)
    errors = schema_errors(document)
    unknown_to_reader = problem is not None and any(
        words in problem for words in ("unknown key", "unknown condition")
    )
    unknown_to_schema = any(
        error.validator == "additionalProperties"
        and error.validator_value is False
        and [*error.absolute_path] == [*place]
        for error in errors
    )
    assert unknown_to_reader == unknown_to_schema, (problem, errors)
    if problem is None:
        assert errors == []


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_unknown_key_is_rejected_by_both(place: Steps) -> None:
    document = copy.deepcopy(COMPLETE_PROJECT)
    at(document, place)["surely not"] = {}
    problem = reader_problem(document) or ""
    # A schema cannot know the parameters of a layer.
    rejected = "surely not" in problem and "no parameter" not in problem
    assert bool(schema_errors(document)) == rejected
