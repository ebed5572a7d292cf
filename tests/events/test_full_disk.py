"""A spool on a disk without a free byte: events are delivered, and people can look after it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.cli.main import main
from statsig_api_client.events import EventQueueFullError, SpoolError
from tests.chaos.chance import Late, logger
from tests.chaos.disks import can_mount, fill_disk, free_disk, limited_files, small_disk
from tests.support.clients import KEY
from tests.support.collector import Collector, Response

DOWN = Response(503, b"", accepts=False)
BAD = Response(400, b"bad", accepts=False)


@pytest.fixture(params=["disk", "limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A small disk, or a limit on the size of files, which shows as errors of another kind."""
    if request.param == "limit":
        with limited_files(tmp_path, 2 * 2**20) as directory:
            yield directory
    elif not can_mount(tmp_path):
        pytest.skip("mounting a disk needs root")
    else:
        with small_disk(tmp_path, 6 * 2**20) as directory:
            (directory / "of others").write_bytes(bytes(2**20))
            yield directory


def fill(events: Any, start: int = 0) -> set[str]:
    """Log until the spool accepts no more; return what it accepted."""
    accepted: set[str] = set()
    for number in range(start, start + 100_000):
        try:
            events.log({"userID": "42"}, "purchase", metadata={"n": str(number), "text": "x" * 900})
        except EventQueueFullError:
            return accepted
        accepted.add(str(number))
    raise AssertionError("the disk is not full")


def left_full(disk: Path, collector: Collector) -> set[str]:
    """Leave a spool that filled its disk, and no free byte."""
    collector.plan = lambda *_: DOWN
    with logger(collector.url, spool=disk / "events.db", overflow="raise") as events:
        accepted = fill(events)
    fill_disk(disk)
    collector.plan = lambda *_: Response()
    return accepted


def test_full_disk_still_delivers(disk: Path, collector: Collector) -> None:
    collector.plan = lambda *_: DOWN
    with logger(collector.url, spool=disk / "events.db", overflow="raise") as events:
        accepted = fill(events)
        fill_disk(disk)
        collector.plan = lambda *_: Response()
        assert events.flush(60).pending == 0
        assert events.stats().delivered == len(accepted) > 500
        # The pages of delivered events are used again.
        events.log({"userID": "42"}, "purchase", metadata={"n": "more"})
        assert events.flush(60).pending == 0
    assert set(collector.accepted) == accepted | {"more"}
    assert not collector.doubles


def test_full_disk_blocks_log_until_delivery(disk: Path, collector: Collector) -> None:
    collector.plan = lambda *_: DOWN
    with logger(collector.url, spool=disk / "events.db", overflow="raise") as events:
        accepted = fill(events)
    fill_disk(disk)
    collector.plan = lambda *_: Response()

    def log() -> None:
        for number in range(300):
            metadata = {"n": f"late-{number}", "text": "x" * 900}
            events.log({"userID": "42"}, "purchase", metadata=metadata)

    with logger(collector.url, spool=disk / "events.db", overflow="block") as events:
        thread = threading.Thread(target=log)
        thread.start()
        thread.join(60)
        assert not thread.is_alive()
        assert events.flush(60).pending == 0
    assert set(collector.accepted) == accepted | {f"late-{number}" for number in range(300)}
    assert not collector.doubles


def test_full_disk_opens_again_and_again(disk: Path, collector: Collector) -> None:
    accepted = left_full(disk, collector)
    collector.plan = lambda *_: DOWN
    for _ in range(10):
        with logger(collector.url, spool=disk / "events.db", overflow="raise") as events:
            assert events.stats().pending == len(accepted)
        fill_disk(disk)
    collector.plan = lambda *_: Response()
    with logger(collector.url, spool=disk / "events.db") as events:
        assert events.flush(60).pending == 0
    assert set(collector.accepted) == accepted


def test_full_disk_survives_kill(disk: Path, collector: Collector) -> None:
    program = """
import os, sys
from statsig_api_client import Statsig
from statsig_api_client.events import EventQueueFullError, SpoolError
from tests.chaos.chance import EagerLogger
statsig = Statsig("secret-CanYouKeepIt42", base_url=sys.argv[1])
events = EagerLogger(statsig, spool=sys.argv[2], overflow="raise")
number = 0
try:
    while True:
        metadata = {"n": str(number), "text": "x" * 900}
        events.log({"userID": "42"}, "purchase", metadata=metadata)
        number += 1
except EventQueueFullError:
    print(number, flush=True)
    os.kill(os.getpid(), 9)
"""
    collector.plan = lambda *_: DOWN
    done = subprocess.run(
        [sys.executable, "-c", program, collector.url, disk / "events.db"],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    fill_disk(disk)
    collector.plan = lambda *_: Response()
    with logger(collector.url, Late(), spool=disk / "events.db") as events:
        assert events.flush(60).pending == 0
    assert set(collector.accepted) == {str(number) for number in range(int(done.stdout))}


def test_full_disk_accounts_for_dead_letters(
    disk: Path,
    collector: Collector,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Dead letters take more room than events, and only a part of the reserve is theirs."""
    accepted = left_full(disk, collector)
    collector.plan = lambda *_: BAD
    with logger(collector.url, spool=disk / "events.db") as events:
        assert events.flush(60).rejected == len(accepted)
    discarded = re.findall(r"(\d+) dead letters were discarded", caplog.text)
    fill_disk(disk)
    assert main(["spool", "retry", str(disk / "events.db")]) == 0
    assert main(["spool", "export", str(disk / "events.db")]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    kept = {json.loads(line)["event"]["metadata"]["n"] for line in lines}
    assert kept < accepted
    assert len(kept) + sum(map(int, discarded)) == len(accepted)
    assert len(kept) > len(accepted) / 3


def test_full_disk_allows_every_command(
    disk: Path,
    collector: Collector,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accepted = left_full(disk, collector)
    spool = disk / "events.db"
    monkeypatch.setenv("STATSIG_API_KEY", KEY)
    monkeypatch.setenv("STATSIG_BASE_URL", collector.url)
    for verb in ("list", "export", "retry", "discard"):
        assert main(["spool", verb, str(spool)]) == 0
        fill_disk(disk)
    assert capsys.readouterr().out.count("pending") >= len(accepted)
    assert main(["spool", "drain", str(spool)]) == 0
    assert set(collector.accepted) == accepted


def test_freed_disk_accepts_events_again(disk: Path, collector: Collector) -> None:
    accepted = left_full(disk, collector)
    collector.plan = lambda *_: DOWN
    options = {"overflow": "raise", "max_spool_bytes": 8 * 2**20}
    with logger(collector.url, spool=disk / "events.db", **options) as events:
        free_disk(disk)
        more = fill(events, start=100_000)
        collector.plan = lambda *_: Response()
        assert events.flush(60).pending == 0
    assert more
    assert set(collector.accepted) == accepted | more


def test_full_disk_without_reserve_is_reported(disk: Path, collector: Collector) -> None:
    """Another program may take the released bytes first."""
    accepted = left_full(disk, collector)
    (disk / "events.db-reserve").unlink()
    fill_disk(disk)
    if os.path.ismount(disk):
        with (
            pytest.raises(SpoolError, match="full"),
            logger(collector.url, spool=disk / "events.db"),
        ):
            pass
    free_disk(disk)
    with logger(collector.url, spool=disk / "events.db") as events:
        assert events.flush(60).pending == 0
    assert set(collector.accepted) == accepted
