"""Batches of a DataFrame."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

from statsig_api_client.spark import read_summary
from tests.support.collector import OK, Collector, Response

from .conftest import events


def test_rows_become_events(
    spark: SparkSession, collector: Collector, options: dict[str, Any], tmp_path: Path
) -> None:
    job = tmp_path / "job"
    events(spark, 5000).write.format("statsig").mode("append").options(**options).save(str(job))
    summary = read_summary(str(job))
    assert summary.state == "committed"
    assert summary.partitions == 2
    assert (summary.totals.read, summary.totals.delivered) == (5000, 5000)
    assert collector.accepted == dict.fromkeys(map(str, range(5000)), 1)
    first = next(event for event in collector.events if event["metadata"]["n"] == "0")
    assert first == {
        "eventName": "purchase",
        "user": {"userID": "u0"},
        "time": 1_700_000_000_000,
        "metadata": {"n": "0"},
    }
    assert {path.name for path in job.iterdir()} == {"summary.json", "job.json"}


def test_rejected_key_ends_job_without_retries(
    spark: SparkSession, collector: Collector, options: dict[str, Any], tmp_path: Path
) -> None:
    # The first request is the driver's.
    collector.plan = lambda number, _: OK if number == 0 else Response(401, b"{}", accepts=False)
    write = events(spark, 1_000_000).write.format("statsig").mode("append").options(**options)
    with pytest.raises(AnalysisException, match="status 401"):
        write.save(str(tmp_path / "job"))
    assert len(collector.requests) == 1 + 2
    summary = read_summary(str(tmp_path / "job"))
    assert (summary.state, summary.partitions, summary.recorded) == ("aborted", 2, 0)
    assert summary.totals.read == summary.totals.unsent
