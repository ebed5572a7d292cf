"""A lock that one import has at a time, and that ends with its process."""

import errno
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import CheckpointInUseError, SourceError


@contextmanager
def only_import(checkpoint: Path | None) -> Generator[None]:
    """Be the only import with a checkpoint; with none, there is nothing to share.

    Raises:
        CheckpointInUseError: There is another.
        SourceError: Nothing can be written where the checkpoint is to be.
    """
    if checkpoint is None:
        yield
        return
    path = checkpoint.with_name(f"{checkpoint.name}.lock")
    try:
        file = _locked(path)
    except OSError as error:
        raise SourceError(
            f"{checkpoint}: the checkpoint cannot be written: {error.strerror}; choose another "
            "place for it"
        ) from None
    if file is None:
        raise CheckpointInUseError(f"{checkpoint}: another import is using this checkpoint")
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(file)


def _locked(path: Path) -> int | None:
    """The file's descriptor; None if another has the lock."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        if not _lock(file):
            os.close(file)
            return None
        # Whoever had it took the file away; another may have made a new one since.
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file), path.stat()):
                return file
        os.close(file)


def _lock(file: int) -> bool:
    """Whether nobody else has it, as far as this system can tell."""
    try:
        import fcntl  # noqa: PLC0415  (Windows has none)

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ModuleNotFoundError:
        return True
    except OSError as error:  # there are file systems without locks
        return error.errno not in (errno.EAGAIN, errno.EACCES)
    return True
