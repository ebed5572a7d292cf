"""The most frequent reasons for dead letters."""

import re
from collections import Counter
from typing import Final

from .summary import RejectionReason

_MAX_KINDS: Final = 1000
_VARYING: Final = re.compile(r"'[^']*'|\"[^\"]*\"|-?\d[\d,.]*")
"""Matches the parts in which similar reasons differ: values, numbers and lines."""
_OTHERS: Final = "other reasons"


class ReasonCounter:
    """Counts of reasons that differ only in values, each with its first example."""

    def __init__(self) -> None:
        self._counts = Counter[str]()
        self._first: dict[str, tuple[str, str]] = {}

    def add(self, reason: str, place: str, count: int = 1) -> None:
        """Count the reason of lines or rows, of which the first is at a place."""
        kind = _VARYING.sub("", reason)
        if kind not in self._first:
            if len(self._first) >= _MAX_KINDS:
                kind, reason = _OTHERS, _OTHERS
            self._first.setdefault(kind, (reason, place))
        self._counts[kind] += count

    def most_frequent(self, limit: int = 3) -> tuple[RejectionReason, ...]:
        """Return the most frequent reasons."""
        return tuple(
            RejectionReason(reason=self._first[kind][0], count=count, example=self._first[kind][1])
            for kind, count in self._counts.most_common(limit)
        )
