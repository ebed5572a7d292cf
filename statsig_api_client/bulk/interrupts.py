"""Handling of Ctrl-C during an import."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def deferred_interrupts(stop: Callable[[], None]) -> Generator[None]:
    """Call `stop` on Ctrl-C, and raise `KeyboardInterrupt` at the end of the block.

    A second Ctrl-C raises immediately. A handler other than Python's own stays in place, and
    nothing changes outside of the main thread.

    Raises:
        KeyboardInterrupt: Ctrl-C was pressed.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    interrupted = False

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True
        stop()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if interrupted:
            raise KeyboardInterrupt
