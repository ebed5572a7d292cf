"""Comparison of the provider with the client and with OFREP, on real projects."""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from openfeature.evaluation_context import EvaluationContext

from statsig_api_client import Statsig
from statsig_api_client.local import LocalServer
from statsig_api_client.openfeature import StatsigProvider
from tests.support.config_specs import REAL_PROJECTS
from tests.support.targeted_users import targeted_users

USERS: Final = 200
PARTS: Final = 5
"""The number of tests that share the users, each of which takes a minute on a busy machine."""
SEED: Final = 19
DEFAULT: Final[dict[str, Any]] = {"default": "in code"}

Json = dict[str, Any]
Outcome = tuple[Any, str | None]
"""The value and the rule's ID."""

MISSING: Final[Outcome] = (None, None)

pytestmark = pytest.mark.slow


@pytest.fixture(params=["demo_project_dcs.json", "eval_project_dcs.json"])
def project(request: pytest.FixtureRequest) -> Iterator[tuple[LocalServer, list[Json]]]:
    file = REAL_PROJECTS / request.param
    if not file.is_file():
        pytest.skip("real projects are not present")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*treated as empty: company_id_list")
        with LocalServer(file) as server:
            yield server, users(file)


def users(file: Path) -> list[Json]:
    """Return users that match the conditions of a project."""
    conditions = json.loads(file.read_text())["condition_map"]
    return targeted_users(list(conditions.values()), USERS, SEED)


@pytest.mark.parametrize("part", range(PARTS))
def test_provider_client_and_ofrep_agree(
    project: tuple[LocalServer, list[Json]], part: int
) -> None:
    server, users = project
    flags = [
        *(("gate", name, name) for name in server.gates),
        *(("config", name, name) for name in server.configs),
        *(("experiment", name, f"experiment:{name}") for name in server.experiments),
        *(("layer", name, f"layer:{name}") for name in server.layers),
    ]
    url = server.url.removesuffix("/v1") + "/ofrep/v1/evaluate/flags"
    headers = {"x-api-key": server.secret_key}
    compared = 0
    with (
        Statsig(server.secret_key, base_url=server.url, log_exposures=False) as statsig,
        httpx.Client(headers=headers, timeout=30) as http,
    ):
        provider = StatsigProvider(statsig=statsig)
        for user in users[part::PARTS]:
            context = {"targetingKey": user["userID"], **without_id(user)}
            response = http.post(url, json={"context": context}).json()
            by_key = {flag["key"]: flag for flag in response["flags"]}
            for kind, name, key in flags:
                by_client = from_client(statsig, kind, name, user)
                assert from_provider(provider, kind, key, user) == by_client, (key, user)
                assert from_ofrep(by_key.get(key)) == untyped(by_client), (key, user)
                compared += 1
    assert compared == USERS // PARTS * len(flags)


def without_id(user: Json) -> Json:
    return {name: value for name, value in user.items() if name != "userID"}


def from_client(statsig: Statsig, kind: str, name: str, user: Any) -> Outcome:
    call = getattr(statsig, f"{'check' if kind == 'gate' else 'get'}_{kind}")
    result = call(user, name)
    if not result.rule_id and not result.value:
        return MISSING
    return (DEFAULT if result.rule_id == "disabled" else result.value), result.rule_id


def from_provider(provider: StatsigProvider, kind: str, key: str, user: Json) -> Outcome:
    context = EvaluationContext(user["userID"], without_id(user))
    resolve: Any = provider.resolve_object_details
    if kind == "gate":
        resolve = provider.resolve_boolean_details
    details = resolve(flag_key=key, default_value=DEFAULT, evaluation_context=context)
    if details.error_code == "FLAG_NOT_FOUND":
        return MISSING
    assert details.error_code is None, details
    rule = details.flag_metadata.get("ruleID", "")
    return details.value, rule or None


def from_ofrep(flag: Json | None) -> Outcome:
    if flag is None:
        return MISSING
    return flag.get("value", DEFAULT), flag["metadata"].get("ruleID")


def untyped(outcome: Outcome) -> Outcome:
    """Return an outcome as OFREP does: a config whose only parameter is `value` is that value."""
    value, rule = outcome
    is_single = isinstance(value, dict) and value.keys() == {"value"}
    return (value["value"] if is_single else value), rule
