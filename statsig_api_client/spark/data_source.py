"""The data source `statsig`, on the driver and in tasks."""

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
from ..bulk.event_builder import check_mapping
from ..bulk.mapping.fields import EventMapping
from ..bulk.reasons import ReasonCounter
from .job_directory import JobDirectory
from .options import TaskConnection, WriteOptions, read_options
from .progress_log import ProgressLog
from .schema import checked_mapping, count_rows, rows_of
from .task_writer import TaskWriter
from .totals import PartitionTotals, Totals, WriteState, WriteSummary, logger

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

_KEPT_EPOCHS: Final = 200
"""Number of epochs to which Spark can reset a stream by default."""

Messages = Sequence[WriterCommitMessage | None]


class StatsigDataSource(DataSource):
    """Data source that sends rows of batches and streams to Statsig as events.

    Example:
        >>> spark.dataSource.register(StatsigDataSource)
        >>> events.write.format("statsig").mode("append").save("/shared/job-1")
    """

    @classmethod
    def name(cls) -> str:
        """Return the name for `format`."""
        return "statsig"

    def schema(self) -> "StructType":
        """Raise an error, since the data source is write-only.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError("the data source statsig cannot be read; use it to write events")

    def writer(self, schema: "StructType", overwrite: bool) -> DataSourceArrowWriter:  # noqa: FBT001
        """Return the writer of a batch.

        Raises:
            ConfigurationError: An option, a column, the mode or the directory is invalid.
            APIStatusError: Statsig rejects the API key of the driver.
        """
        job = _write_job(self.options, schema, overwrite=overwrite)
        directory = job.directory
        if _is_committed(directory):
            raise ConfigurationError(
                f"path {directory.path}: an earlier job was committed there; use a separate "
                "directory for each job"
            )
        recorded = directory.recorded()
        if recorded and not job.options.resume:
            raise ConfigurationError(
                f"path {directory.path}: an earlier run failed after {recorded:,} events; pass "
                "resume=true to skip those that occur again in the same partition and form, or "
                "use another directory to send all of them"
            )
        _check_key(job.options.connection)
        directory.open()
        return BatchWriter(job)

    def streamWriter(self, schema: "StructType", overwrite: bool) -> DataSourceStreamArrowWriter:  # noqa: FBT001, N802
        """Return the writer of a stream.

        Raises:
            ConfigurationError: See `writer`.
        """
        job = _write_job(self.options, schema, overwrite=overwrite)
        job.directory.open()
        return StreamWriter(job)


class WriteJob:
    """Options and mapping of a write, which Spark sends to tasks."""

    def __init__(self, options: WriteOptions, mapping: EventMapping) -> None:
        self.options = options
        self.mapping = mapping
        self.directory: JobDirectory = JobDirectory(options.path)

    def write(
        self, batches: Iterator[object], directory: JobDirectory, query: str | None = None
    ) -> PartitionTotals:
        """Deliver the rows of a partition.

        Errors that another attempt cannot avoid are returned to the driver, because Spark would
        repeat a task that raises.
        """
        partition = _task_context().partitionId()
        try:
            self.directory.check_marker()
            client = self.options.connection.client()
        except ConfigurationError as error:
            return PartitionTotals(Totals(), query, f"on an executor: {error}")
        with client as statsig:
            progress = ProgressLog(directory, partition)
            writer = TaskWriter(statsig, self.options, self.mapping, progress, partition)
            totals, problem = writer.write(rows_of(batches))
        reason = None if problem is None else str(problem)
        return PartitionTotals(totals, query, reason, writer.reasons())


class BatchWriter(DataSourceArrowWriter):
    """Writer of a batch."""

    def __init__(self, job: WriteJob) -> None:
        self._job = job

    def write(self, iterator: Iterator[object]) -> PartitionTotals:
        """Deliver the rows of a partition, in a task."""
        return self._job.write(iterator, self._job.directory)

    def commit(self, messages: Messages) -> None:
        """Write the summary, on the driver."""
        _commit(self._job.directory, messages)

    def abort(self, messages: Messages) -> None:
        """Write the summary of a failed job."""
        _abort(self._job.directory, messages)


class StreamWriter(DataSourceStreamArrowWriter):
    """Writer of a stream; each epoch has its own directory, like a job."""

    def __init__(self, job: WriteJob) -> None:
        self._job = job

    def write(self, iterator: Iterator[object]) -> PartitionTotals:
        """Deliver the rows of a partition, unless its epoch is committed."""
        context = _task_context()
        query = str(context.getLocalProperty("sql.streaming.queryId"))
        epoch = str(context.getLocalProperty("streaming.sql.batchId"))
        directory = self._job.directory / query / epoch
        if _is_committed(directory):
            rows = count_rows(iterator)
            return PartitionTotals(Totals(read=rows, skipped=rows), query, None)
        return self._job.write(iterator, directory, query)

    def commit(self, messages: Messages, batchId: int) -> None:  # noqa: N803
        """Write the summary of an epoch, and remove that of an expired epoch."""
        query = _query(messages)
        if query is None:
            return
        epochs = self._job.directory / query
        if _is_committed(epochs / str(batchId)):
            logger.warning("epoch %d is already committed, and is not sent again", batchId)
            return
        _commit(epochs / str(batchId), messages)
        old = epochs / str(batchId - _KEPT_EPOCHS)
        if batchId >= _KEPT_EPOCHS and not old.has_dead_letters():
            old.remove()

    def abort(self, messages: Messages, batchId: int) -> None:  # noqa: N803
        """Write the summary of a failed epoch, which a restart sends again."""
        query = _query(messages)
        if query is not None:
            _abort(self._job.directory / query / str(batchId), messages)


def _write_job(options: Mapping[str, str], schema: "StructType", *, overwrite: bool) -> WriteJob:
    if overwrite:
        raise ConfigurationError(
            "events cannot be overwritten; use mode('append'), or outputMode('append') for a stream"
        )
    checked = read_options(options)
    mapping = checked_mapping(schema, checked.mapping, checked.times)
    check_mapping(mapping, checked.imports)
    return WriteJob(checked, mapping)


def _check_key(connection: TaskConnection) -> None:
    """Check the API key before any work, if the driver has it and can reach Statsig."""
    if not connection.has_key:
        return
    with connection.client() as statsig:
        error = EventSender(statsig, compress=False).send([]).error
    if isinstance(error, AuthenticationError | PermissionDeniedError):
        raise error
    if isinstance(error, APIConnectionError):
        logger.warning("the driver cannot reach Statsig; tasks may fail: %s", error)


def _is_committed(directory: JobDirectory) -> bool:
    summary = directory.summary()
    return summary is not None and summary["state"] == "committed"


def _task_context() -> TaskContext:
    context = TaskContext.get()
    assert context is not None
    return context


def _totals(messages: Messages) -> list[PartitionTotals]:
    return [message for message in messages if isinstance(message, PartitionTotals)]


def _query(messages: Messages) -> str | None:
    return next((message.query for message in _totals(messages)), None)


def _commit(directory: JobDirectory, messages: Messages) -> None:
    summary = _summary(directory, messages, "committed")
    totals = summary.totals
    if summary.problems:
        # Spark shows only this message.
        counts = f" ({totals.read:,} rows were read, of which {totals.unsent:,} were not sent)"
        raise StatsigError(summary.problems[0] + (counts if totals.read else ""))
    if totals.unsent or not totals.balances:
        raise StatsigError(f"the totals of the tasks do not balance: {totals}")
    summary.write(directory)
    try:
        directory.remove_progress()
    except OSError as error:
        logger.warning("path %s: the progress cannot be removed: %s", directory.path, error)


def _abort(directory: JobDirectory, messages: Messages) -> None:
    _summary(directory, messages, "aborted").write(directory)


def _summary(directory: JobDirectory, messages: Messages, state: WriteState) -> WriteSummary:
    ended = _totals(messages)
    reasons = ReasonCounter()
    for one in (one for message in ended for one in message.reasons):
        reasons.add(one.reason, one.example, one.count)
    return WriteSummary(
        state=state,
        totals=sum((message.totals for message in ended), Totals()),
        partitions=len(ended),
        recorded=directory.recorded() if state == "aborted" else None,
        dead_letters=directory.has_dead_letters(),
        problems=sorted({message.problem for message in ended if message.problem is not None}),
        reasons=reasons.most_frequent(),
    )
