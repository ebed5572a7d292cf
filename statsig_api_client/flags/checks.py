"""Run-time checks of JSON values against generated annotations."""

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
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


def checks_of(cls: type, names: Iterable[str]) -> dict[str, Check]:
    """Return the checks of annotated attributes of a class."""
    hints = get_type_hints(cls)
    return {name: check_of(hints[name]) for name in names}


def check_of(annotation: object) -> Check:
    """Return the check of an annotation.

    Raises:
        TypeError: The annotation is not one that the generator writes.
    """
    if annotation in _SCALARS:
        fitting = _SCALARS[annotation]
        return lambda value: type(value) in fitting
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (types.UnionType, Union):
        members = [check_of(argument) for argument in arguments]
        return lambda value: any(check(value) for check in members)
    if origin is Literal:
        return lambda value: any(value == member for member in arguments)
    if origin in (list, Sequence):
        return _array(arguments[0])
    if origin in (dict, Mapping):
        return _object(check_of(arguments[1]))
    if is_typeddict(annotation):
        return _typed_dict(cast("type", annotation))
    raise TypeError(f"flags: expected an annotation of a JSON value, got {annotation!r}")


# Exact types: a boolean is an int in Python but not in JSON, and parsed JSON has no subclasses.
_SCALARS: dict[object, frozenset[type]] = {
    bool: frozenset({bool}),
    int: frozenset({int}),
    float: frozenset({int, float}),
    str: frozenset({str}),
    type(None): frozenset({type(None)}),
    None: frozenset({type(None)}),
    object: frozenset({bool, int, float, str, type(None), list, dict}),
}


def _array(item: object) -> Check:
    fitting, check = _SCALARS.get(item, frozenset[type]()), check_of(item)

    def check_items(value: object) -> bool:
        if not isinstance(value, list):
            return False
        items = cast("list[object]", value)
        return fitting.issuperset(map(type, items)) or all(map(check, items))

    return check_items


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
