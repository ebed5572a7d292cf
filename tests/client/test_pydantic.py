"""Dicts of the API as types of pydantic, and so of the body of a FastAPI route."""

import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

import statsig_api_client
from statsig_api_client import StatsigUserDict

DICTS = [
    getattr(statsig_api_client, name)
    for name in statsig_api_client.__all__
    if name.endswith("Dict") and name != "TypedDict"
]


@pytest.mark.parametrize("kind", DICTS)
def test_pydantic_accepts_dict_type(kind: type) -> None:
    TypeAdapter(kind).json_schema()


def test_pydantic_validates_user() -> None:
    user = {"userID": "42", "custom": {"plan": "pro", "tags": ["a"]}}
    assert TypeAdapter(StatsigUserDict).validate_python(user) == user
    with pytest.raises(ValidationError, match="userID"):
        TypeAdapter(StatsigUserDict).validate_python({"userID": 42})


def test_import_without_pydantic_needs_no_extensions() -> None:
    program = """
import importlib.util, sys
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "pydantic" else find_spec(name)
import statsig_api_client
print("typing_extensions" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"
