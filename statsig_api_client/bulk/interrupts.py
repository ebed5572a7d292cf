"""Ctrl-C in a program that imports: the account is closed before the program hears of it."""

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def late_interrupts(halt: Callable[[], None]) -> Generator[None]:
    """Have Ctrl-C call `halt`, and raise what it would have raised when all is over.

    A second one is raised at once. Like asyncio, it respects whoever handles the signal already.

    Raises:
        KeyboardInterrupt: There was a Ctrl-C.
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
        halt()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if interrupted:
            raise KeyboardInterrupt
