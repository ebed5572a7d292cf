"""The data source `statsig`: what Spark calls, on the driver and in tasks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pyspark.sql.datasource import (
    DataSource,
    DataSourceArrowWriter,
    DataSourceStreamArrowWriter,
    WriterCommitMessage,
)
from pyspark.taskcontext import TaskContext

from .._delivery.sender import EventSender
from .._errors import (
    APIConnectionError,
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
    StatsigError,
)
from ..bulk.mapping import EventMapping
from .job_directory import JobDirectory
from .journal import Journal
from .options import Connection, SinkOptions, read_options
from .rows import count_rows, mapping_of, rows_of
from .totals import PartitionTotals, State, Totals, WriteSummary, logger
from .writing import PartitionWriter

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

_KEPT_EPOCHS: Final = 200
"""Spark can be set back by as many epochs as it keeps, which are 100 unless it is told more."""

Messages = Sequence[WriterCommitMessage | None]


class StatsigDataSource(DataSource):
    """Sends rows to Statsig as events, from batches and streams.

    Example:
        >>> spark.dataSource.register(StatsigDataSource)
        >>> events.write.format("statsig").mode("append").save("/shared/job-1")
    """

    @classmethod
    def name(cls) -> str:
        """The name for `format`."""
        return "statsig"

    def schema(self) -> "StructType":
        """Of what could be read.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError("statsig is written to, and cannot be read")

    def writer(self, schema: "StructType", overwrite: bool) -> DataSourceArrowWriter:  # noqa: FBT001
        """What writes a batch.

        Raises:
            ConfigurationError: An option, a column, the mode or the directory is not as it must be.
            APIStatusError: Statsig refuses the key that the driver has, if it has one.
        """
        job = _job(self.options, schema, overwrite=overwrite)
        directory = job.directory
        found = directory.summary()
        if found is not None and found["state"] == "committed":
            raise ConfigurationError(
                f"path {directory.path}: an earlier job was committed there. Each job needs a "
                "directory of its own"
            )
        recorded = directory.recorded()
        if recorded and not job.options.resume:
            raise ConfigurationError(
                f"path {directory.path}: an earlier run did not end well, after it had accounted "
                f"for {recorded:,} events. With the option resume=true those of them that come by "
                "again, in the same partition and form, are skipped; in another directory all are "
                "sent"
            )
        _see_key(job.options.connection)
        directory.open()
        return BatchWriter(job)

    def streamWriter(self, schema: "StructType", overwrite: bool) -> DataSourceStreamArrowWriter:  # noqa: FBT001, N802
        """What writes the epochs of a stream.

        Raises:
            ConfigurationError: As for `writer`.
        """
        job = _job(self.options, schema, overwrite=overwrite)
        job.directory.open()
        return StreamWriter(job)


class Job:
    """What tasks are told."""

    def __init__(self, options: SinkOptions, mapping: EventMapping) -> None:
        self.options = options
        self.mapping = mapping
        self.directory: JobDirectory = JobDirectory(options.path)

    def write(
        self, batches: Iterator[object], directory: JobDirectory, query: str | None = None
    ) -> PartitionTotals:
        """Send the rows of a partition.

        What no other attempt could do better does not raise, since Spark would try it again, but
        is told to the driver.
        """
        partition = _context().partitionId()
        try:
            self.directory.see()
            client = self.options.connection.client()
        except ConfigurationError as error:
            return PartitionTotals(Totals(), query, f"on an executor: {error}")
        with client as statsig:
            journal = Journal(directory, partition)
            writer = PartitionWriter(statsig, self.options, self.mapping, journal, partition)
            totals, problem = writer.write(rows_of(batches))
        return PartitionTotals(totals, query, None if problem is None else str(problem))


