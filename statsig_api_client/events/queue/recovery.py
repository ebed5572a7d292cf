"""Spools of forked children, which are moved into the shared spool when the child has ended."""

import glob
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import SpoolError
from ..options import CheckedOptions
from .accounting import count, remove_events
from .base import Batch
from .connection import is_inherited
from .database import SpoolDatabase
from .leases import Leases
from .spool import SpoolQueue

if TYPE_CHECKING:
    from ..._clock import Clock

_STEP: Final = 500
"""Events that are moved in one transaction."""
_LEASE_SECONDS: Final = 21.0
"""Seconds that a step may take: its writes wait up to 10 seconds for other processes, twice."""


def check_spool(path: Path) -> None:
    """Check that a spool can be used, and leave nothing open.

    Raises:
        SpoolError: The spool cannot be used.
    """
    if not is_inherited(path):
        SpoolDatabase(path).close()


def open_spool(
    path: Path,
    options: CheckedOptions,
    clock: "Clock",
    wake: Callable[[], None],
    *,
    longest_attempt: float,
) -> SpoolQueue:
    """Open the spool that processes share; in a forked child one beside it, if need be.

    Raises:
        SpoolError: The spool cannot be used.
    """
    if is_inherited(path):
        path = path.with_name(f"{path.name}.child-{os.getpid()}-{int(clock.time() * 1000)}")
    else:
        recover(path, options, clock)
    return SpoolQueue(options, clock, wake, path=path, longest_attempt=longest_attempt)


def recover(path: Path, options: CheckedOptions, clock: "Clock") -> None:
    """Move the pending events of forked children into the shared spool.

    A child may still be alive, and is not disturbed: what it is sending stays with it. When this
    process dies in the middle, some events are in both spools, but no event is lost.
    """
    for child in children(path):
        with suppress(SpoolError):  # another process has recovered it, or the disk is full
            _recover(child, path, options, clock)


def children(path: Path) -> Iterator[Path]:
    """Yield the spools of forked children of the processes that share a spool."""
    for found in sorted(path.parent.glob(f"{glob.escape(path.name)}.child-*")):
        if (
            not found.name.endswith(("-wal", "-shm", "-journal", "-reserve"))
            and ".broken-" not in found.name
        ):
            yield found


def _recover(child: Path, path: Path, options: CheckedOptions, clock: "Clock") -> None:
    source = SpoolDatabase(child)
    leases = Leases(source, clock, _LEASE_SECONDS)
    is_empty = False
    try:
        target = SpoolDatabase(path, options.durability)
        try:
            while batch := source.write(lambda: leases.grant(_STEP, options.max_batch_bytes)[0]):
                now = int(clock.time() * 1000)
                target.insert([(now, event) for event in batch.events])
                source.write(partial(_remove, source, leases, batch))
        finally:
            target.close()
        is_empty = source.is_empty()
    finally:
        source.remove() if is_empty else source.close()


def _remove(source: SpoolDatabase, leases: Leases, batch: Batch) -> None:
    if leases.is_held(batch):
        remove_events(source, batch.ids[0], batch.ids[-1])
        leases.release(batch)
        count(source, "moved", len(batch))
