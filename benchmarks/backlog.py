"""Events per second of one process with a slow server: python benchmarks/backlog.py.

    python benchmarks/backlog.py [EVENTS] [--spool] [--kind sync|async]

The server answers after 50 ms, and a share of its responses is 503. A process logs as fast as it
can, `log()` waits for room, and the rate is that of events delivered, from the first `log()` to the
end of `close()`. The server is pinned to the last core and the logger to the first.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from events import pin, processor_time

if TYPE_CHECKING:
    from statsig_api_client.events import EventStats

DELAY = 0.05
SHARES = (0.0, 0.05, 0.3)
"""The shares of responses that are 503."""
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n" + b'{"success":true}'
FAILED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"


async def serve(share: float) -> None:
    """Run the server; print its port."""
    pin(-1)
    dice = random.Random(7)

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                await asyncio.sleep(DELAY)
                writer.write(FAILED if dice.random() < share else ACCEPTED)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=2**22)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def drain(port: int, count: int, options: dict[str, Any]) -> dict[str, float]:
    """Log events and return the cost."""
    from statsig_api_client import Statsig, StatsigUser

    user = StatsigUser(user_id="42", email="ada@example.com", custom={"plan": "pro"})
    with Statsig("secret-abc", base_url=f"http://127.0.0.1:{port}/v1") as statsig:
        events = statsig.events(**options)
        used, begun = processor_time(), time.perf_counter()
        for number in range(count):
            events.log(user, "purchase", 9.99, {"sku": "A1", "n": str(number)})
        events.close(300)
        return costs(events.stats(), count, time.perf_counter() - begun, processor_time() - used)


async def drain_async(port: int, count: int, options: dict[str, Any]) -> dict[str, float]:
    """Do the same in an event loop."""
    from statsig_api_client import AsyncStatsig, StatsigUser

    user = StatsigUser(user_id="42", email="ada@example.com", custom={"plan": "pro"})
    async with AsyncStatsig("secret-abc", base_url=f"http://127.0.0.1:{port}/v1") as statsig:
        events = statsig.events(**options)
        used, begun = processor_time(), time.perf_counter()
        for number in range(count):
            await events.log(user, "purchase", 9.99, {"sku": "A1", "n": str(number)})
        await events.aclose(300)
        return costs(events.stats(), count, time.perf_counter() - begun, processor_time() - used)


def costs(stats: "EventStats", count: int, seconds: float, used: float) -> dict[str, float]:
    """Return the costs of a run in which all events were delivered."""
    assert stats.pending == 0, stats
    assert stats.delivered == stats.accepted == count, stats
    return {"rate": count / seconds, "cpu": used / count * 1e6, "retried": stats.retried / count}


def measure(count: int, kind: str, *, spool: bool) -> Iterator[tuple[float, dict[str, float]]]:
    """Measure each share of failures in a separate process."""
    for share in SHARES:
        server = subprocess.Popen(
            [sys.executable, __file__, "--serve", str(share)], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        command = [sys.executable, __file__, str(count), "--port", port, "--kind", kind]
        try:
            done = subprocess.run(
                [*command, "--spool"] if spool else command,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                check=True,
                timeout=300,
            )
        finally:
            server.kill()
            server.wait()
        yield share, json.loads(done.stdout)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description="Print a table of the rates.")
    parser.add_argument("events", nargs="?", type=int, default=400_000)
    parser.add_argument("--spool", action="store_true")
    parser.add_argument("--kind", choices=["sync", "async"], default="sync")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        asyncio.run(serve(options.serve))
        return
    if options.port is None:
        print("| 503 | events/s | of the rate without | CPU per event, µs | sent again |")
        print("|---|---|---|---|---|")
        first = 0.0
        for share, facts in measure(options.events, options.kind, spool=options.spool):
            first = first or facts["rate"]
            print(
                f"| {share:.0%} | {facts['rate']:,.0f} | {facts['rate'] / first:.0%} |"
                f" {facts['cpu']:.1f} | {facts['retried']:.0%} |",
                flush=True,
            )
        return
    pin(0)
    with tempfile.TemporaryDirectory() as folder:
        made = {"spool": f"{folder}/events.db"} if options.spool else {}
        if options.kind == "sync":
            facts = drain(options.port, options.events, made)
        else:
            facts = asyncio.run(drain_async(options.port, options.events, made))
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
