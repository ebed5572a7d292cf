"""Files of a generated package: replacement and comparison."""

import difflib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from .errors import FlagsError
from .writer import MARKER


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Replace a package completely, or leave it unchanged on an error.

    Raises:
        FlagsError: The directory contains files that are not generated, or cannot be written.
    """
    _check_foreign_files(directory)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        try:
            new, old = scratch / "new", scratch / "old"
            new.mkdir()
            for name, text in files.items():
                (new / name).write_text(text, encoding="utf-8", newline="\n")
            if directory.exists():
                directory.rename(old)
            try:
                new.rename(directory)
            except OSError:
                if old.exists():
                    old.rename(directory)
                raise
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise FlagsError(f"{directory}: cannot be written: {error.strerror}") from None


def diff_files(directory: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of a diff from a package on disk to generated files."""
    existing = {path.name for path in directory.glob("*.py")} if directory.is_dir() else set[str]()
    for name in sorted(existing | files.keys()):
        path = directory / name
        old = path.read_text(encoding="utf-8") if name in existing else ""
        new = files.get(name, "")
        shown = os.path.relpath(path)
        yield from difflib.unified_diff(
            old.splitlines(),
            new.splitlines(),
            f"{shown} (now)",
            f"{shown} (generated)",
            lineterm="",
        )


def _check_foreign_files(directory: Path) -> None:
    if not directory.exists():
        return
    if not directory.is_dir():
        raise FlagsError(f"{directory}: expected a directory")
    for path in sorted(directory.iterdir()):
        if path.name == "__pycache__":
            continue
        if path.suffix != ".py" or not path.is_file() or not _is_generated(path):
            raise FlagsError(
                f"{directory}: contains {path.name}, which is not generated; choose another output"
            )


def _is_generated(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().startswith(MARKER)
