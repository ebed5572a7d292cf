"""Whatever a project file says, it is a project that Statsig's core reads, or a fault is told."""

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from statsig_api_client.local import ProjectError
from statsig_api_client.local.config_specs.core import Core
from statsig_api_client.local.config_specs.formats import to_v2
from statsig_api_client.local.project.compiler import compile_project
from statsig_api_client.local.project.reader import read_project

from .test_project_schema import FULL, Steps, at

PLACE = Path("project.yaml")

# Also what UTF-8 cannot say: "\ud800" in a file is half of a character.
TEXTS = st.text(st.characters(min_codepoint=0x20), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def everywhere(value: object, steps: Steps = ()) -> list[Steps]:
    """The place of every value in a document but the document itself."""
    places: list[Steps] = [steps] if steps else []
    if isinstance(value, dict):
        return places + [p for key in value for p in everywhere(value[key], (*steps, key))]
    if isinstance(value, list):
        return places + [p for n, item in enumerate(value) for p in everywhere(item, (*steps, n))]
    return places


PLACES = everywhere(FULL)


@given(place=st.sampled_from(PLACES), value=JSON)
@example(place=("gates", "one", "rules", 1, "name"), value="\ud800")
@example(place=("gates", "one", "rules", 0, "if", "time", "after"), value=10**30)
@example(place=("gates", "one", "rules", 0, "if", "time", "after"), value="0001-01-01")
def test_one_wrong_value_is_told_or_does_no_harm(place: Steps, value: Any) -> None:
    document = copy.deepcopy(FULL)
    at(document, place[:-1])[place[-1]] = value
    try:
        project = read_project(PLACE, json.dumps(document))
    except ProjectError:
        return
    specs = compile_project(project, 1)
    core = Core(to_v2(specs))
    answers = core.evaluate({"userID": "a"})
    core.close()
    assert answers["feature_gates"].keys() == {gate.name for gate in project.gates}
    assert all(answer["rule_id"] for answer in answers["feature_gates"].values())
    assert answers["dynamic_configs"].keys() == {
        *(config.name for config in project.configs),
        *(experiment.name for experiment in project.experiments),
    }
    assert answers["layer_configs"].keys() == {layer.name for layer in project.layers}


@given(text=st.text(max_size=60) | JSON.map(json.dumps))
def test_any_text_is_a_project_or_a_fault(text: str) -> None:
    with suppress(ProjectError):
        read_project(PLACE, text)
