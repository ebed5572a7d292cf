"""Totals of a partition and of a job."""

import logging
from typing import Any, Final, Literal, TypeAlias

import attrs
from attrs import field, frozen
from pyspark.sql.datasource import WriterCommitMessage

from .._errors import ConfigurationError
from ..bulk.summary import RejectionReason
from .job_directory import JobDirectory

WriteState: TypeAlias = Literal["committed", "aborted"]

logger: Final = logging.getLogger("statsig_api_client")


@frozen(kw_only=True)
class Totals:
    """Numbers of rows with each result.

    `read == delivered + rejected + ambiguous + skipped + unsent` always holds.
    """

    read: int = 0
    """Rows that Spark passed."""
    delivered: int = 0
    """Events that Statsig accepted."""
    rejected: int = 0
    """Rows that were rejected before sending or by Statsig; they are dead letters."""
    ambiguous: int = 0
    """Events that Statsig may have accepted; they are dead letters."""
    skipped: int = 0
    """Rows that an earlier attempt completed."""
    unsent: int = 0
    """Rows that were not sent because no request could succeed."""
    requests: int = 0
    """Requests that were sent."""
    retried: int = 0
    """Events that were resent in the same attempt, counted each time."""
    resent: int = 0
    """Events that were resent although Statsig may have accepted them: possible duplicates."""
    unmatched: int = 0
    """Events of earlier attempts that did not recur because the rows had changed. Statsig may count
    them twice if their rows were sent in another form."""
    concurrent: int = 0
    """Events that another attempt completed while this one ran, as in speculative execution: the
    maximum number that both sent."""
    bytes_sent: int = 0
    """Size of the delivered events in bytes, before compression."""

    @property
    def balances(self) -> bool:
        """True if every row is counted exactly once."""
        return self.read == (
            self.delivered + self.rejected + self.ambiguous + self.skipped + self.unsent
        )

    def __add__(self, other: "Totals") -> "Totals":
        names = [each.name for each in attrs.fields(Totals)]
        return Totals(**{name: getattr(self, name) + getattr(other, name) for name in names})


class PartitionTotals(WriterCommitMessage):
    """Message from a task to the driver."""

    def __init__(
        self,
        totals: Totals,
        query: str | None,
        problem: str | None,
        reasons: tuple[RejectionReason, ...] = (),
    ) -> None:
        self.totals = totals
        self.reasons = reasons
        """The most frequent reasons of the dead letters."""
        self.query = query
        """The ID of the streaming query; None for a batch."""
        self.problem = problem
        """The reason why the task stopped, if another attempt cannot succeed."""


@frozen(kw_only=True)
class WriteSummary:
    """Result of a job, or of an epoch of a stream."""

    state: WriteState
    totals: Totals
    """Totals of the tasks that ended; `recorded` alone includes failed tasks."""
    partitions: int
    """Number of tasks that ended."""
    recorded: int | None = None
    """After an aborted job, the number of completed rows of all tasks; `resume` skips them."""
    dead_letters: bool = False
    """True if there are dead letters."""
    problems: list[str] = field(factory=list[str])
    """The reasons why tasks stopped, if they could report them."""
    reasons: tuple[RejectionReason, ...] = ()
    """The three most frequent reasons of the dead letters of the tasks that ended."""

    def write(self, directory: JobDirectory) -> None:
        """Write the summary to the directory, and log it."""
        directory.write_summary(attrs.asdict(self))
        is_suspicious = self.totals.unmatched or self.totals.concurrent or self.dead_letters
        level = logging.WARNING if is_suspicious or self.state == "aborted" else logging.INFO
        logger.log(level, "%s", self)

    def __str__(self) -> str:
        numbers = [
            f"{value:,} {name}"
            for name, value in attrs.asdict(self.totals).items()
            if value or name == "read"
        ]
        recorded = [] if self.recorded is None else [f"{self.recorded:,} rows are completed"]
        return f"{self.state}: " + "\n".join(
            [", ".join([*numbers, *recorded, *self.problems]), *map(str, self.reasons)]
        )


def read_summary(path: str) -> WriteSummary:
    """Return the summary of a job.

    Args:
        path: The directory of the job; for a stream, that of an epoch.

    Raises:
        ConfigurationError: The job has not ended, or the driver died.

    Example:
        >>> events.write.format("statsig").mode("append").save("/shared/job-1")
        >>> read_summary("/shared/job-1").totals.delivered
    """
    found = JobDirectory(path).summary()
    if found is None:
        raise ConfigurationError(f"path {path}: no summary; no job has ended there")
    return _parsed(found)


def _parsed(data: dict[str, Any]) -> WriteSummary:
    others = {name: value for name, value in data.items() if name not in {"totals", "reasons"}}
    reasons = tuple(RejectionReason(**reason) for reason in data.get("reasons", ()))
    return WriteSummary(totals=Totals(**data["totals"]), reasons=reasons, **others)
