"""Broken spools: renamed, so that a new one can take their place."""

import logging
import os
import time
from contextlib import suppress
from pathlib import Path

logger: logging.Logger = logging.getLogger("statsig_api_client")


class SpoolPath:
    """A place in the file system, and the file that this process opened there.

    Several processes may find the same spool broken at the same moment. The file that each of them
    opened is known by its device and inode, so that nobody renames the new spool of another one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened = (0, 0)

    def check_owner(self) -> None:
        """Check that no other user has put the spool, or a file beside it, into the directory.

        Others may read what is written to a file of theirs, and a link makes a program write to,
        or change the permissions of, any file of the program's user.

        Raises:
            OSError: A file or link belongs to another user.
        """
        for suffix in ("", "-wal", "-shm", "-journal", "-reserve"):
            file = self.path.with_name(f"{self.path.name}{suffix}")
            with suppress(FileNotFoundError):
                for found in (file.lstat(), file.stat()):
                    if not self._is_trusted(found.st_uid):
                        raise OSError(f"{file.name} belongs to another user")

    def _is_trusted(self, owner: int) -> bool:
        if not hasattr(os, "geteuid"):  # pragma: no cover  (on Windows)
            return True
        user = os.geteuid()
        if owner in (user, 0):
            return True
        # The administrator may use the spools of others, unless anyone could have put them there.
        return user == 0 and not self.path.parent.stat().st_mode & 0o022

    def remember(self, found: os.stat_result) -> None:
        """Remember which file is being opened."""
        self._opened = (found.st_dev, found.st_ino)

    def is_current(self) -> bool:
        """Return whether the opened file is still at its place."""
        return self._is_at(self.path)

    def _is_at(self, path: Path) -> bool:
        try:
            found = path.stat()
        except OSError:
            return False
        return self._opened == (found.st_dev, found.st_ino)

    def quarantine(self, why: str) -> None:
        """Rename the opened file, unless another process has done it."""
        if not self.is_current():
            return
        renamed = self.path.with_name(f"{self.path.name}.broken-{time.time_ns()}")
        with suppress(FileNotFoundError):
            self.path.rename(renamed)
        if not self._is_at(renamed):  # another process was faster, and this may be its new spool
            with suppress(OSError):
                os.link(renamed, self.path)
                renamed.unlink()
            return
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{suffix}").rename(f"{renamed}{suffix}")
        logger.error(
            "spool %s cannot be used: %s; it is kept as %s, and a new spool begins",
            self.path,
            why,
            renamed.name,
        )
