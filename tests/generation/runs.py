"""Runs `generate.py` as a maintainer does."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .contracts import ROOT

FILES = ("generate.py", "openapi.yaml", "pyproject.toml", "tests/oracle.py")
FOLDERS = ("generator", "templates", "statsig_api_client/generated")


def copy_project(goal: Path) -> Path:
    """Copy all that `generate.py` reads and writes."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, goal / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (goal / "tests").mkdir()
    for file in FILES:
        shutil.copy(ROOT / file, goal / file)
    return goal


def start(
    *arguments: str | Path, project: Path = ROOT, cwd: Path | None = None, **environment: str
) -> subprocess.Popen[str]:
    """Start `generate.py`, for which every warning is an error."""
    return subprocess.Popen(
        [sys.executable, project / "generate.py", *arguments],
        cwd=cwd or project,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "error"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """The exit code, the output, and the errors."""
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def run(*arguments: str | Path, project: Path = ROOT, **environment: str) -> tuple[int, str, str]:
    return finish(start(*arguments, project=project, **environment))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
