"""What the server keeps when it is killed, and what it occupies: short forms of `make soak`."""

import random
import sys
from pathlib import Path

import pytest

from .soak import Kills, memory_by_events


def test_what_was_answered_is_there_once_after_kills_at_random_moments(tmp_path: Path) -> None:
    kills = Kills(tmp_path / "events.db", random.Random())
    for _ in range(5):
        kills.kill()
    kills.finish()
    assert kills.total > 0
    assert (kills.missing, kills.doubled, kills.torn) == (0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory where Linux tells it")
def test_memory_does_not_grow_with_the_number_of_events(tmp_path: Path) -> None:
    sizes = memory_by_events(tmp_path / "events.db", 2, 80_000)
    # 40,000 events more, of which each has some 300 bytes: all kept, they would be 12 MB and more.
    assert sizes[1] - sizes[0] < 6
