"""What tests of event loggers share: loggers of both kinds, on a server that keeps account."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from attrs import define, field

from statsig_api_client import AsyncStatsig, Statsig
from statsig_api_client._clock import Clock
from statsig_api_client.events import AsyncEventLogger, EventLogger
from tests.chaos.chance import Eager
from tests.support.clients import KEY, Blocking
from tests.support.collector import Collector, collecting


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@define
class LoggerMaker:
    """See `logger_of`."""

    kind: str
    url: str
    runner: asyncio.Runner
    _closing: list[Callable[[], object]] = field(factory=list)

    def __call__(self, clock: Clock | None = None, url: str | None = None, **options: Any) -> Any:
        """An event logger; the asynchronous one can be used like the other."""
        client_options = {
            name: options.pop(name) for name in ("timeout", "environment") if name in options
        }
        asynchronous = self.kind == "async"
        client = (AsyncStatsig if asynchronous else Statsig)(
            KEY, base_url=url or self.url, **client_options
        )
        base: Any = AsyncEventLogger if asynchronous else EventLogger
        made = type(base.__name__, (base,), {"_clock": clock or Eager()})(client, **options)
        if not asynchronous:
            self._closing += [client.close, finish_sending, lambda: made.close(0)]
            return made
        blocking = BlockingLogger(made, self.runner)
        self._closing += [Blocking(client, self.runner).close, lambda: blocking.close(0)]
        return blocking

    def close(self) -> None:
        for close in reversed(self._closing):
            close()


def finish_sending() -> None:
    """Let what is on its way come back: it needs the client."""
    for thread in threading.enumerate():
        if thread.name == "statsig-events":
            thread.join(10)


class BlockingLogger(Blocking):
    """As `Blocking`, for what does not wait, too."""

    def stats(self) -> Any:
        return self.target.stats()

    def pause(self, seconds: float) -> None:
        """Let the event loop run."""
        self._runner.run(asyncio.sleep(seconds))


@pytest.fixture(params=["sync", "async"])
def make_logger(request: pytest.FixtureRequest, collector: Collector) -> Iterator[LoggerMaker]:
    """Makes event loggers of both kinds."""
    with asyncio.Runner() as runner:
        made = LoggerMaker(request.param, collector.url, runner)
        try:
            yield made
        finally:
            made.close()
