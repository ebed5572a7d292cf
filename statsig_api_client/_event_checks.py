"""Warns of events that Statsig would accept and then drop or cut without saying so.

The limits are those of Statsig's guide to logging events; where the servers really cut is unknown.
"""

import inspect
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ._errors import EventWarning
from ._json import JsonObject

MAX_TEXT: Final = 64
MAX_METADATA: Final = 4096

_DROPPED = re.compile("[\\\\[\\]{}<>#=;&$%|\0\n\r]")


def check_events(events: Sequence[JsonObject]) -> None:
    """Warn of each kind of fault once, naming the first event that has it.

    Warns:
        EventWarning: An event would be dropped or cut.
    """
    places: dict[str, list[str]] = {}
    for index, event in enumerate(events):
        for name, fault in _faults(event):
            places.setdefault(fault, []).append(f"events[{index}].{name}")
    for fault, found in places.items():
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        warnings.warn(f"{found[0]}{others}: {fault}", EventWarning, stacklevel=_caller())


def _faults(event: JsonObject) -> Iterator[tuple[str, str]]:
    name, value, metadata = event.get("eventName"), event.get("value"), event.get("metadata")
    if isinstance(name, str):
        if re.search(_DROPPED, name):
            yield (
                "eventName",
                (
                    r"Statsig accepts and then drops events whose name has a line break, NUL or "
                    r"one of \ [ ] { } < > # = ; & $ % |"
                ),
            )
        if len(name) > MAX_TEXT:
            yield "eventName", f"Statsig may cut names above {MAX_TEXT} characters"
    if isinstance(value, str) and len(value) > MAX_TEXT:
        yield "value", f"Statsig may cut values above {MAX_TEXT} characters"
    if isinstance(metadata, Mapping):
        if any("." in str(key) for key in metadata):
            yield "metadata", "Statsig reads a dot in a key as a path, and finds nothing there"
        if _size(metadata) > MAX_METADATA:
            yield "metadata", f"Statsig may drop metadata above {MAX_METADATA} characters"


def _size(metadata: Mapping[str, object]) -> int:
    """The characters of a map as JSON, but for what escapes add."""
    return 1 + sum(len(str(key)) + len(str(value)) + 6 for key, value in metadata.items())


def _caller() -> int:
    """The `stacklevel` of the first line outside this package.

    It differs from one method to another, and an awaited one has other frames again.
    """
    level = 0
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals["__name__"].partition(".")[0] == __package__:
        frame = frame.f_back
        level += 1
    return level
