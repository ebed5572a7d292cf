"""Results and progress of an import."""

from pathlib import Path

from attrs import frozen


@frozen(kw_only=True)
class RejectionReason:
    """A reason why lines or rows were not delivered."""

    reason: str
    """The reason of the first of them; others differ in values and numbers."""
    count: int
    """Number of lines or rows."""
    example: str
    """Place of the first of them, as in "sales.csv:4" or "partition 3, row 17"."""

    def __str__(self) -> str:
        return f"{self.count:,} not sent: {self.reason} (first in {self.example})"


@frozen(kw_only=True)
class ImportSummary:
    """Counts of one run of an import.

    `read == delivered + rejected + ambiguous + blank + skipped + unsent`, always.
    """

    read: int = 0
    """Lines or rows that were read, including those of earlier runs."""
    delivered: int = 0
    """Events that Statsig accepted."""
    rejected: int = 0
    """Lines that a check before sending, or Statsig, rejected; they are dead letters."""
    ambiguous: int = 0
    """Events that were sent, and may have been accepted; they are dead letters."""
    blank: int = 0
    """Lines without content."""
    skipped: int = 0
    """Lines that an earlier run has completed."""
    unsent: int = 0
    """Lines that were read but not sent; the next run sends them."""
    retried: int = 0
    """Events that were sent again, counted once per attempt."""
    resent: int = 0
    """Events that may have been accepted before: the maximum number of duplicates."""
    bytes_sent: int = 0
    """Size of the delivered events in bytes, before compression."""
    seconds: float = 0.0
    """Duration of the run."""
    stopped: bool = False
    """True if the run ended before its input did."""
    reasons: tuple[RejectionReason, ...] = ()
    """The three most frequent reasons of the dead letters of this run."""
    dead_letters: Path | None = None
    """File with the dead letters of this and earlier runs; None without dead letters."""

    @property
    def balances(self) -> bool:
        """True if every line is counted exactly once."""
        return self.read == (
            self.delivered
            + self.rejected
            + self.ambiguous
            + self.blank
            + self.skipped
            + self.unsent
        )

    @property
    def complete(self) -> bool:
        """True if this and earlier runs delivered the complete input."""
        return not (self.stopped or self.unsent or self.dead_letters)


@frozen(kw_only=True)
class ImportProgress:
    """Progress of an import, as passed to `on_progress`."""

    summary: ImportSummary
    """Counts so far."""
    bytes_read: int
    """Bytes of the input files that were read, before decompression."""
    bytes_total: int | None
    """Size of all input files in bytes; None for standard input."""
    bytes_skipped: int = 0
    """Approximate part of `bytes_read` that earlier runs have completed."""
    concurrency: int
    """Number of requests that may be in progress now."""

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the remaining duration; None if it is unknown."""
        read = self.bytes_read - self.bytes_skipped
        if not self.bytes_total or read <= 0:
            return None
        return self.summary.seconds * (self.bytes_total - self.bytes_read) / read
