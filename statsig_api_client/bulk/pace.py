"""How many requests may be on their way, and when: adaptive, for all threads of an import."""

import threading
from typing import Final

from .._clock import Clock
from .._delivery.backoff import Backoff
from .._errors import StatsigError
from .errors import EventsRefusedError

_LOOK: Final = 0.1
"""Seconds between two looks at whether to stop."""


class Pace:
    """Lets requests go. It begins with one, and goes up until the server has enough.

    Until the first failure the number doubles; after it, it grows by one per round, and is halved
    by each failure. A pause that the server asks for holds for all.
    """

    def __init__(
        self,
        *,
        most: int,
        rate: float | None,
        give_up_after: float,
        stop: threading.Event,
        most_refused: int | None = None,
    ) -> None:
        self._clock = Clock()
        self._backoff = Backoff(self._clock)
        self._most = most
        self._rate = rate
        self._give_up_after = give_up_after
        self._most_refused = most_refused
        self._refused = 0
        self._stop = stop
        self._changed = threading.Condition()
        self._limit = 1.0
        self._doubling = True
        self._flying = 0
        self._due = 0.0
        """When the next request may go, by the rate."""
        self._failed_at = 0.0
        self._failing_since: float | None = None
        self._halted = False
        self.accepted: int = 0
        """How many requests the server has accepted."""
        self.problem: StatsigError | None = None
        """Why no more requests go, if it is not that someone asked."""

    @property
    def concurrency(self) -> int:
        """The most requests that may be on their way."""
        return int(self._limit)

    @property
    def stopped(self) -> bool:
        """Whether no more requests go."""
        return self._halted or self.problem is not None or self._stop.is_set()

    def begin(self, events: int) -> float | None:
        """Wait until a request may go.

        Returns:
            The moment at which it went, for `succeeded`; None when no more go.
        """
        with self._changed:
            while not self.stopped:
                now = self._clock.monotonic()
                pause = max(self._backoff.remaining, self._due - now)
                if pause <= 0 and self._flying < int(self._limit):
                    self._flying += 1
                    if self._rate is not None:
                        self._due = max(self._due, now) + events / self._rate
                    return now
                self._changed.wait(min(pause, _LOOK) if pause > 0 else _LOOK)
            return None

    def succeeded(self, began: float) -> None:
        """A request came back, and was accepted."""
        with self._changed:
            self.accepted += 1
            if self._is_well(began):
                more = 1.0 if self._doubling else 1 / self._limit
                self._limit = min(self._most, self._limit + more)
            self._changed.notify_all()

    def refused(self, began: float, error: StatsigError, *, alone: bool) -> None:
        """A request came back since something in it is bad; the server is well.

        It may refuse a number of events that were sent alone, but not one after the other while it
        accepts nothing: then it is not the events that are bad.
        """
        with self._changed:
            self._is_well(began)
            self._refused += alone
            if not self.accepted and self._refused == self._most_refused:
                self.problem = EventsRefusedError(
                    f"Statsig accepted nothing, and refused {self._refused:,} events one by one, "
                    f"as many as max_refused allows: {error}"
                )
            self._changed.notify_all()

    def _is_well(self, began: float) -> bool:
        """A request came back from a server that is well; whether that says something about now."""
        self._flying -= 1
        self._failing_since = None
        if began < self._failed_at:  # it was on its way when another failed
            return False
        self._backoff.succeeded()
        return True

    def failed(self, began: float, error: StatsigError, retry_after: float | None) -> None:
        """A request came back, and the server is not well."""
        with self._changed:
            now = self._clock.monotonic()
            self._flying -= 1
            self._doubling = False
            if began >= self._failed_at:  # one trouble counts once, however many were on their way
                self._limit = max(1.0, self._limit / 2)
                self._backoff.failed(retry_after)
                self._failed_at = now
            if self._failing_since is None:
                self._failing_since = now
            elif now - self._failing_since > self._give_up_after:
                self.problem = error
            self._changed.notify_all()

    def halt(self) -> None:
        """No more requests go."""
        with self._changed:
            self._halted = True
            self._changed.notify_all()

    def end(self, error: StatsigError) -> None:
        """No more requests go, since none can succeed."""
        with self._changed:
            self._flying -= 1
            self.problem = self.problem or error
            self._changed.notify_all()
