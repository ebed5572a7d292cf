"""Runs every fault many times, and prints a table: python -m tests.chaos.campaign [SCALE].

SCALE 1, the default, is the whole; 0.1 a tenth of it, but each fault once at least.
"""

import logging
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from . import (
    connections,
    deaths,
    disks,
    first_uses,
    million,
    outages,
    poison,
    reentrancy,
    responses,
)

Scenario = Callable[[Path, int], object]

SCENARIOS: Final[tuple[tuple[str, int, Scenario, str], ...]] = (
    ("kill -9 at a random moment, spool", 200, deaths.run, "none lost, doubles in 16 batches"),
    ("server down for 10 minutes (injected)", 20, outages.run, "all delivered, no stampede"),
    *(
        (fault.name, 50, partial(responses.run, fault), f"according to the state `{fault.state}`")
        for fault in responses.FAULTS
    ),
    ("one poisonous event among 5,000", 20, poison.run, "4,999 delivered, one named"),
    ("one event of 5,000 on which the server fails", 20, poison.run_failing, "the same"),
    ("four processes, one killed", 50, deaths.run_four, "none lost, doubles in 16 batches"),
    ("disk full", 10, disks.full, "reported, all accepted delivered without a free byte"),
    ("disk full, kill -9", 10, deaths.run_on_full_disk, "delivered without a free byte"),
    ("20 MB of dead letters", 3, disks.dead_letters, "no event writes them again"),
    ("read-only directory", 10, disks.read_only, "reported at construction"),
    ("corrupt or foreign file", 10, disks.corrupt, "kept aside, logging goes on"),
    ("clock jumping back and forth", 10, disks.jumping_clock, "each delivered once"),
    ("signal handlers and finalizers that log", 20, reentrancy.run, "account exact, none doubled"),
    ("calls cancelled at any moment", 40, connections.cancelled, "all later calls succeed"),
    (
        "calls interrupted by signals",
        40,
        connections.interrupted,
        "all raised, later calls succeed",
    ),
    ("forks during a first use over TLS", 40, first_uses.run, "no child hangs"),
    ("1,000,000 events, 8 threads", 3, million.run, "balance exact, below 50 MB"),
)


def main(scale: float) -> int:
    """Run all; 1 if a promise was broken."""
    logging.disable(logging.CRITICAL)
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, scale {scale:g}\n")
    print("| fault | runs | kept | promise | seconds | last run |\n|---|---|---|---|---|---|")
    broken = 0
    for name, runs, scenario, promise in SCENARIOS:
        times = max(1, round(runs * scale))
        begun = time.monotonic()
        failures: list[str] = []
        reported: object = None
        for seed in range(times):
            with tempfile.TemporaryDirectory() as directory:
                try:
                    reported = scenario(Path(directory), seed)
                except AssertionError as error:
                    failures.append(f"seed {seed}: {error}")
        took = time.monotonic() - begun
        row = (name, times, times - len(failures), promise, f"{took:.0f}", reported or "")
        print("| " + " | ".join(map(str, row)) + " |", flush=True)
        for failure in failures:
            print(f"BROKEN {name}, {failure}", file=sys.stderr)
        broken += len(failures)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
