"""`EventLogger`: events from any thread, sent by a thread in the background."""

import atexit
import logging
import math
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar, Final, NoReturn, Self, Unpack

from .._client import Statsig
from .._clock import Clock
from .._delivery.encoder import EventEncoder
from .._delivery.sender import EventSender
from ..generated import StatsigUser, StatsigUserDict
from .dispatcher import Dispatch
from .errors import closed
from .options import EventLoggerOptions, Settings, settings
from .queue import check_store, open_store
from .stats import EventStats, FlushResult

logger: logging.Logger = logging.getLogger("statsig_api_client")

AT_EXIT: Final = 5.0
"""Seconds that the end of the interpreter waits for events that are still there."""
_LONGEST_WAIT: Final = 3600.0
_POLL: Final = 0.05
"""Seconds between two looks at what other processes may have changed."""


class EventLogger:
    """Logs events in the background, and accounts for every one of them.

    `log()` checks and encodes an event, and returns; a thread sends what has gathered, again and
    again until Statsig has it. The logger may be used from any number of threads, and in a child
    process after a fork, where it begins empty. Close it, or use it in a `with` block; the end of
    the interpreter closes it, too. With a `spool`, events outlive the process.

    Args:
        statsig: The client to send with; close it after the logger. Its timeouts hold, its retries
            do not.
        **options: How it behaves; see `EventLoggerOptions`.

    Raises:
        ConfigurationError: An option has a value that makes no sense.
        TypeError: There is no such option, or its value has the wrong type.
        SpoolError: The spool cannot be used.

    Example:
        >>> with Statsig() as statsig, EventLogger(statsig, spool="events.db") as events:
        ...     events.log(StatsigUser(user_id="42"), "purchase", value=9.99)
    """

    # A test can put another clock here.
    _clock: ClassVar[Clock] = Clock()

    def __init__(self, statsig: Statsig, **options: Unpack[EventLoggerOptions]) -> None:
        if not isinstance(statsig, Statsig):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"statsig: expected a Statsig, got {type(statsig).__name__}")
        self._settings = settings(options)
        self._statsig = statsig
        self._sender = EventSender(statsig, compress=self._settings.compress)
        self._encode = EventEncoder(self._settings, self._sender.environment, self._clock)
        self._closed = False
        # One for each process: what was the parent's stays the parent's. Without a lock, which a
        # fork could leave locked for ever.
        self._lives: dict[int, _Life] = {}
        check_store(self._settings)
        atexit.register(self._close_at_exit)

    def log(
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
            ConfigurationError: The logger is closed.
        """
        event = self._encode(user, event_name, value, metadata, time)
        life = self._lives.get(os.getpid()) or self._life()
        if self._closed:
            raise closed()
        life.take(event)

    def flush(self, timeout: float | None = None) -> FlushResult:
        """Send all that was logged before, and wait for it.

        Args:
            timeout: The most seconds to wait; None waits as long as it takes.

        Returns:
            What became of events meanwhile, as far as it is known: an error of the spool is logged.
            When `pending` is 0, everything has its final state.
        """
        return self._life().flush(timeout)

    def close(self, timeout: float | None = 30.0) -> FlushResult:
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
        result = self._life().close(timeout)
        atexit.unregister(self._close_at_exit)
        return result

    def stats(self) -> EventStats:
        """The account of all events."""
        return self._life().store.stats()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EventLogger of {self._statsig!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an EventLogger cannot be pickled or copied")

    def _close_at_exit(self) -> None:
        if os.getpid() in self._lives:
            self.close(AT_EXIT)

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
    """A logger in one process: where its events wait, and the thread that sends them."""

    def __init__(self, settings: Settings, sender: EventSender, clock: Clock) -> None:
        self._settings = settings
        self._sender = sender
        self._clock = clock
        self._changed = threading.Condition()
        self._changes = 0
        self._hurry_to = 0
        self._ending = False
        self._ended = False
        self._worker: threading.Thread | None = None
        self._starting = threading.RLock()
        self.store = open_store(
            settings,
            clock,
            self._wake,
            longest_attempt=sender.longest_attempt,
        )
        self._dispatch = Dispatch(settings, self.store, clock)

    def take(self, event: bytes) -> None:
        """Put an event where it waits; wait for room if there is none."""
        if self._worker is None:
            self._start()
        while True:
            seen = self._changes
            # The thread that makes room must not wait for it.
            if self.store.offer(event, force=self._is_worker()):
                return
            self._wait(seen, 1.0)

    def flush(self, timeout: float | None) -> FlushResult:
        """See `EventLogger.flush`."""
        before = self.store.stats()
        if not (self._ended or self._is_worker()):
            self._pursue(self._hurry(), self._deadline(timeout))
        return difference(before, self.store.stats())

    def close(self, timeout: float | None) -> FlushResult:
        """See `EventLogger.close`."""
        before = self.store.stats()
        if self._ended:
            return difference(before, before)
        self.store.seal()
        deadline = self._deadline(timeout)
        self._hurry()
        # From here on the thread may end at any time, and close the store.
        self._ending = True
        self._wake()
        worker = self._worker
        if worker is None:
            self._pursue(self._hurry_to, deadline)
            self._end()
        elif not self._is_worker():
            worker.join(min(deadline - self._clock.monotonic(), threading.TIMEOUT_MAX))
            # A thread that is still sending ends when it has the reply.
            self._ended = True
            self._wake()
        result = difference(before, self.store.stats())
        if result.pending and self._settings.spool is None:
            logger.error("%d events were not delivered, and end with the process", result.pending)
        return result

    def _pursue(self, mark: int, deadline: float) -> None:
        """Wait until all events up to a place have their final state."""
        while not self._ended and (left := deadline - self._clock.monotonic()) > 0:
            seen = self._changes
            if not self._dispatch.is_behind(mark, here=self._ending):
                break
            if self._worker is None:
                self._turn(seen, left)
            else:
                self._wait(seen, min(_POLL, left))

    def _hurry(self) -> int:
        """Let all that is there now be sent soon; the place of the youngest event."""
        mark = self.store.mark()
        self._hurry_to = max(self._hurry_to, mark)
        if self._dispatch.is_behind(mark):
            self._start()
        self._wake()
        return mark

    def _start(self) -> None:
        with self._starting:
            if self._worker is None and not self._ended:
                worker = threading.Thread(target=self._work, name="statsig-events", daemon=True)
                # An interpreter that ends starts no threads any more; then whoever waits for
                # events to be sent has to send them.
                with suppress(RuntimeError):
                    worker.start()
                    self._worker = worker

    def _work(self) -> None:
        try:
            while not self._ended:
                seen = self._changes
                if self._ending and not self._dispatch.is_behind(self._hurry_to, here=True):
                    break
                self._turn(seen, _LONGEST_WAIT)
        except BaseException:  # no memory, perhaps
            self._worker = None  # who logs or flushes next starts another
            self._wake()
            raise
        self._end()

    def _turn(self, seen: int, longest: float) -> None:
        """Send a batch, or wait until there may be one."""
        if self._ending:
            self._dispatch.insist()
        hurry = self._dispatch.is_behind(self._hurry_to)
        batch = self._dispatch.next(hurry=hurry)
        if batch is None:
            pause = self._dispatch.wait(hurry=hurry)
            self._wait(seen, longest if pause is None else min(pause, longest))
        else:
            try:
                result = self._sender.send(batch.events)
            except BaseException:
                self._dispatch.interrupted(batch)
                raise
            self._dispatch.settle(batch, result)
            self._wake()

    def _end(self) -> None:
        self._ended = True
        self._dispatch.let_go()
        self.store.close()
        self._wake()

    def _is_worker(self) -> bool:
        """Whether this is the thread that sends, which must not wait for itself."""
        return self._worker is not None and self._worker.ident == threading.get_ident()

    def _deadline(self, timeout: float | None) -> float:
        return math.inf if timeout is None else self._clock.monotonic() + timeout

    def _wake(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def _wait(self, seen: int, seconds: float) -> None:
        """Wait until something changes that had not when `seen` was read."""
        with self._changed:
            if self._changes == seen:
                self._changed.wait(seconds)


def difference(before: EventStats, after: EventStats) -> FlushResult:
    """What became of events between two looks at the account, which may be a new one meanwhile."""
    return FlushResult(
        delivered=max(0, after.delivered - before.delivered),
        pending=after.pending,
        rejected=max(0, after.rejected - before.rejected),
        ambiguous=max(0, after.ambiguous - before.ambiguous),
    )
