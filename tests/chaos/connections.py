"""Connections of clients whose calls are cancelled or interrupted at any moment."""

import asyncio
import random
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
import httpx2
from attrs import define, field

from statsig_api_client import AsyncStatsig, Statsig, StatsigError, StatsigUser
from statsig_api_client._transports import httpx_connections

MAX_CONNECTIONS: Final = 4
"""So that a few leaked connections are all."""

SECONDS: Final = 3.0

USER: Final = StatsigUser(user_id="42")


class SoftTimeLimitExceeded(Exception):  # noqa: N818  (as celery names it)
    """An exception as job runners raise it."""


@define
class Server:
    """A server whose responses take a random time, and sometimes break off."""

    port: int = 0
    max_delay: float = 0.0
    break_off: float = 0.0
    _dice: random.Random = field(factory=random.Random)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                log_event = b"log_event" in head
                body = b'{"success":true}' if log_event else b'{"name":"a","value":true}'
                response = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
                for piece in (response[:-3], response[-3:]):
                    await asyncio.sleep(self._dice.uniform(0, self.max_delay / 2))
                    if self._dice.random() < self.break_off:
                        break
                    writer.write(piece)
                    await writer.drain()
                else:
                    continue
                break
        writer.close()


@contextmanager
def serving() -> Iterator[Server]:
    """A server in a thread."""
    server, started, ended = Server(), threading.Event(), asyncio.Event()

    async def main() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listener.sockets[0].getsockname()[1]
        started.set()
        await ended.wait()
        listener.close()

    loop: Any = None
    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    started.wait()
    yield server
    loop.call_soon_threadsafe(ended.set)
    thread.join(10)


@contextmanager
def few_connections() -> Iterator[None]:
    before = httpx_connections.MAX_CONNECTIONS
    vars(httpx_connections)["MAX_CONNECTIONS"] = MAX_CONNECTIONS
    yield
    vars(httpx_connections)["MAX_CONNECTIONS"] = before


def descriptors() -> int:
    """Return how many files and sockets are open; 0 where the system does not show it."""
    return len(list(Path("/proc/self/fd").glob("*")))


# ---- Cancelled tasks ----


@asynccontextmanager
async def async_client(kind: str, url: str) -> AsyncIterator[AsyncStatsig]:
    options: Any = {"base_url": url, "max_retries": 1, "deadline": 5.0}
    http_client = None
    if kind == "fast":
        options["engine"] = "fast"
    elif kind != "own":
        library: Any = httpx2 if kind == "httpx2" else httpx
        limits = library.Limits(max_connections=MAX_CONNECTIONS)
        http_client = options["http_client"] = library.AsyncClient(limits=limits)
    async with AsyncStatsig("secret-key", **options) as statsig:
        yield statsig
    if http_client is not None:
        await http_client.aclose()


async def call(statsig: AsyncStatsig) -> None:
    with suppress(StatsigError):
        await statsig.check_gate(USER, "a")


async def disturb(statsig: AsyncStatsig, dice: random.Random) -> None:
    """Make a call, or several, and stop them in one of several ways."""
    after = dice.choice((0.0, dice.uniform(0, 0.002), dice.uniform(0, 0.05)))
    match dice.randrange(4):
        case 0:
            await call(statsig.with_options(timeout=after + 0.0001, connect_timeout=0.5))
        case 1:
            with suppress(TimeoutError):
                async with asyncio.timeout(after):
                    await call(statsig)
        case 2:
            task = asyncio.create_task(call(statsig))
            await asyncio.sleep(after)
            for _ in range(dice.randrange(1, 4)):
                task.cancel()
                await asyncio.sleep(0)
            await asyncio.gather(task, return_exceptions=True)
        case _:
            with suppress(ExceptionGroup):
                async with asyncio.TaskGroup() as group:
                    for _ in range(3):
                        group.create_task(call(statsig))
                    group.create_task(fail(after))


async def fail(after: float) -> None:
    await asyncio.sleep(after)
    raise LookupError


def cancelled(_: Path, seed: int, seconds: float = SECONDS) -> str:
    """Every call succeeds after all cancellations, and no descriptor is left."""
    dice = random.Random(seed)
    kind = ("own", "httpx", "httpx2", "fast")[seed % 4]
    count = 0

    async def run(server: Server) -> None:
        nonlocal count
        async with async_client(kind, server.url) as statsig:
            events = statsig.events(flush_interval=0.01)
            end = time.monotonic() + seconds

            async def worker() -> None:
                nonlocal count
                while time.monotonic() < end:
                    await events.log(USER, "disturbed")
                    await disturb(statsig, dice)
                    count += 1

            await asyncio.gather(*(worker() for _ in range(8)))
            server.max_delay = server.break_off = 0
            calls = [statsig.check_gate(USER, "a") for _ in range(4 * MAX_CONNECTIONS)]
            gates = await asyncio.gather(*calls, return_exceptions=True)
            assert all(gates), f"{kind}: {[gate for gate in gates if not gate][:3]}"
            assert (await events.flush(10)).pending == 0, kind
            await events.aclose(10)
        await asyncio.sleep(0.05)

    with serving() as server, few_connections():
        asyncio.run(run(server))  # what the first run imports and opens stays open
        server.max_delay, server.break_off = dice.choice((0.04, 0.2)), dice.choice((0.0, 0.1))
        before = descriptors()
        asyncio.run(run(server))
        assert descriptors() <= before + MAX_CONNECTIONS, f"{kind}: {descriptors()} after {before}"
    return f"{kind}: {count} disturbances"


# ---- Signal handlers ----


def interrupted(_: Path, seed: int, seconds: float = SECONDS) -> str:
    """Every exception of a signal handler surfaces, and every call succeeds afterwards."""
    dice = random.Random(seed)
    error: type[Exception] = dice.choice((SoftTimeLimitExceeded, TimeoutError, OSError))
    raised = surfaced = calls = 0
    in_finalizers = 0  # from which nothing can surface

    def handler(_: int, __: object) -> None:
        nonlocal raised
        raised += 1
        raise error("too long")

    def count(unraisable: Any) -> None:
        nonlocal in_finalizers
        in_finalizers += unraisable.exc_type is error

    def attempt(statsig: Statsig) -> None:
        nonlocal surfaced
        try:
            signal.setitimer(signal.ITIMER_REAL, dice.uniform(0.0005, 0.02))
            with suppress(StatsigError):
                statsig.check_gate(USER, "a")
            signal.setitimer(signal.ITIMER_REAL, 0)
        except error:
            surfaced += 1

    previous = signal.signal(signal.SIGALRM, handler)
    hook, sys.unraisablehook = sys.unraisablehook, count
    try:
        with (
            serving() as server,
            few_connections(),
            Statsig("secret-key", base_url=server.url, on_error="fallback") as statsig,
        ):
            server.max_delay = 0.02
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                attempt(statsig)
                calls += 1
            server.max_delay = 0
            lost = raised - surfaced - in_finalizers
            assert lost == 0, f"{lost} of {raised} exceptions were swallowed"
            for _ in range(4 * MAX_CONNECTIONS):
                assert statsig.with_options(on_error="raise").check_gate(USER, "a")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        sys.unraisablehook = hook
    return f"{surfaced} of {calls} calls interrupted"
