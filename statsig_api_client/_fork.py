"""Protection of forked children from locks that other threads hold during the fork.

Imports, the resolver, OpenSSL and the runtime of pyreqwest acquire process-wide locks. A child that
is forked while another thread holds one of them waits for it forever. Their first use is therefore
wrapped in `with hold_forks():`, and a fork waits until no other thread is inside such a block.
"""

import os
import sys
import threading
import time
from contextlib import AbstractContextManager
from typing import Final
from weakref import WeakSet

_MAX_DELAY: Final = 10.0
"""Maximum delay of a fork in seconds. A thread that holds forks may itself wait for the forking
thread, which may be importing the same module, or for a slow name server."""


class _Thread(threading.local):
    """One lock per thread, so that threads that hold forks do not wait for each other.

    Locks of the standard library are released even if a signal handler raises in the `with`
    statement. A counter would become wrong.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.acquired: list[threading.RLock] = []
        """The locks that this thread acquired to fork."""
        with _registration:
            _locks.add(self.lock)


_registration = threading.RLock()
_locks: WeakSet[threading.RLock] = WeakSet()
_thread = _Thread()


def hold_forks() -> AbstractContextManager[bool]:
    """Return a context manager that delays forks by other threads."""
    return _thread.lock


def _before_fork() -> None:
    deadline = time.monotonic() + _MAX_DELAY
    logging_lock = _logging_lock()
    is_held = logging_lock is not None and _release(logging_lock)
    _acquire(_registration, deadline)  # so that no lock is added
    for lock in list(_locks):
        _acquire(lock, deadline)
    # If `logging` was imported meanwhile, its other hooks expect the lock to be held.
    imported = _logging_lock() if logging_lock is None else None
    expected = logging_lock if is_held else imported
    if expected is not None:
        expected.acquire()


def _logging_lock() -> "threading.RLock | None":
    """Return the lock that a hook of `logging` holds during a fork.

    If `logging` was imported after this package, that hook runs first. But a thread that holds
    forks may need the lock: httpcore creates its loggers while it is imported.
    """
    return getattr(sys.modules.get("logging"), "_lock", None)


def _release(lock: threading.RLock) -> bool:
    """Release a lock if this thread holds it; return whether it did."""
    try:
        lock.release()
    except RuntimeError:
        return False
    return True


def _acquire(lock: threading.RLock, deadline: float) -> None:
    if lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
        _thread.acquired.append(lock)


def _after_fork() -> None:
    while _thread.acquired:
        _thread.acquired.pop().release()


def _after_fork_in_child() -> None:  # pragma: no cover  (runs in forked children)
    global _registration, _locks  # noqa: PLW0603
    _after_fork()
    # The locks of other threads stay locked if the delay was too long.
    _registration = threading.RLock()
    _locks = WeakSet([_thread.lock])


if hasattr(os, "register_at_fork"):  # pragma: no branch  (not on Windows)
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork,
        after_in_child=_after_fork_in_child,
    )
