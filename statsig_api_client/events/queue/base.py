"""Where events wait: what the delivery needs of a queue in memory, or of a spool."""

from collections.abc import Sequence
from typing import Literal, Protocol

from attrs import frozen

from ..stats import EventStats


@frozen
class Batch:
    """Events that are sent together, in the order in which they were logged."""

    events: Sequence[bytes]
    ids: Sequence[int] = ()
    """Their places in the spool."""
    lease: int = 0
    """The right to send them, in the spool."""

    def __len__(self) -> int:
        return len(self.events)

    def halves(self) -> "tuple[Batch, Batch]":
        """Two batches instead of one."""
        middle = len(self.events) // 2
        return (
            Batch(self.events[:middle], self.ids[:middle], self.lease),
            Batch(self.events[middle:], self.ids[middle:], self.lease),
        )


class Store(Protocol):
    """Keeps events and the account of them. Safe for threads.

    Each event is in one place at any time, and moves together with what is counted.
    """

    def offer(self, event: bytes, *, force: bool = False) -> bool:
        """Take an event; False when there is no room and the event should wait for some.

        Raises:
            EventQueueFullError: There is no room, and `overflow` is `raise`.
            ConfigurationError: It takes no more.
        """
        ...

    def due_in(self) -> float | None:
        """Seconds until there is something to claim; None when nobody knows."""
        ...

    def claim(self, limit: int | None = None) -> Batch | None:
        """Take the oldest events, to send them; None when there are none.

        At most `limit` events, and at most as many as a batch has.
        """
        ...

    def renew(self, batch: Batch) -> bool:
        """Whether a claimed batch is still ours to send, and will be for one more attempt."""
        ...

    def delivered(self, batch: Batch) -> None:
        """A claimed batch, or a part of one, was accepted."""
        ...

    def set_aside(self, batch: Batch, state: Literal["rejected", "ambiguous"], why: str) -> None:
        """A claimed batch, or a part of one, is not sent again."""
        ...

    def release(self, batches: Sequence[Batch], *, retried: int, unclear: bool) -> None:
        """Give back what was claimed, so that it is sent first; `retried` events were tried."""
        ...

    def mark(self) -> int:
        """The place of the youngest event."""
        ...

    def reached(self, mark: int, *, here: bool = False) -> bool:
        """Whether all events up to a place have their final state.

        With `here`, what another process is sending counts as if it had: nothing is left to do for
        this one.
        """
        ...

    def seal(self) -> None:
        """Take no more events."""
        ...

    def stats(self) -> EventStats:
        """The account; the last that is known, when it cannot be read."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...
