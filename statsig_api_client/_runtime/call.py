"""A call of the API as data, and the checks of the arguments that make one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, Literal, TypeVar, cast

from attrs import define

from .._errors import StatsigError
from .._response import APIResponse
from .model import Model
from .parsers import JsonObject, JsonValue, Parser, SchemaError, string

T = TypeVar("T")


@define(kw_only=True)
class Call(Generic[T]):
    """What one method of the client asks of the API: no I/O, no options, no key."""

    operation: str
    """The name of the client's method, as errors tell it."""
    path: str
    """Below the server's URL."""
    body: JsonObject
    """The request in its wire form."""
    parse: Parser[T]
    """Reads the reply."""
    fallback: Callable[[StatsigError], T] | None = None
    """The answer when nothing is known; None when there can be none, as for delivery."""
    delivers: Literal["events", "exposures"] | None = None
    """The list in `body` that is delivered. None: an evaluation, which may be repeated freely."""

    def __repr__(self) -> str:
        return f"<Call of {self.operation}>"  # and not the attributes of users


class Caller(ABC):
    """Sends calls and returns what their replies mean."""

    @abstractmethod
    def _call(self, call: Call[T]) -> T: ...


class RawCaller(ABC):
    """Sends calls and returns their replies, unread."""

    @abstractmethod
    def _call(self, call: Call[T]) -> APIResponse[T]: ...


class AsyncCaller(ABC):
    """Sends calls and returns what their replies mean, without blocking the event loop."""

    @abstractmethod
    async def _call(self, call: Call[T]) -> T: ...


class AsyncRawCaller(ABC):
    """Sends calls and returns their replies, unread, without blocking the event loop."""

    @abstractmethod
    async def _call(self, call: Call[T]) -> APIResponse[T]: ...


def argument(name: str, value: object, parse: Parser[T]) -> T:
    """Check an argument by the parser of its type.

    Raises:
        TypeError: It has another type.
    """
    try:
        return parse(value, name)
    except SchemaError as error:
        raise TypeError(str(error)) from None


def texts(name: str, values: object, least: int, most: int | None) -> list[str]:
    """Check an argument that is a list of strings.

    Raises:
        TypeError: It is no list, or an item is no string.
        ValueError: It has too few items or too many.
    """
    return [
        argument(f"{name}[{index}]", value, string)
        for index, value in enumerate(_items(name, values, least, most))
    ]


def wire(name: str, value: object, *models: type[Model]) -> JsonObject:
    """The wire form of an argument that is one of `models`; a dict is taken as it is.

    Raises:
        TypeError: It is neither.
    """
    if isinstance(value, models):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, JsonValue]", value))
    wanted = " or ".join([*(model.__name__ for model in models), "dict"])
    raise TypeError(f"{name}: expected {wanted}, got {type(value).__name__}")


def wires(
    name: str, values: object, least: int, most: int | None, *models: type[Model]
) -> list[JsonObject]:
    """The wire form of an argument that is a list of `models` or dicts.

    Raises:
        TypeError: It is no list, or an item is neither.
        ValueError: It has too few items or too many.
    """
    return [
        # Most are models, which need no name for an error.
        value.to_dict() if isinstance(value, models) else wire(f"{name}[{index}]", value, *models)
        for index, value in enumerate(_items(name, values, least, most))
    ]


def _items(name: str, values: object, least: int, most: int | None) -> list[object]:
    kind = type(values).__name__
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise TypeError(f"{name}: expected a list, got {kind}")
    items = list(cast("Iterable[object]", values))
    if len(items) < least or (most is not None and len(items) > most):
        limits = f"{least} or more" if most is None else f"{least} to {most}"
        raise ValueError(f"{name}: expected {limits} items, got {len(items)}")
    return items
