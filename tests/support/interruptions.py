"""Code that runs in the middle of other code: signal handlers, finalizers, and any single step."""

import gc
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def signals(handler: Callable[[], object], seconds: float = 0.0003) -> Iterator[None]:
    """Run a signal handler repeatedly; it may interrupt itself once."""
    depth = 0

    def handle(*_: object) -> None:
        nonlocal depth
        if depth < 2:
            depth += 1
            handler()
            depth -= 1

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Garbage:
    """An object that only the garbage collector can free, and whose finalizer calls a function."""

    def __init__(self, finalise: Callable[[], object]) -> None:
        self.cycle = self
        self.finalise = finalise

    def __del__(self) -> None:
        self.finalise()


@contextmanager
def eager_collector() -> Iterator[None]:
    """Collect garbage at almost every allocation."""
    before = gc.get_threshold()
    gc.set_threshold(3, 2, 2)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.collect()


class Interruption:
    """A call in the middle of another one, before a given step of the interpreter."""

    def __init__(self, step: int, module: str) -> None:
        self.happened = False
        self._left = step
        self._module = module
        """The module whose steps count."""

    def run(self, call: Callable[[], Any], interrupting: Callable[[], object]) -> Any:
        """Make a call, and interrupt it unless it has fewer steps."""

        def trace(frame: FrameType, event: str, _: object) -> Any:
            if frame.f_globals["__name__"] != self._module:
                return None
            frame.f_trace_opcodes = True
            if event == "opcode":
                self._left -= 1
                if self._left < 0 and not self.happened:
                    self.happened = True
                    sys.settrace(None)
                    interrupting()
            return trace

        before = sys.gettrace()
        # Python 3.12 traces opcodes only if a frame wanted it before.
        sys._getframe().f_trace_opcodes = True  # noqa: SLF001
        sys.settrace(trace)
        try:
            return call()
        finally:
            sys.settrace(before)
