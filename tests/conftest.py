"""Fixtures shared by all tests."""

import runpy
import signal
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

from tests.support import hypothesis_profiles  # noqa: F401
from tests.support.clients import KINDS, ClientFactory, client_factory
from tests.support.clock import FakeClock
from tests.support.loopback import Loopback, loopback

# Background jobs of shells ignore SIGINT, and child processes inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Spark has a separate environment: make test-spark.
collect_ignore = [] if find_spec("pyspark") else ["spark"]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove keys, servers, proxies and certificates from the environment."""
    for name in (
        *("STATSIG_API_KEY", "STATSIG_BASE_URL", "SSL_CERT_FILE", "SSL_CERT_DIR"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run_module(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Return a function that runs a package like `python -m` and returns the exit status."""

    def run(name: str, *arguments: str) -> object:
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        monkeypatch.delitem(sys.modules, f"{name}.__main__", raising=False)
        # pytest's importer, which handles packages with plugins, cannot run modules.
        importers = [i for i in sys.meta_path if type(i).__module__ != "_pytest.assertion.rewrite"]
        monkeypatch.setattr(sys, "meta_path", importers)
        with pytest.raises(SystemExit) as ended:
            runpy.run_module(name, run_name="__main__")
        return ended.value.code

    return run


@pytest.fixture
def server() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[ClientFactory]:
    """Yield a factory of clients, for every kind."""
    with client_factory(request.param, clock) as made:
        yield made
