"""`EventLogger`: events from any thread, sent by a thread in the background."""

import atexit
import os
from collections.abc import Mapping
from typing import ClassVar, Final, NoReturn, Self, Unpack

from .._client import Statsig
from .._clock import Clock
from .._delivery.encoder import EventEncoder
from .._delivery.sender import EventSender
from ..generated import StatsigUser, StatsigUserDict
from .errors import closed
from .options import EventLoggerOptions, settings
from .queue import check_store
from .stats import EventStats, FlushResult
from .worker import Worker

AT_EXIT: Final = 5.0
"""Seconds that the end of the interpreter waits for events that are still there."""


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
        self._workers: dict[int, Worker] = {}
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
        worker = self._workers.get(os.getpid()) or self._worker()
        if self._closed:
            raise closed()
        worker.put(event)

    def flush(self, timeout: float | None = None) -> FlushResult:
        """Send all that was logged before, and wait for it.

        Args:
            timeout: The most seconds to wait; None waits as long as it takes.

        Returns:
            What became of events meanwhile, as far as it is known: an error of the spool is logged.
            When `pending` is 0, everything has its final state.
        """
        return self._worker().flush(timeout)

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
        result = self._worker().close(timeout)
        atexit.unregister(self._close_at_exit)
        return result

    def stats(self) -> EventStats:
        """The account of all events."""
        return self._worker().store.stats()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EventLogger of {self._statsig!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an EventLogger cannot be pickled or copied")

    def _close_at_exit(self) -> None:
        if os.getpid() in self._workers:
            self.close(AT_EXIT)

    def _worker(self) -> Worker:
        """What belongs to this process."""
        worker = self._workers.get(os.getpid())
        if worker is None:
            born = Worker(self._settings, self._sender, self._clock)
            worker = self._workers.setdefault(os.getpid(), born)
            if worker is not born:  # another thread was faster
                born.store.close()
        return worker
