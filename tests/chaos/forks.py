"""A program that forks while another thread uses a client for the first time.

Run as `python -m tests.chaos.forks FIRST_USE URL TRIES [SEED]`. Each try takes a new process that
has imported nothing of the package, starts a thread that uses a client for the first time, forks
meanwhile, and has the child use the same client. It prints where children hang, and returns 1 when
one does.
"""

import faulthandler
import os
import random
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

HANGS: Final = 20.0
"""Seconds after which a child counts as hanging."""

KEY: Final = "secret-forks"
USER: Final = {"userID": "42"}


def call(url: str, **options: Any) -> Callable[[], object]:
    """Return a first call of a client that exists."""
    from statsig_api_client import Statsig

    statsig = Statsig(KEY, base_url=url, **options)
    return lambda: statsig.check_gate(USER, "a_gate")


def fast_call(url: str) -> Callable[[], object]:
    """Return a first call on the fast engine."""
    return call(url, engine="fast")


def compressed_call(url: str) -> Callable[[], object]:
    """Return a first delivery with everything that it may need."""
    from statsig_api_client import Statsig

    statsig = Statsig(KEY, base_url=url, gzip_events=True)
    events = [{"eventName": "seen", "user": USER, "metadata": {"a": "b" * 2000}}]
    return lambda: statsig.log_events(events)


def async_call(url: str, engine: str = "httpx") -> Callable[[], object]:
    """Return a first call of an asynchronous client."""
    import asyncio

    from statsig_api_client import AsyncStatsig

    statsig: Any = AsyncStatsig(KEY, base_url=url, engine=engine)  # type: ignore[arg-type]
    return lambda: asyncio.run(statsig.check_gate(USER, "a_gate"))


def async_fast_call(url: str) -> Callable[[], object]:
    """Return a first call of an asynchronous client on the fast engine."""
    return async_call(url, "fast")


def construction(url: str, engine: str = "httpx") -> Callable[[], object]:
    """Return the construction of a client and its first call."""
    from statsig_api_client import Statsig

    def use() -> None:
        with Statsig(KEY, base_url=url, engine=engine) as statsig:  # type: ignore[arg-type]
            statsig.check_gate(USER, "a_gate")

    return use


def fast_construction(url: str) -> Callable[[], object]:
    """Return the construction of a client of the fast engine and its first call."""
    return construction(url, "fast")


def logging(url: str, **options: Any) -> Callable[[], object]:
    """Return the first event of an event logger."""
    from statsig_api_client import Statsig

    events = Statsig(KEY, base_url=url).events(**options)

    def use() -> None:
        events.log(USER, "purchase", metadata={"a": "b"})
        assert events.flush(HANGS).delivered  # events of the other process may be pending

    return use


def spooling(url: str) -> Callable[[], object]:
    """Return the first event of an event logger with a spool."""
    return logging(url, spool=Path(tempfile.mkdtemp()) / "events.db")


def logger_construction(url: str) -> Callable[[], object]:
    """Return the construction of an event logger and its first event."""
    from statsig_api_client import Statsig

    statsig = Statsig(KEY, base_url=url)
    path = Path(tempfile.mkdtemp()) / "events.db"

    def use() -> None:
        with statsig.events(spool=path) as events:
            events.log(USER, "purchase")

    return use


FIRST_USES: Final[dict[str, Callable[[str], Callable[[], object]]]] = {
    function.__name__: function
    for function in (
        call,
        fast_call,
        compressed_call,
        async_call,
        async_fast_call,
        construction,
        fast_construction,
        logging,
        spooling,
        logger_construction,
    )
}


def attempt(name: str, url: str, delay: float) -> bool:
    """Fork while a thread uses a client for the first time; return whether the child hangs."""
    use = FIRST_USES[name](url)
    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    time.sleep(delay)
    child = os.fork()
    if child == 0:
        faulthandler.dump_traceback_later(HANGS, exit=True)
        use()
        os._exit(0)
    thread.join(HANGS)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) != 0 or thread.is_alive()


def longest(name: str, url: str) -> float:
    """Return the seconds that a first use takes."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        use = FIRST_USES[name](url)
        start = time.monotonic()
        use()
        os.write(writer, repr(time.monotonic() - start).encode())
        os._exit(0)
    os.close(writer)
    with open(reader) as output:  # noqa: PTH123
        seconds = float(output.read())
    os.wait()
    return seconds


def main(name: str, url: str, tries: str, seed: str = "1") -> int:
    """Try at moments from the start to the end of a first use; return 1 when a child hangs."""
    chance = random.Random(seed)
    end = longest(name, url)
    hanging = 0
    for _ in range(int(tries)):
        delay = chance.random() * end * 1.1
        parent = os.fork()
        if parent == 0:
            os._exit(attempt(name, url, delay))
        _, status = os.waitpid(parent, 0)
        hanging += status != 0
    print(f"{name}: {hanging} of {tries} hang; a first use takes {end * 1000:.1f} ms")
    return 1 if hanging else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
