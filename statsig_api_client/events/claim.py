"""Claimed batches, and the parts of them that have no final state yet."""

from typing import Final

from attrs import define

from .queue.base import Batch

PATIENCE: Final = 3
"""Failures of a part before it is halved."""


@define(eq=False)
class Part:
    """A claimed batch or a part of one, which is sent in one request."""

    batch: Batch
    failures: float = 0.0
    """Failures of this part; those count for less when other requests fail, too."""
    evidence: float = 0.0
    """Such failures of all parts that contained these events, as long as the server accepted
    another request since the failure before, so that it is known to work.
    """

    def failed(self, evidence: float | None) -> None:
        """Record a failure; see `Claim.evidence`."""
        self.failures += 1.0 if evidence is None else evidence
        self.evidence += evidence or 0.0

    def halves(self) -> "tuple[Part, Part]":
        """Return the two halves."""
        # One more failure splits them again, until the event that causes the failures is alone.
        failures = min(self.failures, PATIENCE - 1.0)
        first, second = (
            Part(half, failures if len(half) > 1 else 0.0, self.evidence)
            for half in self.batch.halves()
        )
        return first, second


@define(eq=False)
class Claim:
    """A claimed batch. Its parts are sent one after another, since they share a lease."""

    parts: list[Part]
    """The parts that have no final state; the last one is next, or being sent."""
    request: int = 0
    """The number of the request in progress."""
    failures: int = 0
    """Failures in a row."""
    accepted: int | None = None
    """The requests that the server had accepted at the last failure."""
    failed: int = 0
    """The requests that had failed then."""
    again_at: float = 0.0
    """The time of the next attempt."""

    @classmethod
    def of(cls, batch: Batch) -> "Claim":
        """Return the claim of a batch that was not sent yet."""
        return cls([Part(batch)])

    @property
    def part(self) -> Part:
        """The part that is next, or being sent."""
        return self.parts[-1]

    @property
    def batches(self) -> list[Batch]:
        """The events that have no final state, in order."""
        return [part.batch for part in reversed(self.parts)]

    def split(self) -> None:
        """Split the part that is next; its halves are next."""
        self.parts += reversed(self.parts.pop().halves())

    def split_later(self) -> None:
        """Split the part that is next; its halves are last."""
        self.parts[:0] = reversed(self.parts.pop().halves())

    def rotate(self) -> None:
        """Send the other parts first: they show whether the server works."""
        self.parts.insert(0, self.parts.pop())

    def evidence(self, accepted: int, failed: int) -> float | None:
        """Record a failure, and return its weight as evidence against the events, from 0 to 1.

        None stands for nothing: no request was accepted since the failure before.

        Args:
            accepted: The requests that the server accepted so far.
            failed: The other requests that failed so far.
        """
        evidence = None
        if self.accepted is not None and accepted > self.accepted:
            evidence = max(0.0, 1 - (failed - self.failed) / (accepted - self.accepted))
        self.accepted, self.failed = accepted, failed + 1
        return evidence
