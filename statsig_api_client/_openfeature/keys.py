"""Flag keys: `[KIND:]NAME[:PARAMETER]`.

The separator is a colon, because Statsig's names may contain a dot but no colon, and because some
OFREP clients put a key into the path of a URL without escaping a slash.
"""

from functools import lru_cache
from typing import Final, Literal, TypeAlias, cast, get_args

from attrs import frozen

from .errors import ResolutionError

Kind: TypeAlias = Literal["gate", "config", "experiment", "layer"]
"""The kind of a Statsig entity."""

_KINDS: Final[frozenset[str]] = frozenset(get_args(Kind))

VALUE: Final = "value"
"""The parameter that a config is read as when a flag of a scalar type does not name one."""


@frozen
class FlagKey:
    """A flag key."""

    text: str
    """The key as it was given."""
    kind: Kind | None
    """The kind in front; None without one."""
    name: str
    """The name of the entity."""
    parameter: str | None
    """The parameter of the entity; None for the whole entity."""

    def __str__(self) -> str:
        return self.text[:200]

    @staticmethod
    @lru_cache(maxsize=1024)  # a program has few flags
    def parse(text: str) -> "FlagKey":
        """Parse a flag key.

        Raises:
            ResolutionError: FLAG_NOT_FOUND if the key has no name, or a gate has a parameter.
        """
        if ":" not in text and text:
            return FlagKey(text, None, text, None)
        head, _, rest = text.partition(":")
        kind = cast("Kind", head) if head in _KINDS else None
        name, separator, parameter = (rest if kind else text).partition(":")
        if not name or (separator and not parameter):
            problem = f"flag key: expected [KIND:]NAME[:PARAMETER], got {text[:200]!r}"
            raise ResolutionError("FLAG_NOT_FOUND", problem)
        if kind == "gate" and parameter:
            problem = f"{text[:200]}: a gate has no parameters; remove {':' + parameter[:100]!r}"
            raise ResolutionError("FLAG_NOT_FOUND", problem)
        return FlagKey(text, kind, name, parameter or None)
