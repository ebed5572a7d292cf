"""Checks for events that Statsig would accept and then silently drop, truncate or misdate.

The limits come from Statsig's guide to logging events. The limits of its servers are unknown.
"""

import functools
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ._errors import EventWarning
from ._fork import hold_forks
from ._runtime.parsers import JsonInput

if TYPE_CHECKING:
    from types import FrameType

MAX_TEXT: Final = 64
MAX_METADATA: Final = 4096

SAFE_NAME: Final = re.compile("[^\\\\[\\]{}<>#=;&$%|\0\n\r]*")
"""Matches event names that Statsig keeps."""


MIN_TIME: Final = 946_684_800_000
"""The year 2000 in milliseconds: an earlier time has the wrong unit."""
DAY: Final = 86_400_000
"""Milliseconds that a clock may be ahead."""
_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_EVENT_NAMES: Final = ("eventName",)
_EXPOSURE_NAMES: Final = ("experimentName", "gateName")


def time_problem(time: object, now: int) -> str | None:
    """Return why Statsig would misread a time, or None if it would not.

    Args:
        time: The time of an event.
        now: The current time in milliseconds since 1970.
    """
    if isinstance(time, int):
        if MIN_TIME <= time <= now + DAY:
            return None
        problem = "before the year 2000" if time < MIN_TIME else "more than a day from now"
        return f"{time} milliseconds is {problem}; check the unit"
    if isinstance(time, str):
        if _RFC_3339.fullmatch(time):
            return None
        return "expected milliseconds, or RFC 3339 with a time zone"
    return "expected integer milliseconds, or a string in RFC 3339"


def check_items(name: str, items: Sequence[Mapping[str, JsonInput]], now: int | None) -> None:
    """Check the names and times of events or exposures.

    Args:
        name: The name of the list, for messages.
        items: The events or exposures.
        now: The current time in milliseconds since 1970; None skips the check of times.

    Raises:
        ValueError: A name is empty, or Statsig cannot read a time.
    """
    names = _EVENT_NAMES if name == "events" else _EXPOSURE_NAMES
    for index, item in enumerate(items):
        for field in names:
            if item.get(field) == "":
                raise ValueError(f"{name}[{index}].{field}: expected a name, got an empty string")
        if now is None or (time := item.get("time")) is None:
            continue
        # Most times need no further check.
        if type(time) is int and MIN_TIME <= time <= now:
            continue
        if problem := time_problem(time, now):
            raise ValueError(f"{name}[{index}].time: {problem}")


def check_events(events: Sequence[Mapping[str, JsonInput]], now: int | None) -> None:
    """Check events like `check_items`, and warn once about each kind of problem.

    Raises:
        ValueError: A name is empty, or Statsig cannot read a time.

    Warns:
        EventWarning: An event would be dropped or truncated.
    """
    check_items("events", events, now)
    paths: dict[str, list[str]] = {}
    for index, event in enumerate(events):
        for name, problem in _problems(event):
            paths.setdefault(problem, []).append(f"events[{index}].{name}")
    for problem, found in paths.items():
        others = f" and {len(found) - 1} more" if len(found) > 1 else ""
        warnings.warn(f"{found[0]}{others}: {problem}", EventWarning, stacklevel=stacklevel())


def _problems(event: Mapping[str, JsonInput]) -> list[tuple[str, str]]:
    name, value, metadata = event.get("eventName"), event.get("value"), event.get("metadata")
    problems = _name_problems(name) if isinstance(name, str) else []
    if isinstance(value, str) and len(value) > MAX_TEXT:
        problems = [
            *problems,
            ("value", f"Statsig may truncate values above {MAX_TEXT} characters"),
        ]
    if isinstance(metadata, dict) or isinstance(metadata, Mapping):  # noqa: SIM101  (see _json)
        found = _metadata_problems(metadata)
        problems = problems + found if found else problems
    return problems


@functools.lru_cache(1024)  # programs have few event names
def _name_problems(name: str) -> list[tuple[str, str]]:
    problems: list[tuple[str, str]] = []
    if SAFE_NAME.fullmatch(name) is None:
        problem = (
            r"Statsig accepts and then drops events whose name contains a line break, NUL or "
            r"one of \ [ ] { } < > # = ; & $ % |"
        )
        problems.append(("eventName", problem))
    if len(name) > MAX_TEXT:
        problems.append(("eventName", f"Statsig may truncate names above {MAX_TEXT} characters"))
    return problems


def _metadata_problems(metadata: Mapping[str, object]) -> list[tuple[str, str]]:
    problems: list[tuple[str, str]] = []
    # The size as JSON, without escapes.
    size = 1
    dotted = False
    for key, value in metadata.items():
        text = str(key)
        size += len(text) + len(str(value)) + 6
        dotted = dotted or "." in text
    if dotted:
        problem = "Statsig interprets a dot in a key as a path, and finds nothing there"
        problems.append(("metadata", problem))
    if size > MAX_METADATA:
        problems.append(("metadata", f"Statsig may drop metadata above {MAX_METADATA} characters"))
    return problems


def stacklevel() -> int:
    """Return the `stacklevel` of the first line outside this package.

    It differs between methods, and between blocking and asynchronous ones.
    """
    with hold_forks():
        import inspect

    level = 0
    frame = inspect.currentframe()
    while frame is not None and _package_of(frame) == "statsig_api_client":
        frame = frame.f_back
        level += 1
    return level


def _package_of(frame: "FrameType") -> str:
    module = str(frame.f_globals.get("__name__"))  # None in code of `exec`
    return module.partition(".")[0]
