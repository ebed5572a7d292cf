"""What came back refused before Statsig had accepted anything.

As long as that is so, refusals may say more about Statsig than about events.
"""

from collections import deque
from collections.abc import Iterator

from .batches import Batch
from .delivery import Outcome
from .pace import Pace


class Refusals:
    """Holds refused batches back until it is known whether their events are bad."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._held: deque[tuple[Batch, Outcome]] = deque()

    def taken(self, batch: Batch, outcome: Outcome) -> Iterator[tuple[Batch, Outcome]]:
        """What can be settled now that a batch has come back."""
        if outcome.rejected and not self._pace.accepted:
            self._held.append((batch, outcome))
            return
        yield batch, outcome
        while self._pace.accepted and self._held:
            yield self._held.popleft()

    def rest(self, *, finished: bool) -> Iterator[tuple[Batch, Outcome]]:
        """What is still held back, in the end.

        Args:
            finished: Whether all of the input was tried. If not, and nothing was accepted, no
                event counts as rejected.
        """
        while self._held:
            batch, outcome = self._held.popleft()
            if not (self._pace.accepted or finished):
                outcome.rejected.clear()
            yield batch, outcome
