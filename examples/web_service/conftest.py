"""Fixture that runs the shop against the local server."""

from collections.abc import Iterator

import pytest
from shop import app
from starlette.testclient import TestClient

from statsig_api_client.local import LocalServer


@pytest.fixture
def shop(statsig_local: LocalServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setenv("STATSIG_BASE_URL", statsig_local.url)
    monkeypatch.setenv("STATSIG_API_KEY", statsig_local.secret_key)
    with TestClient(app, headers={"x-customer": "ada"}) as client:
        yield client
