"""Public types, checked by four type checkers on the installed wheel."""

import inspect
import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from statsig_api_client.flags.generation.output import write_files
from tests.support.flag_packages import EXAMPLE, files_of

ROOT = Path(__file__).parents[2]
CASES = Path(__file__).parent


def run(
    *command: str | Path, cwd: Path, path: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program, with a directory at the front of PATH."""
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
    """A directory outside the project, with a virtual environment that has its wheel."""
    directory = tmp_path_factory.mktemp("consumer")
    built = run(
        sys.executable, "-m", "build", "--wheel", "--outdir", directory, ROOT, cwd=directory
    )
    assert built.returncode == 0, built.stderr
    venv.create(directory / "venv", with_pip=True)
    (wheel,) = directory.glob("*.whl")
    installed = run(
        directory / "venv/bin/python",
        "-m",
        "pip",
        "install",
        "-q",
        f"{wheel}[local]",
        "httpx2",
        cwd=directory,
    )
    assert installed.returncode == 0, installed.stderr
    for case in CASES.glob("*.py"):
        (directory / case.name).write_text(case.read_text())
    write_files(directory / "shop_flags", files_of(EXAMPLE))
    return directory


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def mypy(directory: Path, file: str) -> subprocess.CompletedProcess[str]:
    python = directory / "venv/bin/python"
    return run(tool("mypy"), "--strict", "--python-executable", python, file, cwd=directory)


def pyright(directory: Path, file: str) -> subprocess.CompletedProcess[str]:
    (directory / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict"}))
    python = directory / "venv/bin/python"
    return run(tool("pyright"), "--pythonpath", python, file, cwd=directory)


def ty(directory: Path, file: str) -> subprocess.CompletedProcess[str]:
    environment = directory / "venv"
    return run(
        tool("ty"), "check", "--output-format=concise", "--python", environment, file, cwd=directory
    )


def pyrefly(directory: Path, file: str) -> subprocess.CompletedProcess[str]:
    python = directory / "venv/bin/python"
    return run(
        tool("pyrefly"),
        "check",
        "--output-format=min-text",
        # The default preset must find every misuse, and the strict one nothing in correct uses.
        "--preset=default" if "rejected" in file else "--preset=strict",
        "--search-path",
        directory,
        "--python-interpreter-path",
        python,
        file,
        cwd=directory,
    )


Checker = Callable[[Path, str], subprocess.CompletedProcess[str]]
checkers = pytest.mark.parametrize("checker", [mypy, pyright, ty, pyrefly])


@checkers
@pytest.mark.parametrize("file", ["accepted.py", "flags_accepted.py"])
def test_correct_uses_have_expected_types(checker: Checker, file: str, consumer: Path) -> None:
    result = checker(consumer, file)
    assert result.returncode == 0, result.stdout + result.stderr


@checkers
@pytest.mark.parametrize("file", ["rejected.py", "flags_rejected.py"])
def test_misuses_are_rejected(checker: Checker, file: str, consumer: Path) -> None:
    result = checker(consumer, file)
    lines = (CASES / file).read_text().splitlines()
    marks = ("# error",) if checker is ty else ("# error", "# error, but not to ty")
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith(marks)}
    found = list(error_lines(result.stdout, file))
    assert set(found) == wrong, result.stdout + result.stderr
    if file == "flags_rejected.py":
        assert len(wrong) == 20
        # pyright also reports the unknown types that follow from an error.
        assert checker is pyright or len(found) == 20, result.stdout


def error_lines(output: str, file: str) -> Iterator[int]:
    """Yield the lines of a file with an error, in the format of any checker."""
    for line in output.splitlines():
        place = re.search(rf"\b{re.escape(file)}:(\d+)", line)
        if place and re.search(r"\berror\b", line, re.IGNORECASE):
            yield int(place[1])


def test_public_types_are_complete(tmp_path: Path) -> None:
    result = run(
        tool("pyright"),
        "--verifytypes",
        "statsig_api_client",
        "--ignoreexternal",
        "--outputjson",
        cwd=tmp_path,
        path=Path(sys.executable).parent,
    )
    symbols = json.loads(result.stdout)["typeCompleteness"]["symbols"]
    checked = [
        symbol
        for symbol in symbols
        if symbol["isExported"] and not symbol["name"].startswith(WITH_UNKNOWN_BASES)
    ]
    unknown = [
        symbol["name"]
        for symbol in checked
        if not symbol["isTypeKnown"] or symbol["isTypeAmbiguous"]
    ]
    assert not unknown, "\n".join(unknown)
    assert len(checked) > 3000


# pyspark is not installed, and pyright overlooks `py.typed` in namespace packages such as
# openfeature; `make types` and `make test-spark` check both packages.
WITH_UNKNOWN_BASES = ("statsig_api_client.openfeature", "statsig_api_client.spark")


COROUTINE = re.compile(r"Coroutine\[(typing\.)?Any, (typing\.)?Any")
"""What a coroutine yields and is sent does not concern its caller."""


@pytest.mark.parametrize(
    "package",
    ["", ".bulk", ".events", ".flags", ".lift", ".local", ".openfeature", ".pytest_plugin"],
)
def test_public_annotations_have_no_any(package: str) -> None:
    module = import_module(f"statsig_api_client{package}")
    names = getattr(module, "__all__", None) or [n for n in vars(module) if n[0] != "_"]
    found = [
        f"{name}: {annotation}"
        for name in names
        for annotation in annotations(getattr(module, name))
        if re.search(r"\bAny\b", COROUTINE.sub("", annotation))
    ]
    assert not found, "\n".join(found)


def annotations(value: object) -> Iterator[str]:
    """Yield the annotations that users of a function or class see, inherited ones included."""
    if isinstance(value, property):
        value = value.fget
    # A class method, or a fixture.
    value = inspect.unwrap(getattr(value, "__func__", value))
    if isinstance(value, type):
        for cls in value.__mro__:
            if cls.__module__.startswith("statsig_api_client"):
                yield from map(str, cls.__annotations__.values())
                for name, member in vars(cls).items():
                    if not name.startswith("_") or name == "__init__":
                        yield from annotations(member)
    elif inspect.isfunction(value):
        yield from map(str, value.__annotations__.values())
