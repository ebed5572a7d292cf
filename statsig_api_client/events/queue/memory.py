"""Events that wait in memory, ready in batches."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from attrs import define, field

from ..errors import EventQueueFullError, closed
from ..options import Settings
from ..stats import Delivery, EventStats, report
from .base import Batch

if TYPE_CHECKING:
    from ..._clock import Clock


@define(eq=False)
class _Chunk:
    """Events that will leave together."""

    since: float
    """When the first one came, by the monotonic clock."""
    events: list[bytes] = field(factory=list[bytes])
    size: int = 0


class MemoryStore:
    """The queue: chunks that are full, and an open one that is filled."""

    def __init__(self, settings: Settings, clock: "Clock", wake: Callable[[], None]) -> None:
        self._settings = settings
        self._max_batch = settings.max_batch
        self._max_bytes = settings.max_batch_bytes - 64
        self._max_pending = settings.max_pending
        self._clock = clock
        self._wake = wake
        # A signal handler may log while the thread that it interrupts does.
        self._lock = threading.RLock()
        self._open = _Chunk(0.0)
        self._full: deque[_Chunk] = deque()
        self._held = 0
        """Events in hand."""
        self._held_since = 0.0
        self._backlog = 0
        """Events in full chunks and in hand."""
        self._entered = 0
        """Events that ever went into a chunk that is now closed."""
        self._refused = 0
        self._sealed = False
        self._delivered = self._rejected = self._ambiguous = self._dropped = 0
        self._retried = self._resent_ambiguous = 0

    def offer(self, event: bytes, *, force: bool = False) -> bool:
        """See `Store`."""
        dropped = None
        with self._lock:
            if self._sealed:
                raise closed()
            if self._backlog + len(self._open.events) >= self._max_pending and not force:
                if self._settings.overflow == "block":
                    return False
                dropped = self._make_room(event)
            news = dropped is not event and self._add(event)
        if news:
            self._wake()
        if dropped is not None:
            report(self._settings, Delivery(state="dropped", encoded=[dropped]))
        return True

    def _add(self, event: bytes) -> bool:
        """Put an event into the open chunk; whether that changes when something is due."""
        chunk = self._open
        size = chunk.size + len(event) + 1
        if size > self._max_bytes and chunk.events:
            self._close_chunk()
            chunk, size = self._open, len(event) + 1
        events = chunk.events
        if not events:
            chunk.since = self._clock.monotonic()
        events.append(event)
        chunk.size = size
        if len(events) < self._max_batch:
            return len(events) == 1
        self._close_chunk()
        return True

    def _make_room(self, event: bytes) -> bytes:
        """Give up an event, and return it."""
        if self._settings.overflow == "raise":
            raise EventQueueFullError(
                f"{self._max_pending} events wait already (max_pending), and this one was not "
                "accepted"
            )
        oldest = self._full[0] if self._full else self._open
        if self._settings.overflow == "drop_newest" or not oldest.events:
            self._refused += 1
            return event
        self._dropped += 1
        gone = oldest.events.pop(0)
        oldest.size -= len(gone) + 1
        if oldest is self._open:
            self._entered += 1
        else:
            self._backlog -= 1
            if not oldest.events:
                self._full.popleft()
        return gone

    def _close_chunk(self) -> None:
        self._full.append(self._open)
        self._backlog += len(self._open.events)
        self._entered += len(self._open.events)
        self._open = _Chunk(0.0)

    def due_in(self) -> float | None:
        """See `Store`."""
        with self._lock:
            if self._full:
                return 0.0
            if not self._open.events:
                return None
            age = self._clock.monotonic() - self._open.since
        return max(0.0, self._settings.flush_interval - age)

    def claim(self) -> Batch | None:
        """See `Store`."""
        with self._lock:
            if not self._full and self._open.events:
                self._close_chunk()
            if not self._full:
                return None
            chunk = self._full.popleft()
            self._held, self._held_since = len(chunk.events), chunk.since
            return Batch(chunk.events)

    def renew(self, batch: Batch) -> bool:  # noqa: ARG002
        """See `Store`."""
        return True

    def delivered(self, batch: Batch) -> None:
        """See `Store`."""
        with self._lock:
            self._let_go(batch)
            self._delivered += len(batch)

    def set_aside(
        self,
        batch: Batch,
        state: Literal["rejected", "ambiguous"],
        why: str,  # noqa: ARG002
    ) -> None:
        """See `Store`."""
        with self._lock:
            self._let_go(batch)
            if state == "rejected":
                self._rejected += len(batch)
            else:
                self._ambiguous += len(batch)

    def _let_go(self, batch: Batch) -> None:
        self._backlog -= len(batch)
        self._held -= len(batch)

    def release(self, batches: Sequence[Batch], *, retried: int, unclear: bool) -> None:
        """See `Store`."""
        with self._lock:
            for batch in reversed(batches):
                size = sum(map(len, batch.events)) + len(batch)
                self._held -= len(batch)
                self._full.appendleft(_Chunk(self._held_since, list(batch.events), size))
            self._retried += retried
            self._resent_ambiguous += retried if unclear else 0

    def mark(self) -> int:
        """See `Store`."""
        with self._lock:
            return self._entered + len(self._open.events)

    def reached(self, mark: int, *, here: bool = False) -> bool:  # noqa: ARG002
        """See `Store`."""
        with self._lock:
            return self._finished >= mark

    @property
    def _finished(self) -> int:
        return self._delivered + self._rejected + self._ambiguous + self._dropped

    def seal(self) -> None:
        """See `Store`."""
        with self._lock:
            self._sealed = True

    def stats(self) -> EventStats:
        """See `Store`."""
        with self._lock:
            waiting = len(self._open.events)
            pending = self._backlog + waiting
            first = self._full[0] if self._full else self._open
            since = self._held_since if self._held else first.since
            return EventStats(
                accepted=self._entered + waiting + self._refused,
                delivered=self._delivered,
                rejected=self._rejected,
                ambiguous=self._ambiguous,
                dropped=self._dropped + self._refused,
                pending=pending,
                retried=self._retried,
                resent_ambiguous=self._resent_ambiguous,
                oldest_age=self._clock.monotonic() - since if pending else 0.0,
            )

    def close(self) -> None:
        """See `Store`."""
