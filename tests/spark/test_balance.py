"""A million rows, a killed worker and an outage: the totals match the server's records."""

import os
import signal
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from attrs import define, field
from pyspark.sql import SparkSession

from statsig_api_client.local import LocalServer
from statsig_api_client.spark import read_summary

from .conftest import ROOT, events

ROWS = 1_000_000
PARTITIONS = 8
MOST_ON_THEIR_WAY = 2 * (8 + 2) * 1000
"""Maximum events of a task that are in progress or not yet recorded as delivered; doubled, since
recording may be slow on a busy machine."""


def workers() -> list[int]:
    """Return the processes of Python tasks: children of Spark's daemon."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                if b"pyspark.daemon" in (folder / "cmdline").read_bytes():
                    stat = (folder / "stat").read_text().rpartition(")")[2].split()
                    parents[int(folder.name)] = int(stat[1])
            except OSError:
                continue
    return [process for process, parent in parents.items() if parent in parents]


@define
class Shop:
    """A local server on one port and database that can be stopped and restarted."""

    db: Path
    port: int = 0
    server: LocalServer = field(init=False)

    def open(self) -> None:
        self.server = LocalServer(
            ROOT / "examples" / "project.yaml", port=self.port, db=self.db, process=True
        )
        self.port = int(self.server.url.rpartition(":")[2].partition("/")[0])

    def recorded(self) -> tuple[int, int]:
        """Return the numbers of events and of distinct events."""
        with sqlite3.connect(self.db) as database:
            (row,) = database.execute("SELECT count(*), count(DISTINCT unit_ids) FROM events")
        database.close()
        return row


def trouble(shop: Shop) -> None:
    """Kill a worker, and later stop the server for some seconds, while a job runs."""

    def wait_for(count: int) -> None:
        while shop.recorded()[0] < count:
            time.sleep(0.1)

    wait_for(ROWS // 5)
    os.kill(workers()[0], signal.SIGKILL)
    wait_for(ROWS // 2)
    shop.server.close()
    time.sleep(3)
    shop.open()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_million_rows_balance_after_failures(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop(tmp_path / "events.db")
    shop.open()
    key = tmp_path / "key"
    key.write_text(shop.server.secret_key)
    with ThreadPoolExecutor() as pool:
        troubles = pool.submit(trouble, shop)
        events(spark, ROWS, PARTITIONS).write.format("statsig").mode("append").options(
            url=shop.server.url, apiKeyFile=key, resendAmbiguous="true", giveUpAfter=60
        ).save(str(tmp_path / "job"))
        troubles.result()
    shop.server.close()
    summary = read_summary(str(tmp_path / "job"))
    totals = summary.totals
    assert totals.balances
    assert summary.partitions == PARTITIONS
    assert (totals.read, totals.delivered + totals.skipped) == (ROWS, ROWS)
    assert totals.skipped > 0
    assert totals.unmatched == 0
    assert totals.retried > 0
    recorded, different = shop.recorded()
    assert different == ROWS
    assert recorded - different <= totals.resent + MOST_ON_THEIR_WAY
