"""Imports of the package, of the first client, and of the first call."""

import subprocess
import sys

import pytest

from tests.support.loopback import Loopback, reply

PROGRAM = """
import sys
import statsig_api_client

HEAVY = ("httpx", "httpx2", "httpcore", "h11", "anyio", "asyncio", "ssl", "certifi", "email",
         "http", "urllib", "socket", "decimal", "dataclasses", "datetime", "pathlib", "random",
         "orjson", "pyreqwest", "uuid", "zlib")
print([name for name in HEAVY if name in sys.modules])

from statsig_api_client import Statsig, StatsigUser

StatsigUser(user_id="42")
print("httpx" in sys.modules)
with Statsig("secret-abc"):
    print("httpx" in sys.modules, "httpx2" in sys.modules)
"""


def test_first_client_imports_httpx() -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.splitlines() == ["[]", "False", "True False"]


def test_first_fast_client_imports_pyreqwest_only() -> None:
    program = """
import sys
from statsig_api_client import Statsig
print("pyreqwest" in sys.modules)
with Statsig("secret-abc", engine="fast"):
    print("pyreqwest" in sys.modules, "httpx" in sys.modules, "orjson" in sys.modules)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.splitlines() == ["False", "True False True"]


BLOCKING = """
import sys
from statsig_api_client import Statsig
with Statsig("secret-abc", base_url=sys.argv[1], engine=sys.argv[2], gzip_events=True) as statsig:
    before = set(sys.modules)
    assert statsig.check_gate({"userID": "42"}, "a_gate")
    statsig.log_events([{"eventName": "seen"}] * 100)
    print(sorted(set(sys.modules) - before))
"""
ASYNCHRONOUS = """
import asyncio, sys
from statsig_api_client import AsyncStatsig
async def main():
    options = dict(base_url=sys.argv[1], engine=sys.argv[2], gzip_events=True)
    async with AsyncStatsig("secret-abc", **options) as statsig:
        before = set(sys.modules)
        assert await statsig.check_gate({"userID": "42"}, "a_gate")
        await statsig.log_events([{"eventName": "seen"}] * 100)
        print(sorted(set(sys.modules) - before))
asyncio.run(main())
"""


@pytest.mark.parametrize("engine", ["httpx", "fast"])
@pytest.mark.parametrize("program", [BLOCKING, ASYNCHRONOUS], ids=["sync", "async"])
def test_call_imports_nothing(server: Loopback, program: str, engine: str) -> None:
    """A child that is forked while another thread imports would wait for its lock forever."""
    server.script(reply(), reply(200, {}))
    result = subprocess.run(
        [sys.executable, "-c", program, server.url.replace("127.0.0.1", "localhost"), engine],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout == "[]\n"


def test_import_loads_few_modules() -> None:
    program = """
import sys
before = set(sys.modules)
import statsig_api_client
new = set(sys.modules) - before
own = {name for name in new if name.partition(".")[0] == "statsig_api_client"}
print(len(own), len(new - own))
"""
    result = subprocess.run(
        [sys.executable, "-I", "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    own, others = map(int, result.stdout.split())
    assert own <= 40
    assert others <= 90, "something that is not needed before the first call came in"


def test_every_module_can_be_imported_first() -> None:
    program = """
import importlib, pkgutil, subprocess, sys
import statsig_api_client
names = [m.name for m in pkgutil.iter_modules(statsig_api_client.__path__) if m.name[0] == "_"]
for name in [*names, "generated"]:
    for loaded in [key for key in sys.modules if key.startswith("statsig_api_client")]:
        del sys.modules[loaded]
    importlib.import_module(f"statsig_api_client.{name}")
print(len(names) > 10)
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "True"
