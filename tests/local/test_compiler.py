"""Compiled config specs have the contents of the config specs of real projects."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.local.project.compiler import compile_project
from statsig_api_client.local.project.operators import OPERATORS
from statsig_api_client.local.project.reader import read_project
from tests.support.config_specs import REAL_PROJECTS
from tests.support.project_files import COMPLETE_PROJECT

from .conftest import SHOP, Json

SECTIONS = ("feature_gates", "dynamic_configs", "layer_configs")

# From statsig/constants.py of https://github.com/statsig-io/python-sdk, without multi_pass_gate,
# multi_fail_gate and target_app, which docs/project-file.md explains.
TYPES = {
    *("public", "pass_gate", "fail_gate", "ip_based", "ua_based", "user_field"),
    *("environment_field", "current_time", "user_bucket", "unit_id"),
}
ALL_OPERATORS = {
    *("gt", "gte", "lt", "lte", "eq", "neq", "any", "none", "before", "after", "on"),
    *("version_gt", "version_gte", "version_lt", "version_lte", "version_eq", "version_neq"),
    *("any_case_sensitive", "none_case_sensitive", "in_segment_list", "not_in_segment_list"),
    *("str_starts_with_any", "str_ends_with_any", "str_contains_any", "str_contains_none"),
    *("str_matches", "array_contains_any", "array_contains_none", "array_contains_all"),
    "not_array_contains_all",
}


def compiled(text: str) -> Any:
    return compile_project(read_project(Path("project.yaml"), text), 1)


def specs(document: Any) -> Iterator[Json]:
    for section in SECTIONS:
        part = document[section]
        yield from part.values() if isinstance(part, dict) else part


def rules(document: Any) -> Iterator[Json]:
    for spec in specs(document):
        yield from spec["rules"]


def test_compiler_covers_all_condition_types_and_operators() -> None:
    conditions = [
        c for rule in rules(compiled(json.dumps(COMPLETE_PROJECT))) for c in rule["conditions"]
    ]
    assert {condition["type"] for condition in conditions} == TYPES
    assert {operator.operator for operator in OPERATORS.values()} == ALL_OPERATORS
    assert {c["operator"] for c in conditions} - {None} <= ALL_OPERATORS


def test_compiled_specs_have_fields_of_entity_type() -> None:
    document = compiled(SHOP.read_text(encoding="utf-8"))
    always = {"name", "type", "salt", "enabled", "defaultValue", "idType", "rules", "entity"}
    for spec in specs(document):
        assert spec.keys() >= always | {"version"}
        if spec["entity"] == "experiment":
            assert (spec["isActive"], spec["hasSharedParams"]) == (
                True,
                spec["name"] == "add_to_cart_test",
            )
            assert spec.get("explicitParameters") == (
                ["add_to_cart_color"] if spec["hasSharedParams"] else None
            )
    kinds = {spec["name"]: (spec["type"], spec["entity"]) for spec in specs(document)}
    assert kinds == {
        "staff_tools": ("feature_gate", "feature_gate"),
        "new_checkout": ("feature_gate", "feature_gate"),
        "segment:staff": ("feature_gate", "segment"),
        "segment:inline_targeting:add_to_cart_test": ("feature_gate", "segment"),
        "yearly_holdout": ("feature_gate", "holdout"),
        "homepage": ("dynamic_config", "dynamic_config"),
        "logo_test": ("dynamic_config", "experiment"),
        "add_to_cart_test": ("dynamic_config", "experiment"),
        "product_page": ("dynamic_config", "layer"),
    }
    groups = {rule["groupName"] for rule in rules(document) if rule.get("isExperimentGroup")}
    assert groups == {"Control", "Square", "Green"}
    assert document["layers"] == {"product_page": ["add_to_cart_test"]}
    assert document["id_lists"] == {"partners": True}


@pytest.mark.parametrize("name", ["demo_project_dcs.json", "eval_project_dcs.json"])
def test_compiled_specs_have_fields_of_real_specs(name: str) -> None:
    if not (REAL_PROJECTS / name).exists():
        pytest.skip("real projects are not present")
    real = json.loads((REAL_PROJECTS / name).read_text(encoding="utf-8"))
    ours = compiled(json.dumps(COMPLETE_PROJECT))
    for entity in ("feature_gate", "segment", "holdout", "dynamic_config", "experiment", "layer"):
        common = set.intersection(*({*s} for s in specs(real) if s["entity"] == entity))
        assert all(spec.keys() >= common for spec in specs(ours) if spec["entity"] == entity)
    common = set.intersection(*({*rule} for rule in rules(real)))
    assert all(rule.keys() >= common for rule in rules(ours))
    common = set.intersection(*({*condition} for condition in real["condition_map"].values()))
    assert all(c.keys() >= common for rule in rules(ours) for c in rule["conditions"])


def test_holdout_rule_precedes_config_rules() -> None:
    document = compiled("""
        {configs: {page: {default: {a: 1}, rules: [{name: r, value: {}}]}},
         holdouts: {some: {share: 0.25, from: everything}}}
    """)
    holdout_rule, _ = document["dynamic_configs"][0]["rules"]
    (condition,) = holdout_rule["conditions"]
    assert (condition["type"], condition["targetValue"]) == ("pass_gate", "some")
    assert (holdout_rule["passPercentage"], holdout_rule["returnValue"]) == (0, {"a": 1})
    (share,) = document["feature_gates"][0]["rules"]
    assert (share["passPercentage"], share["returnValue"]) == (0.25, True)
