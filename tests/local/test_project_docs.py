"""docs/project-file.md is correct and complete."""

import re
from pathlib import Path

import jsonschema
import pytest

from statsig_api_client.local import ProjectError
from statsig_api_client.local.project import schema
from statsig_api_client.local.project.operators import (
    CRITERIA,
    CUSTOM_ID_OPERATORS,
    CUSTOM_OPERATORS,
    GATE_CRITERIA,
    OPERATORS,
)
from statsig_api_client.local.project.reader import read_project
from statsig_api_client.local.project.yaml_reader import read_yaml

from .conftest import SHOP

FILE = SHOP.parents[1] / "docs" / "project-file.md"
DOCS = FILE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", DOCS, flags=re.MULTILINE | re.DOTALL)

KEYS = {
    "project": schema.PROJECT,
    "`keys`": schema.KEYS,
    "gate": schema.GATE,
    "segment": schema.SEGMENT,
    "rule of a gate or segment": schema.RULE,
    "config": schema.CONFIG,
    "rule of a config": schema.CONFIG_RULE,
    "experiment": schema.EXPERIMENT,
    "group": schema.GROUP,
    "layer": schema.LAYER,
    "holdout": schema.HOLDOUT,
    "`from` of a holdout": schema.HELD_OUT,
    "`share of users`": schema.NAMED_SHARE,
}


@pytest.mark.parametrize("text", EXAMPLES, ids=[text.partition("\n")[0] for text in EXAMPLES])
def test_documented_example_is_valid(text: str) -> None:
    read_project(FILE, text)
    validator = jsonschema.Draft202012Validator(schema.project_schema())
    assert [*validator.iter_errors(read_yaml(FILE, text).json())] == []


def test_documented_error_matches_actual(tmp_path: Path) -> None:
    (message,) = re.findall(r"^project\.yaml:5: (.*)$", DOCS, flags=re.MULTILINE)
    mistake = "gates:\n  staff:\n    rules:\n      - name: staff\n        if: {emial: x}"
    with pytest.raises(ProjectError) as caught:
        read_project(tmp_path / "project.yaml", mistake)
    assert (caught.value.line, caught.value.problem) == (5, message)


@pytest.mark.parametrize("name", OPERATORS)
def test_operator_is_documented(name: str) -> None:
    it = OPERATORS[name]
    row = f"| `{name}` | {it.operand.value} | {it.meaning} | `{it.operator}` |"
    (part,) = [part for part in DOCS.split("\n### ") if row in part]
    listed = set(re.findall(r"`([^`]+)`", part.partition("For ")[2].partition(":")[0]))
    criteria = {criterion: it.operators for criterion, it in CRITERIA.items()}
    criteria |= {"custom.NAME": CUSTOM_OPERATORS, "customIDs.TYPE": CUSTOM_ID_OPERATORS}
    assert listed == {criterion for criterion, operators in criteria.items() if name in operators}


def test_criteria_are_documented() -> None:
    for name, criterion in CRITERIA.items():
        assert f"| `{name}` | {criterion.meaning} | `{criterion.type}` |" in DOCS
    for name, gate_criterion in GATE_CRITERIA.items():
        assert f"| `{name}` | {gate_criterion.meaning} | `{gate_criterion.type}` |" in DOCS


def test_keys_are_documented() -> None:
    rows = re.findall(r"^\| ([^|]+) \| `([^`]+)` \| ([^|]+) \|$", DOCS, flags=re.MULTILINE)
    listed = [row for row in rows if row[0] in KEYS]
    assert listed == [
        (place, key, it["description"])
        for place, keys in KEYS.items()
        for key, it in keys.items()
        if isinstance(it, dict)
    ]
