"""Throughput of the local server on one core, and the distribution of its time.

    python benchmarks/local_server.py [project] [--seconds 5]

The server runs in a separate process on one core, with its database in a file. The load comes from
this process on another core, over raw sockets, which are cheap compared with the server. Each
evaluation stores an exposure; events are sent in batches of 500, plain and compressed with gzip.
"""

import argparse
import gzip
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from attrs import frozen

from statsig_api_client.generated.typed_dicts import GetConfigRequestDict, LogEventRequestDict
from statsig_api_client.local.config_specs.document import load_specs
from statsig_api_client.local.config_specs.evaluator import Evaluator
from statsig_api_client.local.http.events import config_exposure, logged_events
from statsig_api_client.local.http.validation import statsig_api_validator
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.strict_json import read_json

SHOP = Path(__file__).parents[1] / "examples" / "project.yaml"
CONNECTIONS = 4
BATCH = 500
USER = {"userID": "user-123", "email": "ada@example.com", "custom": {"plan": "pro", "level": 3}}


@frozen
class Server:
    """The local server in a separate process."""

    process: "subprocess.Popen[str]"
    port: int

    def cpu_seconds(self) -> float:
        """Return its CPU time."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Return its memory, in megabytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def serving(project: Path, db: Path) -> Iterator[Server]:
    """Start a server on the first core and keep this process on the others."""
    cores = sorted(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "statsig_api_client.cli", "serve", str(project)]
    os.sched_setaffinity(0, cores[:1])
    with subprocess.Popen(
        [*command, "--port", "0", "--db", str(db)], stdout=subprocess.PIPE, text=True
    ) as process:
        os.sched_setaffinity(0, cores[1:] or cores)
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        try:
            yield Server(process, int(url.rpartition(":")[2].partition("/")[0]))
        finally:
            process.terminate()


def http(call: str, body: bytes, *headers: str) -> bytes:
    """Return a request as bytes."""
    lines = [
        f"POST /v1/{call} HTTP/1.1",
        "host: localhost",
        "statsig-api-key: secret-local",
        f"content-length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def load(server: Server, requests: list[bytes], status: bytes, seconds: float) -> float:
    """Send requests in turn over a few connections and return the responses per second."""
    address = ("127.0.0.1", server.port)
    connections = [socket.create_connection(address) for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.sendall(requests[0])
    sent = 0
    start = time.perf_counter()
    while time.perf_counter() < start + seconds:
        for connection in connections:
            response = connection.recv(65536)
            while b"\r\n\r\n" not in response or response.endswith(b"\r\n\r\n"):
                response += connection.recv(65536)
            assert response.startswith(b"HTTP/1.1 " + status), response
            sent += 1
            connection.sendall(requests[sent % len(requests)])
    rate = sent / (time.perf_counter() - start)
    for connection in connections:
        connection.recv(65536)
        connection.close()
    return rate


def report(
    server: Server, what: str, requests: list[bytes], status: bytes, seconds: float, each: int
) -> float:
    """Print the rate of a kind of request and return its CPU time in microseconds."""
    load(server, requests, status, 0.5)
    before, start = server.cpu_seconds(), time.perf_counter()
    rate = load(server, requests, status, seconds)
    busy = (server.cpu_seconds() - before) / (time.perf_counter() - start)
    cost = busy / rate * 1e6
    print(
        f"{what:<36} {rate * each:>9,.0f}/s measured, core {busy:4.0%} busy   "
        f"{each / cost * 1e6:>9,.0f}/s of a whole core   {cost:7,.0f} µs a request   "
        f"{server.memory():.0f} MB"
    )
    return cost


def stage(what: str, total: float, work: Callable[[], object], repeat: int) -> float:
    """Print the cost of a part of a request and return it in microseconds of CPU."""
    work()
    start = time.process_time()
    for _ in range(repeat):
        work()
    cost = (time.process_time() - start) / repeat * 1e6
    print(f"    {what:<44} {cost:9,.1f} µs  {cost / total:4.0%}")
    return cost


def evaluation_stages(project: Path, db: Path, total: float, body: bytes) -> None:
    """Print the distribution of the time of an evaluation."""
    validator, evaluator, recording = (
        statsig_api_validator(),
        Evaluator(load_specs(project)),
        Recording(db),
    )
    call = validator.check(GetConfigRequestDict, read_json(body))
    name, user = call["configName"], call.get("user", {})
    config = evaluator.evaluate(user).config(name)
    exposure = config_exposure(user, name, config)
    parts: list[tuple[str, Callable[[], object]]] = [
        ("read JSON", lambda: read_json(body)),
        ("validate it", lambda: validator.check(GetConfigRequestDict, call)),
        ("evaluate", lambda: evaluator.evaluate(user).config(name)),
        ("make the exposure", lambda: config_exposure(user, name, config)),
        ("store and commit it", lambda: recording.store([exposure])),
    ]
    known = sum(stage(what, total, work, 2000) for what, work in parts)
    print(f"    {'the rest: HTTP, routing, the response':<44} {total - known:9,.1f} µs")
    recording.close()
    evaluator.close()


def event_stages(db: Path, total: float, body: bytes) -> None:
    """Print the distribution of the time of a batch of events."""
    validator, recording = statsig_api_validator(), Recording(db)
    call = validator.check(LogEventRequestDict, read_json(body))
    events = logged_events(call)
    parts: list[tuple[str, Callable[[], object]]] = [
        ("read JSON", lambda: read_json(body)),
        ("validate it", lambda: validator.check(LogEventRequestDict, call)),
        ("make the events", lambda: logged_events(call)),
        ("store and commit them", lambda: recording.store(events)),
    ]
    known = sum(stage(what, total, work, 100) for what, work in parts)
    print(f"    {'the rest: HTTP, routing, the response':<44} {total - known:9,.1f} µs")
    recording.close()


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("project", nargs="?", type=Path, default=SHOP)
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    specs = load_specs(options.project)
    users = [{**USER, "userID": f"user-{n}"} for n in range(997)]
    name = (*specs.configs, *specs.experiments)[0]
    gates = [orjson.dumps({"gateName": specs.gates[0], "user": user}) for user in users]
    configs = [orjson.dumps({"configName": name, "user": user}) for user in users]
    events = orjson.dumps(
        {
            "events": [
                {
                    "eventName": f"purchase {n % 20}",
                    "user": {**USER, "userID": f"user-{n}"},
                    "value": 9.99,
                    "time": 1_750_000_000_000 + n,
                    "metadata": {"sku": f"SKU-{n}", "currency": "EUR", "page": "/checkout"},
                }
                for n in range(BATCH)
            ],
            "statsigMetadata": {"sdkType": "bench", "sdkVersion": "1"},
        }
    )
    packed = http("log_event", gzip.compress(events, 1), "content-encoding: gzip")
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(options.project, Path(folder) / "events.db") as server,
    ):

        def run(what: str, requests: list[bytes], status: bytes, each: int = 1) -> float:
            return report(server, what, requests, status, options.seconds, each)

        stages = Path(folder) / "stages.db"
        asked = [http("check_gate", gate) for gate in gates]
        run("check_gate, with a stored exposure", asked, b"200")
        asked = [http("get_config", config) for config in configs]
        cost = run("get_config, with a stored exposure", asked, b"200")
        evaluation_stages(options.project, stages, cost, configs[0])
        cost = run(f"events, batches of {BATCH}", [http("log_event", events)], b"202", BATCH)
        event_stages(stages, cost, events)
        run(f"events, batches of {BATCH}, gzip", [packed], b"202", BATCH)


if __name__ == "__main__":
    main()
