"""Tasks and the driver, without Spark."""

import json
import logging
import pickle
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql.types import LongType, MapType, StringType, StructType

from statsig_api_client import ConfigurationError, StatsigError
from statsig_api_client.bulk.pipeline import DeliveryPipeline
from statsig_api_client.spark import read_summary
from statsig_api_client.spark.job_directory import JobDirectory
from statsig_api_client.spark.progress_log import ProgressLog
from tests.support.clients import KEY
from tests.support.collector import OK, Collector, Response, first

from .tasks import SCHEMA, batches, row, source, write, write_batches

REFUSED = Response(401, b'{"message": "who are you?"}', accepts=False)
AWAY = Response(503, b"{}", accepts=False)
LOST = Response(reset=True)
BAD = Response(400, b'{"message": "bad event"}', accepts=False)


@pytest.fixture
def job(options: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    return {**options, "path": tmp_path / "job"}


def sent_on(message: Any) -> Any:
    """Return a copy, as Spark sends it between processes."""
    return pickle.loads(pickle.dumps(message))  # noqa: S301  (it comes from this process)


def letters(job: dict[str, Any]) -> list[dict[str, Any]]:
    files = sorted((job["path"] / "dead-letters").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_partitions_are_delivered_and_summed(job: dict[str, Any], collector: Collector) -> None:
    writer = sent_on(source(**job).writer(SCHEMA, overwrite=False))
    messages = [
        sent_on(write(writer, map(row, numbers), partition=partition))
        for partition, numbers in enumerate((range(2500), range(2500, 2600), range(0)))
    ]
    writer.commit(messages)
    summary = read_summary(str(job["path"]))
    assert (summary.state, summary.partitions, summary.dead_letters) == ("committed", 3, False)
    assert summary.totals.read == summary.totals.delivered == 2600
    assert summary.totals.requests == 4
    assert sorted(len(batch) for batch in collector.batches if batch) == [100, 500, 1000, 1000]
    assert collector.accepted == dict.fromkeys(map(str, range(2600)), 1)
    assert not (job["path"] / "progress").exists()


def test_invalid_rows_become_dead_letters(job: dict[str, Any]) -> None:
    rows = [row(0), row(1, eventName="a<b"), row(2, time=None), row(3)]
    writer = source(**job).writer(SCHEMA, overwrite=False)
    writer.commit([write(writer, rows, partition=3)])
    summary = read_summary(str(job["path"]))
    assert (summary.totals.delivered, summary.totals.rejected) == (2, 2)
    assert summary.dead_letters
    name, time = letters(job)
    assert (name["partition"], name["row"], name["state"]) == (3, 2, "rejected")
    assert name["reason"].startswith("eventName: Statsig drops names")
    assert name["original"]["eventName"] == "a<b"
    assert time["reason"].startswith("time: missing")


def test_most_frequent_reasons_are_in_summary(
    job: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    bad = [row(0, eventName=f"a{sign}") for sign in "<>;"]
    partitions = [[row(0, time=None), row(1, eventName=""), row(2)], bad]
    writer.commit(
        [sent_on(write(writer, rows, partition=n)) for n, rows in enumerate(partitions, 3)]
    )
    first, *others = read_summary(str(job["path"])).reasons
    assert (first.count, first.example) == (3, "partition 4, row 1")
    assert first.reason.startswith("eventName: Statsig drops names")
    assert {(one.count, one.example) for one in others} == {
        (1, "partition 3, row 1"),
        (1, "partition 3, row 2"),
    }
    assert f"3 not sent: {first.reason} (first in partition 4, row 1)" in caplog.text


def test_event_rejected_by_statsig_is_isolated(job: dict[str, Any], collector: Collector) -> None:
    collector.plan = lambda _, sent: BAD if "3" in [e["metadata"]["n"] for e in sent] else OK
    writer = source(**job).writer(SCHEMA, overwrite=False)
    writer.commit([write(writer, map(row, range(10)))])
    (letter,) = letters(job)
    assert letter["original"]["metadata"] == {"n": "3"}
    assert "bad event" in letter["reason"]
    assert len(collector.accepted) == 9


def test_server_rejecting_all_consumes_no_rows(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job, maxRejected=20).writer(SCHEMA, overwrite=False)
    collector.plan = lambda *_: BAD
    message = write(writer, map(row, range(5000)))
    assert "accepted no event and rejected 20 events one by one" in str(message.problem)
    assert message.totals.balances
    assert message.totals.read == message.totals.unsent
    assert letters(job) == []


def test_few_rows_may_all_be_rejected(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    collector.plan = lambda *_: BAD
    writer.commit([write(writer, map(row, range(5)))])
    assert read_summary(str(job["path"])).totals.rejected == len(letters(job)) == 5


def test_rejected_rows_wait_for_accepted_ones(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job, allowTruncation=True).writer(SCHEMA, overwrite=False)
    bad = {str(number) for number in range(8)}
    collector.plan = lambda _, sent: BAD if bad & {e["metadata"]["n"] for e in sent} else OK
    rows = [row(n, metadata={"n": str(n), "pad": "x" * 300_000}) for n in range(40)]
    writer.commit([write(writer, rows)])
    totals = read_summary(str(job["path"])).totals
    assert (totals.rejected, totals.delivered) == (8, 32)
    assert {letter["original"]["metadata"]["n"] for letter in letters(job)} == bad


def test_unreadable_cells_become_dead_letters(job: dict[str, Any]) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    broken = pa.array([b"u", b"\xff"]).cast(pa.binary()).view(pa.string())
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(["a", "b"]),
            pa.StructArray.from_arrays([broken], ["userID"]),
            pa.array([1_700_000_000_000] * 2),
        ],
        ["eventName", "user", "time"],
    )
    writer.commit([write_batches(writer, iter([batch]))])
    (letter,) = letters(job)
    assert letter["row"] == 2
    assert letter["reason"].startswith("user: cannot be read: 'utf-8' codec")
    assert "cannot be read: 'utf-8' codec" in letter["original"]["user"]


def test_row_with_integer_keys_is_rejected(job: dict[str, Any], collector: Collector) -> None:
    schema = StructType().add("eventName", "string").add("time", "long")
    schema = schema.add("user.custom.x", MapType(LongType(), StringType()))
    writer = source(**job).writer(schema, overwrite=False)
    cells = pa.array([[(1, "a")], []], pa.map_(pa.int64(), pa.string()))
    columns = [pa.array(["a", "b"]), pa.array([1_700_000_000_000] * 2), cells]
    batch = pa.RecordBatch.from_arrays(columns, schema.names)
    writer.commit([write_batches(writer, iter([batch]))])
    assert [event["eventName"] for event in collector.events] == ["b"]
    (letter,) = letters(job)
    assert "expected strings as keys of a map, got int" in letter["reason"]
    assert letter["original"]["user.custom.x"] == "{1: 'a'}"


def test_lost_responses_become_dead_letters(job: dict[str, Any], collector: Collector) -> None:
    collector.plan = first(OK, LOST)
    writer = source(**job).writer(SCHEMA, overwrite=False)
    writer.commit([write(writer, map(row, range(10)))])
    assert {letter["state"] for letter in letters(job)} == {"ambiguous"}
    assert read_summary(str(job["path"])).totals.ambiguous == 10


def test_lost_responses_are_resent_if_requested(job: dict[str, Any], collector: Collector) -> None:
    collector.plan = first(OK, LOST)
    writer = source(**job, resendAmbiguous=True).writer(SCHEMA, overwrite=False)
    writer.commit([write(writer, map(row, range(10)))])
    totals = read_summary(str(job["path"])).totals
    assert (totals.delivered, totals.resent, totals.retried) == (10, 10, 10)
    assert set(collector.accepted.values()) == {2}


class UpstreamError(Exception):
    """A failure of the source of rows."""


def broken_off(rows: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    yield from batches(rows)
    raise UpstreamError


def test_next_attempt_skips_completed_events(job: dict[str, Any], collector: Collector) -> None:
    rows = [row(0), row(1, eventName="a<b"), *map(row, range(2, 4000)), row(0)]
    writer = source(**job).writer(SCHEMA, overwrite=False)
    with pytest.raises(UpstreamError):
        write_batches(writer, broken_off(rows[:3000]))
    before = sum(collector.accepted.values())
    assert before > 0
    message = write(writer, rows[::-1])
    writer.commit([message])
    totals = read_summary(str(job["path"])).totals
    assert totals.balances
    assert totals.skipped == before + 1
    assert (totals.unmatched, totals.concurrent) == (0, 0)
    assert collector.accepted == {"0": 2, **dict.fromkeys(map(str, range(2, 4000)), 1)}
    assert len(letters(job)) == 1


def test_changed_rows_are_sent_and_counted(
    job: dict[str, Any], collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    with pytest.raises(UpstreamError):
        write_batches(writer, broken_off([*map(row, range(1000))]))
    message = write(writer, [row(number, time=1_750_000_000_000) for number in range(1000)])
    with caplog.at_level(logging.INFO):
        writer.commit([message])
    assert message.totals.unmatched == 1000
    assert set(collector.accepted.values()) == {2}
    (logged,) = caplog.messages
    assert logged == (
        "committed: 1,000 read, 1,000 delivered, 1 requests, 1,000 unmatched, "
        f"{message.totals.bytes_sent:,} bytes_sent"
    )


def test_concurrent_attempts_are_counted(job: dict[str, Any]) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)

    def overtaken() -> Iterator[pa.RecordBatch]:
        yield from batches(map(row, range(500)))
        write(writer, map(row, range(500)))

    message = write_batches(writer, overtaken())
    assert (message.totals.delivered, message.totals.concurrent) == (500, 500)


def test_rejected_key_is_not_retried(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    collector.plan = lambda *_: REFUSED
    message = write(writer, [row(0), row(1, eventName="a<b"), *map(row, range(2, 5000))])
    assert message.totals.balances
    assert (message.totals.delivered, message.totals.rejected) == (0, 0)
    assert letters(job) == []
    with pytest.raises(StatsigError, match=r"status 401 .* \(([\d,]+) rows .* which \1 were not"):
        writer.commit([message])
    writer.abort([message, None])
    summary = read_summary(str(job["path"]))
    assert (summary.state, summary.recorded) == ("aborted", 0)
    assert "status 401" in summary.problems[0]


def test_key_rejected_on_driver_prevents_tasks(job: dict[str, Any], collector: Collector) -> None:
    collector.plan = lambda *_: REFUSED
    with pytest.raises(StatsigError, match="status 401"):
        source(**job).writer(SCHEMA, overwrite=False)
    assert not job["path"].exists()


def test_driver_requires_no_key_or_server(
    job: dict[str, Any], collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.plan = lambda *_: AWAY
    source(**job).writer(SCHEMA, overwrite=False)
    source(**{**job, "apiKeyFile": "/nowhere"}).writer(SCHEMA, overwrite=False)
    assert caplog.messages == []
    source(**{**job, "url": "http://127.0.0.1:1/v1"}).writer(SCHEMA, overwrite=False)
    assert "the driver cannot reach Statsig; tasks may fail: " in caplog.text


def test_missing_key_on_executor_is_reported(job: dict[str, Any]) -> None:
    writer = source(**{**job, "apiKeyFile": "/nowhere/key"}).writer(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(10)))
    with pytest.raises(StatsigError, match="on an executor: the file of the API key cannot"):
        writer.commit([message])
    del job["apiKeyFile"]
    writer = source(**job).writer(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(10)))
    assert "the API key is missing: set STATSIG_API_KEY in the environment" in str(message.problem)


def test_outage_fails_task_and_next_resumes(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job, giveUpAfter=0.3, maxConcurrency=1).writer(SCHEMA, overwrite=False)
    collector.plan = lambda number, _: OK if number <= 2 else AWAY
    with pytest.raises(StatsigError, match=r"partition 7: no request succeeded for 0\.3 seconds"):
        write(writer, map(row, range(5000)), partition=7)
    writer.abort([None])
    assert read_summary(str(job["path"])).recorded == 2000
    collector.plan = lambda *_: OK
    message = write(writer, map(row, range(5000)), partition=7)
    assert (message.totals.skipped, message.totals.delivered) == (2000, 3000)
    assert not collector.doubles


def test_failed_job_needs_resume_option(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    with pytest.raises(UpstreamError):
        write_batches(writer, broken_off([*map(row, range(1000))]))
    writer.abort([None])
    with pytest.raises(ConfigurationError, match=r"failed after 1,000 events.*resume=true"):
        source(**job).writer(SCHEMA, overwrite=False)
    writer = source(**job, resume="true").writer(SCHEMA, overwrite=False)
    writer.commit([write(writer, map(row, range(3000)))])
    assert read_summary(str(job["path"])).totals.skipped == 1000
    assert collector.accepted == dict.fromkeys(map(str, range(3000)), 1)
    with pytest.raises(ConfigurationError, match="an earlier job was committed there"):
        source(**job, resume="true").writer(SCHEMA, overwrite=False)


def test_result_that_cannot_be_recorded_raises(
    job: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(DeliveryPipeline, "finish", lambda _: full)
    writer = source(**job).writer(SCHEMA, overwrite=False)
    with pytest.raises(OSError, match="No space left"):
        write(writer, map(row, range(10)))


def test_unshared_directory_is_reported(job: dict[str, Any]) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    (job["path"] / "job.json").unlink()
    message = write(writer, map(row, range(10)))
    assert "which the driver wrote, does not exist on an executor" in str(message.problem)


def test_unbalanced_totals_raise(job: dict[str, Any]) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(10)))
    message.totals = type(message.totals)(read=11, delivered=10)
    with pytest.raises(StatsigError, match="do not balance"):
        writer.commit([message])


def test_nested_nulls_are_omitted(job: dict[str, Any], collector: Collector) -> None:
    user = {"userID": "u", "custom": {"plan": None, "tags": [{"a": "b", "deep": None}]}}
    writer = source(**job).writer(SCHEMA, overwrite=False)
    write(writer, [row(0, user=user)])
    assert collector.events[0]["user"] == {"userID": "u", "custom": {"tags": [{"a": "b"}]}}


def test_job_without_rows_is_committed(job: dict[str, Any]) -> None:
    source(**job).writer(SCHEMA, overwrite=False).commit([])
    assert str(read_summary(str(job["path"]))) == "committed: 0 read"


def test_rate_is_divided_by_tasks(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job, maxRate=4000, tasks=2).writer(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(3000)))
    assert message.totals.delivered == 3000
    assert collector.times[-1] - collector.times[1] >= 0.9


def test_request_has_at_most_one_second(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job, maxRate=20, tasks=2).writer(SCHEMA, overwrite=False)
    write(writer, map(row, range(11)))
    assert sorted(len(batch) for batch in collector.batches if batch) == [1, 10]


def test_progress_that_cannot_be_removed_is_logged(
    job: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: JobDirectory) -> None:
        raise PermissionError("no")

    writer = source(**job).writer(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(10)))
    monkeypatch.setattr(JobDirectory, "remove_progress", fail)
    writer.commit([message])
    assert "the progress cannot be removed: no" in caplog.text
    assert read_summary(str(job["path"])).state == "committed"


def test_columns_are_mapped(
    job: dict[str, Any], collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    del job["apiKeyFile"]
    schema = (
        StructType()
        .add(
            "context",
            StructType().add("ids", MapType(StringType(), StringType())).add("mail", "string"),
        )
        .add("at", "double")
        .add("utm_source", "string")
        .add("utm_medium", "string")
        .add("other", "string")
    )
    words = (
        "eventName:=a; b\n"
        "user.userID=context.ids.user, user.email=context.mail, time=at, metadata.*=utm_*"
    )
    with pytest.raises(ConfigurationError, match="option map: mapping: expected FIELD=COLUMN"):
        source(**job, map=words).writer(schema, overwrite=False)
    options = {**job, "map": words.replace("a; b", "sold;"), "timeUnit": "s"}
    writer = source(**options).writer(schema, overwrite=False)
    rows = {
        "context": {"ids": {"user": "u1"}, "mail": "a@b.c"},
        "at": 1_700_000_000.5,
        "utm_source": "web",
        "utm_medium": None,
        "other": "ignored",
    }
    assert write(writer, [rows]).totals.delivered == 1
    assert collector.events == [
        {
            "eventName": "sold",
            "user": {"userID": "u1", "email": "a@b.c"},
            "time": 1_700_000_000_500,
            "metadata": {"utm_source": "web"},
        }
    ]


def test_object_store_is_supported() -> None:
    directory = JobDirectory("mock://bucket/job")
    directory.open()
    directory.check_marker()
    directory.record(0, "a", [b"{}\n"], [b"12345678"])
    assert directory.has_dead_letters()
    assert (directory.recorded(), directory.progress(0)) == (1, {b"12345678": 1})
    directory.remove_progress()
    assert directory.recorded() == 0


class SlowDirectory(JobDirectory):
    """A directory on a slow object store."""

    def record(self, *arguments: Any) -> None:
        time.sleep(0.02)
        super().record(*arguments)


def test_slow_store_limits_writes(tmp_path: Path) -> None:
    directory = SlowDirectory(str(tmp_path))
    progress = ProgressLog(directory, 0)
    for number in range(3):
        progress.complete([b"%d" % number], [])
    assert directory.recorded() == 1
    progress.write()
    assert directory.recorded() == 3
    assert len(directory.progress_files(0)) == 2
