"""Chooses where the events of a process wait."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from ..options import Settings
from .base import Store
from .memory import MemoryStore

if TYPE_CHECKING:
    from ..._clock import Clock


def check_store(settings: Settings) -> None:
    """See whether events can wait where the options say, and leave nothing open.

    A logger is often made before a server forks its workers; what is opened only afterwards is
    theirs alone.

    Raises:
        SpoolError: The spool cannot be used.
    """
    if settings.spool is not None:
        # All that the spool needs is imported here, and not by the first event: a signal handler
        # that logs, or a child forked by another thread, could meet a half-imported module then.
        import_module(".recovery", __name__)
        from .database import SpoolFile, is_inherited  # noqa: PLC0415  (not all need SQLite)

        if not is_inherited(settings.spool):
            SpoolFile(settings.spool).close()


def open_store(
    settings: Settings,
    clock: "Clock",
    wake: Callable[[], None],
    *,
    longest_attempt: float,
) -> Store:
    """A store for this process.

    Args:
        settings: The options of the logger.
        clock: The time.
        wake: Called when there may be something to do.
        longest_attempt: Seconds that an attempt to send may take.

    Raises:
        SpoolError: The spool cannot be used.
    """
    if settings.spool is None:
        return MemoryStore(settings, clock, wake)
    from .database import is_inherited  # noqa: PLC0415
    from .recovery import adopt, path_of_child  # noqa: PLC0415
    from .spool import SpoolStore  # noqa: PLC0415

    path = settings.spool
    if is_inherited(path):
        path = path_of_child(path, clock)
    else:
        adopt(path, settings, clock)
    return SpoolStore(settings, clock, wake, path=path, longest_attempt=longest_attempt)
