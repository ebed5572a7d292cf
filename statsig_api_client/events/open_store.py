"""Chooses where the events of a process wait."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .memory import MemoryStore
from .settings import Settings
from .store import Store

if TYPE_CHECKING:
    from statsig_api_client._clock import Clock


def open_store(
    settings: Settings,
    clock: "Clock",
    wake: Callable[[], None],
    *,
    longest_attempt: float,
    is_child: bool,
) -> Store:
    """A store for this process.

    Args:
        settings: The options of the logger.
        clock: The time.
        wake: Called when there may be something to do.
        longest_attempt: Seconds that an attempt to send may take.
        is_child: Whether this process was forked from one that has the same logger.

    Raises:
        SpoolError: The spool cannot be used.
    """
    if settings.spool is None:
        return MemoryStore(settings, clock, wake)
    from .spool_store import SpoolStore  # noqa: PLC0415  (SQLite is not for everyone)

    return SpoolStore(settings, clock, wake, longest_attempt=longest_attempt, is_child=is_child)
