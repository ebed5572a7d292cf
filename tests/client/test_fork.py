"""Forks while another thread uses a client for the first time."""

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from statsig_api_client import _fork
from statsig_api_client._fork import hold_forks
from tests.chaos.first_uses import FIRST_USES, fork_during

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="requires os.fork")


@pytest.mark.slow
@pytest.mark.parametrize("first_use", FIRST_USES)
def test_fork_during_first_use_leaves_child_usable(tmp_path: Path, first_use: str) -> None:
    fork_during(first_use, tmp_path, tries=10)


FORK = """
import os, threading, time
from statsig_api_client import _fork

_fork._MAX_DELAY = {max_delay}
entered, leave = threading.Event(), threading.Event()
events = []

def hold():
    with _fork.hold_forks():
        entered.set()
        leave.wait(20)
        events.append("left")

thread = threading.Thread(target=hold)
thread.start()
entered.wait()
threading.Timer({leave_after}, leave.set).start()
child = os.fork()
if child == 0:
    if os.fork() == 0:  # the lock of the thread that is missing here delays nothing
        os._exit(0)
    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))
events.append("forked")
leave.set()
thread.join()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(*events)
"""


@pytest.mark.parametrize(
    ("max_delay", "leave_after", "events"),
    [
        pytest.param(20, 0.3, "left forked", id="until the block ends"),
        pytest.param(0.1, 3, "forked left", id="at most for a time"),
    ],
)
def test_fork_waits_for_other_threads(max_delay: float, leave_after: float, events: str) -> None:
    program = FORK.format(max_delay=max_delay, leave_after=leave_after)
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.split("\n")[0] == events


OWN_THREAD = """
import os
from statsig_api_client import _fork
from statsig_api_client._fork import hold_forks
with hold_forks():
    child = os.fork()
    if child == 0:
        with hold_forks():
            os._exit(0)
    assert os.waitpid(child, 0) == (child, 0)
"""


def test_fork_ignores_its_own_thread() -> None:
    subprocess.run([sys.executable, "-c", OWN_THREAD], check=True, timeout=60)


def test_threads_hold_forks_concurrently() -> None:
    done = threading.Event()

    def hold() -> None:
        with hold_forks():
            done.set()

    with hold_forks():
        threading.Thread(target=hold).start()
        assert done.wait(20)


def test_fork_releases_locks_in_parent() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    with hold_forks():
        pass


def test_fork_delay_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fork, "_MAX_DELAY", 0.0)
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with hold_forks():
            held.set()
            release.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    release.set()
    thread.join()


LOGGING = """
import os, sys, threading, time
from statsig_api_client._fork import hold_forks

assert "logging" not in sys.modules
if {imported}:
    import logging
entered = threading.Event()

def hold():
    with hold_forks():
        entered.set()
        time.sleep(0.3)  # until the fork waits
        import logging
        logging.getLogger("statsig")

thread = threading.Thread(target=hold)
thread.start()
entered.wait()
start = time.monotonic()
child = os.fork()
if child == 0:
    import logging
    logging.getLogger("child")
    os._exit(0)
assert time.monotonic() - start < 5
assert os.waitpid(child, 0) == (child, 0)
logging = sys.modules["logging"]
thread = threading.Thread(target=logging.getLogger, args=["parent"])
thread.start()
thread.join(20)
assert not thread.is_alive()
"""


@pytest.mark.parametrize("imported", [True, False])
def test_fork_leaves_logging_usable(imported: bool) -> None:  # noqa: FBT001
    result = subprocess.run(
        [sys.executable, "-c", LOGGING.format(imported=imported)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert result.stderr == ""


def test_fork_keeps_lock_of_logging() -> None:
    lock = logging._lock  # type: ignore[attr-defined]  # noqa: SLF001
    with lock:
        child = os.fork()
        if child == 0:
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    assert not lock._is_owned()  # noqa: SLF001


def test_held_logging_lock_is_reacquired() -> None:
    with logging._lock:  # type: ignore[attr-defined]  # noqa: SLF001
        _fork._before_fork()  # noqa: SLF001
        _fork._after_fork()  # noqa: SLF001
