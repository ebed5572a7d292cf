"""Disk space that is set apart to deliver events from a full disk."""

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

if sys.platform != "win32":  # pragma: no branch
    import resource

_NO_LINK: Final[int] = getattr(os, "O_NOFOLLOW", 0)
_STEP: Final = 64 * 1024
"""Bytes: a smaller reserve is not worth a file."""
_MARGIN: Final = 64 * 1024
"""Bytes below a limit on the size of files that events leave free.

An event may take a page more than its size, and delivery writes pages, too. The reserve makes room
on a disk, but not below this limit, and a WAL with a page beyond it can never be copied.
"""


class DiskReserve:
    """A file beside the spool whose bytes are returned to the disk when the disk is full.

    Sending events writes: a lease, the removal of the events, their count. SQLite writes all of it
    to the write-ahead log (WAL) first, and can reuse the WAL in place only after all its pages are
    in the database. Pages that the database has never had need new bytes of the disk, and a full
    disk has none: without a reserve, nothing could be sent from a spool that filled its own disk.

    So the pages that exist in the WAL alone never take more bytes than the reserve has
    (`SpoolDatabase.room`), and delivery returns the reserve to the disk, half of it at a
    time. Then the WAL is copied into the database, and delivery continues in place.
    """

    def __init__(self, spool: Path) -> None:
        self.path: Final = spool.with_name(f"{spool.name}-reserve")
        self.released: int = 0
        """Bytes that this process has returned to the disk and not yet taken again."""

    def size(self) -> int:
        """Return the bytes of the reserve."""
        return _size(self.path)

    def fill(self, target: int) -> None:
        """Take bytes of the disk up to a target, but at most half of those that are free."""
        size = self.size()
        wanted = min(target, max(size + self.released, (size + free_bytes(self.path)) // 2))
        while wanted - size >= _STEP:
            try:
                self._extend(size, wanted)
            except OSError:  # a quota, for instance, which the free bytes do not show
                wanted = (size + wanted) // 2
            else:
                self.released = max(0, self.released - (wanted - size))
                return

    def restore(self) -> None:
        """Take the released bytes again, as far as they are still free."""
        if self.released:
            self.fill(self.size() + self.released)

    def _extend(self, size: int, wanted: int) -> None:
        descriptor = os.open(self.path, os.O_CREAT | os.O_WRONLY | _NO_LINK, 0o600)
        try:
            if sys.platform == "linux":
                os.posix_fallocate(descriptor, size, wanted - size)
            else:  # pragma: no cover
                os.lseek(descriptor, size, os.SEEK_SET)
                os.write(descriptor, bytes(wanted - size))
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
        finally:
            os.close(descriptor)

    def release_half(self) -> bool:
        """Return half of the reserve to the disk; False if the reserve is empty."""
        size = self.size()
        left = size // 2 if size >= 2 * _STEP else 0
        try:
            if left:
                os.truncate(self.path, left)
            else:
                self.path.unlink()
        except OSError:
            return False
        self.released += size - left
        return size > 0

    def remove(self) -> None:
        """Delete the file."""
        with suppress(OSError):
            self.path.unlink()


def free_bytes(file: Path) -> int:
    """Return by how many bytes a file may grow."""
    usage = shutil.disk_usage(file.parent)
    free = usage.free if usage.total else sys.maxsize  # some file systems do not know
    return min(free, bytes_to_limit(file))


def bytes_to_limit(file: Path) -> int:
    """Return by how many bytes a file may grow until it comes near the limit for files, if any."""
    if sys.platform != "win32":  # pragma: no branch
        limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
        if limit != resource.RLIM_INFINITY:
            return max(0, limit - _size(file) - _MARGIN)
    return sys.maxsize


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
