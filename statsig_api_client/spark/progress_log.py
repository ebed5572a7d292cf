"""Progress of a partition, which lets another attempt skip completed events."""

import time
from hashlib import blake2b
from typing import Final
from uuid import uuid4

from .job_directory import DIGEST_BYTES, JobDirectory

_FAST_WRITE: Final = 0.01
"""Seconds; faster writes, as to a disk, follow each request."""
_WRITE_SHARE: Final = 20
"""Slower writes, as to an object store, take at most one of this number of seconds."""


class ProgressLog:
    """Progress of one attempt at a partition, and of earlier attempts."""

    def __init__(self, directory: JobDirectory, partition: int) -> None:
        self._directory = directory
        self._partition = partition
        self._attempt = uuid4().hex[:12]
        self._files = 0
        self._earlier_files = directory.progress_files(partition)
        self._earlier = directory.progress(partition)
        self._digests: list[bytes] = []
        self._dead_letters: list[bytes] = []
        self._next_write = 0.0

    @property
    def is_first(self) -> bool:
        """True if no earlier attempt completed an event."""
        return not self._earlier_files

    def is_completed(self, content: bytes) -> bool:
        """Return whether an earlier attempt completed an event; each one is matched only once."""
        if not self._earlier:
            return False
        digest = _digest(content)
        if not self._earlier.get(digest):
            return False
        self._earlier[digest] -= 1
        return True

    def complete(self, contents: list[bytes], dead_letters: list[bytes]) -> None:
        """Add completed events, and write them if the directory is fast enough.

        Args:
            contents: The events, as they are passed to `is_completed`.
            dead_letters: Lines for those that were not delivered.
        """
        self._digests += map(_digest, contents)
        self._dead_letters += dead_letters
        if time.monotonic() >= self._next_write:
            self.write()

    def write(self) -> None:
        """Write completed events that have not been written.

        Raises:
            OSError: The directory cannot be written.
        """
        if not self._digests:
            return
        started = time.monotonic()
        name = f"{self._attempt}-{self._files:06}"
        self._directory.record(self._partition, name, self._dead_letters, self._digests)
        self._files += 1
        self._digests, self._dead_letters = [], []
        ended = time.monotonic()
        if ended - started > _FAST_WRITE:
            self._next_write = ended + (ended - started) * _WRITE_SHARE

    @property
    def unmatched(self) -> int:
        """Number of events of earlier attempts that did not occur in this one."""
        return self._earlier.total()

    def concurrent_events(self) -> int:
        """Return how many events other attempts completed since this one started."""
        files = self._directory.progress_files(self._partition)
        return sum(
            digests
            for name, digests in files.items()
            if name not in self._earlier_files and not name.startswith(self._attempt)
        )


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=DIGEST_BYTES).digest()
