"""Invalid options, columns and directories are reported on the driver."""

from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql.types import MapType, StringType, StructType

from statsig_api_client import ConfigurationError
from statsig_api_client.spark import read_summary
from statsig_api_client.spark.job_directory import JobDirectory
from tests.support.clients import KEY
from tests.support.collector import Collector

from .conftest import events
from .tasks import SCHEMA, source


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"maxrte": "1"}, "unknown option 'maxrte'; expected one of allowHttp, allowMissingTime,"),
        ({"path": ""}, "option path is missing: the directory of this job"),
        ({"maxRate": "fast", "tasks": 2}, "option maxRate: expected a number above 0, got 'fast'"),
        ({"maxRate": "0", "tasks": 2}, "option maxRate: expected a number above 0, got '0'"),
        ({"maxRate": "100"}, "option tasks is missing: maxRate is divided"),
        ({"maxConcurrency": "2.5"}, "option maxConcurrency: expected an integer above 0"),
        ({"allowTruncation": "yes"}, "option allowTruncation: expected true or false, got 'yes'"),
        ({"timeUnit": "min"}, "option timeUnit: expected one of s, ms, us, ns, got 'min'"),
        ({"timeZone": "Mars"}, "option timeZone: time zone: expected UTC"),
        (
            {"map": "eventName"},
            "option map: mapping: expected FIELD=COLUMN or FIELD:=CONSTANT, got 'eventName'",
        ),
        ({"map": "time=time"}, "option map: mapping: eventName is missing"),
        ({"map": "eventName=e"}, "option map: unknown column e; the columns are eventName,"),
        ({"map": "eventName=user.id"}, "option map: unknown column user.id; the columns"),
        ({"path": "mars://x/y"}, "path mars://x/y: "),
    ],
)
def test_options_are_checked(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        source(**{"path": "/nowhere/job", **options}).writer(SCHEMA, overwrite=False)
    assert str(raised.value).startswith(expected)


def test_plain_http_url_is_rejected(options: dict[str, Any], tmp_path: Path) -> None:
    options |= {"url": "http://statsig.example/v1", "path": tmp_path}
    with pytest.raises(ConfigurationError, match="base_url: expected https, got http"):
        source(**options).writer(SCHEMA, overwrite=False)


@pytest.mark.parametrize("name", ["apiKey", "api_key", "api-key", "key", "secretKey", "sdkKey"])
def test_key_as_option_is_rejected(name: str) -> None:
    with pytest.raises(
        ConfigurationError, match="an API key is not an option, since plans"
    ) as raised:
        source(**{"path": "/nowhere/job", name: KEY}).writer(SCHEMA, overwrite=False)
    assert KEY not in str(raised.value)


def columns(**kinds: Any) -> StructType:
    schema = StructType()
    for name, kind in {"eventName": "string", **kinds}.items():
        schema = schema.add(name.replace("__", "."), kind)
    return schema


@pytest.mark.parametrize(
    ("schema", "options", "expected"),
    [
        (StructType().add("event", "string"), {}, "no column eventName; name the columns"),
        (columns(amount="double"), {}, "expected eventName, time"),
        (columns(eventName="long"), {}, "column eventName: expected a string, got bigint"),
        (columns(time="date"), {}, "column time: has no time zone; set the option timeZone"),
        (columns(time="boolean"), {}, "column time: expected a timestamp, a date, a number or a"),
        (
            columns(time="timestamp_ntz"),
            {},
            "column time: has no time zone; set the option timeZone",
        ),
        (columns(user="string"), {}, "column user: expected a struct or a map, got string"),
        (
            columns(user=StructType().add("userId", "string")),
            {},
            "column user: expected userID, email, ip, userAgent, country, locale, appVersion,",
        ),
        (
            columns(user=StructType().add("os_name", "long")),
            {},
            "column user.os_name: expected a string, got bigint",
        ),
        (
            columns(user=StructType().add("userID", "long")),
            {},
            "column user.userID: expected a string, got bigint",
        ),
        (
            columns(user=StructType().add("custom", "string")),
            {},
            "column user.custom: expected a struct, got string",
        ),
        (columns(), {}, "mapping: time is missing, so Statsig would use the time of arrival"),
        (columns(metadata__sku="binary"), {}, "column metadata.sku: binary data cannot be sent"),
        (
            columns(ts="long"),
            {"map": "eventName=eventName,time=ts"},
            "column ts, for time: is a number without a unit; set the option timeUnit",
        ),
    ],
)
def test_columns_are_checked(schema: StructType, options: dict[str, str], expected: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        source(path="/nowhere/job", **options).writer(schema, overwrite=False)
    assert str(raised.value).startswith(expected)


@pytest.mark.parametrize(
    "schema",
    [
        columns(time="long", user__userID="long", user__custom__level="integer"),
        columns(time="timestamp", metadata__sku="string"),
        columns(value="double", time="timestamp", metadata=MapType(StringType(), StringType())),
        columns(time="string", user="void"),
    ],
)
def test_valid_columns_are_accepted(
    schema: StructType, options: dict[str, Any], tmp_path: Path
) -> None:
    source(path=tmp_path / "job", **options).writer(schema, overwrite=False)


def test_overwrite_mode_is_rejected(options: dict[str, Any], tmp_path: Path) -> None:
    for make in (source(path=tmp_path, **options).writer, source(path=tmp_path).streamWriter):
        with pytest.raises(ConfigurationError, match=r"cannot be overwritten.* mode\('append'\)"):
            make(SCHEMA, overwrite=True)


def test_reading_is_rejected() -> None:
    with pytest.raises(ConfigurationError, match="the data source statsig cannot be read"):
        source().schema()


def test_unusable_directory_is_rejected(options: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="/file/job: cannot be used: "):
        source(path=tmp_path / "file" / "job", **options).writer(SCHEMA, overwrite=False)


def test_missing_summary_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no summary; no job has ended there"):
        read_summary(str(tmp_path))


def test_hadoop_file_uris_are_accepted(tmp_path: Path) -> None:
    assert JobDirectory(f"file:{tmp_path}/job").path == f"{tmp_path}/job"
    assert JobDirectory(f"file://{tmp_path}/job/").path == f"file://{tmp_path}/job"


def test_spark_error_contains_message(
    spark: SparkSession, collector: Collector, options: dict[str, Any], tmp_path: Path
) -> None:
    write = events(spark, 10).write.format("statsig").mode("append").options(**options)
    with pytest.raises(AnalysisException) as raised:
        write.option("maxRte", "5").save(str(tmp_path / "job"))
    assert "ConfigurationError: unknown option 'maxrte'; expected one of" in str(raised.value)
    assert len(str(raised.value).splitlines()) < 20
    assert collector.requests == []
