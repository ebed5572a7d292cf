"""How users are divided: by salts made of names alone, into a thousand buckets."""

import hashlib
from typing import Final

BUCKETS: Final = 1000
"""The number of buckets into which experiments, layers and named shares divide users."""


def bucket(percent: float) -> int:
    """The first bucket that lies above a percentage of all users."""
    return round(percent * BUCKETS / 100)


def salt(*names: str) -> str:
    """What makes a division of its own: the same names divide alike on every run and machine."""
    return hashlib.sha256("/".join(names).encode()).hexdigest()[:32]
