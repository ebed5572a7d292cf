"""Time and chance, in one place, so that a test can stand in for both."""

import random
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
        return random.random()  # noqa: S311  (it spreads waits, and keeps no secret)

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Block this task alone."""
        # Half of the time that `import statsig_api_client` takes, and only async programs need it;
        # they have it already.
        import asyncio  # noqa: PLC0415

        await asyncio.sleep(seconds)
