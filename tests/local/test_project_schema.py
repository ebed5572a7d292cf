"""The JSON Schema of project files says what the reader says."""

import copy
import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsig_api_client.local import ProjectError
from statsig_api_client.local.project import schema
from statsig_api_client.local.project.operators import OPERATORS, QUESTIONS, SHARE, SUBJECTS
from statsig_api_client.local.project.reader import read_project
from statsig_api_client.local.project.yaml_reader import read_yaml

from .conftest import SHOP
from .test_conditions import CASES

PLACE = Path("project.yaml")
VALIDATOR = jsonschema.Draft202012Validator(schema.project_schema())

Steps: TypeAlias = tuple[str | int, ...]

CONDITIONS: dict[str, Any] = {
    "userID": {"in list": "vips", "not in list": "vips"},
    "email": {"is": "a", "is not": ["b"], "is one of": ["a"], "is not one of": ["b"]},
    "ip": {"is exactly": "a", "is not exactly": "b", "is set": True},
    "locale": "en_US",
    "userAgent": {"starts with": "a", "ends with": "b", "contains": "c", "matches": "d"},
    "appVersion": {"version is": 1, "version is not": "2.0", "version at least": "1.0"},
    "country": ["DE", "FR"],
    "browser": {"does not contain": "IE"},
    "browser version": {"version at most": "1.0", "version above": "1", "version below": 3},
    "os": "Windows",
    "os version": "10.1",
    "environment": ["staging"],
    "time": {"before": "2026-01-01", "after": 5, "on the day of": "2026-01-01T00:00:00Z"},
    "custom.tags": {"has any of": "a", "has none of": ["b"], "has all of": ["a", "c"]},
    "custom.level": {"equals": 3, "does not equal": "x", "at least": 1, "at most": 2.5},
    "custom.other": {"above": 3, "below": 4, "does not have all of": ["a"]},
    "customIDs.companyID": {"in list": "vips"},
    "passes gate": ["two"],
    "fails gate": "two",
    "in segment": ["staff"],
    "not in segment": "staff",
    "share of users": {"named": "spring", "from": 10, "to": 20.5},
}
ENTITY = {"description": "What for.", "idType": "companyID"}
RULES: Any = [{"name": "r", "if": CONDITIONS, "rollout": 12.25}, {"name": "s", "if": "everyone"}]
FULL: dict[str, Any] = {
    "description": "All that a project file can say.",
    "keys": {"secret": "secret-x", "client": "client-x"},
    "environments": ["staging", "live"],
    "id lists": {"vips": ["a", 7]},
    "gates": {
        "one": {**ENTITY, "enabled": True, "rules": RULES},
        "two": {"rules": [{"name": "r"}]},
    },
    "segments": {"staff": {**ENTITY, "rules": [{"name": "r", "rollout": 5}]}},
    "holdouts": {
        "some": {
            **ENTITY,
            "share": 1.25,
            "if": {"country": "DE"},
            "from": {"gates": ["one"], "configs": "all", "experiments": ["ex"], "layers": "all"},
        },
        "all of it": {"share": 1, "from": "everything"},
    },
    "configs": {
        "config": {
            **ENTITY,
            "enabled": False,
            "default": {"a": 1},
            "rules": [{"name": "r", "if": CONDITIONS, "rollout": 1, "value": {"a": 2}}],
        }
    },
    "experiments": {
        "ex": {
            **ENTITY,
            "active": True,
            "allocation": 50,
            "targeting": {"email": "a"},
            "default": {"a": 1},
            "groups": {"A": {"description": "It.", "share": 100, "value": {"a": 2}}},
        },
        "inside": {"layer": "page", "groups": {"A": {"value": {"b": 2}}}},
    },
    "layers": {"page": {**ENTITY, "default": {"b": 1}}},
}


