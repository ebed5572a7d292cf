"""Delivery from a thread, on the event loop that the user's client belongs to."""

import asyncio
import math
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from inspect import CORO_CREATED, getcoroutinestate
from typing import Any, Final, TypeVar, TypeVarTuple

from .._delivery.result import SendResult
from .._delivery.sender import AsyncEventSender
from .._errors import APIConnectionError, ConfigurationError

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_POLL: Final = 0.05
"""Seconds between two looks at whether an event loop runs."""
_MAX_WAIT: Final = 60.0
"""Seconds: the maximum time to wait for another attempt at the exit of the interpreter."""


class LoopSender:
    """Sends batches on the event loop in which the logger was last used.

    Several threads may send at the same time. The event logger waits while no event loop runs. At
    the exit of the interpreter, when none will, batches are sent one by one in an event loop of
    their own: on the same client, so that proxies, certificates and hooks apply.
    """

    def __init__(self, sender: AsyncEventSender) -> None:
        self.longest_attempt: float = sender.longest_attempt
        self._sender = sender
        self._loop: asyncio.AbstractEventLoop | None = None
        self._attempts: set[Future[SendResult]] = set()
        self._exit_attempt: asyncio.Task[SendResult] | None = None
        self._exit_lock = threading.Lock()
        """Held by the thread that runs the event loop of the exit."""
        self._exit_runner: asyncio.Runner | None = None
        self._is_cancelled = False

    def attach(self) -> bool:
        """Send on the running event loop from now on; return whether that is a change.

        Raises:
            ConfigurationError: The event loop in use so far still runs.
        """
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return False
        if self._loop is not None and self._loop.is_running():
            raise ConfigurationError(
                "the event logger is in use in another event loop, which still runs; "
                "make one for each"
            )
        self._loop = loop
        return True

    def ready_in(self) -> float:
        """Return the seconds until a batch may be sent: 0, or when to ask again."""
        if self._exit_runner is not None or self._is_running():
            return 0.0
        return math.inf if self._loop is None or self._loop.is_closed() else _POLL

    def _is_running(self) -> bool:
        return self._loop is not None and self._loop.is_running()

    def send(self, events: Sequence[bytes], within: float = math.inf) -> SendResult:
        """Send a batch once, within a number of seconds, and return the result."""
        loop = self._loop
        if self._exit_runner is not None and not self._is_running():
            if not self._exit_lock.acquire(timeout=min(within, self.longest_attempt, _MAX_WAIT)):
                return _interrupted(ambiguous=False)
            try:
                return self._send_at_exit(self._exit_runner, events, within)
            finally:
                self._exit_lock.release()
        assert loop is not None
        sending = self._sender.send(events, within)
        try:
            attempt = asyncio.run_coroutine_threadsafe(sending, loop)
        except RuntimeError:  # the event loop was closed in this moment
            sending.close()
            return _interrupted(ambiguous=False)
        self._attempts.add(attempt)
        try:
            return self._wait_for(attempt, sending, loop)
        finally:
            self._attempts.discard(attempt)

    def _wait_for(
        self, attempt: Future[SendResult], sending: Any, loop: asyncio.AbstractEventLoop
    ) -> SendResult:
        if self._is_cancelled:  # before the attempt was known to `cancel`
            attempt.cancel()
        while True:
            try:
                return attempt.result(_POLL)
            except CancelledError:
                return _interrupted(ambiguous=True)
            except TimeoutError:
                if self._is_over(loop):
                    return _abandon(attempt, sending, loop)

    def _send_at_exit(
        self, runner: asyncio.Runner, events: Sequence[bytes], within: float
    ) -> SendResult:
        async def send() -> SendResult:
            self._exit_attempt = asyncio.current_task()
            if self._is_cancelled:  # before the attempt was known to `cancel`
                return _interrupted(ambiguous=False)
            return await self._sender.send(events, within)

        try:
            return runner.run(send())
        except asyncio.CancelledError:
            return _interrupted(ambiguous=True)

    def _is_over(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Return whether an event loop that has an attempt will not, or need not, go on."""
        is_replaced = self._loop is not loop or self._exit_runner is not None
        return loop.is_closed() or (is_replaced and not loop.is_running())

    def cancel(self) -> None:
        """Cancel the attempts in progress, and each that starts later."""
        self._is_cancelled = True
        for attempt in self._attempts.copy():
            attempt.cancel()
        if self._exit_attempt is not None:
            loop = self._exit_attempt.get_loop()
            loop.call_soon_threadsafe(self._exit_attempt.cancel)

    def prepare_exit(self) -> None:
        """Send in a new event loop when no other runs."""
        self._is_cancelled = False
        self._exit_runner = asyncio.Runner(loop_factory=_ExitLoop)

    def close(self) -> None:
        """Close the connections and the event loop of `prepare_exit`, unless it still runs."""
        if self._exit_runner is not None and self._exit_lock.acquire(blocking=False):
            try:
                self._exit_runner.run(self._sender.aclose())
                self._exit_runner.close()
            finally:
                self._exit_lock.release()


class _ExitLoop(asyncio.SelectorEventLoop):
    """An event loop for the exit of the interpreter, which starts no threads any more.

    Asyncio resolves host names in a thread; here the loop waits for that instead.
    """

    def run_in_executor(
        self, executor: object, func: Callable[[*_Ts], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        """Call a function at once."""
        del executor
        future: asyncio.Future[_T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001
            future.set_exception(error)
        return future


def _abandon(
    attempt: Future[SendResult], sending: Any, loop: asyncio.AbstractEventLoop
) -> SendResult:
    if getcoroutinestate(sending) == CORO_CREATED:
        sending.close()
        return _interrupted(ambiguous=False)
    if not loop.is_closed():
        attempt.cancel()
    return _interrupted(ambiguous=True)


def _interrupted(*, ambiguous: bool) -> SendResult:
    return SendResult.from_error(
        APIConnectionError(
            "log_events: the event loop ended during the attempt", ambiguous=ambiguous
        )
    )
