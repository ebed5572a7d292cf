"""The path of one call through the package."""

import sys
from types import FrameType

import pytest

from statsig_api_client import Statsig
from tests.support.loopback import Loopback

USER = {"userID": "42"}


@pytest.mark.parametrize("engine", ["httpx", "fast"])
def test_warm_call_passes_few_modules(server: Loopback, engine: str) -> None:
    """Packages below the root count as one: `generated`, `_runtime` and `_transports`."""
    modules: set[str] = set()

    def profile(frame: FrameType, event: str, _: object) -> None:
        name = str(frame.f_globals.get("__name__"))
        if event == "call" and name.startswith("statsig_api_client."):
            modules.add(name.split(".")[1])

    with Statsig("secret-abc", base_url=server.url, engine=engine) as statsig:  # type: ignore[arg-type]
        statsig.check_gate(USER, "a_gate")
        before = sys.getprofile()
        sys.setprofile(profile)
        try:
            statsig.check_gate(USER, "a_gate")
        finally:
            sys.setprofile(before)
    assert len(modules) < 10, sorted(modules)
