"""The queue of events in memory.

`log()` may be re-entered at any point: by a signal handler, or by a finalizer that the garbage
collector runs. Logging an event is therefore one atomic `deque.append`, with no lock and no `+=`
around it. Each event is in exactly one of three places, and leaves one by an atomic operation:

    incoming    appended by any thread; removed by the sender, or dropped to make room
    held        claimed by the sender, and being sent
    returned    released by the sender after a failed attempt, to be sent first

Only the thread that sends does anything else. Totals are derived, not maintained: the number of
accepted events is the sum of the events with a final state and those in the three places.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from ..errors import EventQueueFullError, closed
from ..options import CheckedOptions
from ..stats import Delivery, EventStats, logger, report
from .base import Batch
from .counter import AtomicCounter

if TYPE_CHECKING:
    from ..._clock import Clock


_LONG_WAIT: Final = 1.0
"""Seconds of waiting for room after which an error is logged."""
_LOG_EVERY: Final = 60.0


class MemoryQueue:
    """The queue of events in memory."""

    def __init__(self, options: CheckedOptions, clock: "Clock", wake: Callable[[], None]) -> None:
        self._options = options
        self._max_batch = options.max_batch
        self._max_bytes = options.max_batch_bytes - 64
        self._max_pending = options.max_pending
        self._clock = clock
        self._wake = wake
        self._incoming: deque[bytes] = deque()
        # An event gets a number when it leaves `incoming`, in the order of logging.
        self._held: dict[int, float] = {}
        """The events that are being sent, and the time when each was logged, or earlier."""
        self._returned: deque[tuple[int, float, bytes]] = deque()
        self._claimed = 0
        """The number of events that left `incoming` for `held`."""
        self._skipped = AtomicCounter()
        """The number of events that left `incoming` otherwise."""
        self._dropped = AtomicCounter()
        self._delivered = self._rejected = self._ambiguous = 0
        self._retried = self._resent_ambiguous = 0
        self._sealed = False
        # Held while events move, so that no thread reads the account in between. Safe to re-enter:
        # it only delays readers, and `put` takes it for dropped events alone.
        self._moving = threading.RLock()
        self._waits_since: float | None = None
        """The time since which the queue has been full."""
        self._logged_at = -_LOG_EVERY
        # The rest decides when the sender looks at the queue. Threads update it without a lock: a
        # lost update makes the sender look too early, or one event too late.
        self._wake_at = 1
        """The length of `incoming` at which to wake the sender; 0 for never."""
        self._bytes = 0
        """The size of `incoming`, exact only below one batch."""
        self._since = clock.monotonic()
        """The time when the oldest event in `incoming` was logged, or earlier."""
        self._reached = 0
        """All events below this number have their final state."""
        self._seen = 0
        """The length of `incoming` after the last claim."""
        self._seen_at = 0.0
        """The time of the last claim."""

    def put(self, event: bytes, *, force: bool = False) -> bool:
        """See `EventQueue`."""
        if self._sealed:
            raise closed()
        dropped = None
        if not force and self._is_full():
            if self._options.overflow == "block":
                self._log_waiting()
                return False
            dropped = self._make_room(event)
        if dropped is not event:
            self._waits_since = None
            self._incoming.append(event)
            self._bytes += len(event) + 1
            if self._wake_at and (self._wake_at <= len(self._incoming) or self._is_large()):
                self._wake_sender()
            if self._sealed and self._withdraw(event):
                raise closed()
        if dropped is not None:
            report(self._options, Delivery(state="dropped", encoded=[dropped]))
        return True

    def _log_waiting(self) -> None:
        """Log that `log()` has been waiting for a while, and then once a minute."""
        now = self._clock.monotonic()
        if self._waits_since is None:
            self._waits_since = now
        if now - self._waits_since >= _LONG_WAIT and now - self._logged_at >= _LOG_EVERY:
            self._logged_at = now
            logger.error(
                "%d events wait already (max_pending), and cannot be sent; log() waits for room",
                self._max_pending,
            )

    def _is_full(self) -> bool:
        pending = len(self._incoming) + len(self._returned) + len(self._held)
        return pending >= self._max_pending

    def _is_large(self) -> bool:
        return self._bytes > self._max_bytes

    def _wake_sender(self) -> None:
        if self._wake_at == 1:
            self._since = self._clock.monotonic()
        self._wake_at = 0
        self._wake()

    def _withdraw(self, event: bytes) -> bool:
        """Remove an event that was logged while the queue was closed, unless it is claimed."""
        with self._moving:
            try:
                self._incoming.remove(event)  # an equal event, if found first, is as good
            except ValueError:
                return False
            self._skipped.increment()
            return True

    def _make_room(self, event: bytes) -> bytes:
        """Drop and return an event: this one if all others are being sent."""
        overflow = self._options.overflow
        if overflow == "raise":
            raise EventQueueFullError(
                f"{self._max_pending} events wait already (max_pending), and this one was not "
                "accepted"
            )
        with self._moving:
            oldest = self._pop_oldest() if overflow == "drop_oldest" else None
            self._dropped.increment()
        return event if oldest is None else oldest

    def _pop_oldest(self) -> bytes | None:
        with suppress(IndexError):
            return self._returned.popleft()[2]
        with suppress(IndexError):
            event = self._incoming.popleft()
            self._skipped.increment()
            return event
        return None

    def due_in(self) -> float | None:
        """See `EventQueue`."""
        if self._returned:
            return 0.0
        # Ask for the wake-up first and look at the queue afterwards; in the other order an event
        # that arrives in between would wake nobody.
        self._wake_at = 1
        if not self._incoming:
            return None
        self._wake_at = self._max_batch
        if len(self._incoming) >= self._max_batch or self._is_large():
            return 0.0
        return max(0.0, self._since + self._options.flush_interval - self._clock.monotonic())

    def claim(self, limit: int | None = None) -> Batch | None:
        """See `EventQueue`."""
        with self._moving:
            events: list[bytes] = []
            ids: list[int] = []
            self._take(events, ids, min(limit or self._max_batch, self._max_batch))
        return Batch(events, ids) if events else None

    def _take(self, events: list[bytes], ids: list[int], limit: int) -> None:
        """Move events into the hands of the sender."""
        # Dropping may remove an event between any two steps, so no step relies on the one before.
        size = 0
        with suppress(IndexError):
            while len(events) < limit:
                size += len(self._returned[0][2]) + 1
                if size > self._max_bytes and events:
                    return
                number, since, event = self._returned.popleft()
                self._held[number] = since
                ids.append(number)
                events.append(event)
        number = self._left
        taken = 0
        with suppress(IndexError):
            while len(events) < limit:
                size += len(self._incoming[0]) + 1
                if size > self._max_bytes and events:
                    break
                events.append(self._incoming.popleft())
                ids.append(number + taken)
                self._held[number + taken] = self._since
                taken += 1
        self._claimed += taken
        self._look(taken)

    def _look(self, taken: int) -> None:
        """Note what a claim left in `incoming`."""
        now = self._clock.monotonic()
        left = len(self._incoming)
        if not left:
            self._since = now
        elif taken >= self._seen:  # all that is left arrived after the last claim
            self._since = max(self._since, self._seen_at)
        self._seen, self._seen_at = left, now
        if left < self._max_batch:
            waiting = list(self._incoming)  # a copy, since threads append during the sum
            self._bytes = sum(map(len, waiting)) + len(waiting)

    @property
    def _left(self) -> int:
        """The number of events that left `incoming`, which is the number of the next one."""
        return self._claimed + self._skipped.value

    def renew(self, batch: Batch) -> bool:  # noqa: ARG002
        """See `EventQueue`."""
        return True

    def complete(self, batch: Batch) -> None:
        """See `EventQueue`."""
        with self._moving:
            self._delivered += self._finish(batch)

    def dead_letter(
        self,
        batch: Batch,
        state: Literal["rejected", "ambiguous"],
        why: str,  # noqa: ARG002
    ) -> None:
        """See `EventQueue`."""
        with self._moving:
            finished = self._finish(batch)
            if state == "rejected":
                self._rejected += finished
            else:
                self._ambiguous += finished

    def _finish(self, batch: Batch) -> int:
        """Remove a batch from `held`; return the number of events that were there."""
        before = len(self._held)
        for number in batch.ids:
            self._held.pop(number, None)
        return before - len(self._held)

    def release(self, batches: Sequence[Batch], *, retried: int, unclear: bool) -> None:
        """See `EventQueue`."""
        with self._moving:
            again = [
                (number, self._held[number], event)
                for batch in batches
                for number, event in zip(batch.ids, batch.events, strict=True)
            ]
            # Dropping may take one of them at any time, so each is removed, not copied.
            with suppress(IndexError):
                while True:
                    again.append(self._returned.popleft())
            again.sort()
            self._returned.extend(again)
            for batch in batches:
                self._finish(batch)
            self._retried += retried
            self._resent_ambiguous += retried if unclear else 0

    def mark(self) -> int:
        """See `EventQueue`."""
        with self._moving:
            return self._left + len(self._incoming)

    def reached(self, mark: int, *, here: bool = False) -> bool:  # noqa: ARG002
        """See `EventQueue`."""
        if mark <= self._reached:
            return True
        with self._moving:
            if self._left < mark or min(self._open_numbers(), default=mark) < mark:
                return False
            self._reached = mark
            return True

    def _open_numbers(self) -> list[int]:
        return [*self._held, *(number for number, _, _ in list(self._returned))]

    def seal(self) -> None:
        """See `EventQueue`."""
        self._sealed = True

    def stats(self) -> EventStats:
        """See `EventQueue`."""
        with self._moving:
            dropped = self._dropped.value
            claimed = len(self._held) + len(self._returned)
            pending = claimed + len(self._incoming)
            final = self._delivered + self._rejected + self._ambiguous + dropped
            times = [*self._held.values(), *(since for _, since, _ in list(self._returned))]
            since = min(times, default=self._since)
            return EventStats(
                accepted=final + pending,
                delivered=self._delivered,
                rejected=self._rejected,
                ambiguous=self._ambiguous,
                dropped=dropped,
                pending=pending,
                retried=self._retried,
                resent_ambiguous=self._resent_ambiguous,
                oldest_age=self._clock.monotonic() - since if pending else 0.0,
            )

    def close(self) -> None:
        """See `EventQueue`."""
