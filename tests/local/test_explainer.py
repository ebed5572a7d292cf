"""Explanations agree with the evaluations they explain, and name the deciding condition."""

import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from statsig_api_client.local.config_specs.catalog import find_entity
from statsig_api_client.local.config_specs.document import ConfigSpecs, load_specs
from statsig_api_client.local.config_specs.evaluator import Evaluator
from statsig_api_client.local.config_specs.explainer import Explainer, Explanation
from statsig_api_client.local.config_specs.named_rules import named_rules
from statsig_api_client.local.config_specs.overrides import Override, Unit, overridden
from tests.support.config_specs import REAL_PROJECTS, v1_specs
from tests.support.targeted_users import targeted_users

from .conftest import SHOP

Json = dict[str, Any]


def load(file: Path) -> ConfigSpecs:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Real projects lack the members of their ID lists.
        return load_specs(file)


@contextmanager
def explainer(specs: ConfigSpecs) -> Iterator[Explainer]:
    explaining = Explainer(specs)
    try:
        yield explaining
    finally:
        explaining.close()


@pytest.fixture
def explain(tmp_path: Path) -> Callable[..., dict[str, Explanation]]:
    """Explain a project from the content of its file, by name."""

    def explain_all(text: str, user: Json | None = None) -> dict[str, Explanation]:
        file = tmp_path / "project.yaml"
        file.write_text(dedent(text), "utf-8")
        with explainer(load_specs(file)) as explaining:
            return {each.name: each for each in explaining.explain(user or {})}

    return explain_all


PROJECTS = [SHOP, *sorted(REAL_PROJECTS.glob("*.json"))]


@pytest.mark.filterwarnings("ignore:.*does not support")
@pytest.mark.parametrize("file", PROJECTS, ids=lambda file: file.stem)
def test_explanations_agree_with_evaluations(file: Path) -> None:
    specs = load(file)
    conditions = [c for c in specs.document["condition_map"].values() if isinstance(c, dict)]  # type: ignore[union-attr]
    evaluator = Evaluator(specs)
    with explainer(specs) as explaining:
        for user in targeted_users(conditions, 12, seed=1):
            evaluations = evaluator.evaluate(user)
            for explained in explaining.explain(user):
                entity = find_entity(specs, explained.kind, explained.name)
                assert entity is not None
                evaluate = {
                    "feature_gates": evaluations.gate,
                    "dynamic_configs": evaluations.config,
                    "layer_configs": evaluations.layer,
                }[entity.section]
                assert explained.evaluation == evaluate(entity.spec_name)
                assert_rule_decided(explained)
    evaluator.close()


def assert_rule_decided(explained: Explanation) -> None:
    rule_id = explained.evaluation.rule_id
    applied = [check for check in explained.rules if check.applies]
    if not applied:
        assert rule_id in {"default", "disabled"}
    elif applied[0].rule.delegate is None:
        assert applied[0].rule.rule_id == rule_id
    assert len(applied) <= 1
    assert explained.why


@pytest.mark.parametrize(
    ("user", "name", "reason", "why"),
    [
        ({}, "staff_tools", "default", "no rule applies; staff requires in segment staff"),
        ({"email": "a@example.com"}, "staff_tools", "rule", "in segment staff"),
        ({"email": "a@example.com"}, "staff", "rule", "email ends with @example.com"),
        ({"userID": "42"}, "new_checkout", "rollout", "everyone, but not in the 50 % rollout"),
        ({"userID": "1"}, "new_checkout", "rule", "everyone, and in the 50 % rollout"),
        ({"userID": "1"}, "logo_test", "rule", "group Control: in 50 % of users"),
        (
            {"country": "NO"},
            "homepage",
            "rule",
            "country is DK, FI, NO or SE and custom.plan is not free",
        ),
        (
            {"userID": "42"},
            "add_to_cart_test",
            "rule",
            "not in the experiment: not in 60 % of users",
        ),
        (
            {"userID": "42"},
            "product_page",
            "default",
            "no rule applies; add_to_cart_test requires in 60 % of users",
        ),
        (
            {"userID": "1"},
            "product_page",
            "rule",
            "in experiment add_to_cart_test: group Green: in 50 % of users",
        ),
    ],
)
def test_reason_names_deciding_condition(user: Json, name: str, reason: str, why: str) -> None:
    with explainer(load_specs(SHOP)) as explaining:
        (explained,) = [each for each in explaining.explain(user) if each.name == name]
    assert (explained.reason, explained.why) == (reason, why)


