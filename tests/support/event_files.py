"""Files of events and dead letters."""

import json
from pathlib import Path
from typing import Any


def event(number: int, **fields: Any) -> dict[str, Any]:
    """Return an event that the collector can distinguish from others."""
    return {
        "eventName": "purchase",
        "user": {"userID": f"u{number}"},
        "time": 1_700_000_000_000 + number,
        "metadata": {"n": str(number)},
    } | fields


def lines(*events: object) -> bytes:
    """Return JSON lines; bytes are kept as complete lines."""
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in events
    )


def write(path: Path, count: int, first: int = 0) -> Path:
    """Write a file of valid events, and return its path."""
    path.write_bytes(lines(*map(event, range(first, first + count))))
    return path


def letters(path: Path) -> list[dict[str, Any]]:
    """Return the dead letters in a file."""
    return [json.loads(line) for line in path.read_text().splitlines()]
