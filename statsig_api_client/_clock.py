"""Time and chance, in one place, so that a test can stand in for both."""

import os
import time
from collections.abc import Callable


class Clock:
    """The real ones."""

    monotonic: Callable[[], float] = staticmethod(time.monotonic)
    """Seconds since some moment, never going back."""
    time: Callable[[], float] = staticmethod(time.time)
    """Seconds since 1970, as the system's clock tells."""

    def random(self) -> float:
        """A number from 0 to 1."""
        # `random` would take a twentieth of the time that importing this package takes.
        return int.from_bytes(os.urandom(4)) / 2**32

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Block this task alone."""
        # Half of the time that `import statsig_api_client` takes, and only async programs need it;
        # they have it already.
        import asyncio  # noqa: PLC0415

        await asyncio.sleep(seconds)
