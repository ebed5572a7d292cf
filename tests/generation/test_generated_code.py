"""Style of the generated code."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from statsig_api_client import generated
from statsig_api_client.generated import (
    AsyncOperations,
    AsyncRawOperations,
    Operations,
    RawOperations,
    calls,
)

from .spec_edits import ROOT, edited

FOLDER = ROOT / "statsig_api_client" / "generated"
FILES = sorted(FOLDER.glob("*.py"))
METHODS = [
    method for item in edited()["paths"].values() for method in item["post"]["x-client-methods"]
]
each_file = pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])


@each_file
def test_public_definitions_have_docstrings(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    undocumented = [
        getattr(node, "name", file.name)
        for node in ast.walk(tree)
        if isinstance(node, documented)
        and not getattr(node, "name", "").startswith("_")
        and ast.get_docstring(node) is None
    ]
    assert undocumented == []


@each_file
def test_fields_and_aliases_have_docstrings(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    undocumented = [
        ast.unparse(node.target)
        for body in bodies
        for node, following in zip(body, [*body[1:], None], strict=True)
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.annotation) != "Final"
        and not ast.unparse(node.target).startswith("_")
        and not (isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant))
    ]
    assert undocumented == []


@each_file
def test_no_checker_is_silenced(file: Path) -> None:
    for trick in (r"\bnoqa\b", r"type: ignore", r"pyright:", r"\bAny\b", r"\bcast\(", r"\{\{|%\}"):
        assert not re.search(trick, file.read_text(encoding="utf-8")), trick


def test_linter_accepts_generated_code() -> None:
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, FOLDER], check=True, cwd=ROOT)


def test_public_names_are_sorted_and_defined() -> None:
    assert generated.__all__ == sorted(generated.__all__)
    assert all(hasattr(generated, name) for name in generated.__all__)


@pytest.mark.parametrize(
    "operations", [Operations, AsyncOperations, RawOperations, AsyncRawOperations]
)
def test_clients_have_all_methods(operations: type) -> None:
    assert [name for name in vars(operations) if not name.startswith("_")] == [
        method["name"] for method in METHODS
    ]


@pytest.mark.parametrize("name", [method["name"] for method in METHODS])
def test_sync_and_async_methods_match(name: str) -> None:
    for synchronous, asynchronous in (
        (Operations, AsyncOperations),
        (RawOperations, AsyncRawOperations),
    ):
        one, other = vars(synchronous)[name], vars(asynchronous)[name]
        assert inspect.signature(one) == inspect.signature(other)
        assert inspect.getdoc(one) == str(inspect.getdoc(other)).replace("AsyncStatsig", "Statsig")
        assert inspect.iscoroutinefunction(other)
        assert not inspect.iscoroutinefunction(one)


@pytest.mark.parametrize("method", METHODS, ids=[method["name"] for method in METHODS])
def test_docstring_contains_descriptions(method: dict[str, str]) -> None:
    text = " ".join(str(inspect.getdoc(vars(Operations)[method["name"]])).split())
    for part in (method["description"], method["returns-description"]):
        assert " ".join(part.split()) in text
    for section in ("Args:", "Returns:", "Raises:"):
        assert section in text
    assert inspect.getdoc(getattr(calls, method["name"])) == text.partition(". ")[0] + "."
