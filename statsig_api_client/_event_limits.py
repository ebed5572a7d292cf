"""Warns of events that Statsig would accept and then drop or cut without saying so.

The limits are those of Statsig's guide to logging events; where the servers really cut is unknown.
"""

import functools
import inspect
import re
import warnings
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Final

from ._errors import EventWarning
from ._runtime.parsers import JsonObject

MAX_TEXT: Final = 64
MAX_METADATA: Final = 4096

SAFE_NAME: Final = re.compile("[^\\\\[\\]{}<>#=;&$%|\0\n\r]*")
"""Event names that Statsig does not drop."""


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


def _faults(event: JsonObject) -> list[tuple[str, str]]:
    name, value, metadata = event.get("eventName"), event.get("value"), event.get("metadata")
    faults = _name_faults(name) if isinstance(name, str) else []
    if isinstance(value, str) and len(value) > MAX_TEXT:
        faults = [*faults, ("value", f"Statsig may cut values above {MAX_TEXT} characters")]
    if isinstance(metadata, dict) or isinstance(metadata, Mapping):  # noqa: SIM101  (see _json)
        faults = faults + _metadata_faults(metadata)
    return faults


@functools.lru_cache(1024)  # programs have few names, and log them often
def _name_faults(name: str) -> list[tuple[str, str]]:
    faults: list[tuple[str, str]] = []
    if SAFE_NAME.fullmatch(name) is None:
        what = (
            r"Statsig accepts and then drops events whose name has a line break, NUL or "
            r"one of \ [ ] { } < > # = ; & $ % |"
        )
        faults.append(("eventName", what))
    if len(name) > MAX_TEXT:
        faults.append(("eventName", f"Statsig may cut names above {MAX_TEXT} characters"))
    return faults


def _metadata_faults(metadata: Mapping[str, object]) -> list[tuple[str, str]]:
    faults: list[tuple[str, str]] = []
    # As JSON, but for what escapes add.
    size = 1
    dotted = False
    for key, value in metadata.items():
        size += len(str(key)) + len(str(value)) + 6
        dotted = dotted or "." in str(key)
    if dotted:
        what = "Statsig reads a dot in a key as a path, and finds nothing there"
        faults.append(("metadata", what))
    if size > MAX_METADATA:
        faults.append(("metadata", f"Statsig may drop metadata above {MAX_METADATA} characters"))
    return faults


def _caller() -> int:
    """The `stacklevel` of the first line outside this package.

    It differs from one method to another, and an awaited one has other frames again.
    """
    level = 0
    frame = inspect.currentframe()
    while frame is not None and _package_of(frame) == "statsig_api_client":
        frame = frame.f_back
        level += 1
    return level


def _package_of(frame: FrameType) -> str:
    module = str(frame.f_globals.get("__name__"))  # what `exec` runs may have none
    return module.partition(".")[0]
