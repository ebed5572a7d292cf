"""Python names of flags and parameters."""

import builtins
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Final

from .errors import FlagsError

MODULE_NAMES: Final = frozenset(
    {"Config", "Experiment", "Gate", "GateGroup", "Layer", "Literal", "Parameters", "Sequence"}
    | {"ClassVar", "Mapping", "TypeAlias", "TypedDict", "check_all"}
    # An attribute `str: str = ""` would change the meaning of all later annotations of its class.
    | {"bool", "float", "int", "object", "str"}
)
"""Names that generated modules use themselves."""


def python_name(name: str) -> str:
    """Return the Python identifier for a Statsig name."""
    identifier = re.sub(r"\W", "_", name, flags=re.ASCII)
    # A name with two leading underscores is mangled inside a class.
    identifier = re.sub("^__+", "_", identifier)
    if not identifier or identifier[0].isdigit():
        identifier = f"_{identifier}"
    if keyword.iskeyword(identifier) or identifier in MODULE_NAMES:
        identifier += "_"
    return identifier


def class_name(name: str) -> str:
    """Return the Python class name for a Statsig name."""
    words = re.split(r"[\W_]+", name, flags=re.ASCII)
    identifier = "".join(word[:1].upper() + word[1:] for word in words)
    if not identifier or identifier[0].isdigit():
        identifier = f"_{identifier}"
    is_taken = identifier in MODULE_NAMES or hasattr(builtins, identifier)
    if is_taken or keyword.iskeyword(identifier):
        identifier += "_"
    return identifier


def unique_names(kind: str, names: Iterable[str], renames: Mapping[str, str]) -> dict[str, str]:
    """Return the Python name of each Statsig name.

    Args:
        kind: Kind of the names, for errors and for the keys of `renames`.
        names: Statsig names.
        renames: Python names by `kind.name`.

    Raises:
        FlagsError: Two names become the same Python name, or a rename is not an identifier.
    """
    found: dict[str, str] = {}
    for name in names:
        key = f"{kind}.{name}"
        identifier = renames.get(key) or python_name(name)
        if python_name(identifier) != identifier:
            raise FlagsError(
                f"rename {key!r}: expected an identifier that is not reserved, got {identifier!r}"
            )
        for other, taken in found.items():
            if taken == identifier:
                raise FlagsError(
                    f"{kind} {other!r} and {kind} {name!r} both become {identifier!r}; rename one: "
                    f'[tool.statsig.flags.rename] "{key}" = "another_name"'
                )
        found[name] = identifier
    return found


def unique_class_names(kind: str, python_names: Mapping[str, str]) -> dict[str, str]:
    """Return the Python class name of each Statsig name, given their Python names.

    Raises:
        FlagsError: Two names become the same class name.
    """
    constants = frozenset(python_names.values())
    found: dict[str, str] = {}
    for name, python in python_names.items():
        identifier = class_name(python)
        if identifier in constants:
            identifier += "Parameters"
        for other, taken in found.items():
            if taken == identifier:
                raise FlagsError(
                    f"{kind} {other!r} and {kind} {name!r} both need a class {identifier!r}; "
                    f'rename one: [tool.statsig.flags.rename] "{kind}.{name}" = "another_name"'
                )
        found[name] = identifier
    return found
