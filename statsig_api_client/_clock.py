"""Time and chance, in one place, so that a test can stand in for both."""

import os
import time


class Clock:
    """The real ones."""

    def monotonic(self) -> float:
        """Seconds since some moment, never going back."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since 1970, as the system's clock tells."""
        return time.time()

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
