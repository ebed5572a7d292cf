"""What a task writes down while it runs, so that another attempt need not do it again."""

import time
from hashlib import blake2b
from typing import Final
from uuid import uuid4

from .job_directory import DIGEST, JobDirectory

_QUICK: Final = 0.01
"""Seconds: if writing takes less, as on a disk, it is done after each request."""
_SHARE: Final = 20
"""Of this many seconds one goes into writing, at most, if it is not quick: on a slow store of
objects it is done every second or so."""


class Journal:
    """The journal of one attempt at one partition."""

    def __init__(self, directory: JobDirectory, partition: int) -> None:
        self._directory = directory
        self._partition = partition
        self._attempt = uuid4().hex[:12]
        self._files = 0
        self._before = directory.progress_files(partition)
        self._known = directory.progress(partition)
        self._digests: list[bytes] = []
        self._letters: list[bytes] = []
        self._due = 0.0

    def recalls(self, content: bytes) -> bool:
        """Whether an earlier attempt has accounted for an event; each is recalled once."""
        if not self._known:
            return False
        digest = _digest(content)
        if not self._known.get(digest):
            return False
        self._known[digest] -= 1
        return True

    def settle(self, contents: list[bytes], letters: list[bytes]) -> None:
        """Events are accounted for.

        Args:
            contents: What `recalls` is asked for.
            letters: Lines for those of them that were not delivered.
        """
        self._digests += map(_digest, contents)
        self._letters += letters
        if time.monotonic() >= self._due:
            self.write()

    def write(self) -> None:
        """Write down what is not written yet.

        Raises:
            OSError: The directory cannot be written.
        """
        if not self._digests:
            return
        began = time.monotonic()
        name = f"{self._attempt}-{self._files:06}"
        self._directory.record(self._partition, name, self._letters, self._digests)
        self._files += 1
        self._digests, self._letters = [], []
        ended = time.monotonic()
        if ended - began > _QUICK:
            self._due = ended + (ended - began) * _SHARE

    @property
    def unrecognised(self) -> int:
        """What earlier attempts have accounted for, and nobody asked for."""
        return self._known.total()

    def overlapped(self) -> int:
        """What other attempts have accounted for since this one began."""
        files = self._directory.progress_files(self._partition)
        return sum(
            digests
            for name, digests in files.items()
            if name not in self._before and not name.startswith(self._attempt)
        )


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=DIGEST).digest()
