"""What docs/project-file.md shows and lists is true and complete."""

import re
from pathlib import Path

import jsonschema
import pytest

from statsig_api_client.local import ProjectError
from statsig_api_client.local.project import schema
from statsig_api_client.local.project.operators import (
    CUSTOM_ID_OPERATORS,
    CUSTOM_OPERATORS,
    OPERATORS,
    QUESTIONS,
    SUBJECTS,
)
from statsig_api_client.local.project.reader import read_project
from statsig_api_client.local.project.yaml_reader import read_yaml

from .conftest import SHOP

FILE = SHOP.parents[1] / "docs" / "project-file.md"
DOCS = FILE.read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", DOCS, flags=re.MULTILINE | re.DOTALL)

KEYS = {
    "the project": schema.PROJECT,
    "`keys`": schema.KEYS,
    "a gate": schema.GATE,
    "a segment": schema.SEGMENT,
    "a rule of a gate or segment": schema.RULE,
    "a config": schema.CONFIG,
    "a rule of a config": schema.CONFIG_RULE,
    "an experiment": schema.EXPERIMENT,
    "a group": schema.GROUP,
    "a layer": schema.LAYER,
    "a holdout": schema.HOLDOUT,
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


@pytest.mark.parametrize("word", OPERATORS)
def test_operator_is_documented(word: str) -> None:
    it = OPERATORS[word]
    row = f"| `{word}` | {it.operand.value} | {it.meaning} | `{it.operator}` |"
    (part,) = [part for part in DOCS.split("\n### ") if row in part]
    listed = set(re.findall(r"`([^`]+)`", part.partition("Of ")[2].partition(":")[0]))
    subjects = {name: subject.operators for name, subject in SUBJECTS.items()}
    subjects |= {"custom.NAME": CUSTOM_OPERATORS, "customIDs.TYPE": CUSTOM_ID_OPERATORS}
    assert listed == {name for name, operators in subjects.items() if word in operators}


def test_criteria_are_documented() -> None:
    for word, it in (*SUBJECTS.items(), *QUESTIONS.items()):
        assert f"| `{word}` | {it.meaning} | `{it.type}` |" in DOCS


def test_keys_are_documented() -> None:
    rows = re.findall(r"^\| ([^|]+) \| `([^`]+)` \| ([^|]+) \|$", DOCS, flags=re.MULTILINE)
    listed = [row for row in rows if row[0] in KEYS]
    assert listed == [
        (place, key, it["description"])
        for place, keys in KEYS.items()
        for key, it in keys.items()
        if isinstance(it, dict)
    ]
