"""The directory of a job, on a file system that the driver and all executors see.

* `job.json`: from the driver, so that a task can see that it sees the same.
* `summary.json`: what became of all rows, in the end.
* `dead-letters/*.jsonl`: rows that were not delivered, with the reason.
* `progress/PARTITION/*`: digests of the events that are accounted for, until the job ends.
"""

# pyarrow has no types: none of it is seen outside.
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

DIGEST: Final = 8
"""Bytes of a digest: two of a million different events have the same once in 37 million jobs."""

_JOB: Final = "job.json"
_SUMMARY: Final = "summary.json"
_LETTERS: Final = "dead-letters"
_PROGRESS: Final = "progress"


class JobDirectory:
    """A directory of a job, or of one epoch of a stream.

    Args:
        path: A path of this machine, or a URI that pyarrow knows, such as `s3://bucket/key`.

    Raises:
        ConfigurationError: There is no such file system, or it cannot be reached.
    """

    def __init__(self, path: str) -> None:
        self.path: str = _absolute(path)
        self._files, self._root = _file_system(self.path)

    def __reduce__(self) -> tuple[type["JobDirectory"], tuple[str]]:
        return JobDirectory, (self.path,)

    def __truediv__(self, name: str) -> "JobDirectory":
        """A directory in it."""
        return JobDirectory(f"{self.path}/{name}")

    def open(self) -> None:
        """Make the directory, and leave in it what tasks look for.

        Raises:
            ConfigurationError: It cannot be written.
        """
        with self._reached():
            self._write(_JOB, b"{}\n")

    def see(self) -> None:
        """See that this machine sees what the driver wrote.

        Raises:
            ConfigurationError: It does not.
        """
        with self._reached():
            job = self._read(_JOB)
        if job is None:
            raise ConfigurationError(
                f"path {self.path}: {_JOB}, which the driver wrote there, is not to be seen from "
                "an executor. State a directory that all of them share"
            )

    def summary(self) -> dict[str, object] | None:
        """What was written in the end, if it was.

        Raises:
            ConfigurationError: It cannot be read.
        """
        with self._reached():
            data = self._read(_SUMMARY)
        return None if data is None else cast("dict[str, object]", json.loads(data))

    def write_summary(self, summary: dict[str, object]) -> None:
        """Write down how it ended."""
        self._write(_SUMMARY, json.dumps(summary, indent=2).encode() + b"\n")

    def recorded(self) -> int:
        """How many events are accounted for by tasks, whether these ended well or not.

        Raises:
            ConfigurationError: It cannot be read.
        """
        with self._reached():
            return sum(file.size // DIGEST for file in self._listed(_PROGRESS))

    def progress(self, partition: int) -> Counter[bytes]:
        """The digests of events of a partition that are accounted for, each with its number."""
        digests: Counter[bytes] = Counter()
        for file in self._listed(f"{_PROGRESS}/{partition}"):
            with self._files.open_input_stream(file.path) as stream:
                data = cast("bytes", stream.read())
            # A process that was killed may have written a part of its last file.
            digests.update(
                data[low : low + DIGEST] for low in range(0, len(data) - DIGEST + 1, DIGEST)
            )
        return digests

    def progress_files(self, partition: int) -> dict[str, int]:
        """The files of `progress`, and how many digests are in each."""
        files = self._listed(f"{_PROGRESS}/{partition}")
        return {file.base_name: file.size // DIGEST for file in files}

    def record(self, partition: int, name: str, letters: list[bytes], digests: list[bytes]) -> None:
        """Write down what became of events: dead letters first, so that none is missing.

        Args:
            partition: The partition.
            name: A name that no other file has.
            letters: Lines for what was not delivered.
            digests: Digests of all that is accounted for.
        """
        if letters:
            self._write(f"{_LETTERS}/{partition:05}-{name}.jsonl", b"".join(letters))
        self._write(f"{_PROGRESS}/{partition}/{name}", b"".join(digests))

    def has_letters(self) -> bool:
        """Whether something was not delivered."""
        return bool(self._listed(_LETTERS))

    def end(self) -> None:
        """Remove what only a task that is tried again would need."""
        self._remove(_PROGRESS)

    def remove(self) -> None:
        """Remove it all."""
        self._remove("")

    @contextmanager
    def _reached(self) -> Generator[None]:
        """Says of what goes wrong where it is."""
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
        """Write a file: on a disk, and in a store of objects anyway, whole or not at all."""
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
