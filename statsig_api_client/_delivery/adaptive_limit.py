"""Adaptive limit on concurrent requests, shared by event loggers and imports.

It does no I/O and takes no locks; only one thread at a time may use a limit.
"""

from typing import Final, Literal, TypeAlias

from .._clock import Clock
from .backoff import Backoff

Failure: TypeAlias = Literal["isolated", "outage", "late"]
"""
* `isolated`: the server accepts other requests.
* `outage`: all requests wait, and then one goes first.
* `late`: the request started before the last outage was known, and counts with that.
"""

_MAX_CREDIT: Final = 8
"""The maximum number of isolated failures in a row."""
_COST: Final = 0.2
"""Requests that an isolated failure takes off the limit."""


class AdaptiveLimit:
    """The number of requests that may be in progress, and the delay before the next one.

    The limit starts at one request and doubles with each round of requests until the first failure;
    afterwards it grows by one per round. It grows only as long as it is reached.

    A failure is isolated if the server accepts other requests: each accepted request pays for one
    failure, and each failure lowers the limit by a fifth of a request. If the server fails on a
    share of requests, the limit stays near 12 for 30 %, and 45 for 10 %. Any other failure counts
    as an outage: the limit is halved, all requests wait, and one goes first.

    Args:
        clock: The time.
        maximum: The maximum number of concurrent requests.
    """

    def __init__(self, clock: Clock, maximum: int) -> None:
        self._backoff = Backoff(clock)
        self._maximum = maximum
        self._limit = 1.0
        self._doubling = True
        self._credit = 0
        """Failures that count as isolated, until another request is accepted."""
        self.is_probing = False
        """Whether an outage is known, and no request was accepted since."""
        self._started = 0
        """The number of requests so far."""
        self._reached_at = 0
        """The number of the last request that reached the limit."""
        self._outage_at = 0
        """The number of requests when the last outage became known."""
        self.in_progress = 0
        """The number of requests in progress."""
        self.accepted: int = 0
        """The number of requests that the server accepted."""
        self.failed = 0
        """The number of requests that failed."""

    @property
    def concurrency(self) -> int:
        """The number of requests that may be in progress now."""
        return 1 if self.is_probing else int(self._limit)

    @property
    def is_full(self) -> bool:
        """Whether no request may start before one ends."""
        return self.in_progress >= self.concurrency

    @property
    def delay(self) -> float:
        """The seconds before the next request may start."""
        return self._backoff.remaining

    def drop_jitter(self) -> None:
        """Drop the random part of the delay; keep the one that the server asked for."""
        self._backoff.drop_jitter()

    def start(self) -> int:
        """Record the start of a request; return its number, to be passed on with the result."""
        self._started += 1
        self.in_progress += 1
        if self.is_full:
            self._reached_at = self._started
        return self._started

    def record_accepted(self, request: int) -> bool:
        """Record that the server accepted a request; return whether it works, as far as is known.

        A request that started before an outage does not show that the outage is over.
        """
        self.accepted += 1
        if not self.record_invalid(request):
            return False
        self._credit = min(_MAX_CREDIT, self._credit + 1)
        if request <= self._reached_at:
            step = 1.0 if self._doubling else 1 / self._limit
            self._limit = min(self._maximum, self._limit + step)
        return True

    def record_invalid(self, request: int) -> bool:
        """Record that the server rejected the content of a request; see `record_accepted`."""
        self.in_progress -= 1
        if request <= self._outage_at:
            return False
        self.is_probing = False
        self._backoff.succeeded()
        return True

    def record_failure(
        self, request: int, retry_after: float | None, *, may_be_isolated: bool = False
    ) -> Failure:
        """Record that the server failed, or could not be reached.

        Args:
            request: The number of the request.
            retry_after: The delay that the server asked for, in seconds.
            may_be_isolated: Whether the failure may concern this request alone.
        """
        self.in_progress -= 1
        self.failed += 1
        self._doubling = False
        if request <= self._outage_at:
            return "late"
        if may_be_isolated and self._credit:
            self._credit -= 1
            self._limit = max(1.0, self._limit - _COST)
            return "isolated"
        self._credit = 0
        self._limit = max(1.0, self._limit / 2)
        self.is_probing = True
        self._outage_at = self._started
        self._backoff.failed(retry_after)
        return "outage"

    def record_abandoned(self) -> None:
        """Record that a request ended without a result."""
        self.in_progress -= 1
