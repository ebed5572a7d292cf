"""Comparison of evaluations over HTTP with the core and with the legacy SDK's own evaluator.

The core loads the original file, the legacy SDK the v1 format from `/v1`, and the server evaluates
each entity alone.
"""

import asyncio
import json
import warnings
from collections import Counter
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.applications import Starlette
from statsig_python_core import StatsigUser

from statsig_api_client.local.http.app import create_app
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import ServerState
from tests.support.config_specs import REAL_PROJECTS, start_core
from tests.support.targeted_users import targeted_users

Json = dict[str, Any]
Result = tuple[Any, str]
"""The value and the rule ID."""
Results = dict[tuple[str, str], Result]
"""By kind and name."""

USERS: Final = 300
SEED: Final = 1

NUMBER = (
    "the legacy SDK fails for a string that is not a number; in the core the comparison is false"
)

pytestmark = pytest.mark.slow
ADDRESS = "the legacy SDK fails for an invalid IP address; in the core the country is missing"
KNOWN_DIFFERENCES: Final[dict[str, dict[tuple[str, str], tuple[str, int]]]] = {
    "demo_project_dcs.json": {},
    "eval_project_dcs.json": {
        ("gate", "test_big_int"): (NUMBER, 2),
        ("gate", "test_country"): (ADDRESS, 4),
        ("gate", "test_custom_gt"): (NUMBER, 7),
        ("gate", "test_custom_lt"): (NUMBER, 7),
        ("gate", "test_is_us"): (ADDRESS, 4),
        ("gate", "test_many_rules"): (ADDRESS, 3),
        ("gate", "test_numeric"): (NUMBER, 7),
        ("gate", "test_numeric_lte_gte"): (NUMBER, 7),
    },
}
"""The entities on which the legacy SDK differs, the reason, and the number of affected users."""


@pytest.fixture(scope="module", params=sorted(KNOWN_DIFFERENCES))
def real(request: pytest.FixtureRequest) -> Iterator["Real"]:
    if not REAL_PROJECTS.is_dir():
        pytest.skip("real projects are not present")
    project = Real(REAL_PROJECTS / request.param)
    yield project
    project.close()


class Real:
    """A real project and its evaluations for targeted users."""

    def __init__(self, file: Path) -> None:
        self.file = file
        document = json.loads(file.read_text())
        self.users = targeted_users(list(document["condition_map"].values()), USERS, SEED)
        self.recording = Recording(None)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*treated as empty: company_id_list")
            self.service = ServerState(file, self.recording)
        specs = self.service.specs
        self.names = [
            *(("gate", name) for name in specs.gates),
            *(("config", name) for name in specs.configs),
            *(("experiment", name) for name in specs.experiments),
            *(("layer", name) for name in specs.layers),
        ]
        self.app = create_app(self.service, loopback_only=True)
        self.ours = asyncio.run(_all_over_http(self.app, self.names, self.users))

    def close(self) -> None:
        self.service.close()
        self.recording.close()

    def differences(self, theirs: list[Results]) -> list[tuple[tuple[str, str], Result, Result]]:
        """Return the entities with different evaluations, and both evaluations."""
        return [
            (entity, ours[entity], other[entity])
            for ours, other in zip(self.ours, theirs, strict=True)
            for entity in self.names
            if ours[entity] != other[entity]
        ]


def test_users_reach_many_rules(real: Real) -> None:
    decided = {(entity, rule) for results in real.ours for entity, (_, rule) in results.items()}
    assert len(decided) > 1.5 * len(real.names)


def test_server_matches_core_with_original_file(real: Real) -> None:
    core = start_core(real.file.read_text())
    theirs = [_asked(core, _core_user(user), real, ours) for user, ours in _pairs(real)]
    core.shutdown().wait()
    assert real.differences(theirs) == []


