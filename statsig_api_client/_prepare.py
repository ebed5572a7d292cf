"""From a call to what goes to the wire: options, bytes, headers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeVar, cast

from ._attempts import Attempts
from ._call import Call
from ._clock import Clock
from ._configuration import Configuration
from ._encode import encode
from ._event_checks import check_events
from ._json import JsonObject, JsonValue
from ._options import Options
from ._version import __version__

if TYPE_CHECKING:
    from ._engine import RawHeaders

T = TypeVar("T")

_SDK_TYPE: Final = b"py-http-api"
_SDK_VERSION: Final = __version__.encode()


class Preparation:
    """Makes calls ready to be sent: what all calls of one client have in common."""

    def __init__(self, configuration: Configuration, options: Options, clock: Clock) -> None:
        self.configuration = configuration
        self.options = options
        self._clock = clock
        self._headers: RawHeaders = [
            (b"Accept", b"application/json"),
            (b"Accept-Encoding", b"gzip, deflate"),
            (b"Content-Type", b"application/json"),
            (b"User-Agent", b"statsig-api-client-python/" + _SDK_VERSION),
            (b"STATSIG-SDK-TYPE", _SDK_TYPE),
            (b"STATSIG-SDK-VERSION", _SDK_VERSION),
            *options.headers,
        ]

    def with_options(self, options: Options) -> "Preparation":
        """The same with other options."""
        return Preparation(self.configuration, options, self._clock)

    def attempts(self, call: Call[T]) -> Attempts:
        """The attempts of a call, none made yet.

        Raises:
            TypeError: Something in the call has a type that JSON does not know.
            ValueError: Something in it has a value that JSON cannot say.
        """
        configuration, headers = self.configuration, self._headers
        if call.delivers is None:
            server, body = configuration.base_url, evaluation(call.body, self.options)
        else:
            server, body = (
                configuration.events_url,
                delivery(call.body, call.delivers, self.options),
            )
            items = cast("list[JsonObject]", body[call.delivers])
            headers = [*headers, (b"STATSIG-EVENT-COUNT", b"%d" % len(items))]
            if call.delivers == "events":
                check_events(items)
        return self._made(call, server, headers, encode(body))

    def encoded(self, call: Call[T], headers: "RawHeaders", body: bytes) -> Attempts:
        """The attempts of a delivery whose body is ready, with headers that it needs besides."""
        return self._made(call, self.configuration.events_url, [*self._headers, *headers], body)

    def _made(self, call: Call[T], server: str, headers: "RawHeaders", body: bytes) -> Attempts:
        return Attempts(
            operation=call.operation,
            delivers=call.delivers,
            url=server + call.path,
            headers=headers,
            body=body,
            options=self.options,
            key=self.configuration.key,
            clock=self._clock,
        )


def evaluation(body: JsonObject, options: Options) -> JsonObject:
    """The body of an evaluation, with what the options say. The original stays as it is."""
    if options.environment is not None and "user" in body:
        body = body | {"user": _in_environment(body["user"], options.environment)}
    if not options.log_exposures:
        body = body | {"statsigMetadata": {"exposureLoggingDisabled": True}}
    return body


def delivery(body: JsonObject, delivers: str, options: Options) -> JsonObject:
    """The body of a delivery, with what the options say, and without private attributes."""
    items = cast("list[JsonObject]", body[delivers])
    body = body | {delivers: [_outgoing(item, options.environment) for item in items]}
    return _outgoing(body, options.environment)


def _outgoing(holder: JsonObject, environment: str | None) -> JsonObject:
    user = holder.get("user")
    outgoing = _without_private_attributes(user)
    if environment is not None:
        outgoing = _in_environment(outgoing, environment)
    return holder if outgoing is user else holder | {"user": outgoing}


def _without_private_attributes(user: JsonValue) -> JsonValue:
    if not isinstance(user, Mapping) or "privateAttributes" not in user:
        return user
    return {name: value for name, value in user.items() if name != "privateAttributes"}


def _in_environment(user: JsonValue, tier: str) -> JsonValue:
    if not isinstance(user, Mapping) or user.get("statsigEnvironment") is not None:
        return user
    return {**user, "statsigEnvironment": {"tier": tier}}
