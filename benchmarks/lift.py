"""Time and memory of an analysis on DuckDB, SQLite and Spark.

    python benchmarks/lift.py duckdb [RECORDS]    two Parquet files, on two threads and 1 GB
    python benchmarks/lift.py sqlite [RECORDS]    the database of a local server
    python benchmarks/lift.py spark [RECORDS]     the same Parquet files, on two cores

One record in ten is an exposure, and each unit has one. DuckDB and Spark need their packages. The
output is the time of an analysis of three metrics, and the peak of the memory of this process.
"""

import json
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from string import Template

from statsig_api_client.lift import (
    DuckDBTables,
    EventCount,
    Experiment,
    LiftReport,
    LocalDatabase,
    Metric,
    SparkTables,
    Sum,
    Users,
    analyze,
)
from statsig_api_client.lift.analysis import Source

START = 1_764_547_200_000
DAY = 86_400_000
METRICS: list[Metric] = [EventCount("purchase"), Sum("purchase"), Users("purchase")]
EXPERIMENT = Experiment(name="logo_test", groups={"Control": 50, "Square": 50})


EXPOSURES = """
    SELECT 'user-' || i AS unit_id, CASE WHEN i % 2 = 0 THEN 'Control' ELSE 'Square' END
        AS group_name, $start + i % $day AS time
    FROM range($units) AS r(i)
"""
EVENTS = """
    SELECT 'user-' || CAST(random() * $units AS BIGINT) AS unit_id,
        CASE WHEN i % 3 = 0 THEN 'purchase' ELSE 'view' END AS event_name,
        $start + CAST(random() * 7 * $day AS BIGINT) AS time,
        round(random() * 100, 2) AS value
    FROM range($events) AS r(i)
"""


def write_parquet(folder: Path, records: int) -> None:
    """Write exposures and events with the columns of `DuckDBTables`."""
    import duckdb

    units = records // 10
    numbers = {"start": START, "day": DAY, "units": units, "events": records - units}
    with duckdb.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        for name, query in (("exposures", EXPOSURES), ("events", EVENTS)):
            text = Template(query).substitute(numbers)
            connection.execute(f"COPY ({text}) TO '{folder / name}.parquet'")


def write_database(file: Path, records: int) -> None:
    """Write the database of a local server."""
    chance = random.Random(5)
    units = records // 10

    def documents() -> Iterator[tuple[str]]:
        for number in range(records):
            unit = number if number < units else chance.randrange(units)
            event: dict[str, object] = {
                "eventName": "statsig::config_exposure",
                "user": {"userID": f"user-{unit}"},
                "time": START + number % DAY,
                "metadata": {
                    "config": "logo_test",
                    "ruleID": "Square" if unit % 2 else "Control",
                },
            }
            if number >= units:
                name = "purchase" if number % 3 == 0 else "view"
                time_ = START + chance.randrange(7 * DAY)
                event |= {"eventName": name, "time": time_, "value": 9.5, "metadata": {}}
            yield (json.dumps(event),)

    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE documents (id INTEGER PRIMARY KEY, event TEXT NOT NULL)")
        connection.executemany("INSERT INTO documents (event) VALUES (?)", documents())
    connection.close()


def measure(name: str, source: Source, records: int) -> LiftReport:
    """Print the time and the peak of the memory of an analysis."""
    started, cpu = time.perf_counter(), time.process_time()
    report = analyze(source, EXPERIMENT, METRICS)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    assert report.health.read == report.health.account.total
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{name}: {records:,} records in {seconds:.2f} s, {cpu:.2f} s of CPU, peak {peak:,.0f} MB"
    )
    return report


def main(engine: str = "duckdb", records: int = 10_000_000) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exposures, events = folder / "exposures.parquet", folder / "events.parquet"
        if engine == "sqlite":
            write_database(folder / "events.db", records)
            measure(engine, LocalDatabase(folder / "events.db"), records)
            return
        write_parquet(folder, records)
        if engine == "duckdb":
            import duckdb

            with duckdb.connect() as connection:
                connection.execute("SET threads = 2")
                connection.execute("SET memory_limit = '1GB'")
                connection.execute(f"SET temp_directory = '{folder}'")
                tables = DuckDBTables(connection, f"'{exposures}'", f"'{events}'")
                measure(engine, tables, records)
            return
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.master("local[2]").getOrCreate()
        frames = [spark.read.parquet(str(file)) for file in (exposures, events)]
        for run in ("first", "second"):
            measure(f"{engine}, {run} run", SparkTables(*frames), records)
        spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:2], *map(int, sys.argv[2:3]))
