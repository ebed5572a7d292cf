"""When a server that failed is asked again: one account for the whole logger."""

from typing import Final

from .._clock import Clock

FIRST: Final = 1.0
"""Seconds: the most that the first wait may take."""
MOST: Final = 60.0
"""Seconds: the most that any wait may take that the server did not ask for."""
MOST_ASKED: Final = 3600.0
"""Seconds: the most that the server may ask for."""
_GAP: Final = 0.5
_LEAST_GAP: Final = 0.02


class Backoff:
    """Waits after failures, at random, longer and longer; and does not rush in afterwards.

    After an outage one batch goes first. When it succeeds the others follow with gaps that get
    shorter by half, so that a server that has just recovered is not flooded by what has gathered.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._gap = 0.0
        self._until = 0.0
        self._asked_until = 0.0

    def failed(self, retry_after: float | None) -> None:
        """An attempt failed; the server may have said when to come back, in seconds from now."""
        now = self._clock.monotonic()
        most = min(MOST, FIRST * 2 ** min(self._failures, 16))
        self._failures += 1
        self._gap = _GAP
        self._asked_until = now + min(retry_after or 0.0, MOST_ASKED)
        self._until = max(now + most * self._clock.random(), self._asked_until)

    def succeeded(self) -> None:
        """The server is well."""
        self._failures = 0
        self._until = self._asked_until = 0.0
        if self._gap:
            self._until = self._clock.monotonic() + self._gap
            self._gap = self._gap / 2 if self._gap / 2 >= _LEAST_GAP else 0.0

    def insist(self) -> None:
        """There is no time left: wait for nothing but what the server asked for."""
        self._until = self._asked_until

    @property
    def remaining(self) -> float:
        """The seconds until the next attempt may be made."""
        return max(0.0, self._until - self._clock.monotonic())
