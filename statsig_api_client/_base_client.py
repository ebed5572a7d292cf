"""State and behaviour shared by the blocking and the asynchronous client."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeVar, Unpack, overload

from ._clock import Clock
from ._errors import StatsigError
from ._logging import warn
from ._options import ClientOptions
from ._redaction import clear_locals
from ._request import RequestBuilder
from ._runtime.call import Call
from ._runtime.parsers import UNSET
from .generated import StatsigEvent, StatsigUser, StatsigUserDict

if TYPE_CHECKING:
    from ._async_client import AsyncStatsig
    from ._client import Statsig
    from ._transports.base import AsyncTransport, Transport

T = TypeVar("T")


class BaseClient:
    """I/O-free state and behaviour shared by both clients."""

    _clock: ClassVar[Clock] = Clock()  # replaced by tests

    _builder: RequestBuilder
    _is_copy: bool = False

    def with_options(self, **options: Unpack[ClientOptions]) -> Self:
        """Return a copy of this client with different options, sharing its connections.

        A copy is cheap enough for a single call. Closing it has no effect; close the original.

        Args:
            **options: The options to change; see `ClientOptions`.

        Raises:
            ConfigurationError: The value of an option is invalid.
            TypeError: An option does not exist, or its value has the wrong type.
        """
        try:
            builder = self._builder.with_options(self._builder.options.evolve(**options))
        except BaseException as error:
            clear_locals(error)
            del options  # a traceback would show header values
            raise
        copy = type(self).__new__(type(self))
        vars(copy).update(vars(self), _is_copy=True, _builder=builder)
        return copy

    def __repr__(self) -> str:
        if not hasattr(self, "_builder"):  # error trackers show clients with invalid options
            return f"<{type(self).__name__}>"
        return f"<{type(self).__name__} {self._builder.configuration.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be pickled or copied; use with_options")

    def _fallback(self, call: Call[T], error: StatsigError) -> T:
        """Return the fallback of a failed call, or raise its error."""
        if call.fallback is None or self._builder.options.on_error == "raise":
            raise error
        warn("%s; the fallback is returned", error)
        # The result keeps the error. A traceback would keep the stack alive.
        return call.fallback(error.with_traceback(None))

    def _event(
        self,
        user: StatsigUser | StatsigUserDict,
        event_name: str,
        value: str | float | None,
        metadata: Mapping[str, str] | None,
        time: int | str | None,
    ) -> StatsigEvent:
        return StatsigEvent(
            event_name=event_name,
            user=user,
            value=UNSET if value is None else value,
            metadata=metadata,
            time=int(self._clock.time() * 1000) if time is None else time,
        )


@overload
def delivery_parts(client: "Statsig") -> tuple[RequestBuilder, "Transport"]: ...
@overload
def delivery_parts(client: "AsyncStatsig") -> tuple[RequestBuilder, "AsyncTransport"]: ...
def delivery_parts(
    client: "Statsig | AsyncStatsig",
) -> "tuple[RequestBuilder, Transport | AsyncTransport]":
    """Return the request builder and the transport of a client.

    Only the delivery layer uses them: it sends events on the client's connections, but with its own
    retries.
    """
    parts: Any = client
    return parts._builder, parts._transport  # noqa: SLF001
