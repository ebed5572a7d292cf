"""OpenFeature's own OFREP clients on the local server."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext

from statsig_api_client import Statsig
from statsig_api_client.local import LocalServer
from statsig_api_client.openfeature import StatsigProvider

from ..test_ofrep import SHOP, SHOP_FLAGS
from .running import HERE, node, run

pytestmark = pytest.mark.slow

Json = dict[str, Any]

CONTEXTS: list[Json] = [
    {"targetingKey": "ada", "email": "ada@example.com"},
    {"targetingKey": "bob", "country": "NO", "plan": "pro"},
    {"targetingKey": "bob", "country": "NO", "plan": "free"},
    *({"targetingKey": f"user-{number}"} for number in range(5)),
]


@pytest.fixture
def server() -> Iterator[LocalServer]:
    with LocalServer(SHOP) as running:
        yield running


@pytest.fixture(autouse=True)
def _event_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give Node the interface of browsers for streams."""
    monkeypatch.setenv("NODE_OPTIONS", "--experimental-eventsource")


def sdk_input(server: LocalServer) -> Json:
    return {
        "url": server.url.removesuffix("/v1"),
        "key": server.client_key,
        "contexts": CONTEXTS,
        "flags": SHOP_FLAGS,
    }


def provider_results(server: LocalServer) -> list[list[Any]]:
    """Return the value, variant, reason and error of each flag for each context."""
    results: list[list[Any]] = []
    with Statsig(server.client_key, base_url=server.url) as statsig:
        api.set_provider_and_wait(StatsigProvider(statsig=statsig))
        client = api.get_client()
        get = {
            bool: client.get_boolean_details,
            str: client.get_string_details,
            int: client.get_integer_details,
            dict: client.get_object_details,
        }
        for context in CONTEXTS:
            attributes = {name: context[name] for name in context if name != "targetingKey"}
            user = EvaluationContext(context["targetingKey"], attributes)
            for key, fallback in SHOP_FLAGS.items():
                details: Any = get[type(fallback)](key, fallback, user)
                results.append([details.value, details.variant, details.reason, details.error_code])
        api.shutdown()
    return results


@pytest.mark.parametrize("client", ["ofrep_server.cjs", "ofrep_web.cjs"])
def test_client_evaluates_like_provider(server: LocalServer, client: str) -> None:
    results = json.loads(run("node", client, given=json.dumps(sdk_input(server))))
    expected = provider_results(server)
    assert len(results) == len(expected) == len(CONTEXTS) * len(SHOP_FLAGS)
    assert results == expected


def test_web_client_sees_override(server: LocalServer) -> None:
    process = subprocess.Popen(
        [node(), "ofrep_web.cjs"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=HERE,
    )
    try:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(sdk_input(server) | {"watched": "staff_tools"}))
        process.stdin.close()
        assert process.stdout.readline().startswith("[[")
        server.override_gate("staff_tools", value=True)
        assert process.stdout.readline() == "true\n"
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            assert pipe
            pipe.close()
