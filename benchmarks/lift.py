"""Time and memory of an analysis on DuckDB, SQLite and Spark, and how they grow.

    .venv-spark/bin/python benchmarks/lift.py                 all engines
    python benchmarks/lift.py duckdb|sqlite|spark [RECORDS ...]

DuckDB reads two Parquet files on two threads with a limit of 1 GB, SQLite the database of a local
server, and Spark the Parquet files on two cores. One record in ten is an exposure, and each unit
has one. An analysis has three metrics, and a new process runs it twice, since Spark compiles during
the first run. CPU time, of the second run, and peak memory include child processes. On Linux.
"""

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from string import Template

from statsig_api_client.lift import (
    DuckDBTables,
    EventCount,
    Experiment,
    LocalDatabase,
    Metric,
    SparkTables,
    Sum,
    Users,
    analyze,
)
from statsig_api_client.lift.analysis import Source

TICKS = os.sysconf("SC_CLK_TCK")
START = 1_764_547_200_000
DAY = 86_400_000
METRICS: list[Metric] = [EventCount("purchase"), Sum("purchase"), Users("purchase")]
EXPERIMENT = Experiment(name="logo_test", groups={"Control": 50, "Square": 50})
SIZES = {
    "duckdb": (1_000_000, 3_000_000, 10_000_000),
    "sqlite": (100_000, 300_000, 1_000_000, 3_000_000),
    "spark": (1_000_000, 3_000_000, 10_000_000),
}

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


def usage() -> tuple[float, float]:
    """Return the CPU seconds and the peak memory in MB of this process and its children."""
    seconds = memory = 0.0
    family = {os.getpid()}
    for process in sorted(int(path.name) for path in Path("/proc").glob("[0-9]*")):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
            if process in family or int(fields[1]) in family:
                family.add(process)
                seconds += (int(fields[11]) + int(fields[12])) / TICKS
                status = Path(f"/proc/{process}/status").read_text("utf-8")
                memory += sum(map(int, re.findall(r"VmHWM:\s+(\d+)", status))) / 1024
    return seconds, memory


def measure(source: Source, records: int) -> None:
    """Analyze twice, and print the seconds of both runs, the CPU time and the peak memory."""
    numbers: list[float] = []
    cpu = 0.0
    for _ in range(2):
        before, started = usage()[0], time.perf_counter()
        report = analyze(source, EXPERIMENT, METRICS)
        numbers.append(time.perf_counter() - started)
        cpu = usage()[0] - before
        assert report.health.read == report.health.account.total == records
    print(json.dumps([*numbers, cpu, usage()[1]]))


def run(engine: str, records: int, folder: Path) -> None:
    """Measure an engine in this process."""
    exposures, events = folder / "exposures.parquet", folder / "events.parquet"
    if engine == "sqlite":
        measure(LocalDatabase(folder / "events.db"), records)
    elif engine == "duckdb":
        import duckdb

        with duckdb.connect() as connection:
            connection.execute("SET threads = 2")
            connection.execute("SET memory_limit = '1GB'")
            connection.execute(f"SET temp_directory = '{folder}'")
            measure(DuckDBTables(connection, f"'{exposures}'", f"'{events}'"), records)
    else:
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local[2]")
        builder = builder.config("spark.ui.showConsoleProgress", "false")
        # The default of 200 suits a cluster.
        spark = builder.config("spark.sql.shuffle.partitions", "4").getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        frames = [spark.read.parquet(str(file)) for file in (exposures, events)]
        measure(SparkTables(*frames), records)
        spark.stop()


def print_row(engine: str, records: int) -> None:
    """Write the records, and print the row of an engine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if engine == "sqlite":
            write_database(folder / "events.db", records)
        else:
            write_parquet(folder, records)
        command = [sys.executable, __file__, "run", engine, str(records), name]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    first, second, cpu, memory = json.loads(output.splitlines()[-1])
    print(
        f"| {engine:6} | {records:>10,} | {first:>11.2f} | {second:>12.2f} | {cpu:>7.2f} "
        f"| {memory:>7,.0f} |",
        flush=True,
    )


def main(engines: Sequence[str], sizes: Sequence[int]) -> None:
    """Print the table."""
    print("| engine |    records | first run s | second run s |   CPU s | peak MB |")
    print("|--------|-----------:|------------:|-------------:|--------:|--------:|", flush=True)
    for engine in engines:
        if find_spec({"spark": "pyspark", "sqlite": "sqlite3"}.get(engine, engine)) is None:
            print(f"{engine} is not installed", file=sys.stderr)
            continue
        for records in sizes or SIZES[engine]:
            print_row(engine, records)


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        run(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        main(sys.argv[1:2] or [*SIZES], [*map(int, sys.argv[2:])])
