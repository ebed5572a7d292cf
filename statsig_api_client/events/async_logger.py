"""`AsyncEventLogger`: events from any task, sent by a task in the background."""

import asyncio
import atexit
import logging
import math
import os
from collections.abc import Callable, Mapping
from typing import ClassVar, Final, NoReturn, ParamSpec, Self, TypeVar, Unpack

from .._client import AsyncStatsig
from .._clock import Clock
from .._delivery.encoder import EventEncoder
from .._delivery.sender import AsyncEventSender
from .._errors import ConfigurationError
from ..generated import StatsigUser, StatsigUserDict
from .dispatcher import Dispatch
from .errors import closed
from .logger import AT_EXIT
from .options import EventLoggerOptions, Settings, settings
from .queue import check_store, open_store
from .stats import EventStats, FlushResult, difference

_P = ParamSpec("_P")
_T = TypeVar("_T")

logger: logging.Logger = logging.getLogger("statsig_api_client")

_POLL: Final = 0.05
"""Seconds between two looks at what other threads and processes may have changed."""


class AsyncEventLogger:
    """Logs events in the background, and accounts for every one of them: for asyncio.

    As `EventLogger`, with `await` where it may wait. A task of the running event loop sends the
    events; when the loop ends before all are sent, the next loop goes on with them. Two loops that
    run at the same time need a logger each. At the end of the interpreter, what is left is sent by
    the thread that ends it.

    Args:
        statsig: The client to send with.
        **options: How it behaves; see `EventLoggerOptions`.

    Raises:
        ConfigurationError: An option has a value that makes no sense.
        TypeError: There is no such option, or its value has the wrong type.
        SpoolError: The spool cannot be used.

    Example:
        >>> async with AsyncStatsig() as statsig, AsyncEventLogger(statsig) as events:
        ...     await events.log(StatsigUser(user_id="42"), "purchase", value=9.99)
    """

    # A test can put another clock here.
    _clock: ClassVar[Clock] = Clock()

    def __init__(self, statsig: AsyncStatsig, **options: Unpack[EventLoggerOptions]) -> None:
        if not isinstance(statsig, AsyncStatsig):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"statsig: expected an AsyncStatsig, got {type(statsig).__name__}")
        self._settings = settings(options)
        self._statsig = statsig
        self._sender = AsyncEventSender(statsig, compress=self._settings.compress)
        self._encode = EventEncoder(self._settings, self._sender.environment, self._clock)
        self._closed = False
        self._lives: dict[int, _Life] = {}
        check_store(self._settings)
        atexit.register(self._close_at_exit)

    async def log(
        self,
        user: StatsigUser | StatsigUserDict,
        event_name: str,
        value: str | float | None = None,
        metadata: Mapping[str, str] | None = None,
        time: int | str | None = None,
    ) -> None:
        """Take an event, to be sent later. It never waits for the network, and never fails for it.

        It waits when there is no room and `overflow` is `block`, and for the spool's write.

        Args:
            user: Who did it.
            event_name: What happened.
            value: The value that metrics add up (a number) or count by (a text).
            metadata: Details, by which metrics can be broken down.
            time: When it happened: milliseconds since 1970, or text in the form of RFC 3339. Now,
                if not given.

        Raises:
            TypeError: An argument is of another type than its own.
            ValueError: An argument cannot be written as JSON, or the event is too large.
            EventQueueFullError: There is no room, and `overflow` is `raise`.
            ConfigurationError: The logger is closed, or in use in another event loop that runs.
        """
        event = self._encode(user, event_name, value, metadata, time)
        if self._closed:
            raise closed()
        await (await self._opened()).take(event)

    async def flush(self, timeout: float | None = None) -> FlushResult:  # noqa: ASYNC109
        """Send all that was logged before, and wait for it.

        Args:
            timeout: The most seconds to wait; None waits as long as it takes.

        Returns:
            What became of events meanwhile, as far as it is known: an error of the spool is logged.
            When `pending` is 0, everything has its final state.
        """
        return await (await self._opened()).flush(timeout)

    async def aclose(self, timeout: float | None = 30.0) -> FlushResult:  # noqa: ASYNC109
        """Send what is left, and end. `log` then raises a `ConfigurationError`.

        It does not wait for what another process that shares the spool is sending, or was sending
        when it died: that stays `pending`, and in the spool, where the others look after it.

        Args:
            timeout: The most seconds to wait. What is then left stays in the spool, if there is
                one, and is lost if not; one line in the log tells how much.

        Returns:
            What became of events meanwhile.
        """
        self._closed = True
        result = await (await self._opened()).aclose(timeout)
        atexit.unregister(self._close_at_exit)
        return result

    def stats(self) -> EventStats:
        """The account of all events."""
        return self._life().store.stats()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<AsyncEventLogger of {self._statsig!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an AsyncEventLogger cannot be pickled or copied")

    def _close_at_exit(self) -> None:
        if os.getpid() in self._lives:
            self._closed = True
            self._life().close_at_exit(AT_EXIT)

    async def _opened(self) -> "_Life":
        """As `_life`, which may have to wait for the disk, without blocking the event loop."""
        if self._settings.spool is None or os.getpid() in self._lives:
            return self._life()
        return await asyncio.to_thread(self._life)

    def _life(self) -> "_Life":
        """What belongs to this process."""
        life = self._lives.get(os.getpid())
        if life is None:
            born = _Life(self._settings, self._sender, self._clock)
            life = self._lives.setdefault(os.getpid(), born)
            if life is not born:  # another thread was faster
                born.store.close()
        return life


class _Life:
    """A logger in one process: where its events wait, and the task that sends them."""

    def __init__(self, settings: Settings, sender: AsyncEventSender, clock: Clock) -> None:
        self._settings = settings
        self._sender = sender
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._moved: asyncio.Event | None = None
        """Set when events have moved on, if someone waits for it."""
        self._hurry_to = 0
        self._ending = False
        self._ended = False
        self.store = open_store(
            settings,
            clock,
            # The spool is written by threads, from which a task cannot be woken; see `take`.
            self._wake if settings.spool is None else _nobody,
            longest_attempt=sender.longest_attempt,
        )
        self._dispatch = Dispatch(settings, self.store, clock)

    async def take(self, event: bytes) -> None:
        """Put an event where it waits; wait for room if there is none."""
        # The task that makes room must not wait for it.
        force = self._running() is asyncio.current_task()
        while not await self._aside(self.store.offer, event, force=force):
            await self._movement(_POLL)
        if self._settings.spool is not None and self.store.due_in() == 0.0:
            self._wake()

    async def flush(self, timeout: float | None) -> FlushResult:  # noqa: ASYNC109
        """See `AsyncEventLogger.flush`."""
        before = await self._aside(self.store.stats)
        if self._ended:
            return difference(before, before)
        self._running()
        deadline = math.inf if timeout is None else self._clock.monotonic() + timeout
        mark = await self._aside(self.store.mark)
        self._hurry(mark)
        while (left := deadline - self._clock.monotonic()) > 0:
            if not await self._aside(self._dispatch.is_behind, mark, here=self._ending):
                break
            self._running()
            await self._movement(min(left, _POLL))
        return difference(before, await self._aside(self.store.stats))

    async def aclose(self, timeout: float | None) -> FlushResult:  # noqa: ASYNC109
        """See `AsyncEventLogger.aclose`."""
        if not self._ended:
            self._running()
            await self._aside(self.store.seal)
        self._ending = True
        result = await self.flush(timeout)
        if not self._ended:
            sender = self._running()
            sender.cancel()
            await asyncio.wait([sender])
        if not self._ended:
            await self._aside(self._end, result.pending)
        return result

    def close_at_exit(self, timeout: float) -> None:
        """Send what is left without an event loop, since there is none any more."""
        deadline = self._clock.monotonic() + timeout
        mark = self.store.mark()
        self._dispatch.insist()
        while (left := deadline - self._clock.monotonic()) > 0:
            if not self._dispatch.is_behind(mark, here=True):
                break
            batch = self._dispatch.next(hurry=True)
            if batch is None:
                self._clock.sleep(min(_POLL, left))
                continue
            self._dispatch.settle(batch, self._sender.send_at_exit(batch.events))
        self._end(self.store.stats().pending)

    def _end(self, pending: int) -> None:
        self._ended = True
        self._dispatch.let_go()
        self.store.close()
        if pending and self._settings.spool is None:
            logger.error("%d events were not delivered, and end with the process", pending)

    def _hurry(self, mark: int) -> None:
        self._hurry_to = max(self._hurry_to, mark)
        self._wake()

    def _running(self) -> "asyncio.Task[None]":
        """The task that sends, in the loop that runs now.

        Raises:
            ConfigurationError: Another loop that runs has it.
        """
        task, loop = self._task, asyncio.get_running_loop()
        if task is not None and not task.done():
            if task.get_loop() is loop:
                return task
            if task.get_loop().is_running():
                raise ConfigurationError(
                    "the event logger is in use in another event loop, which still runs; "
                    "make one for each"
                )
            if not task.get_loop().is_closed():
                self._woken.set()  # so that it ends when its loop goes on
        self._woken, self._moved = asyncio.Event(), None
        self._task = loop.create_task(self._work(self._woken), name="statsig-events")
        return self._task

    async def _work(self, woken: asyncio.Event) -> None:
        await self._aside(self._dispatch.let_go)  # what a loop that has ended had in hand
        while woken is self._woken:  # else another loop has gone on meanwhile
            woken.clear()
            hurry = await self._aside(self._dispatch.is_behind, self._hurry_to)
            if self._ending:
                self._dispatch.insist()
            batch = await self._aside(self._dispatch.next, hurry=hurry)
            if batch is None:
                await _until(woken, self._dispatch.wait(hurry=hurry))
                continue
            try:
                result = await self._sender.send(batch.events)
            except BaseException:  # cancelled, perhaps by the end of the loop
                self._dispatch.interrupted(batch)
                raise
            await self._aside(self._dispatch.settle, batch, result)
            moved, self._moved = self._moved, None
            if moved is not None:
                moved.set()

    async def _movement(self, seconds: float) -> None:
        """Wait until events have moved on, but no longer than some seconds."""
        if self._moved is None:
            self._moved = asyncio.Event()
        await _until(self._moved, seconds)

    async def _aside(self, step: Callable[_P, _T], /, *args: _P.args, **options: _P.kwargs) -> _T:
        """Do what may have to wait for the disk without blocking the event loop."""
        if self._settings.spool is None:
            return step(*args, **options)
        return await asyncio.to_thread(step, *args, **options)

    def _wake(self) -> None:
        self._woken.set()


def _nobody() -> None:
    """Nobody is woken."""


async def _until(woken: asyncio.Event, seconds: float | None) -> None:
    """Wait for an event, but no longer than some seconds."""
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        pass
