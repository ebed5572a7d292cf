"""Input files, and detection of their changes."""

from collections.abc import Sequence
from glob import glob
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from typing import Final

from attrs import evolve, field, frozen

from ..errors import SourceError
from ..options import Delimiter, InputFormat

_FORMATS: Final[dict[str, InputFormat]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_COMPRESSION_SUFFIXES: Final = (".gz", ".zst")
_DIGEST_BYTES: Final = 65536
_OUTPUT_SUFFIXES: Final = (".checkpoint", ".checkpoint.lock", ".dead-letters.jsonl")
"""Suffixes of the files that an import writes next to its input."""


@frozen
class InputSource:
    """A file, or standard input."""

    path: Path | None
    """None for standard input."""
    format: InputFormat
    size: int | None = field(default=None, eq=False)
    delimiter: Delimiter | None = None
    """Character between two cells of CSV; None selects it by name."""

    @property
    def name(self) -> str:
        """The name for messages, encodable as UTF-8."""
        if self.path is None:
            return "standard input"
        return str(self.path).encode(errors="surrogateescape").decode(errors="backslashreplace")

    @property
    def is_tab_separated(self) -> bool:
        """True if the file is named .tsv."""
        return self.path is not None and _format_suffix(self.path) == ".tsv"

    def fingerprint(self) -> dict[str, object]:
        """Return the name, size, modification time, and a digest of the start and end."""
        assert self.path is not None
        stat = self.path.stat()
        with self.path.open("rb") as file:
            digest = sha256(file.read(_DIGEST_BYTES))
            file.seek(max(0, stat.st_size - _DIGEST_BYTES))
            digest.update(file.read(_DIGEST_BYTES))
        return {
            "name": str(self.path.absolute()),
            "size": stat.st_size,
            "changed": stat.st_mtime_ns,
            "sha256": digest.hexdigest(),
        }


def find_sources(
    source: str | Path | Sequence[str | Path],
    input_format: InputFormat | None = None,
    outputs: Sequence[str | Path | None] = (),
    delimiter: Delimiter | None = None,
) -> list[InputSource]:
    """Return the files that match names and patterns, in reading order.

    Files that imports write next to their input are excluded; otherwise dead letters would change
    the input `events/*.jsonl`.

    Args:
        source: Names and patterns; `-` is standard input.
        input_format: The format of all files; None selects it by name.
        outputs: Files that this import writes.
        delimiter: Character between two cells of CSV; None selects it by name.

    Raises:
        SourceError: A file does not exist, cannot be read, occurs twice, or is an output.
    """
    names = [source] if isinstance(source, str | Path) else source
    found: list[InputSource] = []
    for name in names:
        if str(name) == "-":
            found.append(InputSource(None, input_format or "jsonl", delimiter=delimiter))
            continue
        path = Path(name)
        paths = [path] if path.exists() else _matching(str(name))
        if not paths:
            raise SourceError(f"{name}: no such file")
        found += [evolve(_source(path, input_format), delimiter=delimiter) for path in paths]
    if not found:
        raise SourceError("source: expected at least one file, got none")
    if any(one.path is None for one in found):
        if len(found) > 1:
            raise SourceError("standard input cannot be combined with files")
        return found
    return _without_outputs(found, outputs)


def _without_outputs(
    found: list[InputSource], outputs: Sequence[str | Path | None]
) -> list[InputSource]:
    implied = {
        Path(f"{one.path}{suffix}").absolute() for one in found for suffix in _OUTPUT_SUFFIXES
    }
    chosen = {Path(path).absolute() for path in outputs if path}
    kept: dict[Path, InputSource] = {}
    for one in found:
        assert one.path is not None
        path = one.path.absolute()
        if path in kept:
            raise SourceError(f"{one.name}: occurs twice in the input")
        if path in chosen:
            raise SourceError(f"{one.name}: is an output of this import, and cannot be its input")
        if path not in implied:
            kept[path] = one
    return [*kept.values()]


def _matching(pattern: str) -> list[Path]:
    # Path.glob rejects absolute patterns, and finds hidden files.
    return sorted(map(Path, glob(pattern, recursive=True)))  # noqa: PTH207


def _source(path: Path, input_format: InputFormat | None) -> InputSource:
    try:
        stat = path.stat()
        if not S_ISREG(stat.st_mode):  # opening a pipe would wait for its writer
            hint = "pass a pattern of its files" if path.is_dir() else "pass a pipe as -"
            raise SourceError(f"{path}: expected a regular file; {hint}")
        with path.open("rb"):
            pass
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
    by_name = _FORMATS.get(_format_suffix(path), "jsonl")
    return InputSource(path, input_format or by_name, stat.st_size)


def _format_suffix(path: Path) -> str:
    """Return the suffix of the format, not of the compression, in lower case."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    return next((one for one in reversed(suffixes) if one not in _COMPRESSION_SUFFIXES), "")
