"""Checks and JSON forms of the arguments of generated calls and constructors."""

import functools
from collections.abc import Iterable, Mapping
from typing import Protocol, Self, TypeVar, cast

from .model import Model
from .parsers import JsonInput, JsonInputObject, Parser, SchemaError, either, expected, string

T = TypeVar("T")


class HasJson(Protocol):
    """A generated model."""

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object."""
        ...

    def to_dict(self) -> JsonInputObject:
        """Return the JSON form."""
        ...


# ---- Calls ----


def check_argument(name: str, value: object, parse: Parser[T]) -> T:
    """Check an argument with the parser of its type.

    Raises:
        TypeError: The argument has the wrong type.
    """
    try:
        return parse(value, name)
    except SchemaError as error:
        raise TypeError(str(error)) from None


def check_strings(name: str, values: object, minimum: int, maximum: int | None) -> list[str]:
    """Check an argument that is a list of strings.

    Raises:
        TypeError: It is not a list, or an item is not a string.
        ValueError: It has too few or too many items.
    """
    return [
        check_argument(f"{name}[{index}]", value, string)
        for index, value in enumerate(_items(name, values, minimum, maximum))
    ]


def model_json(name: str, value: object, *models: type[HasJson]) -> JsonInputObject:
    """Return the JSON form of a model; a dict is checked and copied.

    Raises:
        TypeError: The value is neither, or the dict does not match the schema of a model.
    """
    if isinstance(value, models):
        return value.to_dict()
    if isinstance(value, Mapping):
        check_argument(name, cast("object", value), _parser(models))
        return dict(cast("Mapping[str, JsonInput]", value))
    names = " or ".join([*(model.__name__ for model in models), "dict"])
    raise TypeError(f"{name}: expected {names}, got {type(value).__name__}")


def models_json(
    name: str, values: object, minimum: int, maximum: int | None, *models: type[HasJson]
) -> list[JsonInputObject]:
    """Return the JSON form of a list of models or dicts.

    Raises:
        TypeError: The value is not a list, or an item is neither a model nor a dict.
        ValueError: It has too few or too many items.
    """
    return [
        # Most items are models, which need no name for errors.
        value.to_dict()
        if isinstance(value, models)
        else model_json(f"{name}[{index}]", value, *models)
        for index, value in enumerate(_items(name, values, minimum, maximum))
    ]


def _items(name: str, values: object, minimum: int, maximum: int | None) -> list[object]:
    kind = type(values).__name__
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise TypeError(f"{name}: expected a list, got {kind}")
    items = list(cast("Iterable[object]", values))
    if len(items) < minimum or (maximum is not None and len(items) > maximum):
        limits = f"{minimum} or more" if maximum is None else f"{minimum} to {maximum}"
        raise ValueError(f"{name}: expected {limits} items, got {len(items)}")
    return items


def nested_json(value: object) -> JsonInputObject:
    """Return the JSON form of a model or dict that the constructor has checked."""
    # Models first: the test for a mapping takes longer.
    if isinstance(value, Model):
        return cast("HasJson", value).to_dict()
    return dict(cast("Mapping[str, JsonInput]", value))


@functools.cache
def _parser(models: tuple[type[HasJson], ...]) -> Parser[object]:
    """Return a parser of objects that match one of several models."""
    parsers: list[Parser[object]] = [model.from_dict for model in models]
    return functools.reduce(either, parsers)


# ---- Constructors ----


def check_field(model: object, name: str, parse: Parser[object]) -> None:
    """Check a field of a new model with the parser of its type.

    Raises:
        TypeError: The field has the wrong type.
    """
    try:
        parse(getattr(model, name), f"{type(model).__name__}.{name}")
    except SchemaError as error:
        raise TypeError(str(error)) from None


def model_or_object(model: type[HasJson]) -> Parser[object]:
    """Return a parser that accepts a model or its JSON form."""

    def parse(data: object, path: str) -> object:
        if isinstance(data, model):
            return data
        if isinstance(data, Mapping):
            model.from_dict(cast("object", data), path)
            return cast("object", data)
        raise expected(f"{model.__name__} or object", data, path)

    return parse
