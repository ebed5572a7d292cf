"""HTTP requests of calls, with the options of a client applied."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeVar, cast

from ._clock import Clock
from ._event_limits import check_events, check_items
from ._fork import hold_forks
from ._json import codec, serialize
from ._options import Configuration, Options
from ._redaction import Redactor
from ._runtime.call import Call
from ._runtime.parsers import JsonInput, JsonInputObject
from ._transports.base import RequestHeaders
from ._user_checks import USER_FIELDS, check_user
from ._version import __version__

T = TypeVar("T")

MIN_COMPRESSED: Final = 1024
"""Minimum bytes of a compressed body; a smaller one fits into one packet anyway."""

_SDK_TYPE: Final = "py-http-api"


class PreparedRequest:
    """The request of a call, identical for all attempts.

    Args:
        operation: The name of the client method.
        delivers: What the request delivers; None for an evaluation.
        url: The URL.
        headers: All headers except those of a single attempt.
        body: The body.
        redact: Removes secrets from text that a server sent.
    """

    __slots__ = ("body", "delivers", "headers", "operation", "redact", "url")

    def __init__(
        self,
        *,
        operation: str,
        delivers: Literal["events", "exposures"] | None,
        url: str,
        headers: RequestHeaders,
        body: bytes,
        redact: Redactor,
    ) -> None:
        self.operation: str = operation
        self.delivers: Literal["events", "exposures"] | None = delivers
        self.url: str = url
        self.headers: RequestHeaders = headers
        self.body: bytes = body
        self.redact: Redactor = redact

    @property
    def host(self) -> str:
        """The server's host, with its port if the URL has one."""
        return self.url.split("/")[2]


class RequestBuilder:
    """Builds the requests of one client."""

    def __init__(self, configuration: Configuration, options: Options, clock: Clock) -> None:
        self.configuration = configuration
        self.options = options
        self.clock = clock
        codec(0)  # may import orjson
        api_key = configuration.key.value
        self._redact = Redactor(api_key, options.headers)
        self._headers = RequestHeaders(
            ("Accept", "application/json"),
            ("Accept-Encoding", "gzip, deflate"),
            ("Content-Type", "application/json"),
            ("User-Agent", f"statsig-api-client-python/{__version__}"),
            ("STATSIG-SDK-TYPE", _SDK_TYPE),
            ("STATSIG-SDK-VERSION", __version__),
            *options.headers.items(),
            ("STATSIG-API-KEY", api_key),
        )

    def with_options(self, options: Options) -> "RequestBuilder":
        """Return a builder with different options."""
        return RequestBuilder(self.configuration, options, self.clock)

    def build(self, call: Call[T]) -> PreparedRequest:
        """Return the request of a call.

        Raises:
            TypeError: A value in the call has a type that JSON does not have.
            ValueError: A value in the call cannot be represented in JSON.
        """
        if call.delivers is None:
            user = call.body.get("user")
            if isinstance(user, dict) and not _is_usual(user):
                check_user("user", user)
            body = serialize(evaluation_body(call.body, self.options))
            return self._request(call, self.configuration.base_url, self._headers, body)
        delivery = delivery_body(call.body, call.delivers, self.options.environment)
        items = cast("list[JsonInputObject]", delivery[call.delivers])
        now = int(self.clock.time() * 1000)
        if call.delivers == "events":
            check_events(items, now)
        else:
            check_items(call.delivers, items, now)
        for index, item in enumerate(items):
            user = item.get("user")
            if isinstance(user, dict) and not _is_usual(user):
                check_user(f"{call.delivers}[{index}].user", user)
        return self._delivery(
            call, serialize(delivery, len(items)), len(items), compress_from=self._compress_from()
        )

    def build_encoded(
        self, call: Call[T], events: Sequence[bytes], *, compress: bool
    ) -> PreparedRequest:
        """Return the request that delivers encoded events."""
        body = b'{"events":[' + b",".join(events) + b"]}"
        return self._delivery(call, body, len(events), compress_from=0 if compress else None)

    def _compress_from(self) -> int | None:
        return MIN_COMPRESSED if self.options.gzip_events else None

    def _delivery(
        self, call: Call[T], body: bytes, items: int, *, compress_from: int | None
    ) -> PreparedRequest:
        headers = self._headers.with_header("STATSIG-EVENT-COUNT", str(items))
        if compress_from is not None and len(body) >= compress_from:
            headers = headers.with_header("Content-Encoding", "gzip")
            body = _compress(body)
        return self._request(call, self.configuration.events_url, headers, body)

    def _request(
        self, call: Call[T], server: str, headers: RequestHeaders, body: bytes
    ) -> PreparedRequest:
        return PreparedRequest(
            operation=call.operation,
            delivers=call.delivers,
            url=server + call.path,
            headers=headers,
            body=body,
            redact=self._redact,
        )


def _is_usual(user: JsonInputObject) -> bool:
    """Return whether a user has a user ID and only known fields, and so needs no check."""
    return bool(user.get("userID")) and user.keys() <= USER_FIELDS


def evaluation_body(body: JsonInputObject, options: Options) -> JsonInputObject:
    """Return the body of an evaluation with the options applied; `body` is not changed."""
    user = body.get("user")
    if options.environment is not None and isinstance(user, Mapping):
        user = dict(user)
        add_environment(user, {"tier": options.environment})
        body = body | {"user": user}
    if not options.log_exposures:
        body = body | {"statsigMetadata": {"exposureLoggingDisabled": True}}
    return body


def delivery_body(body: JsonInputObject, delivers: str, environment: str | None) -> JsonInputObject:
    """Return the body of a delivery with its users completed; `body` is not changed."""
    items = cast("list[JsonInputObject]", body[delivers])
    tier = None if environment is None else {"tier": environment}
    return _with_user(body | {delivers: [_with_user(item, tier) for item in items]}, tier)


def _with_user(holder: JsonInputObject, environment: Mapping[str, str] | None) -> JsonInputObject:
    user: JsonInput = holder.get("user")
    if not (isinstance(user, dict) or isinstance(user, Mapping)):  # noqa: SIM101  (see _json)
        return holder
    user = dict(user)
    remove_private_attributes(user)
    add_environment(user, environment)
    return holder | {"user": user}


def remove_private_attributes(user: dict[str, Any]) -> bool:
    """Remove the private attributes of an event's user; return whether there were any."""
    if "privateAttributes" not in user:
        return False
    del user["privateAttributes"]
    return True


def add_environment(user: dict[str, Any], environment: Mapping[str, str] | None) -> bool:
    """Add the default environment to a user without one; return whether it was added.

    An empty object counts as none: Statsig treats an environment without a tier as production.
    """
    if environment is None or user.get("statsigEnvironment"):
        return False
    user["statsigEnvironment"] = environment
    return True


def _compress(body: bytes) -> bytes:
    # Level 1 takes a third of the time of level 6; a batch becomes 18 times smaller instead of 20.
    with hold_forks():
        import zlib

    compressor = zlib.compressobj(1, wbits=zlib.MAX_WBITS + 16)
    return compressor.compress(body) + compressor.flush()