class BatchWriter(DataSourceArrowWriter):
    """Writes a batch."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def write(self, iterator: Iterator[object]) -> PartitionTotals:
        """Send the rows of a partition, in a task."""
        return self._job.write(iterator, self._job.directory)

    def commit(self, messages: Messages) -> None:
        """Sum up, on the driver."""
        _commit(self._job.directory, messages)

    def abort(self, messages: Messages) -> None:
        """Say what was delivered although the job failed."""
        _abort(self._job.directory, messages)


class StreamWriter(DataSourceStreamArrowWriter):
    """Writes the epochs of a stream, each as if it were a job with a directory of its own."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def write(self, iterator: Iterator[object]) -> PartitionTotals:
        """Send the rows of a partition, unless its epoch was committed before."""
        context = _context()
        query = str(context.getLocalProperty("sql.streaming.queryId"))
        epoch = str(context.getLocalProperty("streaming.sql.batchId"))
        directory = self._job.directory / query / epoch
        found = directory.summary()
        if found is not None and found["state"] == "committed":
            rows = count_rows(iterator)
            return PartitionTotals(Totals(read=rows, skipped=rows), query, None)
        return self._job.write(iterator, directory, query)

    def commit(self, messages: Messages, batchId: int) -> None:  # noqa: N803
        """Sum up an epoch."""
        query = _query(messages)
        if query is None:
            return
        epochs = self._job.directory / query
        found = (epochs / str(batchId)).summary()
        if found is not None and found["state"] == "committed":
            logger.warning("epoch %d was committed before, and is not sent again", batchId)
            return
        _commit(epochs / str(batchId), messages)
        old = epochs / str(batchId - _KEPT_EPOCHS)
        if batchId >= _KEPT_EPOCHS and not old.has_letters():
            old.remove()

    def abort(self, messages: Messages, batchId: int) -> None:  # noqa: N803
        """Say what was delivered although the epoch failed; it is sent again after a restart."""
        query = _query(messages)
        if query is not None:
            _abort(self._job.directory / query / str(batchId), messages)


def _job(options: Mapping[str, str], schema: "StructType", *, overwrite: bool) -> Job:
    if overwrite:
        raise ConfigurationError(
            "events can only be added to those that Statsig has: use mode('append'), and for a "
            "stream outputMode('append')"
        )
    checked = read_options(options)
    return Job(checked, mapping_of(schema, checked.mapping, checked.times))


def _see_key(connection: Connection) -> None:
    """Ask Statsig about the key, before hours of work come to nothing.

    The driver need have no key, and no way to Statsig: then it is for the tasks to see.
    """
    if not connection.is_complete:
        return
    with connection.client() as statsig:
        error = EventSender(statsig, compress=False).send([]).error
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        # Without the way that it took here: Spark shows all of it.
        raise error from None
    if isinstance(error, APIConnectionError):
        logger.warning("the driver does not reach Statsig, and tasks may not: %s", error)


def _context() -> TaskContext:
    context = TaskContext.get()
    assert context is not None  # noqa: S101  (Spark calls this in a task)
    return context


def _totals(messages: Messages) -> list[PartitionTotals]:
    return [message for message in messages if isinstance(message, PartitionTotals)]


def _query(messages: Messages) -> str | None:
    return next((message.query for message in _totals(messages)), None)


def _commit(directory: JobDirectory, messages: Messages) -> None:
    summary = _summary(directory, messages, "committed")
    totals = summary.totals
    if summary.problems:
        # Spark says no more of it than this.
        account = f" ({totals.read:,} rows were read, of which {totals.unsent:,} were not sent)"
        raise StatsigError(summary.problems[0] + (account if totals.read else ""))
    if totals.unsent or not totals.balances:
        raise StatsigError(f"the account of the tasks does not balance: {totals}")
    summary.write(directory)
    try:
        directory.end()
    except OSError as error:
        logger.warning("path %s: what is not needed any more is left: %s", directory.path, error)


def _abort(directory: JobDirectory, messages: Messages) -> None:
    _summary(directory, messages, "aborted").write(directory)


def _summary(directory: JobDirectory, messages: Messages, state: State) -> WriteSummary:
    ended = _totals(messages)
    return WriteSummary(
        state=state,
        totals=sum((message.totals for message in ended), Totals()),
        partitions=len(ended),
        recorded=directory.recorded() if state == "aborted" else None,
        dead_letters=directory.has_letters(),
        problems=sorted({message.problem for message in ended if message.problem is not None}),
    )
