"""What importing costs, counted in modules and not in time."""

import json
import subprocess
import sys

import pytest

HEAVY = ("httpx", "httpx2", "httpcore", "anyio", "ssl", "asyncio", "email", "starlette", "yaml")


def modules(program: str) -> set[str]:
    """The heavy modules that a program has loaded when it ends."""
    shown = f"{program}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", shown], capture_output=True, text=True, check=True
    )
    return set(json.loads(result.stdout)) & set(HEAVY)


def test_importing_the_package_imports_no_http_library() -> None:
    assert modules("import statsig_api_client") == set()


@pytest.mark.parametrize("name", ["Statsig", "AsyncStatsig"])
def test_the_first_client_imports_httpx_and_no_more_than_that_needs(name: str) -> None:
    program = f"from statsig_api_client import {name}; {name}('secret-key')"
    assert modules(program) == modules("import httpx, asyncio")


def test_models_are_used_without_an_http_library() -> None:
    program = "from statsig_api_client import StatsigUser; StatsigUser(user_id='1').to_dict()"
    assert modules(program) == set()
