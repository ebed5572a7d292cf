"""Spark gives the results of SQLite."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from statsig_api_client.lift import (
    EventCount,
    LiftError,
    LiftOptions,
    LiftReport,
    SparkEvents,
    SparkTables,
    Users,
    Where,
    analyze,
)
from tests.lift.records import DAY, LOGO_TEST, T0, event, exposure, source
from tests.lift.simulated import METRICS, simulated_records

COLUMNS = (
    "eventName string, user struct<userID string>, time long, value string, "
    "metadata map<string, string>"
)


def check_equal(first: LiftReport, second: LiftReport) -> None:
    assert first.health.account == second.health.account
    assert first.health.units == second.health.units
    for one, other in zip(first.results, second.results, strict=True):
        for left, right in ((one.test, other.test), (one.control, other.control)):
            assert left is not None
            assert right is not None
            assert left.units == right.units
            assert left.mean == pytest.approx(right.mean, rel=1e-12)
            assert left.variance == pytest.approx(right.variance, rel=1e-12)


def check_clean(spark: SparkSession) -> None:
    assert [view.name for view in spark.catalog.listTables() if view.name.startswith("lift")] == []


def test_documents_in_spark_equal_sqlite(spark: SparkSession, tmp_path: Path) -> None:
    files = source(tmp_path, simulated_records(400))
    frame = spark.read.text(str(files.files)).withColumnRenamed("value", "event")
    options = LiftOptions(cuped=True)
    metrics = METRICS[5:]
    found = analyze(SparkEvents(frame), LOGO_TEST, metrics, options)
    check_equal(found, analyze(files, LOGO_TEST, metrics, options))
    check_clean(spark)


def test_columns_in_spark_equal_sqlite(spark: SparkSession, tmp_path: Path) -> None:
    files = source(tmp_path, simulated_records(300))
    frame = spark.read.schema(COLUMNS).json(str(files.files))
    found = analyze(SparkEvents(frame), LOGO_TEST, METRICS[1:2])
    check_equal(found, analyze(files, LOGO_TEST, METRICS[1:2]))


def test_tables_in_spark_equal_sqlite(spark: SparkSession, tmp_path: Path) -> None:
    files = source(tmp_path, simulated_records(300))
    frame = spark.read.schema(COLUMNS).json(str(files.files))
    is_exposure = "eventName LIKE 'statsig::%'"
    exposures = frame.where(is_exposure).selectExpr(
        "user.userID unit_id", "metadata['ruleID'] group_name", "timestamp_millis(time) time"
    )
    events = frame.where(f"NOT {is_exposure}").selectExpr(
        *("user.userID unit_id", "eventName event_name", "time", "value", "metadata"),
        "metadata['page'] page",
    )
    found = analyze(SparkTables(exposures, events), LOGO_TEST, METRICS[2:4])
    check_equal(found, analyze(files, LOGO_TEST, METRICS[2:4]))
    check_clean(spark)


def test_days_in_spark_are_cumulative(spark: SparkSession) -> None:
    records = [exposure("a", "Control"), exposure("b", "Square"), event("b", time=T0 + DAY)]
    frame = spark.createDataFrame([(json.dumps(record),) for record in records], "event string")
    metric = EventCount("purchase", winsorize=None)
    found = analyze(SparkEvents(frame), LOGO_TEST, [metric], LiftOptions(by_day=True))
    tests = [day.results[0].test for day in found.days]
    assert [test.mean for test in tests if test] == [0.0, 1.0]


def test_times_in_spark_may_be_rfc_3339(spark: SparkSession) -> None:
    records: list[dict[str, Any]] = [
        exposure("a", "Control"),
        exposure("b", "Square", time="2025-12-01T00:00:00Z"),  # type: ignore[arg-type]
        event("b", time="soon"),  # type: ignore[arg-type]
    ]
    frame = spark.createDataFrame([(json.dumps(record),) for record in records], "event string")
    found = analyze(SparkEvents(frame), LOGO_TEST, [Users("purchase")])
    assert found.health.units == {"Control": 1, "Square": 1}
    assert found.health.account.implausible_time == 1


def test_unsuitable_frames_are_reported(spark: SparkSession) -> None:
    metric = EventCount("purchase", where=Where("sku", "=", "A"))
    empty = spark.createDataFrame([], "unit_id string, group_name string, time long")
    with pytest.raises(LiftError, match="lift_events: missing columns event_name"):
        analyze(SparkTables(empty, empty), LOGO_TEST, [metric])
    with pytest.raises(LiftError, match="events: missing columns eventName, user"):
        analyze(SparkEvents(empty), LOGO_TEST, [metric])
    times = spark.createDataFrame([], COLUMNS.replace("time long", "time timestamp"))
    with pytest.raises(LiftError, match="events: time: expected milliseconds since 1970"):
        analyze(SparkEvents(times), LOGO_TEST, [metric])
