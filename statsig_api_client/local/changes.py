"""Changes of a server's state, for listeners."""

import asyncio
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias

Part: TypeAlias = Literal["project", "faults", "recorded", "unknownNames"]
"""A part of the state: the project with its overrides, the faults, resets, unknown names."""

_PARTS: Final[tuple[Part, ...]] = ("project", "faults", "recorded", "unknownNames")


class Changes:
    """The number of changes of each part, and the listeners to wake.

    It belongs to the server's event loop.
    """

    def __init__(self) -> None:
        self._started = time.time_ns() // 1_000_000
        self._counts: dict[Part, int] = dict.fromkeys(_PARTS, 0)
        self._listeners: set[asyncio.Event] = set()

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of changes of each part, and the time when the server `started`."""
        return {"started": self._started} | {str(part): n for part, n in self._counts.items()}

    def notify(self, part: Part) -> None:
        """Count a change of a part and wake the listeners."""
        self._counts[part] += 1
        self.wake()

    def wake(self) -> None:
        """Wake the listeners."""
        for listener in self._listeners:
            listener.set()

    @contextmanager
    def listener(self) -> Generator[asyncio.Event]:
        """Yield an event that is set after each change and each recorded event."""
        listener = asyncio.Event()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
