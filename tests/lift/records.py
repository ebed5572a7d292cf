"""Events and exposures for tests, in the format of the HTTP API."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from statsig_api_client.lift import EventFiles, Experiment

T0 = 1_764_547_200_000
"""2025-12-01T00:00:00Z."""
HOUR = 3_600_000
DAY = 24 * HOUR

LOGO_TEST = Experiment(name="logo_test", groups={"Control": 50, "Square": 50})


def exposure(unit: str, group: str, time: int = T0, **more: Any) -> dict[str, Any]:
    return {
        "eventName": "statsig::config_exposure",
        "user": {"userID": unit},
        "time": time,
        "metadata": {"config": "logo_test", "ruleID": group},
        **more,
    }


def event(
    unit: str, name: str = "purchase", time: int = T0 + HOUR, value: Any = None, **metadata: str
) -> dict[str, Any]:
    found = {"eventName": name, "user": {"userID": unit}, "time": time, "metadata": metadata}
    return found if value is None else {**found, "value": value}


def source(directory: Path, records: Iterable[dict[str, Any]]) -> EventFiles:
    """Return a source of records."""
    file = directory / f"records-{len([*directory.iterdir()])}.jsonl"
    file.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return EventFiles(file)


def groups(control: Sequence[Sequence[float]], test: Sequence[Sequence[float]]) -> list[Any]:
    """Return exposures of units with one purchase for each number."""
    records: list[Any] = []
    for group, units in (("Control", control), ("Square", test)):
        for number, purchases in enumerate(units):
            unit = f"{group}-{number}"
            records.append(exposure(unit, group))
            records += [event(unit, value=value) for value in purchases]
    return records
