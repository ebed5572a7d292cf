"""Checks of what the constructors of generated models are given."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

from ._json import JsonObject, Parser, SchemaError, expected

if TYPE_CHECKING:
    from attrs import Attribute

T = TypeVar("T")


class Model(Protocol):
    """A generated model."""

    def to_dict(self) -> JsonObject:
        """The wire form."""
        ...


def no_fields() -> JsonObject:
    """A new, empty object: where a type checker must know of what, `dict` does not say it."""
    return {}


def typed(parse: Parser[object]) -> "Callable[[object, Attribute[T], T], None]":
    """An attrs validator: the value must be of the type that `parse` reads.

    A wrong type is then told where it was made, not by the service. A field's default is right.
    """

    def validate(instance: object, attribute: "Attribute[T]", value: T) -> None:
        if value is attribute.default:
            return
        try:
            parse(value, f"{type(instance).__name__}.{attribute.name}")
        except SchemaError as error:
            raise TypeError(str(error)) from None

    return validate


def model_or_object(model: type[Model]) -> Parser[object]:
    """Accept a model, or a dict in its wire form."""

    def read(data: object, path: str) -> object:
        if isinstance(data, model | Mapping):
            return cast("object", data)
        raise expected(f"{model.__name__} or object", data, path)

    return read
