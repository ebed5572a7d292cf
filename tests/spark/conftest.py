"""Fixtures of Spark tests: a small Spark session, and a server that counts events."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from statsig_api_client.spark import StatsigDataSource
from tests.support.clients import KEY
from tests.support.collector import Collector, collecting

ROOT = Path(__file__).parent.parent.parent

LOGGING = """
rootLogger.level = info
rootLogger.appenderRef.file.ref = file
appender.file.type = File
appender.file.name = file
appender.file.fileName = {file}
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d %p %c: %m%n%ex
"""


def pytest_sessionstart() -> None:
    java = os.environ.get("JAVA_HOME")
    if not (shutil.which("java") or (java and (Path(java) / "bin" / "java").exists())):
        pytest.exit("Spark needs Java 17 or newer: install it, or set JAVA_HOME", returncode=3)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    folder = tmp_path_factory.mktemp("spark")
    (folder / "events").mkdir()
    (folder / "log4j2.properties").write_text(LOGGING.format(file=folder / "spark.log"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        # For executors only: this process removes it from its environment before each test.
        patch.setenv("STATSIG_API_KEY", KEY)
        session = (
            SparkSession.builder.master("local[2,4]")
            .config("spark.driver.memory", "1g")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.ui.port", "0")
            .config("spark.eventLog.enabled", "true")
            .config("spark.eventLog.compress", "false")
            .config("spark.eventLog.rolling.enabled", "false")
            .config("spark.eventLog.dir", (folder / "events").as_uri())
            .config("spark.sql.shuffle.partitions", "4")
            .config(
                "spark.driver.extraJavaOptions",
                f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}",
            )
            # Each task starts a new worker, with the environment of its test.
            .config("spark.python.worker.reuse", "false")
            .getOrCreate()
        )
        session.dataSource.register(StatsigDataSource)
        yield session
        session.stop()


@pytest.fixture
def spark_folder(spark: SparkSession) -> Path:
    """Return the directory of Spark's log and event log."""
    return Path(spark.conf.get("spark.eventLog.dir").removeprefix("file://")).parent


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    return path


@pytest.fixture
def options(collector: Collector, key_file: Path) -> dict[str, Any]:
    return {"url": collector.url, "apiKeyFile": str(key_file)}


def events(spark: SparkSession, count: int, partitions: int = 2) -> DataFrame:
    """Return numbered events in their wire form."""
    return spark.range(0, count, 1, partitions).selectExpr(
        "'purchase' eventName",
        "named_struct('userID', concat('u', id), 'email', null) user",
        "1700000000000 + id time",
        "map('n', cast(id as string)) metadata",
    )