def mappings(value: object, steps: Steps = ()) -> Iterator[Steps]:
    """Where there are mappings in a document."""
    if isinstance(value, dict):
        yield steps
        for key, inner in value.items():
            yield from mappings(inner, (*steps, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from mappings(inner, (*steps, index))


def complaint(document: object) -> str | None:
    """What the reader says of a document; None if it takes it."""
    try:
        read_project(PLACE, json.dumps(document))  # JSON is YAML.
    except ProjectError as error:
        return error.problem
    return None


def schema_errors(document: object) -> list[jsonschema.ValidationError]:
    return list(VALIDATOR.iter_errors(document))


WORDS = sorted(
    {step for steps in mappings(FULL) for step in steps if isinstance(step, str)}
    | {*OPERATORS, *SUBJECTS, *QUESTIONS, SHARE, *schema.PROJECT, *schema.EXPERIMENT}
    | {*schema.GATE, *schema.CONFIG_RULE, *schema.HOLDOUT, *schema.HELD_OUT, *schema.GROUP}
    | {"rule", "value ", "custom.", "custom.x", "customIDs.", "customIDs.x", "Email", "passes"}
)
PLACES = list(mappings(FULL))
VALUES: list[Any] = [True, 5, "x", "everyone", "two", "staff", [], ["a"], {}, None, 250, -1]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.project_schema())


def test_the_published_schema_is_that_of_the_reader() -> None:
    file = resources.files("statsig_api_client.local.project") / "schema.json"
    text = file.read_text(encoding="utf-8")
    # statsig-api serve --print-schema writes it anew.
    assert text == json.dumps(schema.project_schema(), indent=2) + "\n"


def test_a_project_with_all_keys_and_words_is_good_for_both() -> None:
    used = {step for steps in mappings(FULL) for step in steps} | {
        key for steps in PLACES for key in at(FULL, steps)
    }
    assert used >= {*OPERATORS, *SUBJECTS, *QUESTIONS, SHARE, *schema.PROJECT, *schema.GROUP}
    assert used >= {*schema.GATE, *schema.CONFIG_RULE, *schema.EXPERIMENT, *schema.HOLDOUT}
    assert used >= {*schema.HELD_OUT, *schema.NAMED_SHARE, *schema.LAYER, *schema.KEYS}
    assert complaint(FULL) is None
    assert schema_errors(FULL) == []


def test_the_shop_is_good_for_both() -> None:
    text = SHOP.read_text(encoding="utf-8")
    read_project(SHOP, text)
    assert schema_errors(read_yaml(SHOP, text).json()) == []


@pytest.mark.parametrize("condition", [case[0] for case in CASES])
def test_every_condition_that_works_is_in_the_schema(condition: str) -> None:
    gate = f"gates: {{one: {{rules: [{{name: r, if: {condition}}}]}}}}"
    assert schema_errors(read_yaml(PLACE, gate).json()) == []


def at(document: Any, steps: Steps) -> Any:
    for step in steps:
        document = document[step]
    return document


@given(place=st.sampled_from(PLACES), key=st.sampled_from(WORDS), value=st.sampled_from(VALUES))
@example(place=("gates", "one", "rules", 0, "if"), key="custom.", value="x")
@example(place=("gates", "one"), key="description", value=5)
def test_reader_and_schema_agree_on_keys(place: Steps, key: str, value: object) -> None:
    document = copy.deepcopy(FULL)
    at(document, place)[key] = value
    said = complaint(document)
    errors = schema_errors(document)
    unknown_to_reader = said is not None and any(
        words in said for words in ("unknown key", "no condition")
    )
    unknown_to_schema = any(
        error.validator == "additionalProperties"
        and error.validator_value is False
        and [*error.absolute_path] == [*place]
        for error in errors
    )
    assert unknown_to_reader == unknown_to_schema, (said, errors)
    if said is None:
        assert errors == []


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_both_refuse_an_unknown_key_wherever_keys_are_fixed(place: Steps) -> None:
    document = copy.deepcopy(FULL)
    at(document, place)["surely not"] = {}
    said = complaint(document) or ""
    # That a layer lacks a parameter is beyond a schema.
    refused = "surely not" in said and "no parameter" not in said
    assert bool(schema_errors(document)) == refused
