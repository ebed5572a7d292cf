"""Fixture that runs the shop against the local server."""

from collections.abc import Iterator

import pytest
import shop as untyped_shop
import typed_shop
from starlette.applications import Starlette
from starlette.testclient import TestClient

from statsig_api_client.local import LocalServer


@pytest.fixture(params=[untyped_shop.app, typed_shop.app], ids=["names", "typed flags"])
def app(request: pytest.FixtureRequest) -> Starlette:
    """The shop with names of flags, and with typed flags."""
    service: Starlette = request.param
    return service


@pytest.fixture
def shop(
    app: Starlette, statsig_local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setenv("STATSIG_BASE_URL", statsig_local.url)
    monkeypatch.setenv("STATSIG_API_KEY", statsig_local.secret_key)
    with TestClient(app, headers={"x-customer": "ada"}) as client:
        yield client
