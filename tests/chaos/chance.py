"""Clocks for tests: no waits by chance, and times that jump."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from statsig_api_client import Statsig
from statsig_api_client._clock import Clock
from statsig_api_client.events import EventLogger

KEY = "secret-CanYouKeepIt42"


class Eager(Clock):
    """The real time, but no wait that chance has chosen."""

    def random(self) -> float:
        return 0.0


class Late(Eager):
    """The state after the leases of a dead process have expired."""

    def time(self) -> float:
        return super().time() + 600


class Jumping(Eager):
    """A system's clock that is set back and forth, by up to a day, each time someone looks."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def time(self) -> float:
        return super().time() + self._dice.uniform(-86400, 86400)


class EagerLogger(EventLogger):
    _clock = Eager()


@contextmanager
def logger(
    url: str, clock: Clock | None = None, *, timeout: float = 5.0, **options: Any
) -> Iterator[EventLogger]:
    """An event logger that is closed in the end, but waits for nothing then."""
    kind = type("Clocked", (EventLogger,), {"_clock": clock}) if clock else EagerLogger
    with Statsig(KEY, base_url=url, timeout=timeout) as statsig:
        made = kind(statsig, **options)
        try:
            yield made
        finally:
            made.close(0)
            for thread in threading.enumerate():  # what is on its way needs the client
                if thread.name == "statsig-events":
                    thread.join(10)
