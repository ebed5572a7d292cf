"""Durability and memory of the server; short forms of `make soak`."""

import random
import sys
from pathlib import Path

import pytest

from .soak import Kills, memory_by_events

pytestmark = pytest.mark.slow


def test_accepted_events_survive_random_kills(tmp_path: Path) -> None:
    kills = Kills(tmp_path / "events.db", random.Random())
    for _ in range(5):
        kills.kill()
    kills.finish()
    assert kills.total > 0
    assert (kills.missing, kills.doubled, kills.torn) == (0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory where Linux tells it")
def test_memory_is_independent_of_event_count(tmp_path: Path) -> None:
    sizes = memory_by_events(tmp_path / "events.db", 2, 80_000)
    # Another 40,000 events of about 300 bytes each would need 12 MB if they stayed in memory.
    assert sizes[1] - sizes[0] < 6
