"""The generated code as a reader finds it."""

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

from .contracts import ROOT, changed

FOLDER = ROOT / "statsig_api_client" / "generated"
FILES = sorted(FOLDER.glob("*.py"))
METHODS = [
    method for item in changed()["paths"].values() for method in item["post"]["x-client-methods"]
]
each_file = pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])


@each_file
def test_everything_public_is_described(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    described = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    undescribed = [
        getattr(node, "name", file.name)
        for node in ast.walk(tree)
        if isinstance(node, described)
        and not getattr(node, "name", "").startswith("_")
        and ast.get_docstring(node) is None
    ]
    assert undescribed == []


@each_file
def test_every_field_and_alias_is_described(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    bodies = [tree.body, *(node.body for node in tree.body if isinstance(node, ast.ClassDef))]
    undescribed = [
        ast.unparse(node.target)
        for body in bodies
        for node, following in zip(body, [*body[1:], None], strict=True)
        if isinstance(node, ast.AnnAssign)
        and ast.unparse(node.annotation) != "Final"
        and not ast.unparse(node.target).startswith("_")
        and not (isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant))
    ]
    assert undescribed == []


@each_file
def test_nothing_is_hidden_from_a_checker(file: Path) -> None:
    for trick in (r"\bnoqa\b", r"type: ignore", r"pyright:", r"\bAny\b", r"\bcast\(", r"\{\{|%\}"):
        assert not re.search(trick, file.read_text(encoding="utf-8")), trick


def test_the_linter_has_nothing_to_say_and_nothing_to_lay_out() -> None:
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, FOLDER], check=True, cwd=ROOT)


def test_the_public_names_are_sorted_and_there() -> None:
    assert generated.__all__ == sorted(generated.__all__)
    assert all(hasattr(generated, name) for name in generated.__all__)


@pytest.mark.parametrize(
    "operations", [Operations, AsyncOperations, RawOperations, AsyncRawOperations]
)
def test_each_client_has_the_methods_of_the_contract(operations: type) -> None:
    assert [name for name in vars(operations) if not name.startswith("_")] == [
        method["name"] for method in METHODS
    ]


@pytest.mark.parametrize("name", [method["name"] for method in METHODS])
def test_the_blocking_and_the_asynchronous_method_differ_in_await_alone(name: str) -> None:
    for blocking, asynchronous in (
        (Operations, AsyncOperations),
        (RawOperations, AsyncRawOperations),
    ):
        one, other = vars(blocking)[name], vars(asynchronous)[name]
        assert inspect.signature(one) == inspect.signature(other)
        assert inspect.getdoc(one) == str(inspect.getdoc(other)).replace("AsyncStatsig", "Statsig")
        assert inspect.iscoroutinefunction(other)
        assert not inspect.iscoroutinefunction(one)


@pytest.mark.parametrize("method", METHODS, ids=[method["name"] for method in METHODS])
def test_a_docstring_has_the_words_of_the_contract(method: dict[str, str]) -> None:
    told = " ".join(str(inspect.getdoc(vars(Operations)[method["name"]])).split())
    for words in (method["description"], method["returns-description"]):
        assert " ".join(words.split()) in told
    for section in ("Args:", "Returns:", "Raises:"):
        assert section in told
    assert inspect.getdoc(getattr(calls, method["name"])) == told.partition(". ")[0] + "."
