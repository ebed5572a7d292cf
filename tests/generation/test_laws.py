"""The laws of models and calls cover a new schema or method without edits to the tests."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .next_spec import METHODS, TYPICAL, UNUSUAL
from .processes import run
from .spec_edits import ROOT, Json, edited, write

LAWS = ("tests/runtime", "tests/client/test_calls.py")
OPTIONS = ("-p", "no:cacheprovider", "-p", "no:xdist")


def copy_project(target: Path) -> Path:
    """Copy the package, its generator, and the laws."""
    ignore = shutil.ignore_patterns("__pycache__", "node_modules")
    for directory in ("generator", "statsig_api_client", "tests/support", "tests/runtime"):
        shutil.copytree(ROOT / directory, target / directory, ignore=ignore)
    (target / "tests/client").mkdir()
    for file in (
        *("generate.py", "openapi.yaml", "pyproject.toml", "tests/__init__.py"),
        *("tests/conftest.py", "tests/client/__init__.py", "tests/client/test_calls.py"),
    ):
        shutil.copy(ROOT / file, target / file)
    return target


def names(spec: Json) -> set[str]:
    """Return the names of all schemas and methods."""
    methods = (item["post"]["x-client-methods"] for item in spec["paths"].values())
    return {*spec["components"]["schemas"], *(one["name"] for some in methods for one in some)}


@pytest.mark.slow
def test_laws_cover_new_schemas_and_methods(tmp_path: Path) -> None:
    project = copy_project(tmp_path / "project")
    spec = edited(*TYPICAL, *UNUSUAL, *METHODS)
    write(project / "openapi.yaml", spec)
    assert run(project=project)[0] == 0
    new = names(spec) - names(edited())
    assert {"Device", "Purchase", "get_segment", "list_members", "get_segments"} <= new

    tested = ["StatsigUser", *sorted(new)]
    laws = subprocess.run(
        [sys.executable, "-m", "pytest", *LAWS, *OPTIONS, "-k", " or ".join(tested)],
        cwd=project,
        env={**os.environ, "HYPOTHESIS_PROFILE": "quick", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert laws.returncode == 0, laws.stdout
