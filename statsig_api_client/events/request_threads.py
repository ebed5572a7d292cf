"""Threads that send several batches at the same time, while many events wait."""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeAlias

from .._delivery.result import SendResult
from .queue.base import Batch

Result: TypeAlias = SendResult | BaseException


class RequestThreads:
    """Threads that send batches: as many as there are requests in progress, none in the beginning.

    The threads only send; what follows from a result is decided where `results` is called. One
    thread at a time, in the role of the sender, calls the methods; any thread calls `is_current`
    and `is_starting`.

    Args:
        send: Sends events within a number of seconds, from any thread.
        wake: Called when there is a result.
    """

    def __init__(
        self, send: Callable[[Sequence[bytes], float], SendResult], wake: Callable[[], None]
    ) -> None:
        self._send = send
        self._wake = wake
        self._batches: SimpleQueue[tuple[Batch, float] | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[Batch, Result]] = SimpleQueue()
        self._running: set[int] = set()
        """The identifiers of the threads."""
        self._starting: set[threading.Thread] = set()
        """The threads without an identifier there."""
        self.count: int = 0
        """The number of threads that were started and not asked to end."""
        self.in_progress: int = 0
        """The number of batches whose result is not collected yet."""

    def start(self, batch: Batch, within: float) -> bool:
        """Send a batch in a thread; return False if no thread is idle and none can be started."""
        if self.in_progress >= self.count:
            thread = threading.Thread(target=self._work, name="statsig-events-request", daemon=True)
            self._starting.add(thread)
            try:
                thread.start()
            except RuntimeError:  # the interpreter shuts down
                self._starting.discard(thread)
                return False
            self.count += 1
        self.in_progress += 1
        self._batches.put((batch, within))
        return True

    def results(self) -> Iterator[tuple[Batch, Result]]:
        """Yield the results that have come."""
        with suppress(Empty):
            while True:
                result = self._results.get_nowait()
                self.in_progress -= 1
                yield result

    def end(self) -> None:
        """Let all threads end, each after its request."""
        while self.count:
            self.count -= 1
            self._batches.put(None)

    def is_current(self) -> bool:
        """Return whether the calling thread is one of these."""
        return threading.get_ident() in self._running

    def is_starting(self) -> bool:
        """Return whether the calling thread is one of these that is still starting.

        A finalizer may run before the thread is known by its identifier, but not before its first
        frame, which has the thread as `self`.
        """
        if not self._starting:
            return False
        frame = sys._getframe()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        while frame.f_back is not None:
            frame = frame.f_back
        first = frame.f_locals.get("self")
        return any(first is thread for thread in tuple(self._starting))

    def _work(self) -> None:
        self._running.add(threading.get_ident())
        self._starting.discard(threading.current_thread())
        try:
            while self._send_next():
                pass
        finally:
            self._running.discard(threading.get_ident())

    def _send_next(self) -> bool:
        """Send the next batch, and keep no reference to it; return False to end."""
        work = self._batches.get()
        if work is None:
            return False
        batch, within = work
        result: Result
        try:
            result = self._send(batch.events, within)
        except BaseException as error:  # noqa: BLE001  (raised again where it is collected)
            result = error
        self._results.put((batch, result))
        self._wake()
        return True
