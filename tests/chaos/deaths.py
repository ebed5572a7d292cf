"""Processes that are killed while they log into a spool."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.collector import OK, Collector, collecting

from .chance import Late, logger
from .disks import DOWN, fill_disk, little_room

ROOT = Path(__file__).parents[2]
BATCH = 40
CONCURRENCY = 16
"""The default of `max_concurrency`."""


def start(**arguments: Any) -> "subprocess.Popen[bytes]":
    """Start the program; see `program.py`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.chaos.program", json.dumps(arguments)],
        stdout=subprocess.PIPE,
        env=environment,
    )


def returned(process: "subprocess.Popen[bytes]", name: str) -> set[str]:
    """Return the events for which `log()` had returned when the process ended."""
    assert process.stdout is not None
    with process.stdout:
        lines = process.stdout.read().split(b"\n")
    return {f"{name}-{int(line)}" for line in lines[:-1]}


def kill_after(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    """Wait until the program logs, and kill it some seconds later."""
    assert process.stdout is not None
    process.stdout.peek(1)  # type: ignore[attr-defined]
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait(60)


def recover(server: Collector, spool: Path) -> None:
    """Deliver what is left, as the next process does."""
    with logger(server.url, Late(), spool=spool, max_batch=BATCH) as events:
        events.flush(60)
        stats = events.stats()
    assert stats.pending == 0, stats
    assert stats.accepted == stats.delivered, stats


def run(directory: Path, seed: int) -> str:
    """Check a restart after `kill -9` at a random moment."""
    dice = random.Random(seed)
    spool = directory / f"{seed}.db"
    with collecting(keeps_events=False) as server:
        process = start(
            url=server.url,
            spool=str(spool),
            name="a",
            count=100_000,
            max_batch=BATCH,
            durability=dice.choice(("process", "process", "power")),
        )
        kill_after(process, dice.uniform(0, 0.4))
        promised = returned(process, "a")
        recover(server, spool)
    missing = promised - set(server.accepted)
    assert not missing, (len(missing), sorted(missing)[:3])
    # So many batches at most were in progress when the process died.
    assert len(server.doubles) <= BATCH * CONCURRENCY, len(server.doubles)
    assert max(server.accepted.values()) <= 2
    return f"{len(promised)} promised, {len(server.doubles)} doubled"


def run_four(directory: Path, seed: int) -> str:
    """Check four processes on one spool, one of which is killed."""
    dice = random.Random(seed)
    spool = directory / f"{seed}.db"
    names = ("a", "b", "c", "d")
    with collecting(keeps_events=False) as server:
        processes = {
            name: start(
                url=server.url,
                spool=str(spool),
                name=name,
                count=100_000 if name == "a" else 400,
                delay=0.0005,
                max_batch=BATCH,
                timeout=30.0,
            )
            for name in names
        }
        kill_after(processes["a"], dice.uniform(0, 0.5))
        # The others end when only the batch of the dead process is left.
        promised = {event for name in names for event in returned(processes[name], name)}
        ends = [process.wait(120) for process in processes.values()]
        assert ends[1:] == [0, 0, 0], ends
        assert not list(directory.glob("*.broken*"))
        recover(server, spool)
    missing = promised - set(server.accepted)
    assert not missing, (len(missing), sorted(missing)[:3])
    assert len(server.doubles) <= BATCH * CONCURRENCY, len(server.doubles)
    return f"{len(promised)} promised, {len(server.doubles)} doubled"


def run_on_full_disk(directory: Path, seed: int) -> str:
    """Check a restart without a free byte after `kill -9` of a process that filled its disk."""
    dice = random.Random(seed)
    with little_room(directory / str(seed)) as disk, collecting(lambda *_: DOWN) as server:
        spool = disk / "events.db"
        process = start(url=server.url, spool=str(spool), name="a", count=100_000, max_batch=BATCH)
        kill_after(process, dice.uniform(1.0, 1.5))
        promised = returned(process, "a")
        fill_disk(disk)
        server.plan = lambda *_: OK
        recover(server, spool)
    assert promised <= set(server.accepted)
    assert not server.doubles
    return f"{len(promised)} promised"
