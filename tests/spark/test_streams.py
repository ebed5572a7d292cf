"""Streams: each epoch is committed once, and is resumed."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from statsig_api_client import StatsigError
from statsig_api_client.spark import read_summary
from tests.support.collector import OK, Collector, Response

from .tasks import SCHEMA, row, source, write

AWAY = Response(503, b"{}", accepts=False)
SCHEMA_OF_FILES = (
    "eventName string, user struct<userID: string>, time long, metadata struct<n: string>"
)


def put(folder: Path, name: str, numbers: range) -> None:
    """Write an input file of the stream."""
    folder.mkdir(exist_ok=True)
    text = "".join(json.dumps(row(number)) + "\n" for number in numbers)
    (folder / f"{name}.tmp").write_text(text)
    (folder / f"{name}.tmp").rename(folder / f"{name}.json")


class Stream:
    """A stream of files that can run until it has sent all of them."""

    def __init__(self, spark: SparkSession, folder: Path, options: dict[str, Any]) -> None:
        self._spark = spark
        self.files = folder / "files"
        self.checkpoint = folder / "checkpoint"
        self.job = folder / "job"
        self._options = options

    def run(self) -> None:
        query = (
            self._spark.readStream.schema(SCHEMA_OF_FILES)
            .option("maxFilesPerTrigger", 1)
            .json(str(self.files))
            .writeStream.format("statsig")
            .queryName("purchases")
            .options(**self._options)
            .option("checkpointLocation", str(self.checkpoint))
            .trigger(availableNow=True)
            .start(str(self.job))
        )
        query.awaitTermination(60)
        assert not query.isActive

    def epoch(self, number: int) -> Path:
        (path,) = self.job.glob(f"*-*/{number}")
        return path


@pytest.fixture
def stream(spark: SparkSession, tmp_path: Path, options: dict[str, Any]) -> Stream:
    return Stream(spark, tmp_path, options)


def test_committed_epochs_are_not_resent(stream: Stream, collector: Collector) -> None:
    put(stream.files, "a", range(1500))
    put(stream.files, "b", range(1500, 2000))
    stream.run()
    assert collector.accepted == dict.fromkeys(map(str, range(2000)), 1)
    assert read_summary(str(stream.epoch(0))).totals.delivered == 1500
    assert read_summary(str(stream.epoch(1))).totals.delivered == 500
    assert not (stream.epoch(1) / "progress").exists()

    # As if the driver had been killed between our commit and that of Spark.
    (stream.checkpoint / "commits" / "1").unlink()
    (stream.checkpoint / "commits" / ".1.crc").unlink()
    put(stream.files, "c", range(2000, 2100))
    stream.run()
    assert collector.accepted == dict.fromkeys(map(str, range(2100)), 1)
    assert read_summary(str(stream.epoch(2))).totals.delivered == 100


def test_failed_epoch_is_resumed_after_restart(
    spark: SparkSession, tmp_path: Path, options: dict[str, Any], collector: Collector
) -> None:
    stream = Stream(spark, tmp_path, {**options, "giveUpAfter": "0.2", "maxConcurrency": 1})
    put(stream.files, "a", range(5000))
    collector.plan = lambda number, _: OK if number < 2 else AWAY
    with pytest.raises(StreamingQueryException, match=r"no request succeeded for 0\.2 seconds"):
        stream.run()
    assert sum(collector.accepted.values()) == 2000
    collector.plan = lambda *_: OK
    stream.run()
    assert collector.accepted == dict.fromkeys(map(str, range(5000)), 1)
    totals = read_summary(str(stream.epoch(0))).totals
    assert (totals.delivered, totals.skipped) == (3000, 2000)


def test_rejected_key_ends_stream(stream: Stream, collector: Collector) -> None:
    put(stream.files, "a", range(1000))
    collector.plan = lambda *_: Response(401, b"{}", accepts=False)
    with pytest.raises(StreamingQueryException, match="status 401"):
        stream.run()
    assert len(collector.requests) == 1
    collector.plan = lambda *_: OK
    stream.run()
    assert collector.accepted == dict.fromkeys(map(str, range(1000)), 1)


def test_epoch_is_committed_once(
    options: dict[str, Any], tmp_path: Path, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    writer = source(**options, path=tmp_path).streamWriter(SCHEMA, overwrite=False)
    for _ in range(2):
        message = write(writer, map(row, range(10)), query="q", epoch=7)
        writer.commit([message], 7)
    assert message.totals.skipped == message.totals.read == 10
    assert "epoch 7 is already committed" in caplog.text
    assert read_summary(str(tmp_path / "q" / "7")).totals.delivered == 10
    assert len(collector.accepted) == 10


def test_aborted_epoch_reports_delivered_events(options: dict[str, Any], tmp_path: Path) -> None:
    writer = source(**options, path=tmp_path).streamWriter(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(10)), query="q", epoch=0)
    message.problem = "the key was rejected"
    with pytest.raises(StatsigError, match="the key was rejected"):
        writer.commit([message, None], 0)
    writer.abort([message, None], 0)
    assert read_summary(str(tmp_path / "q" / "0")).recorded == 10


def test_epoch_without_ended_tasks_writes_nothing(options: dict[str, Any], tmp_path: Path) -> None:
    writer = source(**options, path=tmp_path).streamWriter(SCHEMA, overwrite=False)
    writer.commit([], 0)
    writer.abort([None], 1)
    assert [path.name for path in tmp_path.iterdir()] == ["key", "job.json"]


def test_old_epochs_without_dead_letters_are_removed(
    options: dict[str, Any], tmp_path: Path
) -> None:
    writer = source(**options, path=tmp_path).streamWriter(SCHEMA, overwrite=False)
    rows = {0: row(0), 1: row(1, eventName=None), 200: row(2), 201: row(3), 202: row(4)}
    for epoch, one in rows.items():
        writer.commit([write(writer, [row(9), one], query="q", epoch=epoch)], epoch)
    assert {path.name for path in (tmp_path / "q").iterdir()} == {"1", "200", "201", "202"}
