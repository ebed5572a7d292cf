"""The queue of a process: in memory, or in a spool."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..._fork import hold_forks
from ..options import CheckedOptions
from .base import EventQueue
from .memory import MemoryQueue

if TYPE_CHECKING:
    from ..._clock import Clock


def check_queue(options: CheckedOptions) -> None:
    """Check that the spool can be used, if there is one, and leave nothing open.

    A server often makes a logger before it forks its workers; what is opened only afterwards
    belongs to them alone. This also imports all that the spool needs: a signal handler that logs,
    or a child that another thread forks, could meet a half-imported module later.

    Raises:
        SpoolError: The spool cannot be used.
    """
    if options.spool is not None:
        with hold_forks():
            from .recovery import check_spool

        check_spool(options.spool)


def open_queue(
    options: CheckedOptions,
    clock: "Clock",
    wake: Callable[[], None],
    *,
    longest_attempt: float,
) -> EventQueue:
    """Open the queue of this process.

    Args:
        options: The options of the logger.
        clock: The time.
        wake: Called when there may be something to do.
        longest_attempt: Seconds that an attempt to send may take.

    Raises:
        SpoolError: The spool cannot be used.
    """
    if options.spool is None:
        return MemoryQueue(options, clock, wake)
    from .recovery import open_spool

    return open_spool(options.spool, options, clock, wake, longest_attempt=longest_attempt)
