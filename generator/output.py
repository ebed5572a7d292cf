"""Generated files: built and formatted in a scratch directory, then swapped in or compared."""

import difflib
import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .builder import build_api
from .render import render
from .spec import Spec
from .typed_dicts import oracle, typed_dicts

ROOT = Path(__file__).parents[1]
OUTPUT = ROOT / "statsig_api_client" / "generated"
ORACLE = ROOT / "tests" / "support" / "oracle.py"
GENERATORS = ("openapi-python-client", "datamodel-code-generator")
MARKER = "# Generated from openapi.yaml"
"""The first characters of every generated file."""


def write(spec: Path, output: Path) -> None:
    """Replace the generated code completely, or leave it unchanged on an error.

    Raises:
        SpecError: The spec is invalid.
        OSError: A file cannot be written, or `output` contains files that are not generated.
    """
    if output.exists() and any(output.iterdir()) and not _is_generated(output / "__init__.py"):
        raise FileExistsError(f"{output}: contains files that are not generated; move them")
    targets = _targets(output)
    with _build(spec, output.parent) as scratch:
        existing = {name: target for name, target in targets.items() if target.exists()}
        _rename(
            [(target, scratch / f"old {name}") for name, target in existing.items()]
            + [(scratch / name, target) for name, target in targets.items()]
        )


def check(spec: Path, output: Path) -> list[str]:
    """Return the lines of a diff from the existing code to the code for the spec.

    Raises:
        SpecError: The spec is invalid.
    """
    targets = _targets(output)
    with _build(spec, output.parent) as scratch:
        return [
            line
            for name, target in targets.items()
            for file in _files(scratch / name) | _files(target)
            for line in _file_diff(target / file, scratch / name / file)
        ]


def target_names(output: Path) -> str:
    """Return the names of the generated files and directories, relative to the project."""
    return " and ".join(
        os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else str(path)
        for path in _targets(output).values()
    )


def _targets(output: Path) -> dict[str, Path]:
    """Return the target of each built file. Only the project's own package has an oracle."""
    return {"generated": output} | ({"oracle.py": ORACLE} if output == OUTPUT else {})


@contextmanager
def _build(path: Path, parent: Path) -> Iterator[Path]:
    """Build all files in a scratch directory on the same file system, so that a rename works."""
    spec = Spec.read(path)
    api = build_api(spec)
    header = _header(spec)
    texts = {f"generated/{name}": text for name, text in render(api).items()} | {
        "generated/typed_dicts.py": typed_dicts(spec, api),
        "oracle.py": oracle(spec),
    }
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".generated-", dir=parent) as directory:
        scratch = Path(directory).resolve()
        (scratch / "generated").mkdir()
        for name, text in texts.items():
            (scratch / name).write_text(f"{header}\n{text}", encoding="utf-8")
        _format(scratch)
        (scratch / "generated" / "openapi.json").write_text(
            json.dumps(spec.document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        yield scratch


def _is_generated(file: Path) -> bool:
    return file.exists() and file.read_bytes().startswith(MARKER.encode())


def _header(spec: Spec) -> str:
    digest = hashlib.sha256(spec.source.encode()).hexdigest()
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in GENERATORS)
    return f"{MARKER} (sha256 {digest}) with {versions}. Do not edit."


def _format(directory: Path) -> None:
    """Remove unused imports, sort the others and format the code; other errors are bugs."""
    _ruff("check", "--fix-only", directory)
    _ruff("format", directory)
    _ruff("check", "--select", "E9,F,PLE", directory)


def _ruff(*arguments: str | Path) -> None:
    config = ("--config", ROOT / "pyproject.toml", "--quiet", "--no-cache")
    # Ruff treats packages in its working directory as first-party imports.
    subprocess.run([sys.executable, "-m", "ruff", *arguments, *config], check=True, cwd=ROOT)  # noqa: S603


def _rename(moves: list[tuple[Path, Path]]) -> None:
    """Rename all files and directories, or none."""
    try:
        for source, target in moves:
            source.rename(target)
    except BaseException:  # Ctrl-C too
        for source, target in reversed(moves):
            if not source.exists():
                target.rename(source)
        raise


def _files(path: Path) -> dict[str, None]:
    """Return the sorted files below a directory; a file has an empty path."""
    if path.is_file():
        return {"": None}
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): None for file in files if "__pycache__" not in file.parts}


def _file_diff(old: Path, new: Path) -> list[str]:
    names = f"now/{old.name}", f"new/{new.name}"
    return list(difflib.unified_diff(_lines(old), _lines(new), *names))


def _lines(path: Path) -> list[str]:
    """Return the lines of a file; an empty file differs from a missing one."""
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True) or ["\n"]
