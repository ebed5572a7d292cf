"""Limits on the requests and events of an import, shared by threads."""

import threading
from typing import Final

from .._clock import Clock
from .._errors import StatsigError
from .adaptive_limit import AdaptiveLimit

_POLL_INTERVAL: Final = 0.1
"""Seconds between two checks of the stop event."""


class RequestLimiter:
    """Limit on concurrent requests and on events per second.

    Concurrency adapts to the server; see `AdaptiveLimit`. Every failure makes all threads wait, and
    a `Retry-After` applies to all threads.

    Args:
        max_concurrency: Maximum number of concurrent requests.
        max_rate: Maximum number of events per second; None sets no limit.
        give_up_after: Seconds without success after which `error` is set.
        stop: An event that stops all requests when it is set.
    """

    def __init__(
        self,
        *,
        max_concurrency: int,
        max_rate: float | None,
        give_up_after: float,
        stop: threading.Event,
    ) -> None:
        self._clock = Clock()
        self._limit = AdaptiveLimit(self._clock, max_concurrency)
        self._max_rate = max_rate
        self._give_up_after = give_up_after
        self._stop = stop
        self._changed = threading.Condition()
        self._next_start = 0.0
        """The time at which the rate allows the next request."""
        self._failing_since: float | None = None
        self._stopped = False
        self.error: StatsigError | None = None
        """The error that stopped all requests."""

    @property
    def concurrency(self) -> int:
        """The number of requests that may be in progress now."""
        return self._limit.concurrency

    @property
    def accepted(self) -> int:
        """The number of requests that the server accepted."""
        return self._limit.accepted

    @property
    def stopped(self) -> bool:
        """True if `start` returns None."""
        return self._stopped or self.error is not None or self._stop.is_set()

    def start(self, events: int) -> int | None:
        """Wait until a request may start.

        Returns:
            Its number, to be recorded with the result; None if no more requests may start.
        """
        with self._changed:
            while not self.stopped:
                now = self._clock.monotonic()
                delay = max(self._limit.delay, self._next_start - now)
                if delay <= 0 and not self._limit.is_full:
                    if self._max_rate is not None:
                        self._next_start = max(self._next_start, now) + events / self._max_rate
                    return self._limit.start()
                self._changed.wait(min(delay, _POLL_INTERVAL) if delay > 0 else _POLL_INTERVAL)
            return None

    def record_accepted(self, request: int) -> None:
        """Record that the server accepted a request."""
        with self._changed:
            self._failing_since = None
            self._limit.record_accepted(request)
            self._changed.notify_all()

    def record_invalid(self, request: int) -> None:
        """Record that the server rejected the content of a request."""
        with self._changed:
            self._failing_since = None
            self._limit.record_invalid(request)
            self._changed.notify_all()

    def record_failure(self, request: int, error: StatsigError, retry_after: float | None) -> None:
        """Record that the server failed, or could not be reached."""
        with self._changed:
            now = self._clock.monotonic()
            self._limit.record_failure(request, retry_after)
            if self._failing_since is None:
                self._failing_since = now
            elif now - self._failing_since > self._give_up_after:
                self.error = self.error or error
            self._changed.notify_all()

    def record_fatal(self, error: StatsigError) -> None:
        """Record an error that every request would raise, and stop."""
        with self._changed:
            self._limit.record_abandoned()
            self.error = self.error or error
            self._changed.notify_all()

    def stop(self, error: StatsigError | None = None) -> None:
        """Start no more requests."""
        with self._changed:
            self._stopped = True
            self.error = self.error or error
            self._changed.notify_all()
