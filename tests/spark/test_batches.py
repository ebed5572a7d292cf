"""Batches: what becomes of the rows of a DataFrame."""

from pathlib import Path
from typing import Any

from faults.collector import Collector
from pyspark.sql import SparkSession

from statsig_api_client.spark import read_summary

from .conftest import events


def test_every_row_becomes_an_event(
    spark: SparkSession, collector: Collector, options: dict[str, Any], tmp_path: Path
) -> None:
    job = tmp_path / "job"
    events(spark, 5000).write.format("statsig").mode("append").options(**options).save(str(job))
    summary = read_summary(str(job))
    assert summary.state == "committed"
    assert summary.partitions == 2
    assert (summary.totals.read, summary.totals.delivered) == (5000, 5000)
    assert collector.taken == dict.fromkeys(map(str, range(5000)), 1)
    first = next(event for event in collector.events if event["metadata"]["n"] == "0")
    assert first == {
        "eventName": "purchase",
        "user": {"userID": "u0"},
        "time": 1_700_000_000_000,
        "metadata": {"n": "0"},
    }
    assert {path.name for path in job.iterdir()} == {"summary.json", "job.json"}
