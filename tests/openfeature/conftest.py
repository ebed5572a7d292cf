"""The shop, and providers that are registered with OpenFeature."""

from collections.abc import Iterator

import pytest
from openfeature import api

from statsig_api_client.local import LocalServer

from ..local.conftest import SHOP
from ..support.loopback import Loopback, loopback


def pytest_configure(config: pytest.Config) -> None:
    """Register the tags of example tables."""
    for tag in ("booleans", "strings", "numbers", "objects"):
        config.addinivalue_line("markers", f"{tag}: examples of the OpenFeature specification")


def pytest_bdd_apply_tag(tag: str, function: object) -> bool:  # noqa: ARG001
    """Ignore the tags of scenarios, which would be markers."""
    return True


@pytest.fixture(autouse=True)
def _clean_openfeature() -> Iterator[None]:
    """Remove providers, handlers, hooks and contexts afterwards."""
    yield
    api.shutdown()


@pytest.fixture(scope="session")
def shop() -> Iterator[LocalServer]:
    with LocalServer(SHOP) as server:
        yield server


@pytest.fixture
def loopback_server() -> Iterator[Loopback]:
    with loopback() as running:
        yield running
