"""A call of the API as data, and the base classes of clients."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from attrs import define

from .._errors import StatsigError
from .._response import APIResponse
from .parsers import JsonObject, Parser

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])


@define(kw_only=True)
class Call(Generic[T]):
    """A call of one client method: no I/O, no options, no key."""

    operation: str
    """The name of the client method, for errors."""
    path: str
    """The path below the server's URL."""
    body: JsonObject
    """The request body."""
    parse: Parser[T]
    """The parser of the response."""
    fallback: Callable[[StatsigError], T] | None = None
    """The result with `on_error="fallback"`; None if there is no fallback, as for deliveries."""
    delivers: Literal["events", "exposures"] | None = None
    """The field of `body` whose items are delivered. None for evaluations, which can be retried."""

    def __repr__(self) -> str:
        return f"<Call of {self.operation}>"  # without the attributes of users


class Caller(ABC):
    """Executes calls and returns their parsed results."""

    @abstractmethod
    def _call(self, call: Call[T]) -> T: ...


class RawCaller(ABC):
    """Executes calls and returns their raw responses."""

    @abstractmethod
    def _call(self, call: Call[T]) -> APIResponse[T]: ...


class AsyncCaller(ABC):
    """Executes calls asynchronously and returns their parsed results."""

    @abstractmethod
    async def _call(self, call: Call[T]) -> T: ...


class AsyncRawCaller(ABC):
    """Executes calls asynchronously and returns their raw responses."""

    @abstractmethod
    async def _call(self, call: Call[T]) -> APIResponse[T]: ...


def mark_deprecated(message: str) -> Callable[[F], F]:
    """Mark a method as deprecated. Its call emits the warning, so the method is not wrapped."""

    def mark(method: F) -> F:
        vars(method)["__deprecated__"] = message
        return method

    return mark
