"""Counting that signal handlers and finalizers cannot disturb."""

import sys
from itertools import repeat
from operator import length_hint
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class AtomicCounter:
    """A counter that any thread, signal handler or finalizer may increment at any moment.

    `count += 1` reads, adds and writes: whatever runs in between, in this thread or another, loses
    its own increment. `next()` of an iterator written in C is a single step.
    """

    __slots__ = ("_remaining", "increment")

    def __init__(self) -> None:
        self._remaining = repeat(None, sys.maxsize)
        self.increment: Callable[[], None] = self._remaining.__next__

    @property
    def value(self) -> int:
        """The number of increments so far."""
        return sys.maxsize - length_hint(self._remaining)
