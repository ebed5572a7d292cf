"""Cost of logging, compared with Statsig's own SDKs: python benchmarks/events.py [EVENTS].

Each contender runs in a separate process against one server, interleaved; results are medians. The
server is pinned to the last core and the contenders to the first. Requires the extra `bench`.
"""

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROUNDS = 5
CONTENDERS = ("ours", "ours, spool", "core", "legacy")

Results = dict[str, dict[str, float]]
"""Per contender: `log` and `cpu` (microseconds per event), `peak` (MB), `arrived` (share)."""


class Server(BaseHTTPRequestHandler):
    """Accepts all requests and counts events by their count header."""

    protocol_version = "HTTP/1.1"
    events = 0

    def do_POST(self) -> None:
        """Handle a request of any kind."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Server.events += int(self.headers.get("statsig-event-count", 0))
        self.response(b'{"success":true}')

    def do_GET(self) -> None:
        """Return the number of events, or empty config specs for SDKs."""
        if self.path == "/count":
            self.response(str(Server.events).encode())
            Server.events = 0
        else:
            self.response(
                b'{"has_updates":true,"time":1,"feature_gates":[],"dynamic_configs":[],'
                b'"layer_configs":[],"layers":{},"id_lists":{}}'
            )

    def response(self, body: bytes) -> None:
        """Send a JSON body."""
        head = f"HTTP/1.1 202 A\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        status = head.replace("202 A", "200 OK") if self.command == "GET" else head
        self.wfile.write(f"{status}\r\n\r\n".encode() + body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def pin(place: int) -> None:
    """Pin this process to one core, where the system supports it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[place]})


def processor_time() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ours(url: str, spool: str | None) -> tuple[Callable[[int], object], Callable[[], object]]:
    """Log with this package."""
    from statsig_api_client import Statsig, StatsigUser
    from statsig_api_client.events import EventLogger

    events = EventLogger(Statsig("secret-abc", base_url=f"{url}/v1"), spool=spool)
    user = StatsigUser(user_id="42", email="ada@example.com", custom={"plan": "pro"})
    return (
        lambda n: events.log(user, "purchase", 9.99, {"sku": "A1", "n": str(n)}),
        lambda: events.close(120),
    )


def core(url: str) -> tuple[Callable[[int], object], Callable[[], object]]:
    """Log with statsig-python-core."""
    from statsig_python_core import Statsig, StatsigOptions, StatsigUser

    options = StatsigOptions()
    options.log_event_url = f"{url}/v1/log_event"
    options.specs_url = f"{url}/v2/download_config_specs"
    client = Statsig("secret-abc", options)
    client.initialize().wait()
    user = StatsigUser("42", email="ada@example.com", custom={"plan": "pro"})
    return (
        lambda n: client.log_event(user, "purchase", 9.99, {"sku": "A1", "n": str(n)}),
        lambda: client.shutdown().wait(),
    )


def legacy(url: str) -> tuple[Callable[[int], object], Callable[[], object]]:
    """Log with statsig, the legacy SDK."""
    from statsig import StatsigEvent, StatsigOptions, StatsigUser, statsig

    statsig.initialize("secret-abc", StatsigOptions(api=f"{url}/v1", disable_diagnostics=True))
    user = StatsigUser("42", email="ada@example.com", custom={"plan": "pro"})
    return (
        lambda n: statsig.log_event(
            StatsigEvent(user, "purchase", 9.99, {"sku": "A1", "n": str(n)})
        ),
        statsig.shutdown,
    )


def peak_memory() -> float:
    """Return the peak of this process in MB.

    `ru_maxrss` would include that of the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def contend(name: str, url: str, count: int) -> None:
    """Log events and print the cost."""
    pin(0)
    with tempfile.TemporaryDirectory() as folder:
        match name:
            case "core":
                log, close = core(url)
            case "legacy":
                log, close = legacy(url)
            case _:
                log, close = ours(url, f"{folder}/events.db" if "spool" in name else None)
        log(0)
        used, begun = processor_time(), time.perf_counter()
        for number in range(1, count):
            log(number)
        logged = time.perf_counter() - begun
        close()
        facts = {
            "log": logged / count * 1e6,
            "cpu": (processor_time() - used) / count * 1e6,
            "peak": peak_memory(),
        }
    print(json.dumps(facts), flush=True)
    os._exit(0)


def measure(count: int = 50_000) -> Results:
    """Run all contenders in turns and return the median of each."""
    from urllib.request import urlopen

    server = subprocess.Popen(
        [sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    try:
        for _ in range(ROUNDS):
            for name in CONTENDERS:
                done = subprocess.run(
                    [sys.executable, __file__, "contend", name, url, str(count)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    check=True,
                    timeout=300,
                )
                with urlopen(f"{url}/count") as response:  # noqa: S310
                    arrived = int(response.read())
                last = json.loads(done.stdout.splitlines()[-1])
                rounds[name].append(last | {"arrived": arrived / count})
    finally:
        server.kill()
        server.wait()
    return {
        name: {key: statistics.median(facts[key] for facts in them) for key in them[0]}
        for name, them in rounds.items()
    }


def lines(results: Results) -> Iterator[str]:
    """Print a table."""
    yield "| logger | log(), µs | CPU per event, µs | events per CPU s | peak MB | arrived |"
    yield "|---|---|---|---|---|---|"
    for name, facts in results.items():
        yield (
            f"| {name} | {facts['log']:.1f} | {facts['cpu']:.1f} | {1e6 / facts['cpu']:,.0f} |"
            f" {facts['peak']:.0f} | {facts['arrived']:.0%} |"
        )


def serve() -> None:
    """Run the server."""
    pin(-1)
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        threading.Thread(target=server.serve_forever).run()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case ["contend", name, url, count]:
            contend(name, url, int(count))
        case counts:
            print("\n".join(lines(measure(*map(int, counts)))))
