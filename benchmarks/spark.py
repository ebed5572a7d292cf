"""Throughput of the Spark sink per core, to a minimal server on loopback.

    .venv-spark/bin/python benchmarks/spark.py [EVENTS] [CORES] [PARTITIONS]

The server is server.c, which is never the bottleneck. Spark reads a Parquet file, as in a real job.
The output is the rate of the second of two runs, and the CPU time of Python, JVM and server.
"""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from statsig_api_client.spark import StatsigDataSource, read_summary

FOLDER = Path(__file__).parent
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of_spark() -> dict[str, float]:
    """Return the CPU seconds so far of the JVM and of the Python workers."""
    used = {"jvm": 0.0, "python": 0.0}
    ours = {os.getpid()}
    for folder in sorted(Path("/proc").iterdir(), key=lambda folder: folder.name.zfill(9)):
        with suppress(OSError):
            command = (folder / "cmdline").read_bytes()
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) in ours and b"spark" in command.lower():
                ours.add(int(folder.name))
                name = "python" if b"pyspark.daemon" in command else "jvm"
                used[name] += (int(fields[11]) + int(fields[12])) / TICKS
    return used


def events(spark: SparkSession, count: int, partitions: int) -> DataFrame:
    return spark.range(0, count, 1, partitions).selectExpr(
        "'purchase' eventName",
        "concat('user-', id) `user.userID`",
        "concat('person-', id % 9973, '@example.com') `user.email`",
        "timestamp_millis(1700000000000 + id) time",
        "id % 100 + 0.99D value",
        "concat('A-', id % 5000) `metadata.sku`",
        "'EUR' `metadata.currency`",
    )


def main(count: int = 2_000_000, cores: int = 1, partitions: int = 4) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["STATSIG_API_KEY"] = "secret-a"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        binary = folder / "server"
        subprocess.run(["cc", "-O2", "-o", binary, FOLDER / "server.c"], check=True)
        server = subprocess.Popen(
            [binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert server.stdin
        assert server.stdout
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
        spark = (
            SparkSession.builder.master(f"local[{cores}]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.memory", "1g")
            .config("spark.log.level", "ERROR")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
        spark.dataSource.register(StatsigDataSource)
        events(spark, count, partitions).write.parquet(str(folder / "events"))
        rows = spark.read.parquet(str(folder / "events"))
        for run in ("first", "second"):
            before, began = cpu_of_spark(), time.monotonic()
            rows.write.format("statsig").mode("append").option("url", url).save(str(folder / run))
            seconds = time.monotonic() - began
            used = {name: now - before[name] for name, now in cpu_of_spark().items()}
        totals = read_summary(str(folder / "second")).totals
        assert totals.balances
        assert totals.delivered == count
        spark.stop()
        server.stdin.close()
        requests, microseconds = map(int, server.stdout.readline().split())
        server.wait()
    print(f"{count:,} events, {cores} cores, {partitions} partitions: {seconds:.1f} s")
    print(f"{count / seconds:,.0f} events/s, {count / seconds / cores:,.0f} per core")
    for name, spent in used.items():
        print(f"{spent / count * 1e6:.1f} µs of CPU per event: {name}")
    print(f"{microseconds / 2 / count:.2f} µs of CPU per event: server")
    print(f"{requests / 2:,.0f} requests, {totals.bytes_sent / count:.0f} bytes per event")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
