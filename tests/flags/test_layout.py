"""Generated code is deterministic and accepted by formatters, linters and type checkers."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.flags.generation.definitions import (
    Config,
    Experiment,
    Gate,
    Parameter,
    Project,
)
from statsig_api_client.flags.generation.layout import docstring, literal, string
from statsig_api_client.flags.generation.output import diff_files, write_files
from statsig_api_client.flags.generation.sources import merge_parameters
from statsig_api_client.flags.generation.types import ANY
from tests.support.flag_packages import (
    EXAMPLE,
    ROOT,
    SOURCES,
    contents,
    files_of,
    imported,
)
from tests.support.tools import requires_mypy, requires_ruff

LONG = "a_very_long_name_" * 6
TEXTS = [
    "",
    "a",
    'a "quote"',
    "it's",
    'it\'s a "mix"',
    "\\",
    "a\nb\tc\r",
    "\x00\x7f",
    "日本 \u2028 🎉",
]
VALUES: list[Any] = [
    *TEXTS,
    *(0, -1, 10**20, 0.5, 1e300, -1e-7, True, None),
    *([], [1, 2.5], [None, "a"], [[1], []], ["x" * 40] * 4),
    *({}, {"a": 1}, {"a-b": [1]}, {"a": {"b": {"c": "x" * 60}}}, {"x": ["y" * 50, "z" * 50]}),
    *("x" * 200, {"key": "x" * 200}, ["x" * 200]),
]


def odd_project(name: str) -> Project:
    """Return a project with one name for everything, and parameters with unusual values."""
    parameters = tuple(
        Parameter(name=f"{name}_{number}", values=(value,), default=value)
        for number, value in enumerate(VALUES)
    )
    guessed = merge_parameters({}, [("Control", {name: value}) for value in VALUES[:1]])
    groups = ("Control", f"{name} of a group", *TEXTS[2:])
    text = f"{name} does this: " + "a word and " * 30 + '\n\n  """Second""" paragraph\\ "'
    return Project(
        source="a test",
        gates=(Gate(name=name, description=text, stale="STALE\nNO_RULES"), Gate(name="b")),
        configs=(
            Config(name=name, parameters=parameters, description=text),
            Config(name=f"{name}_empty"),
        ),
        experiments=(
            Experiment(name=f"{name}_1", groups=groups, parameters=guessed, description=text),
            Experiment(name=f"{name}_2", groups=("One",)),
            Experiment(name=f"{name}_3"),
        ),
        layers=(Config(name=name, parameters=parameters[:3], description='"'),),
    )


PROJECTS: Mapping[str, Project | Path] = {
    **{source.name: source for source in SOURCES},
    "empty": Project(source="a test"),
    "no parameters": Project(source="a test", configs=(Config(name="a"),)),
    "short": odd_project("a"),
    "long": odd_project(LONG[:100]),
    "medium": odd_project(LONG[:30]),
    "camel": odd_project("Home Page 2"),
}
projects = pytest.mark.parametrize("name", PROJECTS)


def generated(name: str) -> Mapping[str, str]:
    project = PROJECTS[name]
    if isinstance(project, Path) and not project.exists():
        pytest.skip("no downloaded config specs")
    return files_of(project)


def run(*arguments: object, **environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@requires_ruff
@projects
def test_package_is_formatted(name: str, tmp_path: Path) -> None:
    write_files(tmp_path / "flags", generated(name))
    run("ruff", "format", "--isolated", "--no-cache", "--diff", tmp_path)
    run("ruff", "check", "--isolated", "--no-cache", tmp_path)


@projects
def test_package_is_importable(name: str, tmp_path: Path) -> None:
    project = PROJECTS[name]
    with imported(generated(name), tmp_path) as package:
        if isinstance(project, Project):
            gates = [gate.name for gate in project.gates]
            assert list(getattr(package.gates, "check_all", ())) == gates
        for module in (package.configs, package.experiments, package.layers):
            for constant in vars(module).values():
                if hasattr(constant, "parameters"):
                    assert isinstance(constant, str)


def test_values_of_defaults_are_kept(tmp_path: Path) -> None:
    with imported(generated("short"), tmp_path) as package:
        found = [getattr(package.configs.A, f"a_{number}") for number in range(len(VALUES))]
    assert found == VALUES


@requires_mypy
def test_packages_pass_type_checks(tmp_path: Path) -> None:
    for number, name in enumerate(PROJECTS):
        project = PROJECTS[name]
        if not isinstance(project, Path) or project.exists():
            write_files(tmp_path / f"flags_{number}", generated(name))
    run("mypy", "--strict", "--no-incremental", "--config-file=", tmp_path)


FAST_SEEDS = 3
HASH_SEEDS = [pytest.param(n, marks=[pytest.mark.slow] * (n >= FAST_SEEDS)) for n in range(20)]


@pytest.mark.parametrize("seed", HASH_SEEDS)
def test_packages_are_same_under_hash_seeds(seed: int, tmp_path: Path) -> None:
    sources = [source for source in SOURCES if source.exists()]
    run("tests.support.flag_packages", tmp_path, *sources, PYTHONHASHSEED=str(seed))
    for source in sources:
        assert contents(tmp_path / source.stem) == files_of(source)


def test_package_of_examples_is_current() -> None:
    directory = ROOT / "examples" / "shop_flags"
    assert not list(diff_files(directory, files_of(EXAMPLE)))


@pytest.mark.parametrize("text", TEXTS)
def test_string_literal_is_equal(text: str) -> None:
    code = string(text)
    assert code.isprintable()
    assert eval(code) == text  # noqa: S307


def test_literal_of_untyped_object_is_split() -> None:
    value: Any = {"a": ["x" * 50, "y" * 50]}
    assert eval(literal(value, ANY, "")) == value  # noqa: S307


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A text.", ['"""A text."""']),
        ("", ['""""""']),
        ('Says "yes"', ['"""Says "yes\\""""']),
        ("C:\\x", ['"""C:\\\\x"""']),
        ("One\n\ntwo", ['"""One', "", "two", '"""']),
    ],
)
def test_docstring_is_escaped(text: str, expected: list[str]) -> None:
    assert docstring(text, 0) == expected
