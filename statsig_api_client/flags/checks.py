"""Run-time checks of JSON values against generated annotations."""

import types
from collections.abc import Callable, Mapping, Sequence
from typing import (
    Literal,
    TypeAlias,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

Check: TypeAlias = Callable[[object], bool]
"""Function that returns whether a value matches an annotation."""


def checks_of(cls: type) -> dict[str, Check]:
    """Return the checks of a class's own annotated attributes."""
    hints = get_type_hints(cls)
    return {
        name: check_of(hints[name]) for name in cls.__annotations__ if not name.startswith("__")
    }


def check_of(annotation: object) -> Check:
    """Return the check of an annotation.

    Raises:
        TypeError: The annotation is not one that the generator writes.
    """
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (types.UnionType, Union):
        members = [check_of(argument) for argument in arguments]
        return lambda value: any(check(value) for check in members)
    if origin is Literal:
        return lambda value: any(value == member for member in arguments)
    if origin in (list, Sequence):
        return _array(check_of(arguments[0]))
    if origin in (dict, Mapping):
        return _object(check_of(arguments[1]))
    if is_typeddict(annotation):
        return _typed_dict(cast("type", annotation))
    raise TypeError(f"flags: expected an annotation of a JSON value, got {annotation!r}")


def _is_number(value: object) -> bool:
    # A boolean is an int in Python, but not a number in JSON.
    return isinstance(value, int | float) and not isinstance(value, bool)


_SCALARS: dict[object, Check] = {
    bool: lambda value: isinstance(value, bool),
    int: lambda value: isinstance(value, int) and not isinstance(value, bool),
    float: _is_number,
    str: lambda value: isinstance(value, str),
    type(None): lambda value: value is None,
    None: lambda value: value is None,
    object: lambda value: True,  # noqa: ARG005
}


def _array(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, cast("list[object]", value)))


def _object(check: Check) -> Check:
    return lambda value: (
        isinstance(value, dict) and all(map(check, cast("dict[str, object]", value).values()))
    )


def _typed_dict(cls: type) -> Check:
    members = {name: check_of(hint) for name, hint in get_type_hints(cls).items()}

    def check(value: object) -> bool:
        if not isinstance(value, dict):
            return False
        entries = cast("dict[str, object]", value)
        return all(check(entries[name]) for name, check in members.items() if name in entries)

    return check
