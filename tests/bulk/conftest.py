"""What tests of imports share: files of events, and a server that keeps account."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import Statsig
from tests.support.clients import KEY
from tests.support.collector import Collector, collecting


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture
def statsig(collector: Collector) -> Iterator[Statsig]:
    with Statsig(KEY, base_url=collector.url) as client:
        yield client


def event(number: int, **fields: Any) -> dict[str, Any]:
    """An event that the collector can tell from others."""
    return {
        "eventName": "purchase",
        "user": {"userID": f"u{number}"},
        "time": 1_700_000_000_000 + number,
        "metadata": {"n": str(number)},
    } | fields


def lines(*events: object) -> bytes:
    """JSON lines; bytes are lines as they are."""
    return b"".join(
        (one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in events
    )


def write(path: Path, count: int, first: int = 0) -> Path:
    """A file of good events."""
    path.write_bytes(lines(*map(event, range(first, first + count))))
    return path


def letters(path: Path) -> list[dict[str, Any]]:
    """What is in a file of dead letters."""
    return [json.loads(line) for line in path.read_text().splitlines()]
