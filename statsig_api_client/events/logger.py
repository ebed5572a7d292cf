"""Event logging from any thread, with delivery by a background thread."""

import atexit
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar, Final, NoReturn, Self, Unpack

from .._client import Statsig
from .._clock import Clock
from .._delivery.encoder import EventEncoder
from .._delivery.sender import EventSender
from ..generated import StatsigUser, StatsigUserDict
from .errors import closed
from .options import EventLoggerOptions, check_options
from .queue import check_queue
from .stats import EventStats, FlushResult
from .worker import Worker

AT_EXIT: Final = 5.0
"""Seconds that the interpreter's exit waits for pending events."""


class EventLogger:
    """Event logger with batching, retries and an exact account of every event.

    `log()` checks and encodes an event and returns. A background thread sends batches and retries
    until Statsig accepts them. A logger may be used from any number of threads, and in a child
    process after a fork, where it starts empty. Close it, or use it in a `with` block; interpreter
    exit closes it, too. With a `spool`, events outlive the process.

    Args:
        statsig: The client to send with; close it after the logger. Its timeouts apply, its
            retries do not.
        **options: See `EventLoggerOptions`.

    Raises:
        ConfigurationError: The value of an option is invalid.
        TypeError: An option does not exist, or its value has the wrong type.
        SpoolError: The spool cannot be used.

    Example:
        >>> with Statsig() as statsig, EventLogger(statsig, spool="events.db") as events:
        ...     events.log(StatsigUser(user_id="42"), "purchase", value=9.99)
    """

    # Tests replace it.
    _clock: ClassVar[Clock] = Clock()

    def __init__(self, statsig: Statsig, **options: Unpack[EventLoggerOptions]) -> None:
        if not isinstance(statsig, Statsig):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"statsig: expected a Statsig, got {type(statsig).__name__}")
        self._options = check_options(options)
        self._statsig = statsig
        self._sender = EventSender(statsig, compress=self._options.compress)
        self._encode = EventEncoder(
            self._sender.environment,
            self._options.event_id_key,
            self._options.max_batch_bytes,
            self._clock,
        )
        self._closed = False
        # One for each process, so that a child leaves its parent's events alone. No lock guards
        # it: a fork could leave the lock locked.
        self._workers: dict[int, Worker] = {}
        check_queue(self._options)
        atexit.register(self._close_at_exit)

    def log(
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
            ConfigurationError: The logger is closed.
        """
        event = self._encode(user, event_name, value, metadata, time)
        worker = self._workers.get(os.getpid()) or self._worker()
        if self._closed:
            raise closed()
        worker.put(event)

    def flush(self, timeout: float | None = None) -> FlushResult:
        """Send all events logged so far and wait for their final state.

        Args:
            timeout: The maximum time to wait in seconds; None for no limit.

        Returns:
            The changes of the account meanwhile. When `pending` is 0, all events have a final
            state. Errors of the spool are logged.
        """
        return self._worker().flush(timeout)

    def close(self, timeout: float | None = 30.0) -> FlushResult:
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
        result = self._worker().close(timeout)
        atexit.unregister(self._close_at_exit)
        return result

    def stats(self) -> EventStats:
        """Return the account of all events."""
        return self._worker().queue.stats()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close(self._options.close_timeout)

    def __repr__(self) -> str:
        return f"<EventLogger of {self._statsig!r}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an EventLogger cannot be pickled or copied")

    def _close_at_exit(self) -> None:
        if os.getpid() in self._workers:
            with suppress(KeyboardInterrupt):  # what is left has been logged
                self.close(AT_EXIT)

    def _worker(self) -> Worker:
        """Return the worker of this process."""
        worker = self._workers.get(os.getpid())
        if worker is None:
            born = Worker(self._options, self._sender, self._clock)
            worker = self._workers.setdefault(os.getpid(), born)
            if worker is not born:  # another thread was faster
                born.queue.close()
        return worker
