"""The queue, the dispatcher and the threads that send: an event logger within one process.

One thread has the role of the sender: it alone uses the dispatcher. It sends a batch itself, or
leaves it to other threads while many events wait.

Signal handlers and finalizers may call a logger at any moment, even while the same thread is in the
middle of another call. Nothing here waits for a lock that the interrupted call may hold: threads
wake each other with `SimpleQueue.put`, which the standard library documents as reentrant, and the
role of the sender is a lock that is tried, never waited for.
"""

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, Protocol

from .._clock import Clock
from .._delivery.result import SendResult
from .._errors import ConfigurationError
from .dispatcher import Dispatcher
from .options import CheckedOptions
from .queue import open_queue
from .queue.base import Batch
from .request_threads import RequestThreads
from .stats import EventStats, FlushResult, difference

if TYPE_CHECKING:
    from .queue.base import EventQueue

logger: logging.Logger = logging.getLogger("statsig_api_client")

_MAX_SLEEP: Final = 3600.0
"""Seconds: the maximum sleep of the sender while nothing is due."""
POLL: Final = 0.05
"""Seconds between two looks at what other processes may have changed."""
_POLL_FOR_ROOM: Final = 1.0
_LINGER: Final = 5.0
"""Seconds that the threads for concurrent requests wait for more of them."""


class Sender(Protocol):
    """Sends batches from any thread, as `EventSender` does."""

    longest_attempt: float

    def send(self, events: Sequence[bytes], within: float) -> SendResult:
        """Send a batch once, within a number of seconds, and return the result."""
        ...


def _at_once() -> float:
    return 0.0


