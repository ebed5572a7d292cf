"""Tasks without Spark: a partition is written in this process, as in a worker."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pyarrow as pa
import pytest
from pyspark.sql.datasource import DataSourceStreamArrowWriter, DataSourceWriter
from pyspark.sql.types import StructType
from pyspark.taskcontext import TaskContext

from statsig_api_client.spark import StatsigDataSource
from statsig_api_client.spark.totals import PartitionTotals

SCHEMA = (
    StructType()
    .add("eventName", "string")
    .add("user", StructType().add("userID", "string").add("email", "string"))
    .add("time", "long")
    .add("metadata", StructType().add("n", "string"))
)


def source(**options: Any) -> StatsigDataSource:
    """Return the data source with options as Spark passes them: lower-case names and strings."""
    return StatsigDataSource({name.lower(): str(value) for name, value in options.items()})


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "eventName": "purchase",
        "user": {"userID": f"u{number}", "email": None},
        "time": 1_700_000_000_000 + number,
        "metadata": {"n": str(number)},
    } | fields


def batches(rows: Iterable[dict[str, Any]], size: int = 1000) -> Iterator[pa.RecordBatch]:
    """Yield rows as Spark passes them."""
    rows = list(rows)
    for low in range(0, len(rows), size):
        yield pa.RecordBatch.from_pylist(rows[low : low + size])


class FakeTaskContext(TaskContext):
    """The context of a task."""

    partition: int
    properties: dict[str, str | None]

    def partitionId(self) -> int:  # noqa: N802
        return self.partition

    def getLocalProperty(self, key: str) -> str | None:  # noqa: N802
        return self.properties[key]


@contextmanager
def task(partition: int = 0, query: str | None = None, epoch: int = 0) -> Iterator[None]:
    """Run a block in the context of a task."""
    context = object.__new__(FakeTaskContext)
    context.partition = partition
    context.properties = {"sql.streaming.queryId": query, "streaming.sql.batchId": str(epoch)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TaskContext, "get", lambda: context)
        yield


Writer: TypeAlias = DataSourceWriter | DataSourceStreamArrowWriter


def write(writer: Writer, rows: Iterable[dict[str, Any]], **options: Any) -> PartitionTotals:
    """Run one attempt at a partition."""
    return write_batches(writer, batches(rows), **options)


def write_batches(
    writer: Writer, given: Iterator[pa.RecordBatch], **options: Any
) -> PartitionTotals:
    """Run one attempt at a partition, which may fail."""
    with task(**options):
        message = writer.write(given)
    assert isinstance(message, PartitionTotals)
    return message
