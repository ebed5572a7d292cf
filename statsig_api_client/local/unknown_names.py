"""Requested names that the project does not define."""

import difflib
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, TypeAlias

from attrs import frozen

_logger = logging.getLogger("statsig_api_client.local")

RequestedKind: TypeAlias = Literal["gate", "config", "layer"]
"""The kind of a requested entity; an experiment is a config."""

MAX_NAMES: Final = 100
"""The maximum number of stored names; a client may request any number."""

_SHOWN: Final = 100
"""The maximum number of logged characters of a name."""


@frozen(kw_only=True)
class UnknownName:
    """A requested entity that the project does not define."""

    kind: RequestedKind
    name: str
    nearest: str | None
    """The most similar name of the project, or None."""


class UnknownNames:
    """The unknown names since the project was loaded, each reported once.

    Args:
        changed: A function to call after each change.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._names: dict[tuple[RequestedKind, str], UnknownName] = {}

    @property
    def items(self) -> Sequence[UnknownName]:
        """The unknown names, oldest first."""
        return tuple(self._names.values())

    def add(self, kind: RequestedKind, name: str, known: Iterable[str]) -> None:
        """Log a name with the nearest known name, unless it has been logged."""
        if (kind, name) in self._names or len(self._names) == MAX_NAMES:
            return
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        unknown = UnknownName(kind=kind, name=name, nearest=close[0] if close else None)
        self._names[kind, name] = unknown
        # Quoted, so that a name cannot break the line.
        hint = f"; did you mean {unknown.nearest}?" if unknown.nearest else ""
        shown = name if name.isprintable() and len(name) <= _SHOWN else repr(name[:_SHOWN])
        _logger.warning("%s: unknown %s%s", shown, kind, hint)
        self._changed()

    def clear(self) -> None:
        """Remove all names."""
        if self._names:
            self._names.clear()
            self._changed()
