"""Spools of forked children, which are beside the one that all share, and end up in it."""

import glob
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import SpoolError
from ..options import Settings
from .database import SpoolFile
from .spool import SpoolStore

if TYPE_CHECKING:
    from ..._clock import Clock


def path_of_child(path: Path, clock: "Clock") -> Path:
    """Where a forked child keeps its events, as long as it lives."""
    return path.with_name(f"{path.name}.child-{os.getpid()}-{int(clock.time() * 1000)}")


def adopt(path: Path, settings: Settings, clock: "Clock") -> None:
    """Move what waits in the spools of children into the shared one.

    A child may still be alive, and is not disturbed: what it is sending stays with it. When the
    process ends in the middle of it some events are in both spools; none is in neither.
    """
    for child in children(path):
        with suppress(SpoolError):  # it has been adopted by another process
            _adopt(child, path, settings, clock)


def children(path: Path) -> Iterator[Path]:
    """The spools of children that are beside a spool."""
    for found in sorted(path.parent.glob(f"{glob.escape(path.name)}.child-*")):
        if not found.name.endswith(("-wal", "-shm", "-journal")) and ".broken-" not in found.name:
            yield found


def _adopt(child: Path, path: Path, settings: Settings, clock: "Clock") -> None:
    source = SpoolStore(settings, clock, _nobody, path=child, longest_attempt=10.0)
    try:
        target = SpoolFile(path, settings.durability)
        try:
            while batch := source.claim():
                now = int(clock.time() * 1000)
                target.insert([(now, event) for event in batch.events])
                source.moved(batch)
        finally:
            target.close()
    finally:
        source.close()  # and if it is empty now, it goes


def _nobody() -> None:
    """Nobody waits for a spool that is being emptied."""
