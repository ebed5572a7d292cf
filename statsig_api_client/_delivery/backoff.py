"""Delays between attempts, shared by all batches of a logger or an import."""

from typing import Final

from .._clock import Clock

FIRST: Final = 1.0
"""Maximum of the first random delay, in seconds."""
MAX_DELAY: Final = 60.0
"""Maximum of any random delay, in seconds."""
MAX_RETRY_AFTER: Final = 3600.0
"""Maximum delay from `Retry-After`, in seconds."""
_GAP: Final = 0.5
_MIN_GAP: Final = 0.02


class Backoff:
    """Exponential backoff with full jitter, and a slow start afterwards.

    After an outage one batch is sent first. Once it is accepted, the others follow at shrinking
    intervals, so that pending batches do not overload a server that has just recovered.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._gap = 0.0
        self._until = 0.0
        self._asked_until = 0.0

    def failed(self, retry_after: float | None) -> None:
        """Record a failed attempt and the delay from `Retry-After`, in seconds."""
        now = self._clock.monotonic()
        limit = min(MAX_DELAY, FIRST * 2 ** min(self._failures, 16))
        self._failures += 1
        self._gap = _GAP
        self._asked_until = now + min(retry_after or 0.0, MAX_RETRY_AFTER)
        self._until = max(now + limit * self._clock.random(), self._asked_until)

    def succeeded(self) -> None:
        """Record a successful attempt."""
        self._failures = 0
        self._until = self._asked_until = 0.0
        if self._gap:
            self._until = self._clock.monotonic() + self._gap
            self._gap = self._gap / 2 if self._gap / 2 >= _MIN_GAP else 0.0

    def drop_jitter(self) -> None:
        """Drop the random delay; keep the one from `Retry-After`."""
        self._until = self._asked_until

    @property
    def remaining(self) -> float:
        """Return the seconds until the next attempt."""
        return max(0.0, self._until - self._clock.monotonic())
