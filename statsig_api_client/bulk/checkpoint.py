"""Checkpoints: the progress of an import across its runs, and their locks."""

import errno
import json
import os
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, cast

from attrs import asdict
from filelock import FileLock, Timeout

from .batches import ImportBatch, RecordSpan
from .checkpoint_fields import CheckpointFields
from .errors import CheckpointInUseError, SourceError
from .readers.records import InputPosition

_SYNC_INTERVAL: Final = 1.0
"""Seconds between two calls of `fsync`. Changes in between survive the end of the process, but
possibly not a loss of power."""
_NO_LOCKS: Final = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
"""Errors of file systems without locks."""


class Checkpoint:
    """Progress of an import across its runs.

    Args:
        path: The file; None keeps the progress of this run only.
        identity: Properties of the input and the mapping, to detect changes.
        mode: Permissions of the file.
    """

    def __init__(self, path: Path | None, identity: dict[str, object], mode: int) -> None:
        self._path = path
        self._mode = mode
        self._identity = identity
        self._in_progress: dict[int, ImportBatch] = {}
        """Batches in progress, by their first record."""
        self._unfinished: list[ImportBatch] = []
        """Batches with unsent records."""
        self._completed: list[RecordSpan] = []
        self._synced = 0.0
        self.number: int = 0
        """The number of the record at which the import continues."""
        self.position: InputPosition = InputPosition()
        self.interrupted: list[RecordSpan] = []
        """Records in progress when earlier runs ended."""
        self.dead_letter_bytes: int | None = None
        """Size of the dead-letter file; None if unknown."""
        self.dead_letters: int = 0
        """Number of dead letters of this import."""

    @property
    def completed(self) -> list[RecordSpan]:
        """Completed records after `number`, in order."""
        return _merged(self._completed, self.number)

    def load(self, *, files: int, force: bool) -> None:
        """Load the progress of earlier runs, if any.

        Args:
            files: Number of input files.
            force: Whether to ignore changes of the input and the mapping.

        Raises:
            SourceError: The checkpoint cannot be read, or belongs to another input.
        """
        if self._path is None:
            return
        try:
            data = CheckpointFields(self._path)
            self.number = data.integer("number")
            self.position = data.position(files)
            self._completed = data.spans("completed")
            self.interrupted = data.spans("in_progress")
            self.dead_letter_bytes = data.optional_integer("dead_letter_bytes")
            self.dead_letters = data.integer("dead_letters")
            identity = data.member("input")
        except FileNotFoundError:
            return
        except (OSError, TypeError, ValueError, RecursionError) as error:
            raise SourceError(
                f"{self._path}: the checkpoint cannot be read: {error}; use restart to send "
                "everything"
            ) from None
        if identity != json.loads(json.dumps(self._identity)) and not force:
            raise SourceError(
                f"{self._path}: {_difference(identity, self._identity)} since the checkpoint was "
                f"written; use restart to send everything{self._effect_of_force()}"
            )

    def _effect_of_force(self) -> str:
        completed = self.number + sum(end - first for first, end in self.completed)
        if self.dead_letters >= completed:
            return "; no line was delivered"
        return (
            f", or force to skip the {completed:,} lines that are completed, of which "
            f"{self.dead_letters:,} are dead letters"
        )

    def count_interrupted(self, numbers: list[int]) -> int:
        """Return how many of these records were in progress when earlier runs ended."""
        spans = self.interrupted
        return sum(any(low <= n < end for low, end in spans) for n in numbers) if spans else 0

    def begin(self, batch: ImportBatch) -> None:
        """Add a batch that is about to be sent."""
        self._in_progress[batch.first] = batch
        self.number, self.position = batch.end, batch.end_position

    def complete(self, batch: ImportBatch, numbers: list[int]) -> int:
        """Mark records of a batch as completed; the next run sends the others.

        Returns:
            The number of unsent records.
        """
        unsent = batch.end - batch.first - len(numbers) - len(batch.completed)
        if unsent:
            self._completed += _spans(sorted([*numbers, *batch.completed]))
            self._unfinished.append(batch)
        else:
            self._completed.append((batch.first, batch.end))
        del self._in_progress[batch.first]
        return unsent

    def save(self) -> None:
        """Write the checkpoint atomically.

        Raises:
            OSError: The file cannot be written.
        """
        number, position = self.number, self.position
        if incomplete := [*self._in_progress.values(), *self._unfinished]:
            oldest = min(incomplete, key=lambda batch: batch.first)
            number, position = oldest.first, oldest.start
        self._completed = _merged(self._completed, number)
        if self._path is None:
            return
        in_progress = [(batch.first, batch.end) for batch in self._in_progress.values()]
        data = {
            "input": self._identity,
            "number": number,
            "position": asdict(position),
            "completed": self._completed,
            "in_progress": _merged([*self.interrupted, *in_progress], number),
            "dead_letter_bytes": self.dead_letter_bytes,
            "dead_letters": self.dead_letters,
        }
        try:
            self._replace(self._path, json.dumps(data))
        except OSError as error:
            error.filename = str(self._path)
            raise

    def _replace(self, path: Path, content: str) -> None:
        new = path.with_name(f"{path.name}.new")
        opener = partial(os.open, mode=self._mode)
        with open(new, "w", encoding="utf-8", opener=opener) as file:
            file.write(content)
            if time.monotonic() - self._synced > _SYNC_INTERVAL:
                file.flush()
                os.fsync(file.fileno())
                self._synced = time.monotonic()
        new.replace(path)


@contextmanager
def exclusive_checkpoint(path: Path | None) -> Generator[None]:
    """Lock a checkpoint for one import; None is not locked.

    Raises:
        CheckpointInUseError: Another import uses it.
        SourceError: The directory cannot be written.
    """
    if path is None:
        yield
        return
    lock_path = path.with_name(f"{path.name}.lock")
    if not lock_path.parent.is_dir():  # filelock would create it
        raise _not_writable(path, os.strerror(errno.ENOENT))
    lock = FileLock(lock_path, blocking=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise CheckpointInUseError(f"{path}: another import uses this checkpoint") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise _not_writable(path, error.strerror) from None
    try:
        yield
    finally:
        # Waiters detect that the file is gone. Windows does not remove open files.
        with suppress(OSError):
            lock_path.unlink()
        lock.release()


def _not_writable(path: Path, reason: str | None) -> SourceError:
    return SourceError(f"{path}: the checkpoint cannot be written: {reason}; choose another path")


def _spans(numbers: list[int]) -> list[RecordSpan]:
    spans: list[RecordSpan] = []
    for number in numbers:
        if spans and spans[-1][1] == number:
            spans[-1] = (spans[-1][0], number + 1)
        else:
            spans.append((number, number + 1))
    return spans


def _merged(spans: list[RecordSpan], low: int) -> list[RecordSpan]:
    """Return sorted spans without records before `low`; adjacent spans are merged."""
    merged: list[RecordSpan] = []
    for first, end in sorted(spans):
        if end <= low:
            continue
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((max(first, low), end))
    return merged


def _difference(before: object, now: dict[str, object]) -> str:
    old = cast("dict[str, object]", before) if isinstance(before, dict) else {}
    names = [name for name in now if old.get(name) != json.loads(json.dumps(now[name]))]
    return f"{' and '.join(names) or 'the input'} changed"
