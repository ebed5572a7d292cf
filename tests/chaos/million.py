"""A million events from eight threads: the account, and the memory that they take."""

import gzip
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from attrs import define

from statsig_api_client import Statsig, StatsigUser
from tests.support.collector import OK, Collector, Response, serving

from .chance import KEY, EagerLogger

THREADS: Final = 8


@define(eq=False)
class Census(Collector):
    """Counts a million events in a million bytes."""

    seen: bytearray = bytearray()  # noqa: RUF009

    def receive(self, body: bytes, encoding: str | None) -> Response:
        content = gzip.decompress(body) if encoding == "gzip" else body
        numbers = [int(number) for number in re.findall(rb'"n":"(\d+)"', content)]
        with self._lock:
            for number in numbers:
                self.seen[number] += 1
        return OK


def run(directory: Path, seed: int, total: int = 1_000_000, limit: int = 50 * 2**20) -> str:  # noqa: ARG001
    """All are delivered, once; the memory stays below a limit."""
    census = Census(seen=bytearray(total))
    with serving(census):
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos.million", census.url, str(total)],
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
            timeout=600,
        )
    facts = json.loads(done.stdout)
    assert facts["stats"] == {"accepted": total, "delivered": total, "pending": 0}
    assert census.seen == b"\1" * total
    assert facts["grown"] < limit, facts
    return f"{facts['grown'] / 2**20:.0f} MB, {facts['seconds']:.0f} s"


def _resident(what: str) -> int:
    status = Path("/proc/self/status").read_text()
    return int(re.findall(rf"{what}:\s+(\d+)", status)[0]) * 1024


def _program(url: str, total: int) -> None:
    with Statsig(KEY, base_url=url) as statsig:
        events = EagerLogger(statsig)
        user = StatsigUser(user_id="42", email="ada@example.com")

        def log(thread: int) -> None:
            for number in range(thread, total, THREADS):
                events.log(user, "purchase", value=9.99, metadata={"n": str(number)})

        events.stats()
        before = _resident("VmRSS")
        begun = time.monotonic()
        threads = [threading.Thread(target=log, args=(number,)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        events.close(300)
        stats = events.stats()
        print(
            json.dumps(
                {
                    "grown": _resident("VmHWM") - before,
                    "seconds": time.monotonic() - begun,
                    "stats": {
                        name: getattr(stats, name) for name in ("accepted", "delivered", "pending")
                    },
                }
            )
        )


if __name__ == "__main__":
    _program(sys.argv[1], int(sys.argv[2]))
