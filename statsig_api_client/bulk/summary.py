"""The account of an import."""

from pathlib import Path

from attrs import frozen


@frozen(kw_only=True)
class ImportSummary:
    """What became of every line: of this run, unless it says otherwise.

    `read == delivered + rejected + ambiguous + blank + skipped + unsent`, always.
    """

    read: int = 0
    """Lines, rows or records of the input, as far as it was read, with those of earlier runs."""
    delivered: int = 0
    """Statsig accepted them."""
    rejected: int = 0
    """They are bad, as a check before sending or Statsig said: in the file of dead letters."""
    ambiguous: int = 0
    """Sent, and the reply was lost: in the file of dead letters, since nobody knows."""
    blank: int = 0
    """Lines with nothing in them."""
    skipped: int = 0
    """An earlier run has accounted for them."""
    unsent: int = 0
    """Read, and not accounted for when the run ended; the next run sends them."""
    retried: int = 0
    """Events that were sent once more, counted each time."""
    resent: int = 0
    """Events that may have been accepted before: the most that Statsig counts twice."""
    bytes_sent: int = 0
    """Bytes of the delivered events, before compression."""
    seconds: float = 0.0
    stopped: bool = False
    """Whether it was asked to stop before the end of the input."""
    dead_letters: Path | None = None
    """The file of what was rejected or is ambiguous, by this run or an earlier one, if any was."""

    @property
    def balances(self) -> bool:
        """Whether every line is accounted for once."""
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
        """Whether all of the input was delivered, by this run or an earlier one."""
        return not (self.stopped or self.unsent or self.dead_letters)


@frozen(kw_only=True)
class ImportProgress:
    """How far an import is: what `on_progress` is called with."""

    summary: ImportSummary
    bytes_read: int
    """Bytes of the input's files, as they are on the disk."""
    bytes_total: int | None
    """None when nobody knows, as of standard input."""
    bytes_skipped: int = 0
    """Those of `bytes_read` that earlier runs have read, about."""
    concurrency: int
    """The most requests that may be on their way now."""

    @property
    def seconds_left(self) -> float | None:
        """As the speed so far lets expect; None when nobody knows."""
        read = self.bytes_read - self.bytes_skipped
        if not self.bytes_total or read <= 0:
            return None
        return self.summary.seconds * (self.bytes_total - self.bytes_read) / read
