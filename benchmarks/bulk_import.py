"""Throughput and memory of a bulk import to a minimal server on loopback.

    python benchmarks/bulk_import.py [EVENTS] [jsonl|parquet] [FOLDER]

The server runs in a separate process and counts events. The output is the rate and CPU time of each
tenth of the file, which shows whether the cost is flat, and the peak memory.
"""

import asyncio
import multiprocessing
import resource
import sys
import tempfile
import time
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path

from statsig_api_client import Statsig
from statsig_api_client.bulk import ImportOptions, ImportProgress, import_events

RESPONSE = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n"
RESPONSE += b'{"success":true}'


def serve(ours: Connection) -> None:
    """Respond to requests, and print the number of events at the end."""
    events = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal events
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
            except asyncio.IncompleteReadError:
                writer.close()
                return
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            events += int(head.split(b"statsig-event-count: ")[1].split(b"\r\n")[0])
            writer.write(RESPONSE)

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=1 << 20)
        ours.send(server.sockets[0].getsockname()[1])
        while not ours.poll():  # noqa: ASYNC110  (the parent process decides)
            await asyncio.sleep(0.05)
        ours.send(events)

    asyncio.run(run())


def write_jsonl(path: Path, events: int) -> None:
    line = (
        '{"eventName":"purchase","user":{"userID":"user-%d","email":"person-%d@example.com",'
        '"country":"NL","appVersion":"2.14.3"},"time":%d,"value":%d.99,"metadata":{"sku":"A-%d",'
        '"currency":"EUR","page":"checkout","campaign":"winter-sale"}}\n'
    )
    with path.open("w") as file:
        for i in range(events):
            file.write(line % (i, i % 9973, 1_700_000_000_000 + i, i % 100, i % 5000))


def write_parquet(path: Path, events: int) -> None:
    """Write the same events as Parquet, in columns named after fields."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    makers = {
        "eventName": lambda _: "purchase",
        "user.userID": lambda i: f"user-{i}",
        "user.email": lambda i: f"person-{i % 9973}@example.com",
        "user.country": lambda _: "NL",
        "user.appVersion": lambda _: "2.14.3",
        "time": lambda i: 1_700_000_000_000 + i,
        "value": lambda i: i % 100 + 0.99,
        "metadata.sku": lambda i: f"A-{i % 5000}",
        "metadata.currency": lambda _: "EUR",
        "metadata.page": lambda _: "checkout",
        "metadata.campaign": lambda _: "winter-sale",
    }
    schema = pa.schema({name: pa.array([make(0)]).type for name, make in makers.items()})
    with pq.ParquetWriter(path, schema) as writer:
        for low in range(0, events, 1_000_000):  # the default row group size of pyarrow
            numbers = range(low, min(events, low + 1_000_000))
            columns = [pa.array(map(make, numbers)) for make in makers.values()]
            writer.write_table(pa.table(columns, schema=schema))


def most_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(events: int = 10_000_000, form: str = "jsonl", folder: str | None = None) -> None:
    theirs, ours = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        path = Path(name) / f"events.{form}"
        writer = context.Process(
            target={"jsonl": write_jsonl, "parquet": write_parquet}[form], args=(path, events)
        )
        writer.start()
        writer.join()
        print(f"{events:,} events, {path.stat().st_size / 1e6:,.0f} MB of {form}")
        server = context.Process(target=serve, args=(ours,))
        server.start()
        cpu = time.process_time()
        marks = [(0.0, 0, cpu, 0.0)]

        def note(progress: ImportProgress) -> None:
            if progress.summary.delivered >= marks[-1][1] + events / 10:
                now = progress.summary.seconds, progress.summary.delivered, time.process_time()
                marks.append((*now, most_memory()))

        with Statsig("secret-a", base_url=f"http://127.0.0.1:{theirs.recv()}/v1") as statsig:
            summary = import_events(statsig, path, ImportOptions(on_progress=note))
        cpu = time.process_time() - cpu
        theirs.send("stop")
        counted = theirs.recv()
        server.join()
    for (before, low, cpu_before, _), (now, high, cpu_now, memory) in pairwise(marks):
        count = high - low
        per_million = (cpu_now - cpu_before) / count * 1e6
        print(
            f"  to {high:12,}: {count / (now - before):9,.0f} events/s, "
            f"{per_million:4.1f} s of CPU per million, {memory:,.0f} MB at most so far"
        )
    assert summary.balances
    assert summary.delivered == counted == events
    print(
        f"{events / summary.seconds:,.0f} events/s, {cpu / events * 1e6:.1f} s of CPU per million"
    )
    print(f"{most_memory():,.0f} MB at most")


if __name__ == "__main__":
    main(*(int(word) if word.isdecimal() else word for word in sys.argv[1:]))  # type: ignore[arg-type]
