"""Requests that schemathesis generates from both OpenAPI documents.

`FUZZ_REQUESTS=3000 pytest tests/local/test_fuzz.py`, or `make fuzz`, generates more.
"""

import os
from collections import Counter
from importlib.resources import files
from typing import Any, Final, cast

import pytest
from hypothesis import HealthCheck, given, settings
from starlette.types import ASGIApp, Receive, Scope, Send

from statsig_api_client.local.faults import EXTENSION, ClientConnection
from statsig_api_client.local.http.app import create_app
from statsig_api_client.local.http.control_api import control_document
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import ServerState
from statsig_api_client.local.strict_json import read_json

from .conftest import SHOP

schemathesis = pytest.importorskip("schemathesis", reason="only for development")

REQUESTS: Final = int(os.environ.get("FUZZ_REQUESTS", "400"))
"""The minimum number of requests for both documents together."""

CONFIG: Final = schemathesis.config.SchemathesisConfig.from_dict(
    # HTTP requires servers to accept unknown headers; test_control_api.py covers unknown query
    # parameters.
    {"generation": {"allow-extra-parameters": False}}
)

pytestmark = pytest.mark.slow
HEADERS: Final = {
    "statsig-api-key": "secret-local",
    # Events of other SDKs are parsed leniently, beyond the schema.
    "statsig-sdk-type": "py-http-api",
}


def http_document() -> Any:
    text = files("statsig_api_client").joinpath("generated/openapi.json").read_bytes()
    document: Any = read_json(text)
    for item in document["paths"].values():
        item["post"].pop("servers", None)  # Statsig's headers, some of which are only for events.
    return document


@pytest.mark.parametrize(
    ("document", "root"), [(http_document(), "v1"), (control_document(), "local")]
)
def test_responses_match_openapi_documents(document: Any, root: str) -> None:
    recording = Recording(None)
    state = ServerState(SHOP, recording)
    schema = schemathesis.openapi.from_dict(document, config=CONFIG)
    schema.app = _connected(create_app(state, loopback_only=True))
    schema.config.update(base_url=f"http://127.0.0.1/{root}")
    statuses: Counter[int] = Counter()
    found = [each.ok() for each in schema.get_all_operations()]
    operations = [each for each in found if each.path != "/stream"]  # It does not end.
    busy = [each for each in operations if each.body or each.query]
    examples = round(REQUESTS / 2 / len(busy) / 2) + 1
    for operation in operations:
        _try(operation.as_strategy(), examples, statuses)
        if operation in busy:  # A request without parameters cannot be invalid.
            wrong = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)
            _try(wrong, examples, statuses)
    state.close()
    recording.close()
    assert statuses.total() >= REQUESTS / 2
    assert len(statuses) > 2
    assert not [status for status in statuses if status >= 500]


def _connected(app: ASGIApp) -> ASGIApp:
    """Return an application whose requests have a connection, as those of the server have."""

    async def connected(scope: Scope, receive: Receive, send: Send) -> None:
        connection = ClientConnection(transport=cast("Any", None))
        extensions = {EXTENSION: {"connection": connection}}
        await app({**scope, "extensions": extensions}, receive, send)

    return connected


def _try(strategy: Any, examples: int, statuses: Counter[int]) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=strategy)
    def run(case: Any) -> None:
        response = case.call(headers=HEADERS)
        statuses[response.status_code] += 1
        case.validate_response(response)

    run()
