"""What a task does with its rows, and what the driver makes of it, without Spark."""

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
from statsig_api_client.spark.journal import Journal

from statsig_api_client import ConfigurationError, StatsigError
from statsig_api_client.spark import read_summary
from statsig_api_client.spark.job_directory import JobDirectory
from tests.support.clients import KEY
from tests.support.collector import OK, Answer, Collector, first

from .tasks import SCHEMA, batches, row, source, write, write_batches

REFUSED = Answer(401, b'{"message": "who are you?"}', takes=False)
AWAY = Answer(503, b"{}", takes=False)
LOST = Answer(reset=True)
BAD = Answer(400, b'{"message": "bad event"}', takes=False)


@pytest.fixture
def job(options: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    return {**options, "path": tmp_path / "job"}


def sent_on(told: Any) -> Any:
    """What comes out on the other side, when Spark sends it from process to process."""
    return pickle.loads(pickle.dumps(told))  # noqa: S301  (it comes from this process)


def letters(job: dict[str, Any]) -> list[dict[str, Any]]:
    files = sorted((job["path"] / "dead-letters").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_partitions_are_sent_and_summed_up(job: dict[str, Any], collector: Collector) -> None:
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
    assert collector.taken == dict.fromkeys(map(str, range(2600)), 1)
    assert not (job["path"] / "progress").exists()


def test_bad_rows_are_put_aside_with_the_reason(job: dict[str, Any]) -> None:
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
    assert time["reason"].startswith("time: is missing")


def test_what_statsig_rejects_is_put_aside_alone(job: dict[str, Any], collector: Collector) -> None:
    collector.plan = lambda _, sent: BAD if "3" in [e["metadata"]["n"] for e in sent] else OK
    writer = source(**job).writer(SCHEMA, overwrite=False)
    writer.commit([write(writer, map(row, range(10)))])
    (letter,) = letters(job)
    assert letter["original"]["metadata"] == {"n": "3"}
    assert "bad event" in letter["reason"]
    assert len(collector.taken) == 9


def test_a_statsig_that_refuses_everything_uses_up_no_rows(
    job: dict[str, Any], collector: Collector
) -> None:
    writer = source(**job, maxRefused=20).writer(SCHEMA, overwrite=False)
    collector.plan = lambda *_: BAD
    message = write(writer, map(row, range(5000)))
    assert "accepted nothing, and refused 20 events one by one" in str(message.problem)
    assert message.totals.balances
    assert message.totals.read == message.totals.unsent
    assert letters(job) == []


def test_a_few_rows_may_all_be_bad(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    collector.plan = lambda *_: BAD
    writer.commit([write(writer, map(row, range(5)))])
    assert read_summary(str(job["path"])).totals.rejected == len(letters(job)) == 5


def test_bad_rows_that_come_first_wait_for_the_good(
    job: dict[str, Any], collector: Collector
) -> None:
    writer = source(**job, allowCut=True).writer(SCHEMA, overwrite=False)
    bad = {str(number) for number in range(8)}
    collector.plan = lambda _, sent: BAD if bad & {e["metadata"]["n"] for e in sent} else OK
    rows = [row(n, metadata={"n": str(n), "pad": "x" * 300_000}) for n in range(40)]
    writer.commit([write(writer, rows)])
    totals = read_summary(str(job["path"])).totals
    assert (totals.rejected, totals.delivered) == (8, 32)
    assert {letter["original"]["metadata"]["n"] for letter in letters(job)} == bad


def test_cells_that_are_none_are_put_aside_with_their_rows(job: dict[str, Any]) -> None:
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


def test_what_was_lost_on_the_way_is_put_aside(job: dict[str, Any], collector: Collector) -> None:
    collector.plan = first(OK, LOST)
    writer = source(**job).writer(SCHEMA, overwrite=False)
    writer.commit([write(writer, map(row, range(10)))])
    assert {letter["state"] for letter in letters(job)} == {"ambiguous"}
    assert read_summary(str(job["path"])).totals.ambiguous == 10


def test_what_was_lost_on_the_way_is_sent_again_if_wanted(
    job: dict[str, Any], collector: Collector
) -> None:
    collector.plan = first(OK, LOST)
    writer = source(**job, resendAmbiguous=True).writer(SCHEMA, overwrite=False)
    writer.commit([write(writer, map(row, range(10)))])
    totals = read_summary(str(job["path"])).totals
    assert (totals.delivered, totals.resent, totals.retried) == (10, 10, 10)
    assert set(collector.taken.values()) == {2}


class UpstreamError(Exception):
    """What fails before rows come to be written."""


def broken_off(rows: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    yield from batches(rows)
    raise UpstreamError


def test_another_attempt_sends_only_what_is_not_accounted_for_in_any_order(
    job: dict[str, Any], collector: Collector
) -> None:
    rows = [row(0), row(1, eventName="a<b"), *map(row, range(2, 4000)), row(0)]
    writer = source(**job).writer(SCHEMA, overwrite=False)
    with pytest.raises(UpstreamError):
        write_batches(writer, broken_off(rows[:3000]))
    before = sum(collector.taken.values())
    assert before > 0
    message = write(writer, rows[::-1])
    writer.commit([message])
    totals = read_summary(str(job["path"])).totals
    assert totals.balances
    assert totals.skipped == before + 1
    assert (totals.unrecognised, totals.overlapped) == (0, 0)
    assert collector.taken == {"0": 2, **dict.fromkeys(map(str, range(2, 4000)), 1)}
    assert len(letters(job)) == 1


def test_what_comes_by_in_another_form_is_sent_and_counted(
    job: dict[str, Any], collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    with pytest.raises(UpstreamError):
        write_batches(writer, broken_off([*map(row, range(1000))]))
    message = write(writer, [row(number, time=1_750_000_000_000) for number in range(1000)])
    with caplog.at_level(logging.INFO):
        writer.commit([message])
    assert message.totals.unrecognised == 1000
    assert set(collector.taken.values()) == {2}
    (logged,) = caplog.messages
    assert logged == (
        "committed: 1,000 read, 1,000 delivered, 1 requests, 1,000 unrecognised, "
        f"{message.totals.bytes_sent:,} bytes_sent"
    )


def test_two_attempts_at_once_are_noticed(job: dict[str, Any]) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)

    def overtaken() -> Iterator[pa.RecordBatch]:
        yield from batches(map(row, range(500)))
        write(writer, map(row, range(500)))

    message = write_batches(writer, overtaken())
    assert (message.totals.delivered, message.totals.overlapped) == (500, 500)


def test_a_key_that_is_refused_is_not_tried_again(
    job: dict[str, Any], collector: Collector
) -> None:
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


def test_a_key_that_is_refused_on_the_driver_ends_it_before_any_task(
    job: dict[str, Any], collector: Collector
) -> None:
    collector.plan = lambda *_: REFUSED
    with pytest.raises(StatsigError, match="status 401"):
        source(**job).writer(SCHEMA, overwrite=False)
    assert not job["path"].exists()


def test_the_driver_needs_neither_key_nor_server(
    job: dict[str, Any], collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.plan = lambda *_: AWAY
    source(**job).writer(SCHEMA, overwrite=False)
    source(**{**job, "apiKeyFile": "/nowhere"}).writer(SCHEMA, overwrite=False)
    assert caplog.messages == []
    source(**{**job, "url": "http://127.0.0.1:1/v1"}).writer(SCHEMA, overwrite=False)
    assert "the driver does not reach Statsig, and tasks may not: " in caplog.text


def test_an_executor_without_a_key_says_so(job: dict[str, Any]) -> None:
    writer = source(**{**job, "apiKeyFile": "/nowhere/key"}).writer(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(10)))
    with pytest.raises(StatsigError, match="on an executor: the file of the API key cannot"):
        writer.commit([message])
    del job["apiKeyFile"]
    writer = source(**job).writer(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(10)))
    assert "there is no API key: set STATSIG_API_KEY in the environment" in str(message.problem)


def test_an_outage_fails_the_task_which_another_attempt_may_end(
    job: dict[str, Any], collector: Collector
) -> None:
    writer = source(**job, giveUpAfter=0.3, concurrency=1).writer(SCHEMA, overwrite=False)
    collector.plan = lambda number, _: OK if number <= 2 else AWAY
    with pytest.raises(StatsigError, match=r"partition 7: nothing succeeded for 0\.3 seconds"):
        write(writer, map(row, range(5000)), partition=7)
    writer.abort([None])
    assert read_summary(str(job["path"])).recorded == 2000
    collector.plan = lambda *_: OK
    message = write(writer, map(row, range(5000)), partition=7)
    assert (message.totals.skipped, message.totals.delivered) == (2000, 3000)
    assert not collector.doubles


def test_a_job_that_failed_goes_on_only_if_told(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    with pytest.raises(UpstreamError):
        write_batches(writer, broken_off([*map(row, range(1000))]))
    writer.abort([None])
    with pytest.raises(ConfigurationError, match=r"accounted for 1,000 events.*resume=true"):
        source(**job).writer(SCHEMA, overwrite=False)
    writer = source(**job, resume="true").writer(SCHEMA, overwrite=False)
    writer.commit([write(writer, map(row, range(3000)))])
    assert read_summary(str(job["path"])).totals.skipped == 1000
    assert collector.taken == dict.fromkeys(map(str, range(3000)), 1)
    with pytest.raises(ConfigurationError, match="an earlier job was committed there"):
        source(**job, resume="true").writer(SCHEMA, overwrite=False)


def test_an_executor_that_sees_another_directory_says_so(job: dict[str, Any]) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    (job["path"] / "job.json").unlink()
    message = write(writer, map(row, range(10)))
    assert "which the driver wrote there, is not to be seen" in str(message.problem)


def test_an_account_that_does_not_balance_is_no_success(job: dict[str, Any]) -> None:
    writer = source(**job).writer(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(10)))
    message.totals = type(message.totals)(read=11, delivered=10)
    with pytest.raises(StatsigError, match="does not balance"):
        writer.commit([message])


def test_nested_nulls_are_left_out(job: dict[str, Any], collector: Collector) -> None:
    user = {"userID": "u", "custom": {"plan": None, "tags": [{"a": "b", "deep": None}]}}
    writer = source(**job).writer(SCHEMA, overwrite=False)
    write(writer, [row(0, user=user)])
    assert collector.events[0]["user"] == {"userID": "u", "custom": {"tags": [{"a": "b"}]}}


def test_a_job_without_rows_says_so(job: dict[str, Any]) -> None:
    source(**job).writer(SCHEMA, overwrite=False).commit([])
    assert str(read_summary(str(job["path"]))) == "committed: 0 read"


def test_a_rate_is_divided(job: dict[str, Any], collector: Collector) -> None:
    writer = source(**job, maxRate=4000, tasks=2).writer(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(3000)))
    assert message.totals.delivered == 3000
    assert collector.times[-1] - collector.times[1] >= 0.9


def test_no_request_takes_more_than_a_second_of_the_rate(
    job: dict[str, Any], collector: Collector
) -> None:
    writer = source(**job, maxRate=20, tasks=2).writer(SCHEMA, overwrite=False)
    write(writer, map(row, range(11)))
    assert sorted(len(batch) for batch in collector.batches if batch) == [1, 10]


def test_what_cannot_be_removed_in_the_end_is_only_told(
    job: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: JobDirectory) -> None:
        raise PermissionError("no")

    writer = source(**job).writer(SCHEMA, overwrite=False)
    message = write(writer, map(row, range(10)))
    monkeypatch.setattr(JobDirectory, "end", refuse)
    writer.commit([message])
    assert "is left: no" in caplog.text
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
        "other": "left out",
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


def test_a_store_of_objects_is_written_without_names_for_a_while() -> None:
    directory = JobDirectory("mock://bucket/job")
    directory.open()
    directory.see()
    directory.record(0, "a", [b"{}\n"], [b"12345678"])
    assert directory.has_letters()
    assert (directory.recorded(), directory.progress(0)) == (1, {b"12345678": 1})
    directory.end()
    assert directory.recorded() == 0


class SlowDirectory(JobDirectory):
    """As in a far store of objects."""

    def record(self, *told: Any) -> None:
        time.sleep(0.02)
        super().record(*told)


def test_a_slow_store_is_not_written_to_after_each_request(tmp_path: Path) -> None:
    directory = SlowDirectory(str(tmp_path))
    journal = Journal(directory, 0)
    for number in range(3):
        journal.settle([b"%d" % number], [])
    assert directory.recorded() == 1
    journal.write()
    assert directory.recorded() == 3
    assert len(directory.progress_files(0)) == 2
