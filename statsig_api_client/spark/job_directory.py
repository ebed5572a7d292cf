"""The directory of a job, on a file system that the driver and all executors share.

* `job.json`: written by the driver; tasks use it to check that they see the same directory.
* `summary.json`: the result of the job.
* `dead-letters/*.jsonl`: rows that were not delivered, with the reason.
* `progress/PARTITION/*`: digests of completed events, until the job is committed.
"""

# pyarrow is untyped, so its objects do not leave this module.
# mypy: disable-error-code="import-untyped,no-any-return"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
import re
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import pyarrow as pa
from pyarrow import fs

from .._errors import ConfigurationError

DIGEST_BYTES: Final = 8
"""Bytes of a digest: two of a million events collide in one of 37 million jobs."""

_MARKER: Final = "job.json"
_SUMMARY: Final = "summary.json"
_DEAD_LETTERS: Final = "dead-letters"
_PROGRESS: Final = "progress"


class JobDirectory:
    """Directory of a job, or of one epoch of a stream.

    Args:
        path: A local path, or a URI that pyarrow supports, such as `s3://bucket/key`.

    Raises:
        ConfigurationError: The file system is not supported, or cannot be reached.
    """

    def __init__(self, path: str) -> None:
        self.path: str = _absolute(path)
        self._files, self._root = _file_system(self.path)

    def __reduce__(self) -> tuple[type["JobDirectory"], tuple[str]]:
        return JobDirectory, (self.path,)

    def __truediv__(self, name: str) -> "JobDirectory":
        """Return a subdirectory."""
        return JobDirectory(f"{self.path}/{name}")

    def open(self) -> None:
        """Create the directory and its marker.

        Raises:
            ConfigurationError: The directory cannot be written.
        """
        with self._path_errors():
            self._write(_MARKER, b"{}\n")

    def check_marker(self) -> None:
        """Check that this machine sees the marker that the driver wrote.

        Raises:
            ConfigurationError: This machine does not see it.
        """
        with self._path_errors():
            job = self._read(_MARKER)
        if job is None:
            raise ConfigurationError(
                f"path {self.path}: {_MARKER}, which the driver wrote, does not exist on an "
                "executor; use a directory that all machines share"
            )

    def summary(self) -> dict[str, object] | None:
        """Return the summary; None before the job has ended.

        Raises:
            ConfigurationError: The directory cannot be read.
        """
        with self._path_errors():
            data = self._read(_SUMMARY)
        return None if data is None else cast("dict[str, object]", json.loads(data))

    def write_summary(self, summary: dict[str, object]) -> None:
        """Write the summary."""
        self._write(_SUMMARY, json.dumps(summary, indent=2).encode() + b"\n")

    def recorded(self) -> int:
        """Return the number of completed events of all tasks.

        Raises:
            ConfigurationError: The directory cannot be read.
        """
        with self._path_errors():
            return sum(file.size // DIGEST_BYTES for file in self._listed(_PROGRESS))

    def progress(self, partition: int) -> Counter[bytes]:
        """Return the digests of completed events of a partition, with their counts."""
        digests: Counter[bytes] = Counter()
        for file in self._listed(f"{_PROGRESS}/{partition}"):
            with self._files.open_input_stream(file.path) as stream:
                data = cast("bytes", stream.read())
            # A killed process may have written only a part of its last file.
            starts = range(0, len(data) - DIGEST_BYTES + 1, DIGEST_BYTES)
            digests.update(data[start : start + DIGEST_BYTES] for start in starts)
        return digests

    def progress_files(self, partition: int) -> dict[str, int]:
        """Return the progress files of a partition, with the number of digests in each."""
        files = self._listed(f"{_PROGRESS}/{partition}")
        return {file.base_name: file.size // DIGEST_BYTES for file in files}

    def record(self, partition: int, name: str, letters: list[bytes], digests: list[bytes]) -> None:
        """Write completed events; dead letters first, so that none is lost.

        Args:
            partition: The partition.
            name: A unique file name.
            letters: Lines for events that were not delivered.
            digests: Digests of all completed events.
        """
        if letters:
            self._write(f"{_DEAD_LETTERS}/{partition:05}-{name}.jsonl", b"".join(letters))
        self._write(f"{_PROGRESS}/{partition}/{name}", b"".join(digests))

    def has_dead_letters(self) -> bool:
        """Return whether there are dead letters."""
        return bool(self._listed(_DEAD_LETTERS))

    def remove_progress(self) -> None:
        """Remove the progress, which a committed job no longer needs."""
        self._remove(_PROGRESS)

    def remove(self) -> None:
        """Remove the directory."""
        self._remove("")

    @contextmanager
    def _path_errors(self) -> Generator[None]:
        """Add the path to the messages of errors."""
        try:
            yield
        except OSError as error:
            raise ConfigurationError(f"path {self.path}: cannot be used: {error}") from None

    def _remove(self, name: str) -> None:
        try:
            self._files.delete_dir(self._at(name))
        except FileNotFoundError:
            return

    def _at(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")

    def _listed(self, name: str) -> list[Any]:
        selector = fs.FileSelector(self._at(name), allow_not_found=True, recursive=True)
        return [file for file in self._files.get_file_info(selector) if file.is_file]

    def _read(self, name: str) -> bytes | None:
        try:
            with self._files.open_input_stream(self._at(name)) as stream:
                return cast("bytes", stream.read())
        except FileNotFoundError:
            return None

    def _write(self, name: str, data: bytes) -> None:
        """Write a file atomically; object stores always do."""
        path = self._at(name)
        self._files.create_dir(path.rpartition("/")[0])
        is_disk = isinstance(self._files, fs.LocalFileSystem)
        written = f"{path}.new" if is_disk else path
        with self._files.open_output_stream(written) as stream:
            stream.write(data)
        if is_disk:
            Path(written).replace(path)


def _absolute(path: str) -> str:
    if "://" in path:
        return path.rstrip("/")
    local = re.sub(r"^file:/+", "/", path)
    return str(Path(local).absolute())


def _file_system(path: str) -> tuple[Any, str]:
    uri = re.sub(r"^s3[an]://", "s3://", path)
    try:
        files, root = fs.FileSystem.from_uri(uri)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ConfigurationError(f"path {path}: {error}") from None
    return files, root.rstrip("/")
