"""Properties of all project files: each is evaluated by Statsig's core, or raises an error."""

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
from tests.support.project_files import COMPLETE_PROJECT, Steps, at

PLACE = Path("project.yaml")

# With lone surrogates, which a file can contain as "\ud800".
TEXTS = st.text(st.characters(min_codepoint=0x20), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def all_paths(value: object, steps: Steps = ()) -> list[Steps]:
    """Return the path of every value in a document except the document itself."""
    places: list[Steps] = [steps] if steps else []
    if isinstance(value, dict):
        return places + [p for key in value for p in all_paths(value[key], (*steps, key))]
    if isinstance(value, list):
        return places + [p for n, item in enumerate(value) for p in all_paths(item, (*steps, n))]
    return places


PLACES = all_paths(COMPLETE_PROJECT)


@given(place=st.sampled_from(PLACES), value=JSON)
@example(place=("gates", "one", "rules", 1, "name"), value="\ud800")
@example(place=("gates", "one", "rules", 0, "if", "time", "after"), value=10**30)
@example(place=("gates", "one", "rules", 0, "if", "time", "after"), value="0001-01-01")
def test_any_changed_value_raises_or_evaluates(place: Steps, value: Any) -> None:
    document = copy.deepcopy(COMPLETE_PROJECT)
    at(document, place[:-1])[place[-1]] = value
    try:
        project = read_project(PLACE, json.dumps(document))
    except ProjectError:
        return
    specs = compile_project(project, 1)
    core = Core(to_v2(specs))
    results = core.evaluate({"userID": "a"})
    core.close()
    assert results["feature_gates"].keys() == {gate.name for gate in project.gates}
    assert all(result["rule_id"] for result in results["feature_gates"].values())
    assert results["dynamic_configs"].keys() == {
        *(config.name for config in project.configs),
        *(experiment.name for experiment in project.experiments),
    }
    assert results["layer_configs"].keys() == {layer.name for layer in project.layers}


@given(text=st.text(max_size=60) | JSON.map(json.dumps))
def test_any_string_parses_or_raises(text: str) -> None:
    with suppress(ProjectError):
        read_project(PLACE, text)
