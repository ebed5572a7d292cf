"""Runs of `generate.py` in a separate process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .spec_edits import ROOT

FILES = (
    *("generate.py", "openapi.yaml", "pyproject.toml"),
    *("statsig_api_client/_client.py", "tests/support/oracle.py"),
)
DIRECTORIES = ("generator", "statsig_api_client/generated", "statsig_api_client/_runtime")


def copy_project(target: Path) -> Path:
    """Copy all files that `generate.py` reads or writes."""
    for directory in DIRECTORIES:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / directory, target / directory, ignore=ignore)
    (target / "tests" / "support").mkdir(parents=True)
    for file in FILES:
        shutil.copy(ROOT / file, target / file)
    return target


def start(
    *arguments: str | Path, project: Path = ROOT, cwd: Path | None = None, **environment: str
) -> subprocess.Popen[str]:
    """Start `generate.py` with warnings as errors."""
    return subprocess.Popen(
        [sys.executable, project / "generate.py", *arguments],
        cwd=cwd or project,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "error"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Return the exit code, the output and the errors of a run."""
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def run(*arguments: str | Path, project: Path = ROOT, **environment: str) -> tuple[int, str, str]:
    return finish(start(*arguments, project=project, **environment))


def contents(directory: Path) -> dict[str, bytes]:
    """Return the content of every file below a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
