"""The account of a write: of one partition, and of all."""

import logging
from typing import Any, Final, Literal, TypeAlias

import attrs
from attrs import field, frozen
from pyspark.sql.datasource import WriterCommitMessage

from .._errors import ConfigurationError
from .job_directory import JobDirectory

State: TypeAlias = Literal["committed", "aborted"]

logger: Final = logging.getLogger("statsig_api_client")


@frozen(kw_only=True)
class Totals:
    """What became of rows.

    `read == delivered + rejected + ambiguous + skipped + unsent`, always.
    """

    read: int = 0
    """Rows that Spark handed over."""
    delivered: int = 0
    """Statsig accepted them."""
    rejected: int = 0
    """They are bad, as a check before sending or Statsig said: among the dead letters."""
    ambiguous: int = 0
    """Sent, and the reply was lost: among the dead letters, since nobody knows."""
    skipped: int = 0
    """An earlier attempt has accounted for them: it delivered them, or they are among its dead
    letters."""
    unsent: int = 0
    """Handed over, and not sent, since no request could succeed."""
    requests: int = 0
    retried: int = 0
    """Events that were sent once more by the same attempt, counted each time."""
    resent: int = 0
    """Those of them that Statsig may have accepted before: they may count twice."""
    unrecognised: int = 0
    """What an earlier attempt has accounted for, and this one did not come by: its rows were
    others, or in another form. If they are the same events all the same, they count twice."""
    overlapped: int = 0
    """What another attempt has accounted for while this one ran, as in speculative execution: the
    most that was sent by both."""
    bytes_sent: int = 0
    """Bytes of the delivered events, before compression."""

    @property
    def balances(self) -> bool:
        """Whether every row is accounted for once."""
        return self.read == (
            self.delivered + self.rejected + self.ambiguous + self.skipped + self.unsent
        )

    def __add__(self, other: "Totals") -> "Totals":
        names = [each.name for each in attrs.fields(Totals)]
        return Totals(**{name: getattr(self, name) + getattr(other, name) for name in names})


class PartitionTotals(WriterCommitMessage):
    """What a task says to the driver when it ends."""

    def __init__(self, totals: Totals, query: str | None, problem: str | None) -> None:
        self.totals = totals
        self.query = query
        """The stream, if it is one."""
        self.problem = problem
        """Why it ended before its rows did, if another attempt would do no better."""


@frozen(kw_only=True)
class WriteSummary:
    """How a job, or an epoch of a stream, ended."""

    state: State
    totals: Totals
    """Of the tasks that ended; of those that failed only `recorded` knows."""
    partitions: int
    """Tasks that ended."""
    recorded: int | None = None
    """After a job was aborted: how many rows are accounted for, by tasks that ended or failed.
    With `resume` they are skipped."""
    dead_letters: bool = False
    """Whether there are rows that were not delivered."""
    problems: list[str] = field(factory=list[str])
    """Why it ended before its rows did, as far as tasks could say."""

    def write(self, directory: JobDirectory) -> None:
        """Write it down, and log it."""
        directory.write_summary(attrs.asdict(self))
        doubtful = self.totals.unrecognised or self.totals.overlapped or self.dead_letters
        logger.log(
            logging.WARNING if doubtful or self.state == "aborted" else logging.INFO, "%s", self
        )

    def __str__(self) -> str:
        numbers = [
            f"{value:,} {name}"
            for name, value in attrs.asdict(self.totals).items()
            if value or name == "read"
        ]
        recorded = [] if self.recorded is None else [f"{self.recorded:,} rows are accounted for"]
        return f"{self.state}: " + ", ".join([*numbers, *recorded, *self.problems])


def read_summary(path: str) -> WriteSummary:
    """How a job ended.

    Args:
        path: The directory that was given to `save`; of a stream that of an epoch.

    Raises:
        ConfigurationError: There is no summary: it has not ended, or the driver was killed.

    Example:
        >>> events.write.format("statsig").mode("append").save("/shared/job-1")
        >>> read_summary("/shared/job-1").totals.delivered
    """
    found = JobDirectory(path).summary()
    if found is None:
        raise ConfigurationError(f"path {path}: there is no summary; no job has ended there")
    return _read(found)


def _read(data: dict[str, Any]) -> WriteSummary:
    rest = {name: value for name, value in data.items() if name != "totals"}
    return WriteSummary(totals=Totals(**data["totals"]), **rest)
