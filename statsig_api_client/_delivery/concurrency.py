"""Adaptive concurrency and rate limiting of requests, shared by threads."""

import threading
from typing import Final

from .._clock import Clock
from .._errors import StatsigError
from .backoff import Backoff

_POLL_INTERVAL: Final = 0.1
"""Seconds between two checks of the stop event."""


class RequestLimiter:
    """Limit on concurrent requests and on events per second.

    The limit starts at one request and doubles until the first failure. Each failure halves it;
    afterwards it grows by one per round of requests. A `Retry-After` applies to all threads.

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
        self._backoff = Backoff(self._clock)
        self._max_concurrency = max_concurrency
        self._max_rate = max_rate
        self._give_up_after = give_up_after
        self._stop = stop
        self._changed = threading.Condition()
        self._limit = 1.0
        self._doubling = True
        self._in_progress = 0
        self._next_start = 0.0
        """The time at which the rate allows the next request."""
        self._failed_at = 0.0
        self._failing_since: float | None = None
        self._stopped = False
        self.accepted: int = 0
        """Number of requests that the server accepted."""
        self.error: StatsigError | None = None
        """The error that stopped all requests."""

    @property
    def concurrency(self) -> int:
        """The number of requests that may be in progress now."""
        return int(self._limit)

    @property
    def stopped(self) -> bool:
        """True if `start` returns None."""
        return self._stopped or self.error is not None or self._stop.is_set()

    def start(self, events: int) -> float | None:
        """Wait until a request may start.

        Returns:
            The start time, to be recorded with the result; None if no more requests may start.
        """
        with self._changed:
            while not self.stopped:
                now = self._clock.monotonic()
                delay = max(self._backoff.remaining, self._next_start - now)
                if delay <= 0 and self._in_progress < int(self._limit):
                    self._in_progress += 1
                    if self._max_rate is not None:
                        self._next_start = max(self._next_start, now) + events / self._max_rate
                    return now
                self._changed.wait(min(delay, _POLL_INTERVAL) if delay > 0 else _POLL_INTERVAL)
            return None

    def record_accepted(self, started: float) -> None:
        """Record that the server accepted a request."""
        with self._changed:
            self.accepted += 1
            if self._record_healthy(started):
                step = 1.0 if self._doubling else 1 / self._limit
                self._limit = min(self._max_concurrency, self._limit + step)
            self._changed.notify_all()

    def record_invalid(self, started: float) -> None:
        """Record that the server rejected the content of a request."""
        with self._changed:
            self._record_healthy(started)
            self._changed.notify_all()

    def record_failure(
        self, started: float, error: StatsigError, retry_after: float | None
    ) -> None:
        """Record that the server failed, or could not be reached."""
        with self._changed:
            now = self._clock.monotonic()
            self._in_progress -= 1
            self._doubling = False
            # Concurrent failures have one cause, and count once.
            if started >= self._failed_at:
                self._limit = max(1.0, self._limit / 2)
                self._backoff.failed(retry_after)
                self._failed_at = now
            if self._failing_since is None:
                self._failing_since = now
            elif now - self._failing_since > self._give_up_after:
                self.error = self.error or error
            self._changed.notify_all()

    def record_fatal(self, error: StatsigError) -> None:
        """Record an error that every request would raise, and stop."""
        with self._changed:
            self._in_progress -= 1
            self.error = self.error or error
            self._changed.notify_all()

    def stop(self, error: StatsigError | None = None) -> None:
        """Start no more requests."""
        with self._changed:
            self._stopped = True
            self.error = self.error or error
            self._changed.notify_all()

    def _record_healthy(self, started: float) -> bool:
        """Return whether the result is newer than the last failure."""
        self._in_progress -= 1
        self._failing_since = None
        if started < self._failed_at:
            return False
        self._backoff.succeeded()
        return True
