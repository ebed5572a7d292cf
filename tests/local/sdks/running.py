"""SDKs in a separate process; tests of SDKs that are not installed are skipped."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

import pytest

HERE: Final = Path(__file__).parent

Language = Literal["python", "node"]


def run(language: Language, code: str, *, given: str = "") -> str:
    """Run code with an input on stdin and return its output.

    Args:
        language: The language of the code.
        code: The code, or the name of a file here.
        given: The input.
    """
    program = sys.executable if language == "python" else node()
    is_file = (HERE / code.partition("\n")[0]).is_file()
    option = [] if is_file else ["-c" if language == "python" else "-e"]
    done = subprocess.run(
        [program, *option, code],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=HERE,  # The search path of Node's modules.
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def require_legacy_sdk() -> None:
    """Skip the test if Statsig's legacy SDK for Python is not installed."""
    if find_spec("statsig") is None:
        pytest.skip("the extra legacy is not installed")


def node() -> str:
    """Return the path of Node; skip the test if Node or the packages are not installed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    node = shutil.which("node", path=path)
    if node is None:
        pytest.skip("needs Node.js")
    if not (HERE / "node_modules" / ".ready").exists():
        pytest.skip("the npm packages are not installed: make tests/local/sdks/node_modules/.ready")
    return node
