"""Fixtures for pytest: a local Statsig server, and clients of it. They need the extra `local`.

    pytest --statsig-project=project.yaml

or, in the configuration of pytest, `statsig_project = "project.yaml"`.
"""

# pytest imports this wherever the package is installed: nothing is to be imported before a fixture
# is used.
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ._client import AsyncStatsig, Statsig
    from .local import LocalServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--statsig-project`, and the same in the configuration of pytest."""
    text = "the project that the fixtures of statsig-api-client serve"
    group = parser.getgroup("statsig", "statsig-api-client")
    group.addoption("--statsig-project", metavar="FILE", help=text)
    parser.addini("statsig_project", f"{text}, relative to this file", type="string")


@pytest.fixture(scope="session")
def statsig_server(pytestconfig: pytest.Config) -> "Iterator[LocalServer]":
    """A local server of the project, for the whole run. Overriding it is the way to set it up."""
    from .local import LocalServer, ProjectError  # noqa: PLC0415

    try:
        server = LocalServer(_project(pytestconfig))
    except ProjectError as error:
        pytest.fail(str(error), pytrace=False)
    with server:
        yield server


@pytest.fixture
def statsig_local(statsig_server: "LocalServer") -> "Iterator[LocalServer]":
    """The server, for one test: afterwards what it recorded, overrides and faults are gone."""
    yield statsig_server
    statsig_server.reset()


@pytest.fixture
def statsig(statsig_local: "LocalServer") -> "Iterator[Statsig]":
    """A client of the server."""
    from ._client import Statsig  # noqa: PLC0415

    with Statsig(statsig_local.secret_key, base_url=statsig_local.url) as client:
        yield client


@pytest.fixture
def async_statsig(statsig_local: "LocalServer") -> "AsyncStatsig":
    """An asynchronous client of the server, whatever runs the test's event loop."""
    import ssl  # noqa: PLC0415

    import httpx  # noqa: PLC0415

    from ._client import AsyncStatsig  # noqa: PLC0415

    # There is no event loop here that could close the connections: it is the test's. So each ends
    # with its reply, and nothing is left to close. An empty context, since there is no TLS, and
    # loading certificates takes longer than most tests.
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
        # Not the root, which --rootdir may have put elsewhere.
        return (config.inipath.parent if config.inipath else config.rootpath) / configured
    pytest.fail(
        "which project? say --statsig-project=FILE, or statsig_project in the configuration of "
        "pytest, or write a fixture statsig_server of your own",
        pytrace=False,
    )
