"""Checks of what the constructors of generated models are given."""

from collections.abc import Mapping
from typing import Protocol, cast

from .parsers import JsonObject, Parser, SchemaError, expected


class Model(Protocol):
    """A generated model."""

    def to_dict(self) -> JsonObject:
        """The wire form."""
        ...


def no_fields() -> JsonObject:
    """A new, empty object: where a type checker must know of what, `dict` does not say it."""
    return {}


def check_field(model: object, name: str, parse: Parser[object]) -> None:
    """Check what the constructor of a model was given for a field, by the parser of its type.

    Raises:
        TypeError: It is of another type, which is told here and not by the service.
    """
    try:
        parse(getattr(model, name), f"{type(model).__name__}.{name}")
    except SchemaError as error:
        raise TypeError(str(error)) from None


def model_or_object(model: type[Model]) -> Parser[object]:
    """Accept a model, or a dict in its wire form."""

    def read(data: object, path: str) -> object:
        if isinstance(data, model | Mapping):
            return cast("object", data)
        raise expected(f"{model.__name__} or object", data, path)

    return read
