"""Time and randomness, which tests replace."""

import os
import time
from collections.abc import Callable


class Clock:
    """The system's clock and random numbers."""

    monotonic: Callable[[], float] = staticmethod(time.monotonic)
    """Return seconds that never decrease."""
    time: Callable[[], float] = staticmethod(time.time)
    """Return seconds since 1970."""

    def random(self) -> float:
        """Return a number from 0 to 1."""
        # Importing `random` takes a twentieth of the time of importing this package.
        return int.from_bytes(os.urandom(4)) / 2**32

    def sleep(self, seconds: float) -> None:
        """Block the current thread."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Suspend the current task."""
        # Importing asyncio takes half as long as importing this package.
        import asyncio

        await asyncio.sleep(seconds)
