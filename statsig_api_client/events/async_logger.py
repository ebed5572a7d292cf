"""Event logging for asyncio: a facade over the worker of `EventLogger`."""

import asyncio
import atexit
import math
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import ClassVar, Final, NoReturn, ParamSpec, Self, TypeVar, Unpack

from .._async_client import AsyncStatsig
from .._clock import Clock
from .._delivery.encoder import EventEncoder
from .._delivery.sender import AsyncEventSender
from ..generated import StatsigUser, StatsigUserDict
from .errors import closed
from .logger import AT_EXIT
from .loop_sender import LoopSender
from .options import CheckedOptions, EventLoggerOptions, check_options
from .queue import check_queue
from .stats import EventStats, FlushResult, difference
from .worker import POLL, Worker

_CANCEL_SECONDS: Final = 1.0
"""Seconds that the interpreter's exit waits for the end of a cancelled attempt."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class AsyncWorker(Worker):
    """A worker that sends on the event loop in which the logger was last used."""

    def __init__(self, options: CheckedOptions, sender: LoopSender, clock: Clock) -> None:
        super().__init__(options, sender, clock, ready_in=sender.ready_in)
        self.sender = sender


class AsyncEventLogger:
    """Event logger for asyncio; see `EventLogger`.

    Requests run on the event loop in which the logger was last used. When it ends before all events
    are sent, the next loop continues. Two loops that run at the same time need a logger each. At
    interpreter exit pending events are sent in a new event loop, on the same client.

    Args:
        statsig: The client to send with.
        **options: See `EventLoggerOptions`.

    Raises:
        ConfigurationError: The value of an option is invalid.
        TypeError: An option does not exist, or its value has the wrong type.
        SpoolError: The spool cannot be used.

    Example:
        >>> async with AsyncStatsig() as statsig, AsyncEventLogger(statsig) as events:
        ...     await events.log(StatsigUser(user_id="42"), "purchase", value=9.99)
    """

    # Tests replace it.
    _clock: ClassVar[Clock] = Clock()

    def __init__(self, statsig: AsyncStatsig, **options: Unpack[EventLoggerOptions]) -> None:
        if not isinstance(statsig, AsyncStatsig):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"statsig: expected an AsyncStatsig, got {type(statsig).__name__}")
        self._options = check_options(options)
        self._statsig = statsig
        self._sender = AsyncEventSender(statsig, compress=self._options.compress)
        self._encode = EventEncoder(
            self._sender.environment,
            self._options.event_id_key,
            self._options.max_batch_bytes,
            self._clock,
        )
        self._closed = False
        self._workers: dict[int, AsyncWorker] = {}
        check_queue(self._options)
        atexit.register(self._close_at_exit)

    async def log(
        self,
        user: StatsigUser | StatsigUserDict,
        event_name: str,
        value: str | float | None = None,
        metadata: Mapping[str, str] | None = None,
        time: int | str | None = None,
    ) -> None:
        """Queue an event for delivery. It never waits for the network, nor fails because of it.

        It waits when the queue is full and `overflow` is `block`, and for the spool's write.

        Args:
            user: The user of the event.
            event_name: The name of the event.
            value: A number that metrics add up, or a string that they count by.
            metadata: Details by which metrics can be broken down.
            time: Milliseconds since 1970, or a string in RFC 3339. Default: now.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument cannot be serialized as JSON, or the event is too large.
            EventQueueFullError: The queue is full and `overflow` is `raise`.
            ConfigurationError: The logger is closed, or in use in another event loop that runs.
        """
        event = self._encode(user, event_name, value, metadata, time)
        if self._closed:
            raise closed()
        worker = await self._attached()
        if not await self._aside(worker.try_put, event):
            await self._wait_for(worker, partial(worker.try_put, event), math.inf)

    async def flush(self, timeout: float | None = None) -> FlushResult:  # noqa: ASYNC109
        """Send all events logged so far and wait for their final state.

        Args:
            timeout: The maximum time to wait in seconds; None for no limit.

        Returns:
            The changes of the account meanwhile. When `pending` is 0, all events have a final
            state. Errors of the spool are logged.
        """
        worker = await self._attached()
        before = await self._aside(worker.queue.stats)
        if worker.is_stopping:
            return difference(before, before)
        deadline = worker.deadline(timeout)
        mark = await self._aside(worker.request_flush)
        await self._wait_for(worker, partial(worker.is_delivered, mark), deadline)
        return difference(before, await self._aside(worker.queue.stats))

    async def aclose(self, timeout: float | None = 30.0) -> FlushResult:  # noqa: ASYNC109
        """Send pending events and close the logger. `log` then raises a `ConfigurationError`.

        Events that another process is sending, or was sending when it died, are not waited for:
        they stay pending in the shared spool.

        Args:
            timeout: The maximum time to wait in seconds; None for no limit. Events that are pending
                then stay in the spool; without a spool they are lost, and one line in the log
                reports how many.

        Returns:
            The changes of the account meanwhile.
        """
        self._closed = True
        worker = await self._attached()
        before = await self._aside(worker.queue.stats)
        if worker.is_stopping:
            return difference(before, before)
        deadline = worker.deadline(timeout)
        mark = await self._aside(worker.request_close)
        await self._wait_for(worker, partial(worker.is_delivered, mark), deadline)
        await self._aside(worker.stop)
        worker.sender.cancel()
        await self._wait_for(worker, lambda: worker.is_stopped, math.inf)
        atexit.unregister(self._close_at_exit)
        return await self._aside(worker.final_result, before)

    def stats(self) -> EventStats:
        """Return the account of all events."""
        return self._worker().queue.stats()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose(self._options.close_timeout)

    def __repr__(self) -> str:
        return f"<AsyncEventLogger of {self._statsig!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AsyncEventLogger cannot be pickled or copied")

    def _close_at_exit(self) -> None:
        if os.getpid() in self._workers:
            self._closed = True
            worker = self._worker()
            worker.sender.prepare_exit()
            with suppress(KeyboardInterrupt):  # what is left has been logged
                worker.close(AT_EXIT)
            worker.sender.cancel()
            worker.wait_until_stopped(_CANCEL_SECONDS)
            worker.sender.close()

    async def _attached(self) -> AsyncWorker:
        """Return the worker of this process, which sends on the running event loop from now on."""
        is_open = self._options.spool is None or os.getpid() in self._workers
        worker = self._worker() if is_open else await asyncio.to_thread(self._worker)
        if worker.sender.attach():
            worker.wake()
        return worker

    def _worker(self) -> AsyncWorker:
        worker = self._workers.get(os.getpid())
        if worker is None:
            born = AsyncWorker(self._options, LoopSender(self._sender), self._clock)
            worker = self._workers.setdefault(os.getpid(), born)
            if worker is not born:  # another thread was faster
                born.queue.close()
        return worker

    async def _wait_for(self, worker: Worker, done: Callable[[], bool], deadline: float) -> None:
        """Wait until something is done; `Worker` has the same for threads."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the event loop is closed
                loop.call_soon_threadsafe(woken.set)

        while not (await self._aside(done) or worker.is_stopped):
            left = deadline - self._clock.monotonic()
            if left <= 0:
                break
            worker.ensure_thread()
            if not woken.is_set() and wake not in worker.waiters:
                worker.waiters.append(wake)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, POLL)):
                    await woken.wait()
            woken.clear()

    async def _aside(self, step: Callable[_P, _T], /, *args: _P.args, **options: _P.kwargs) -> _T:
        """Do what may have to wait for the disk without blocking the event loop."""
        if self._options.spool is None:
            return step(*args, **options)
        return await asyncio.to_thread(step, *args, **options)