def test_targeting_is_explained() -> None:
    internet_explorer = "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)"
    with explainer(load_specs(SHOP)) as explaining:
        user: Json = {"userID": "1", "userAgent": internet_explorer}
        (explained,) = [e for e in explaining.explain(user) if e.name == "add_to_cart_test"]
    assert explained.why == (
        "outside the targeting: no rule applies; targeting requires browser is not IE"
    )


def test_overrides_are_explained() -> None:
    specs = load_specs(SHOP)
    unit = Unit(id_type="companyID", id="acme")
    made = [
        Override(kind="gate", name="staff_tools", unit=None, value=True, group=None),
        Override(kind="experiment", name="logo_test", unit=unit, value=None, group="Square"),
    ]
    with explainer(overridden(specs, made, 2)) as explaining:
        user: Json = {"customIDs": {"companyID": "acme"}}
        whys = {each.name: (each.reason, each.why) for each in explaining.explain(user)}
        others = {each.name: each.why for each in explaining.explain({})}
    assert whys["staff_tools"] == ("override", "override for everyone")
    assert whys["logo_test"] == ("override", "override for companyID acme")
    assert others["logo_test"].startswith("group ")


def test_disabled_and_empty_entities_are_explained(
    explain: Callable[..., dict[str, Explanation]],
) -> None:
    explained = explain(
        """
        gates:
          off: { enabled: false, rules: [{ name: all }] }
          empty: {}
        experiments:
          waiting:
            active: false
            default: { a: 1 }
            groups: { One: { value: {} }, Two: { value: {} } }
        """
    )
    assert {name: (each.reason, each.why) for name, each in explained.items()} == {
        "off": ("disabled", "disabled"),
        "empty": ("default", "no rules"),
        "waiting": ("disabled", "the experiment is not active"),
    }


def test_holdout_is_explained(explain: Callable[..., dict[str, Explanation]]) -> None:
    explained = explain(
        """
        gates:
          held: { rules: [{ name: all }] }
        holdouts:
          nobody_new: { share: 100, from: { gates: [held] } }
        """
    )
    assert (explained["held"].reason, explained["held"].why) == (
        "holdout",
        "held out by nobody_new",
    )


def test_many_failing_rules_are_abridged(explain: Callable[..., dict[str, Explanation]]) -> None:
    rules = "\n".join(f"      - {{ name: r{n}, if: {{ country: C{n} }} }}" for n in range(6))
    explained = explain(f"gates:\n  many:\n    rules:\n{rules}\n")
    assert explained["many"].why == (
        "no rule applies; r0 requires country is C0; r1 requires country is C1; "
        "r2 requires country is C2; r3 requires country is C3; 2 more rules"
    )


def specs_of(tmp_path: Path, document: Json) -> ConfigSpecs:
    file = tmp_path / "specs.json"
    file.write_text(json.dumps(document), "utf-8")
    return load(file)


@pytest.mark.filterwarnings("ignore:.*does not support")
def test_unsupported_condition_is_explained(tmp_path: Path) -> None:
    document = deepcopy(v1_specs())
    document["feature_gates"][0]["rules"][0]["conditions"][0]["type"] = "phase_of_moon"
    with explainer(specs_of(tmp_path, document)) as explaining:
        explained = {each.name: each for each in explaining.explain({})}
    assert explained["a_gate"].reason == "unsupported"


def test_generated_rule_ids_become_numbers(tmp_path: Path) -> None:
    document = v1_specs()
    rule = document["feature_gates"][0]["rules"][0]
    rule |= {"name": "2QWhVkWdUEXR6Q3KYgV73O", "id": "2QWhVkWdUEXR6Q3KYgV73O:100.00:14"}
    del rule["groupName"]
    specs = specs_of(tmp_path, document)
    assert [each.name for each in named_rules(specs, specs.gate_specs["a_gate"])] == ["rule 1"]


def test_rule_without_rollout_passes_no_users(tmp_path: Path) -> None:
    document = v1_specs()
    document["feature_gates"][0]["rules"][0]["passPercentage"] = None
    specs = specs_of(tmp_path, document)
    (rule,) = named_rules(specs, specs.gate_specs["a_gate"])
    assert rule.rollout == 0
    assert rule.text == "email is a@b.c"
