"""API calls as data, and the base classes of clients."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Literal, TypeVar

from .._errors import StatsigError
from .._response import APIResponse
from .parsers import JsonInputObject, Parser

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])


class Call(Generic[T]):
    """A call of one client method: no I/O, no options, no key.

    Args:
        operation: The name of the client method, for errors.
        path: The path below the server's URL.
        body: The request body.
        parse: The parser of the response.
        fallback: The result with `on_error="fallback"`; None without a fallback, as for
            deliveries.
        delivers: The field of `body` whose items are delivered; None for evaluations, which can be
            retried.
    """

    __slots__ = ("body", "delivers", "fallback", "operation", "parse", "path")

    def __init__(
        self,
        *,
        operation: str,
        path: str,
        body: JsonInputObject,
        parse: Parser[T],
        fallback: Callable[[StatsigError], T] | None = None,
        delivers: Literal["events", "exposures"] | None = None,
    ) -> None:
        self.operation: str = operation
        self.path: str = path
        self.body: JsonInputObject = body
        self.parse: Parser[T] = parse
        self.fallback: Callable[[StatsigError], T] | None = fallback
        self.delivers: Literal["events", "exposures"] | None = delivers

    def __repr__(self) -> str:
        return f"<Call of {self.operation}>"  # without the attributes of users


class Caller(ABC):
    """Base class that executes calls and returns their parsed results."""

    @abstractmethod
    def _call(self, call: Call[T]) -> T: ...


class RawCaller(ABC):
    """Base class that executes calls and returns their raw responses."""

    @abstractmethod
    def _call(self, call: Call[T]) -> APIResponse[T]: ...


class AsyncCaller(ABC):
    """Asynchronous base class that executes calls and returns their parsed results."""

    @abstractmethod
    async def _call(self, call: Call[T]) -> T: ...


class AsyncRawCaller(ABC):
    """Asynchronous base class that executes calls and returns their raw responses."""

    @abstractmethod
    async def _call(self, call: Call[T]) -> APIResponse[T]: ...


def mark_deprecated(message: str) -> Callable[[F], F]:
    """Mark a method as deprecated without wrapping it; calling it emits the warning itself."""

    def mark(method: F) -> F:
        vars(method)["__deprecated__"] = message
        return method

    return mark