class Worker:
    """The queue, the dispatcher and the thread that sends.

    Args:
        options: The options of the logger.
        sender: Sends batches.
        clock: The time.
        ready_in: Returns the seconds until `sender` may be ready: 0, or when to ask again.
    """

    def __init__(
        self,
        options: CheckedOptions,
        sender: Sender,
        clock: Clock,
        *,
        ready_in: Callable[[], float] = _at_once,
    ) -> None:
        self._options = options
        self._sender = sender
        self._ready_in = ready_in
        self._clock = clock
        self._news: SimpleQueue[None] = SimpleQueue()
        """Wakes the sender."""
        self.waiters: deque[Callable[[], None]] = deque()
        """Called once each, from any thread, when events have been sent or the worker stops."""
        self._flush_marks: deque[int] = deque()
        """The queue positions of flushes that the sender has not seen."""
        self._flush_to = 0
        """The queue position up to which events are sent before they are due."""
        self._sending = threading.Lock()
        """The role of the sender. Threads try to acquire it and never wait for it, so that exactly
        one sends however many are started.
        """
        self._sending_thread: int | None = None
        self._ending = False
        """Whether to stop when all events have a final state."""
        self._is_hopeless = False
        """Whether the client could not send the last batch, since it is closed or misconfigured."""
        self.is_stopping: bool = False
        """Whether to stop after the attempt in progress."""
        self.is_stopped: bool = False
        self.queue: EventQueue = open_queue(
            options, clock, self.wake, longest_attempt=sender.longest_attempt
        )
        self._dispatcher = Dispatcher(options, self.queue, clock)
        self._threads = RequestThreads(sender.send, self.wake)
        self._concurrent_at = 0.0
        """The time when a thread for concurrent requests was last used."""

    def put(self, event: bytes) -> None:
        """Queue an event, waiting for room if the queue is full."""
        if not self.try_put(event):
            self._wait_for(lambda: self.queue.put(event), math.inf, _POLL_FOR_ROOM)

    def try_put(self, event: bytes) -> bool:
        """Queue an event; return False if it has to wait for room."""
        self.ensure_thread()
        # The sender makes room, so it must not wait for room; nor must a finalizer in a thread that
        # the sender starts, and waits for.
        return self.queue.put(event, force=self._is_sender() or self._threads.is_starting())

    def flush(self, timeout: float | None) -> FlushResult:
        """Send all events logged so far and wait for their final state."""
        before = self.queue.stats()
        deadline = self.deadline(timeout)
        if not (self.is_stopping or self._is_sender()):
            mark = self.request_flush()
            self._wait_for(lambda: self.is_delivered(mark), deadline, POLL)
        return difference(before, self.queue.stats())

    def close(self, timeout: float | None) -> FlushResult:
        """Send all events, then stop the thread and close the queue."""
        before = self.queue.stats()
        if self.is_stopping:
            return difference(before, before)
        deadline = self.deadline(timeout)
        mark = self.request_close()
        if not self._is_sender():
            try:
                self._wait_for(lambda: self.is_delivered(mark), deadline, POLL)
                self.stop()
                self._wait_for(lambda: self.is_stopped, deadline, POLL)
            except BaseException:  # such as Ctrl-C: wait no longer, but report what is left
                self.stop()
                self.final_result(before, is_interrupted=True)
                raise
        return self.final_result(before)

    def request_flush(self) -> int:
        """Ask the sender not to wait until events are due; return the queue position."""
        mark = self.queue.mark()
        self._flush_marks.append(mark)
        self.wake()
        return mark

    def request_close(self) -> int:
        """Accept no more events and ask the sender to stop when all are sent."""
        self.queue.seal()
        # The mark comes first: a sender that saw `_ending` without it would stop too early.
        mark = self.request_flush()
        self._ending = True
        return mark

    def is_delivered(self, mark: int) -> bool:
        """Return whether no sendable event up to a queue position is left."""
        return self._is_hopeless or not self._dispatcher.is_behind(mark, here=self._ending)

    def stop(self) -> None:
        """Close the queue; a thread that still sends does so after the attempts in progress."""
        self.is_stopping = True
        self.wake()
        if not self._threads.in_progress or not self.ensure_thread():
            self._run_as_sender(self._close_queue)

    def wait_until_stopped(self, timeout: float) -> None:
        """Wait until the thread has stopped and the queue is closed."""
        self._wait_for(lambda: self.is_stopped, self.deadline(timeout), POLL)

    def final_result(self, before: EventStats, *, is_interrupted: bool = False) -> FlushResult:
        """Return the changes since `before`, and log the number of lost events."""
        result = difference(before, self.queue.stats())
        if result.pending and self._options.spool is None:
            logger.error("%d events were not delivered, and end with the process", result.pending)
        elif result.pending and is_interrupted:
            logger.warning("%d events were not delivered, and stay in the spool", result.pending)
        return result

    def deadline(self, timeout: float | None) -> float:
        """Return the time at which a timeout ends."""
        return math.inf if timeout is None else self._clock.monotonic() + timeout

    def _wait_for(self, done: Callable[[], bool], deadline: float, poll: float) -> None:
        """Wait for a condition, and keep a thread sending events meanwhile."""
        woken: SimpleQueue[None] = SimpleQueue()
        wake = partial(woken.put, None)
        self.waiters.append(wake)
        while (
            not done() and not self.is_stopped and (left := deadline - self._clock.monotonic()) > 0
        ):
            if self.ensure_thread():
                with suppress(Empty):
                    woken.get(timeout=min(poll, left))
                    self.waiters.append(wake)
            else:
                # An interpreter that shuts down starts no threads.
                self._run_as_sender(partial(self._turn, min(poll, left), left))
        with suppress(ValueError):
            self.waiters.remove(wake)

    def ensure_thread(self) -> bool:
        """Start a thread that sends, unless there is one; return False if that is impossible.

        Two calls at the same time may start two threads: one gets the role, the other ends at once.
        """
        if self._sending.locked():
            return True
        thread = threading.Thread(target=self._work, name="statsig-events", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        return True

    def _work(self) -> None:
        self._run_as_sender(self._send_all)

    def _run_as_sender(self, run: Callable[[], None]) -> None:
        """Call a function in the role of the sender, unless another thread has that role."""
        if self._sending.acquire(blocking=False):
            try:
                self._sending_thread = threading.get_ident()
                run()
            finally:  # after an error, the next call of the logger starts another thread
                self._sending_thread = None
                self._sending.release()
                self._notify()

    def _send_all(self) -> None:
        while not self._is_done():
            self._turn(_MAX_SLEEP)
        # Collect first: the last turn may have taken the news of a result.
        self._collect_results()
        while self._threads.in_progress:
            self._sleep(_MAX_SLEEP)
            self._collect_results()
        self._close_queue()

    def _is_done(self) -> bool:
        return self.is_stopping or (
            self._ending
            and (
                self._is_hopeless or not self._dispatcher.is_behind(self._flush_target(), here=True)
            )
        )

    def _flush_target(self) -> int:
        """Return the queue position up to which someone waits for delivery."""
        with suppress(IndexError):
            while True:
                self._flush_to = max(self._flush_to, self._flush_marks.popleft())
        return self._flush_to

    def _turn(self, seconds: float, within: float = math.inf) -> None:
        """Send one batch, or wait until there may be one or the result of one.

        Args:
            seconds: The maximum time to wait.
            within: The maximum duration of an attempt in seconds.
        """
        self._collect_results()
        if delay := self._ready_in():
            self._sleep(min(delay, seconds))
            return
        if self._ending:
            self._dispatcher.skip_jitter()
        hurry = self._dispatcher.is_behind(self._flush_target())
        batch = self._dispatcher.next(hurry=hurry)
        if batch is None:
            due = self._dispatcher.wait(hurry=hurry)
            self._rest(seconds if due is None else min(due, seconds))
            return
        is_one_of_several = self._threads.in_progress or self._dispatcher.has_more()
        if is_one_of_several and self._threads.start(batch, within):
            self._concurrent_at = self._clock.monotonic()
            return
        try:
            result = self._sender.send(batch.events, within)
        except BaseException:
            self._dispatcher.interrupted(batch)
            raise
        self._handle(batch, result)

    def _collect_results(self) -> None:
        for batch, result in self._threads.results():
            if isinstance(result, BaseException):
                self._dispatcher.interrupted(batch)
                raise result
            self._handle(batch, result)

    def _handle(self, batch: Batch, result: SendResult) -> None:
        self._is_hopeless = isinstance(result.error, ConfigurationError)
        self._dispatcher.handle(batch, result)
        self._notify()

    def _rest(self, seconds: float) -> None:
        """Wait for news, and end the threads for concurrent requests when they are not needed."""
        if self._threads.count and not self._threads.in_progress:
            unused = self._clock.monotonic() - self._concurrent_at
            if unused >= _LINGER:
                self._threads.end()
            else:
                seconds = min(seconds, _LINGER - unused)
        self._sleep(seconds)

    def _close_queue(self) -> None:
        if not self.is_stopped:
            self.is_stopping = True
            self._collect_results()
            self._threads.end()
            # Attempts in progress are left alone when the interpreter starts no thread to wait for
            # them: their leases expire.
            self._dispatcher.finish()
            self.queue.close()
            self.is_stopped = True

    def _is_sender(self) -> bool:
        """Return whether this thread sends, and so must not wait for events to be sent."""
        return self._sending_thread == threading.get_ident() or self._threads.is_current()

    def wake(self) -> None:
        """Wake the sender."""
        self._news.put(None)

    def _sleep(self, seconds: float) -> None:
        """Wait for a wake-up; the next turn sees all changes before it."""
        with suppress(Empty):
            self._news.get(timeout=seconds)
            while True:
                self._news.get_nowait()

    def _notify(self) -> None:
        """Wake all that wait for progress."""
        with suppress(IndexError):
            while True:
                self.waiters.popleft()()
