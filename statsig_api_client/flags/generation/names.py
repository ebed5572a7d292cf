"""Python names of flags and parameters."""

import builtins
import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Final

from .errors import FlagsError

MODULE_NAMES: Final = frozenset(
    {"Config", "Experiment", "Gate", "GateGroup", "Layer", "Literal", "Parameters", "Sequence"}
    | {"ClassVar", "Mapping", "TypeAlias", "TypedDict", "annotations", "check_all"}
    # An attribute `str: str = ""` would change the meaning of all later annotations of its class.
    | {"bool", "float", "int", "object", "str"}
)
"""Names that generated modules use themselves."""


def python_name(kind: str, name: str) -> str:
    """Return the Python identifier for a Statsig name.

    A name that does not start with a letter gets its kind in front: `_2fa` would look private.
    """
    identifier = re.sub(r"\W", "_", name, flags=re.ASCII)
    if not identifier[:1].isalpha():
        identifier = f"{kind}_{identifier.lstrip('_')}"
    return f"{identifier}_" if _is_reserved(identifier) else identifier


def is_field_name(name: str) -> bool:
    """Return whether the body of a TypedDict can define a key."""
    # A name with two leading underscores is mangled inside a class.
    is_identifier = re.fullmatch(r"(?!__)[A-Za-z_]\w*", name, flags=re.ASCII)
    # A member named `annotations` does not hide the import of the module.
    return bool(is_identifier) and (name == "annotations" or not _is_reserved(name))


def _is_reserved(identifier: str) -> bool:
    return keyword.iskeyword(identifier) or identifier in MODULE_NAMES


def class_name(name: str) -> str:
    """Return the Python class name for an identifier."""
    identifier = "".join(word[:1].upper() + word[1:] for word in name.split("_"))
    is_taken = _is_reserved(identifier) or hasattr(builtins, identifier)
    return f"{identifier}_" if is_taken else identifier


def unique_names(
    place: str, names: Iterable[str], renames: Mapping[str, str], *, kind: str | None = None
) -> dict[str, str]:
    """Return the Python name of each Statsig name.

    Args:
        place: Kind of the flags, or kind and name of the flag with these parameters.
        names: Statsig names.
        renames: Python names by `place.name`.
        kind: Kind of the names, if `place` is not.

    Raises:
        FlagsError: Two names become the same Python name, or a rename is not an identifier.
    """
    owners: dict[str, str] = {}
    for name in names:
        key = f"{place}.{name}"
        identifier = renames.get(key) or python_name(kind or place, name)
        if python_name(kind or place, identifier) != identifier:
            raise FlagsError(
                f"rename {key!r}: expected an identifier that starts with a letter "
                f"and is not reserved, got {identifier!r}"
            )
        if identifier in owners:
            raise FlagsError(
                f"{place} {owners[identifier]!r} and {place} {name!r} both become {identifier!r}; "
                f'rename one: [tool.statsig.flags.rename] "{key}" = "another_name"'
            )
        owners[identifier] = name
    return {name: identifier for identifier, name in owners.items()}


def unique_class_names(kind: str, python_names: Mapping[str, str]) -> dict[str, str]:
    """Return the Python class name of each Statsig name, given their Python names.

    Raises:
        FlagsError: Two names become the same class name.
    """
    constants = frozenset(python_names.values())
    owners: dict[str, str] = {}
    for name, python in python_names.items():
        identifier = class_name(python)
        if identifier in constants:
            identifier += "Parameters"
        if identifier in owners:
            raise FlagsError(
                f"{kind} {owners[identifier]!r} and {kind} {name!r} both need a class "
                f"{identifier!r}; rename one: "
                f'[tool.statsig.flags.rename] "{kind}.{name}" = "another_name"'
            )
        owners[identifier] = name
    return {name: identifier for identifier, name in owners.items()}
