"""Conditions of project files, each with a user who matches and one who does not."""

from collections.abc import Iterator

import pytest

from statsig_api_client.local import LocalServer
from tests.support.conditions import CASES

from .conftest import Api


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    file = tmp_path_factory.mktemp("conditions") / "project.yaml"
    gates = [
        "  staff: {rules: [{name: r, if: {email: {ends with: '@example.com'}}}]}",
        "  german: {rules: [{name: r, if: {country: DE}}]}",
        "  past: {rules: [{name: r, if: {time: {after: 2020-01-01}}}]}",
        "  future: {rules: [{name: r, if: {time: {after: 2999-01-01}}}]}",
        "  bare: {rules: [{name: r}]}",
        "  everyone: {rules: [{name: r, if: everyone}]}",
        "  no_conditions: {rules: [{name: r, if: {}}]}",
        "  no_rules: {}",
        "  off: {enabled: false, rules: [{name: r, if: everyone}]}",
        "  nobody: {rules: [{name: r, rollout: 0}]}",
        *(f"  case {n}: {{rules: [{{name: r, if: {case[0]}}}]}}" for n, case in enumerate(CASES)),
    ]
    segments = [
        "  adults: {rules: [{name: r, if: {custom.age: {at least: 18}}}]}",
        "  swiss: {rules: [{name: r, if: {country: CH}}]}",
    ]
    file.write_text("\n".join(["segments:", *segments, "gates:", *gates]))
    with LocalServer(file) as server:
        api = Api(server)
        yield api
        api.http.close()


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case[0] for case in CASES])
def test_condition_matches_only_intended_users(api: Api, number: int) -> None:
    _, holds, fails = CASES[number]
    assert api.gate(f"case {number}", holds) is True
    assert api.gate(f"case {number}", fails) is False


def test_time_condition_compares_with_current_time(api: Api) -> None:
    assert (api.gate("past"), api.gate("future")) == (True, False)


@pytest.mark.parametrize("gate", ["bare", "everyone", "no_conditions"])
def test_rule_without_conditions_matches_everyone(api: Api, gate: str) -> None:
    assert api.gate(gate) is True


def test_gate_without_rules_fails(api: Api) -> None:
    assert api.gate("no_rules") is False


def test_rollout_zero_fails_with_rule_id(api: Api) -> None:
    response = api.post("check_gate", {"gateName": "nobody"}).json()
    assert (response["value"], response["rule_id"]) == (False, "r")


def test_gate_disabled_ignores_its_rules(api: Api) -> None:
    response = api.post("check_gate", {"gateName": "off"}).json()
    assert (response["value"], response["rule_id"]) == (False, "disabled")
