"""Public names, their signatures and their documentation."""

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

import statsig_api_client
from statsig_api_client import APIResponse, AsyncStatsig, Statsig, StatsigError

PACKAGE = Path(statsig_api_client.__file__).parent
MODULES = sorted(PACKAGE.glob("_*.py"))


def test_public_names_are_sorted_and_defined() -> None:
    names = statsig_api_client.__all__
    assert names == sorted(set(names))
    assert all(hasattr(statsig_api_client, name) for name in names)


def test_other_names_are_private() -> None:
    extra = {
        name
        for name, value in vars(statsig_api_client).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert extra <= set(statsig_api_client.__all__)


@pytest.mark.parametrize("name", [n for n in statsig_api_client.__all__ if n != "JsonValue"])
def test_public_classes_have_docstrings(name: str) -> None:
    value = getattr(statsig_api_client, name)
    if inspect.isclass(value):
        assert inspect.getdoc(value)


def public_methods(client: type) -> dict[str, Any]:
    return {
        name: member
        for name, member in inspect.getmembers(client)
        if not name.startswith("_") and callable(member)
    }


def test_clients_have_equal_signatures() -> None:
    blocking, asynchronous = public_methods(Statsig), public_methods(AsyncStatsig)
    blocking["aclose"] = blocking.pop("close")
    assert blocking.keys() == asynchronous.keys()
    for name, method in blocking.items():
        signature = inspect.signature(method)
        assert signature.parameters == inspect.signature(asynchronous[name]).parameters
        if name not in ("aclose", "with_options"):
            assert inspect.getdoc(method) == inspect.getdoc(asynchronous[name])


@pytest.mark.parametrize("client", [Statsig, AsyncStatsig, APIResponse])
def test_main_classes_have_examples(client: type) -> None:
    assert "Example:\n" in (inspect.getdoc(client) or "")


def test_errors_are_listed_in_docstring() -> None:
    def tree(error: type) -> list[type]:
        return [error] + [found for child in error.__subclasses__() for found in tree(child)]

    module = inspect.getsource(inspect.getmodule(StatsigError))  # type: ignore[arg-type]
    for error in tree(StatsigError):
        assert error.__doc__
        if error.__module__ == StatsigError.__module__:  # a separate package has a separate tree
            assert f" {error.__name__}" in module.partition('"""\n\n')[0]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_modules_have_docstrings(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_only_transports_import_httpx(module: Path) -> None:
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    if not module.name.startswith("_httpx"):
        assert imported.isdisjoint({"httpx", "httpx2", "httpcore", "ssl", "socket"})


def imports(module: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found.add((node.module or "").partition(".")[0])
    return found


def test_imports_have_no_cycles() -> None:
    graph = {module.stem: imports(module) for module in MODULES}
    generated = PACKAGE / "generated"
    runtime = {"_runtime"} if generated.exists() else set()
    graph["generated"] = runtime
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in finished:
            for imported in graph.get(name, ()):
                visit(imported, (*path, name))
            finished.add(name)

    for name in graph:
        visit(name, ())
