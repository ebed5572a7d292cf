"""A clock under the control of a test."""

from statsig_api_client._clock import Clock


class FakeClock(Clock):
    """A clock that advances on sleep or on demand, with constant randomness."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.wall = 1_700_000_000.0
        self.chance = 1.0
        self.slept: list[float] = []

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.wall

    def random(self) -> float:
        return self.chance

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_(seconds)

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)