def test_server_matches_legacy_sdk_except_known_differences(real: Real) -> None:
    legacy = pytest.importorskip("statsig", reason="the extra legacy is not installed")
    specs = asyncio.run(_call(real.app, "GET", "/v1/download_config_specs", b""))
    sdk = legacy.StatsigServer()
    sdk.initialize(
        "secret-local",
        legacy.StatsigOptions(
            local_mode=True,  # Without it, the SDK would download ID lists.
            bootstrap_values=json.dumps(specs),
            disable_diagnostics=True,
        ),
    )
    theirs = [_asked(sdk, _legacy_user(user), real, ours) for user, ours in _pairs(real)]
    sdk.shutdown()
    found = real.differences(theirs)
    known = KNOWN_DIFFERENCES[real.file.name]
    assert Counter(entity for entity, _, _ in found) == {e: n for e, (_, n) in known.items()}
    assert all(theirs == (False, "error") for _, _, theirs in found)


def _pairs(real: Real) -> Iterator[tuple[Json, Results]]:
    return zip(real.users, real.ours, strict=True)


def _asked(sdk: Any, user: Any, real: Real, ours: Results) -> Results:
    config = getattr(sdk, "get_dynamic_config", None) or sdk.get_config
    ask = {"gate": sdk.get_feature_gate, "config": config, "experiment": sdk.get_experiment}
    results: Results = {}
    for kind, name in real.names:
        if kind == "layer":
            layer = sdk.get_layer(user, name)
            value = {p: layer.get(p, None) for p in ours[kind, name][0]}
            results[kind, name] = value, layer.rule_id
        else:
            result = ask[kind](user, name)
            results[kind, name] = result.value, result.rule_id
    return results


_FIELDS: Final = {
    "userID": "user_id",
    "customIDs": "custom_ids",
    "userAgent": "user_agent",
    "appVersion": "app_version",
    "privateAttributes": "private_attributes",
    "statsigEnvironment": "statsig_environment",
}


def _core_user(user: Json) -> StatsigUser:
    return StatsigUser(**{_FIELDS.get(field, field): value for field, value in user.items()})


def _legacy_user(user: Json) -> Any:
    from statsig import StatsigUser as LegacyUser

    fields = {_FIELDS.get(field, field): value for field, value in user.items()}
    environment = fields.pop("statsig_environment", {"tier": "production"})
    legacy = LegacyUser(**fields)
    # The SDK has no public attribute for the environment of one user.
    legacy._statsig_environment = environment  # noqa: SLF001
    return legacy


async def _all_over_http(
    app: Starlette, names: list[tuple[str, str]], users: list[Json]
) -> list[Results]:
    return [await _over_http(app, names, user) for user in users]


async def _over_http(app: Starlette, names: list[tuple[str, str]], user: Json) -> Results:
    quiet = {"user": user, "statsigMetadata": {"exposureLoggingDisabled": True}}
    gates = [name for kind, name in names if kind == "gate"]
    responses = await _post(app, "check_gate", {**quiet, "gateNames": gates})
    results: Results = {
        ("gate", name): (response["value"], response["rule_id"])
        for name, response in responses.items()
    }
    for kind, name in names:
        if kind == "layer":
            response = await _post(app, "get_layer", {**quiet, "layerName": name})
            results[kind, name] = response["value"], response["ruleID"]
        elif kind != "gate":
            response = await _post(app, "get_config", {**quiet, "configName": name})
            results[kind, name] = response["value"], response["rule_id"]
    return results


async def _post(app: Starlette, call: str, body: Json) -> Json:
    return await _call(app, "POST", f"/v1/{call}", json.dumps(body).encode())


async def _call(app: Starlette, method: str, path: str, body: bytes) -> Json:
    """Call the application without a server, for the speed of 20,000 calls."""
    received: list[MutableMapping[str, Any]] = []

    async def receive() -> Json:
        return {"type": "http.request", "body": body}

    async def send(message: MutableMapping[str, Any]) -> None:
        received.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"statsig-api-key", b"secret-local"), (b"host", b"127.0.0.1")],
    }
    await app(scope, receive, send)
    assert received[0]["status"] == 200, received
    result: Json = json.loads(b"".join(m.get("body", b"") for m in received[1:]))
    return result
