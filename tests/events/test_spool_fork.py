"""Forks while another thread of the parent is within SQLite."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import os, signal, sys, threading, time
from pathlib import Path
from statsig_api_client import Statsig
from statsig_api_client.events import EventLogger

directory, action = Path(sys.argv[1]), sys.argv[2]
statsig = Statsig("secret-CanYouKeepIt42", base_url="http://127.0.0.1:9")
forked = threading.Event()

def log(events, count):
    for _ in range(count):
        events.log({"userID": "42"}, "purchase")

def work(number):
    if action == "open":  # again and again for the first time
        turn = 0
        while not forked.is_set():
            turn += 1
            path = directory / f"{number}-{turn}.db"
            log(EventLogger(statsig, spool=path, flush_interval=3600), 1)
    else:
        events = EventLogger(statsig, spool=directory / f"{number}.db", flush_interval=3600)
        while not forked.is_set():
            log(events, 20)
            events.stats()

hung = 0
for number in range(25):
    forked.clear()
    child_events = EventLogger(statsig, spool=directory / "child.db", flush_interval=3600)
    thread = threading.Thread(target=work, args=(number,))
    thread.start()
    time.sleep(0.003 * (number % 7))
    child = os.fork()
    if child == 0:
        signal.alarm(20)  # ends a child that waits forever
        log(child_events, 2)
        os._exit(0)
    forked.set()
    thread.join()
    hung += os.waitpid(child, 0)[1] != 0
print(hung)
os._exit(0)
"""


@pytest.mark.parametrize("action", ["open", "write"])
def test_child_logs_while_parent_uses_sqlite(tmp_path: Path, action: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path, action],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ,
        timeout=600,
        check=False,
    )
    assert done.stdout == "0\n", done.stderr


def test_construction_imports_everything(tmp_path: Path) -> None:
    """A child that is forked during an import would wait for its lock forever."""
    program = """
import sys
from pathlib import Path
from statsig_api_client import Statsig
from statsig_api_client.events import EventLogger
statsig = Statsig("secret-CanYouKeepIt42", base_url="http://127.0.0.1:9")
events = EventLogger(statsig, spool=Path(sys.argv[1]) / "events.db", flush_interval=3600)
before = set(sys.modules)
events.log({"userID": "42"}, "purchase")
events.stats()
print(sorted(set(sys.modules) - before), flush=True)
import os; os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stdout == "[]\n", done.stderr
