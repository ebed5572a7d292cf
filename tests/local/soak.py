"""Long campaigns against the local server: kills at random moments, and memory (`make soak`).

    python tests/local/soak.py [--kills 100] [--events 1000000]

The server is a process with its database in a file. test_survival.py runs short forms of both.
"""

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, field, frozen

from statsig_api_client.local.recording import EventFilter, RecordedExposure, Recording

SHOP = Path(__file__).parents[2] / "examples" / "project.yaml"
HEADERS = {"statsig-api-key": "secret-local"}
BATCH = 50


@frozen
class Server:
    """A local server process."""

    process: "subprocess.Popen[str]"
    port: int

    def memory(self) -> float:
        """Return its memory in megabytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def serving(db: Path) -> Iterator[Server]:
    """Start a server, and kill it at the end as `kill -9` does."""
    command = [sys.executable, "-m", "statsig_api_client.cli", "serve", str(SHOP)]
    with subprocess.Popen(
        [*command, "--port", "0", "--db", str(db)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            yield Server(process, int(url.rpartition(":")[2].partition("/")[0]))
        finally:
            process.kill()


@define
class Sender:
    """A thread that sends requests on one connection until it fails, and records responses."""

    server: Server
    name: str
    acknowledged: list[str] = field(factory=list)
    """The requests whose events must be stored."""
    sent: int = 0
    """The number of requests; the last one may have no response."""

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        with suppress(OSError, http.client.HTTPException):
            while True:
                self.sent += 1
                call, body, names = self.request(self.sent)
                connection.request("POST", f"/v1/{call}", json.dumps(body), HEADERS)
                response = connection.getresponse()
                assert response.status < 300, response.read()
                # The head proves that the server has responded, even if the rest is lost.
                self.acknowledged += names
                response.read()
        connection.close()

    def request(self, number: int) -> tuple[str, object, list[str]]:
        names = [f"{self.name}.{number}.{n}" for n in range(BATCH)]
        return "log_event", {"events": [{"eventName": name} for name in names]}, names


class Evaluating(Sender):
    """A sender that checks gates for one user after another, which logs exposures."""

    def request(self, number: int) -> tuple[str, object, list[str]]:
        name = f"{self.name}.{number}"
        return "check_gate", {"gateName": "staff_tools", "user": {"userID": name}}, [name]


@define
class Kills:
    """Consecutive servers that are killed while they write to one database."""

    db: Path
    chance: random.Random
    acknowledged: list[str] = field(factory=list)
    """The requests that the last killed server responded to."""
    read: int = 0
    """The ID of the last event that was read back."""
    rounds: int = 0
    total: int = 0
    unacknowledged: int = 0
    """The number of stored events without a response, which is allowed."""
    missing: int = 0
    doubled: int = 0
    torn: int = 0
    """The number of partly stored batches."""

    def kill(self) -> None:
        """Start a server, check its predecessor's acknowledged events, and kill it under load."""
        with serving(self.db) as server:
            self.check()
            self.rounds += 1
            kinds = (Sender, Sender, Sender, Evaluating, Evaluating)
            senders = [kind(server, f"{self.rounds}.{n}") for n, kind in enumerate(kinds)]
            threads = [threading.Thread(target=sender.run) for sender in senders]
            for thread in threads:
                thread.start()
            time.sleep(self.chance.uniform(0.01, 0.5))
            server.process.kill()
            for thread in threads:
                thread.join()
            self.acknowledged = [name for sender in senders for name in sender.acknowledged]

    def check(self) -> None:
        """Compare stored with acknowledged events."""
        recording = Recording(self.db)
        page = recording.find(EventFilter(), after=self.read, limit=10**9)
        recording.close()
        stored = Counter(
            str(event.user["userID"]) if isinstance(event, RecordedExposure) else event.event_name
            for event in page.items
        )
        batches = Counter(name.rpartition(".")[0] for name in stored if name.count(".") == 3)
        self.read = page.items[-1].id if page.items else self.read
        self.total += len(self.acknowledged)
        self.unacknowledged += len(stored.keys() - set(self.acknowledged))
        self.missing += len(set(self.acknowledged) - stored.keys())
        self.doubled += sum(count > 1 for count in stored.values())
        self.torn += sum(size != BATCH for size in batches.values())
        self.acknowledged = []

    def finish(self) -> None:
        """Start a last server, and check its predecessor's acknowledged events."""
        with serving(self.db):
            self.check()


def memory_by_events(db: Path, steps: int, events: int) -> list[float]:
    """Send events in batches of 500 and return the server's memory in MB after each step."""
    batch = json.dumps(
        {"events": [{"eventName": "e", "user": {"userID": str(n)}, "value": n} for n in range(500)]}
    )
    sizes: list[float] = []
    with serving(db) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        for _ in range(steps):
            for _ in range(events // steps // 500):
                connection.request("POST", "/v1/log_event", batch, HEADERS)
                response = connection.getresponse()
                assert response.status == 202, response.read()
                response.read()
            sizes.append(server.memory())
        connection.close()
    return sizes


def main() -> int:
    """Run both campaigns and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kills = Kills(Path(folder) / "kills.db", random.Random(options.seed))
        for _ in range(options.kills):
            kills.kill()
        kills.finish()
        sizes = memory_by_events(Path(folder) / "memory.db", 10, options.events)
    growth = sizes[-1] - sizes[0]
    print(f"kills (seed {options.seed}) {kills.rounds:>10,}")
    print(f"events acknowledged        {kills.total:>10,}")
    print(f"  missing afterwards       {kills.missing:>10,}")
    print(f"  stored twice             {kills.doubled:>10,}")
    print(f"batches stored in part     {kills.torn:>10,}")
    print(f"stored, unacknowledged     {kills.unanswered:>10,}   (allowed)")
    memory = " ".join(f"{size:.0f}" for size in sizes)
    print(f"memory in MB, every {options.events // 10:,} events: {memory}")
    failed = kills.missing or kills.doubled or kills.torn or growth > 20
    print("FAILED" if failed else "passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
