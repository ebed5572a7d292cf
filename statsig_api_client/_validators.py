"""Validators of options: one set of types, limits and messages for every feature.

A value of the wrong type raises `TypeError`, a value out of range `ConfigurationError`.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

from ._errors import ConfigurationError

if TYPE_CHECKING:
    import attrs


Validator: TypeAlias = "Callable[[Any, attrs.Attribute[Any], Any], None]"
"""A validator of an attribute; it reads only its name."""

MAX_SECONDS: Final = 1e9
"""31 years. Sockets reject ten times that value, in the middle of a call."""


def seconds(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """Check a positive number of seconds."""
    if not _is_number(value):
        raise TypeError(f"{attribute.name}: expected seconds, got {type(value).__name__}")
    if not 0 < value <= MAX_SECONDS:
        raise ConfigurationError(
            f"{attribute.name}: expected seconds above 0 and up to {MAX_SECONDS:,.0f}, got {value}"
        )


def positive_number(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """Check a number above 0."""
    if not _is_number(value):
        raise TypeError(f"{attribute.name}: expected a number, got {type(value).__name__}")
    if not value > 0:
        raise ConfigurationError(f"{attribute.name}: expected a number above 0, got {value}")


def integer(*, minimum: int, maximum: int | None = None, reason: str = "") -> Validator:
    """Return a validator of an integer within limits.

    Args:
        minimum: The smallest valid value.
        maximum: The largest valid value; None for no limit.
        reason: Reason for the maximum, for the message.
    """

    def validate(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{attribute.name}: expected an integer, got {type(value).__name__}")
        if value < minimum:
            raise ConfigurationError(f"{attribute.name}: expected {minimum} or more, got {value}")
        if maximum is not None and value > maximum:
            hint = f": {reason}" if reason else ""
            raise ConfigurationError(
                f"{attribute.name}: expected at most {maximum}, got {value}{hint}"
            )

    return validate


def boolean(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """Check True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.name}: expected True or False, got {type(value).__name__}")


def string(*, example: str) -> Validator:
    """Return a validator of a string that is not empty.

    Args:
        example: A valid value, for the message.
    """

    def validate(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if not isinstance(value, str):
            raise TypeError(f"{attribute.name}: expected a string, got {type(value).__name__}")
        if not value:
            raise ConfigurationError(
                f"{attribute.name}: expected a string such as {example!r}, got an empty one"
            )

    return validate


def one_of(*values: str) -> Validator:
    """Return a validator of a closed set of strings."""
    expected = ", ".join(map(repr, values[:-1])) + f" or {values[-1]!r}"

    def validate(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if value not in values:
            raise ConfigurationError(f"{attribute.name}: expected {expected}, got {value!r}")

    return validate


def function(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    """Check a callable."""
    if not callable(value):
        raise TypeError(f"{attribute.name}: expected a function, got {type(value).__name__}")


def instance_of(type_: type) -> Validator:
    """Return a validator of instances of a class."""

    def validate(_: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if not isinstance(value, type_):
            raise TypeError(
                f"{attribute.name}: expected {type_.__name__}, got {type(value).__name__}"
            )

    return validate


def optional(validator: Validator) -> Validator:
    """Return a validator that also accepts None."""

    def validate(instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
        if value is not None:
            validator(instance, attribute, value)

    return validate


def check_names(given: Iterable[str], options: type) -> None:
    """Check that options exist.

    Raises:
        TypeError: An option does not exist.
    """
    known = [*options.__annotations__]
    for name in given:
        if name not in known:
            raise TypeError(f"unknown option {name!r}; expected one of {', '.join(known)}")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
