"""pytest fixtures: a local Statsig server and clients of it. Requires the extra `local`.

    pytest --statsig-project=project.yaml

or set `statsig_project = "project.yaml"` in the configuration of pytest.
"""

# pytest imports this module wherever the package is installed, so fixtures import what they need.
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ._async_client import AsyncStatsig
    from ._client import Statsig
    from .local import LocalServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--statsig-project` and the configuration option `statsig_project`."""
    text = "the project that the fixtures of statsig-api-client serve"
    group = parser.getgroup("statsig", "statsig-api-client")
    group.addoption("--statsig-project", metavar="FILE", help=text)
    parser.addini("statsig_project", f"{text}, relative to this file", type="string")


@pytest.fixture(scope="session")
def statsig_server(pytestconfig: pytest.Config) -> "Iterator[LocalServer]":
    """Start a local server for the session; override this fixture to set its options."""
    from .local import LocalServer, ProjectError

    try:
        server = LocalServer(_project(pytestconfig))
    except ProjectError as error:
        pytest.fail(str(error), pytrace=False)
    with server:
        yield server


@pytest.fixture
def statsig_local(statsig_server: "LocalServer") -> "Iterator[LocalServer]":
    """Provide the server for one test, and discard its events, overrides and faults afterwards."""
    yield statsig_server
    statsig_server.reset()


@pytest.fixture
def statsig(statsig_local: "LocalServer") -> "Iterator[Statsig]":
    """Provide a client of the server."""
    from ._client import Statsig

    with Statsig(statsig_local.secret_key, base_url=statsig_local.url) as client:
        yield client


@pytest.fixture
def async_statsig(statsig_local: "LocalServer") -> "AsyncStatsig":
    """Provide an asynchronous client of the server, for any event loop."""
    import ssl

    import httpx

    from ._async_client import AsyncStatsig

    # The event loop belongs to the test, so this fixture cannot close connections; none stays open
    # after its response. The TLS context is empty, since loading certificates takes longer than
    # most tests.
    http_client = httpx.AsyncClient(
        limits=httpx.Limits(max_keepalive_connections=0),
        trust_env=False,
        verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    )
    return AsyncStatsig(
        statsig_local.secret_key, base_url=statsig_local.url, http_client=http_client
    )


def _project(config: pytest.Config) -> "Path":
    given: str | None = config.getoption("--statsig-project")
    if given:
        return config.invocation_params.dir / given
    configured: str = config.getini("statsig_project")
    if configured:
        # Not `rootpath`, which --rootdir may set.
        return (config.inipath.parent if config.inipath else config.rootpath) / configured
    pytest.fail(
        "no project: pass --statsig-project=FILE, set statsig_project in the configuration of "
        "pytest, or define a fixture statsig_server",
        pytrace=False,
    )
