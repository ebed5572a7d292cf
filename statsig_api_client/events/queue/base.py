"""The interface of event queues: in memory, or in a spool."""

from collections.abc import Sequence
from typing import Literal, Protocol

from attrs import frozen

from ..stats import EventStats


@frozen
class Batch:
    """Events of one request, in the order of logging."""

    events: Sequence[bytes]
    ids: Sequence[int] = ()
    """The numbers of the events in the queue."""
    lease: int = 0
    """The token of the lease; 0 in memory."""

    def __len__(self) -> int:
        return len(self.events)

    def halves(self) -> "tuple[Batch, Batch]":
        """Return the two halves of the batch."""
        middle = len(self.events) // 2
        return (
            Batch(self.events[:middle], self.ids[:middle], self.lease),
            Batch(self.events[middle:], self.ids[middle:], self.lease),
        )


class EventQueue(Protocol):
    """A queue of events and their account, safe for threads.

    Each event is in one place at any time, and the account changes together with that place.
    """

    def put(self, event: bytes, *, force: bool = False) -> bool:
        """Add an event; return False if the caller has to wait for room.

        With `force`, the limit of the queue does not apply.

        Raises:
            EventQueueFullError: The queue is full and `overflow` is `raise`.
            ConfigurationError: The queue is sealed.
        """
        ...

    def due_in(self) -> float | None:
        """Return the seconds until there may be a batch; None until a new event arrives.

        The queue calls `wake` when a new event makes the time shorter.
        """
        ...

    def claim(self, limit: int | None = None) -> Batch | None:
        """Claim the oldest events for sending: at most `limit`, and at most `max_batch`.

        Returns:
            The batch; None if no events can be claimed.
        """
        ...

    def renew(self, batch: Batch) -> bool:
        """Renew the claim for one more attempt; return False if it has expired."""
        ...

    def complete(self, batch: Batch) -> None:
        """Remove a claimed batch, or a part of one, that was accepted."""
        ...

    def dead_letter(self, batch: Batch, state: Literal["rejected", "ambiguous"], why: str) -> None:
        """Remove a claimed batch, or a part of one, that is not sent again."""
        ...

    def release(self, batches: Sequence[Batch], *, retried: int, unclear: bool) -> None:
        """Return claimed events to the queue, to be claimed first.

        `retried` events were sent; with `unclear`, they may have been accepted.
        """
        ...

    def mark(self) -> int:
        """Return the position of the youngest event."""
        ...

    def reached(self, mark: int, *, here: bool = False) -> bool:
        """Return whether all events up to a position have a final state.

        With `here`, events that another process is sending do not count.
        """
        ...

    def seal(self) -> None:
        """Accept no more events."""
        ...

    def stats(self) -> EventStats:
        """Return the account; if it cannot be read, the last known one."""
        ...

    def close(self) -> None:
        """Close the queue and its files."""
        ...
