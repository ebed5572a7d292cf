"""Results and progress of an import."""

from pathlib import Path

from attrs import frozen


@frozen(kw_only=True)
class RejectionReason:
    """A reason for undelivered lines or rows."""

    reason: str
    """The reason for the first of them; those of the others differ in values and numbers."""
    count: int
    """Number of lines or rows."""
    example: str
    """Place of the first one, such as "sales.csv:4" or "partition 3, row 17"."""

    def __str__(self) -> str:
        return f"{self.count:,} not sent: {self.reason} (first in {self.example})"


@frozen(kw_only=True)
class ImportSummary:
    """Counts of one run of an import.

    `read == delivered + rejected + ambiguous + blank + skipped + unsent` always holds.
    """

    read: int = 0
    """Lines or rows read, including those of earlier runs."""
    delivered: int = 0
    """Events that Statsig accepted."""
    rejected: int = 0
    """Lines that were rejected before sending or by Statsig; they are dead letters."""
    ambiguous: int = 0
    """Events that Statsig may have accepted; they are dead letters."""
    blank: int = 0
    """Lines without content."""
    skipped: int = 0
    """Lines that an earlier run completed."""
    unsent: int = 0
    """Lines that were read but not sent; the next run sends them."""
    retried: int = 0
    """Events that were resent, counted once per attempt."""
    resent: int = 0
    """Events that were resent although Statsig may have accepted them: possible duplicates."""
    bytes_sent: int = 0
    """Size of the delivered events in bytes, before compression."""
    seconds: float = 0.0
    """Duration of the run in seconds."""
    stopped: bool = False
    """True if the run ended before its input."""
    reasons: tuple[RejectionReason, ...] = ()
    """The three most frequent reasons for the dead letters of this run."""
    dead_letters: Path | None = None
    """File with the dead letters of this and earlier runs, or None."""

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
    """Bytes read of the input files, before decompression."""
    bytes_total: int | None
    """Size of all input files in bytes; None for standard input."""
    bytes_skipped: int = 0
    """Approximate part of `bytes_read` that earlier runs completed."""
    concurrency: int
    """Number of requests that may be in progress now."""

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining seconds; None if unknown."""
        read = self.bytes_read - self.bytes_skipped
        if not self.bytes_total or read <= 0:
            return None
        return self.summary.seconds * (self.bytes_total - self.bytes_read) / read
