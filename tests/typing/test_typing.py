"""Types, from a consumer's seat: four checkers over the installed wheel."""

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent


def run(
    *command: str | Path, cwd: Path, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program, with the programs of a folder before all others."""
    environment = os.environ | {"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment if path else None,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def consumer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside the project, with an environment in which its wheel is installed."""
    folder = tmp_path_factory.mktemp("consumer")
    built = run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    assert built.returncode == 0, built.stderr
    venv.create(folder / "venv", with_pip=True)
    (wheel,) = folder.glob("*.whl")
    installed = run(
        folder / "venv/bin/python",
        "-m",
        "pip",
        "install",
        "-q",
        f"{wheel}[local]",
        "httpx2",
        cwd=folder,
    )
    assert installed.returncode == 0, installed.stderr
    for case in CASES.glob("*.py"):
        (folder / case.name).write_text(case.read_text())
    return folder


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def mypy(folder: Path, file: str) -> subprocess.CompletedProcess[str]:
    python = folder / "venv/bin/python"
    return run(tool("mypy"), "--strict", "--python-executable", python, file, cwd=folder)


def pyright(folder: Path, file: str) -> subprocess.CompletedProcess[str]:
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    python = folder / "venv/bin/python"
    return run(tool("pyright"), "--pythonpath", python, file, cwd=folder)


def ty(folder: Path, file: str) -> subprocess.CompletedProcess[str]:
    environment = folder / "venv"
    return run(
        tool("ty"), "check", "--output-format=concise", "--python", environment, file, cwd=folder
    )


def pyrefly(folder: Path, file: str) -> subprocess.CompletedProcess[str]:
    python = folder / "venv/bin/python"
    return run(
        tool("pyrefly"),
        "check",
        "--output-format=min-text",
        "--preset=strict",
        "--python-interpreter-path",
        python,
        file,
        cwd=folder,
    )


Checker = Callable[[Path, str], subprocess.CompletedProcess[str]]
checkers = pytest.mark.parametrize("checker", [mypy, pyright, ty, pyrefly])


@checkers
def test_correct_uses_are_accepted_with_the_right_types(checker: Checker, consumer: Path) -> None:
    result = checker(consumer, "accepted.py")
    assert result.returncode == 0, result.stdout + result.stderr


@checkers
def test_wrong_uses_are_rejected(checker: Checker, consumer: Path) -> None:
    result = checker(consumer, "rejected.py")
    lines = (CASES / "rejected.py").read_text().splitlines()
    marks = ("# error",) if checker is ty else ("# error", "# error, but not to ty")
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith(marks)}
    assert set(refusals(result.stdout)) == wrong, result.stdout + result.stderr


def refusals(output: str) -> Iterator[int]:
    """The lines of rejected.py on which a checker reports an error, whatever its format."""
    for line in output.splitlines():
        place = re.search(r"rejected\.py:(\d+)", line)
        if place and re.search(r"\berror\b", line, re.IGNORECASE):
            yield int(place[1])


def test_every_public_type_is_known(consumer: Path) -> None:
    result = run(
        tool("pyright"),
        "--verifytypes",
        "statsig_api_client",
        "--ignoreexternal",
        "--outputjson",
        cwd=consumer,
        path=consumer / "venv/bin",
    )
    symbols = json.loads(result.stdout)["typeCompleteness"]["symbols"]
    unknown = [
        symbol["name"]
        for symbol in symbols
        if symbol["isExported"]
        and (not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"])
        # There is no Spark here; make test-spark checks its types.
        and not symbol["name"].startswith("statsig_api_client.spark.")
    ]
    assert not unknown, "\n".join(unknown)
    assert any(symbol["isExported"] for symbol in symbols)
