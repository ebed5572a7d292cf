"""Imports of the package, of the first client, and of the first call."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import statsig_api_client
from statsig_api_client._logging import debug_logger
from tests.support.loopback import Loopback, respond


def run(program: str, *arguments: str) -> str:
    """Return the output of a program in a new interpreter."""
    result = subprocess.run(
        [sys.executable, "-I", "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return result.stdout


# ---- First calls ----

# The interpreter and its `site` have already imported some modules.
FIRST_CALL = """
import sys
sys.modules["pydantic"] = None  # it needs the types of typing_extensions
before = set(sys.modules)
from statsig_api_client import Statsig, StatsigUser
with Statsig("secret-abc", base_url=sys.argv[1], engine=sys.argv[2]) as statsig:
    assert statsig.check_gate(StatsigUser(user_id="42"), "a_gate")
    print(*set(sys.modules) - before)
"""
ASYNC_FIRST_CALL = """
import asyncio, sys
sys.modules["pydantic"] = None
before = set(sys.modules)
from statsig_api_client import AsyncStatsig, StatsigUser
async def main():
    async with AsyncStatsig("secret-abc", base_url=sys.argv[1], engine=sys.argv[2]) as statsig:
        assert await statsig.check_gate(StatsigUser(user_id="42"), "a_gate")
        print(*set(sys.modules) - before)
asyncio.run(main())
"""
NOT_NEEDED = {
    *("attr", "click", "email", "http.client", "httpx", "httpx2", "orjson", "rich"),
    *("statsig_api_client.events", "urllib.request", "uuid"),
}
NOT_NEEDED_BY_FAST = NOT_NEEDED | {"dataclasses", "httpcore", "inspect", "logging", "socket", "ssl"}


@pytest.mark.parametrize(
    ("program", "engine", "unwanted", "own", "others"),
    [
        pytest.param(FIRST_CALL, "httpx", NOT_NEEDED | {"asyncio"}, 40, 150, id="httpx"),
        pytest.param(FIRST_CALL, "fast", NOT_NEEDED_BY_FAST | {"asyncio"}, 38, 70, id="fast"),
        pytest.param(ASYNC_FIRST_CALL, "httpx", NOT_NEEDED, 42, 120, id="async httpx"),
        # asyncio itself needs `logging`, `socket` and `ssl`.
        pytest.param(ASYNC_FIRST_CALL, "fast", NOT_NEEDED, 38, 40, id="async fast"),
    ],
)
def test_first_call_imports_few_modules(
    server: Loopback, program: str, engine: str, unwanted: set[str], own: int, others: int
) -> None:
    modules = set(run(program, server.url, engine).split())
    ours = {name for name in modules if name.partition(".")[0] == "statsig_api_client"}
    assert modules & unwanted == set()
    assert len(ours) <= own
    assert len(modules - ours) <= others


def test_import_loads_few_modules() -> None:
    program = """
import sys
before = set(sys.modules)
import statsig_api_client
print(*(name for name in set(sys.modules) - before if name.startswith("statsig_api_client.")))
"""
    assert set(run(program).split()) == {
        f"statsig_api_client.{name}" for name in ("_fork", "_lazy", "_version")
    }


# ---- Public names ----


def test_lazy_names_match_type_checkers() -> None:
    tree = ast.parse(Path(statsig_api_client.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = {
        f".{node.module}": tuple(alias.name for alias in node.names)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
    }
    assert vars(statsig_api_client)["_MODULES"] == imported
    names = {name for names in imported.values() for name in names}
    assert {*statsig_api_client.__all__} == {*names, "__version__"}


def test_dir_lists_public_names_before_first_use() -> None:
    program = (
        "import statsig_api_client as s; print({*s.__all__} <= {*dir(s)}, s.Statsig is s.Statsig)"
    )
    assert run(program).split() == ["True", "True"]


def test_missing_public_name_is_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'statsig_api_client' has no attribute 'Nope'"):
        vars(statsig_api_client)["__getattr__"]("Nope")


# ---- Later calls ----

# A program with `uuid` and `dataclasses` uses orjson at once.
BLOCKING = """
import dataclasses, sys, uuid
from statsig_api_client import Statsig
with Statsig("secret-abc", base_url=sys.argv[1], engine=sys.argv[2], gzip_events=True) as statsig:
    before = set(sys.modules)
    assert statsig.check_gate({"userID": "42"}, "a_gate")
    statsig.log_events([{"eventName": "seen"}] * 100)
    print(sorted(set(sys.modules) - before))
"""
ASYNCHRONOUS = """
import asyncio, dataclasses, sys, uuid
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
    server.script(respond(), respond(200, {}))
    result = subprocess.run(
        [sys.executable, "-c", program, server.url.replace("127.0.0.1", "localhost"), engine],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stdout == "[]\n"


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


def test_unknown_name_is_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = statsig_api_client.nothing


def test_debug_messages_do_not_import_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "logging")
    assert debug_logger() is None


def test_directory_lists_lazy_names() -> None:
    assert set(statsig_api_client.__all__) <= set(dir(statsig_api_client))
