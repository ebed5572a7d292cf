"""How a client behaves: its options, their defaults and their limits."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias, TypedDict, Unpack, cast

import attrs
from attrs import field, frozen

from ._errors import ConfigurationError
from ._transports.base import RequestHeaders

OnError: TypeAlias = Literal["raise", "fallback"]


class ClientOptions(TypedDict, total=False):
    """The options of `Statsig`, `AsyncStatsig` and their `with_options`."""

    timeout: float
    """Seconds that one attempt may take, from connecting to the end of the reply. Default 10."""
    connect_timeout: float
    """Seconds that connecting may take, and then the TLS handshake. Default 3. A blocking client on
    httpx gives as much to each address of a server, and no more than `timeout` to all of them.
    """
    deadline: float
    """Seconds that a call may take with all its attempts and the waits between. Default 30."""
    max_retries: int
    """How often a failed call is tried again. Default 2."""
    retry_ambiguous: bool
    """Also send events and exposures again when Statsig may have accepted them already, which may
    count them twice: Statsig does not deduplicate. Default False.
    """
    log_exposures: bool
    """Whether Statsig logs an exposure of each evaluation. Default True."""
    environment: str | None
    """The environment of users that have none, such as `staging`. Default None, which Statsig takes
    for production.
    """
    headers: Mapping[str, str] | None
    """Headers to send with each request, such as a gateway asks for. Default None."""
    gzip_events: bool
    """Whether events and exposures are sent compressed, as Statsig's own SDKs send them, if they
    have more than a kilobyte: a batch of 500 becomes 18 times smaller. Default False.
    """
    on_error: OnError
    """What an evaluation does when it fails: raise, or return the answer that Statsig's SDKs give
    when they know nothing, with the error in its `error`, and log a warning. Default `raise`.
    """


# What this client says itself, and what belongs to a connection and not to a request.
_RESERVED: Final = (
    "statsig-.*|accept|accept-encoding|content-.*|user-agent"
    "|connection|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade"
)
_HEADER_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_VALUE: Final = r"([!-~]([\t -~]*[!-~])?)?"

_LONGEST: Final = 1e9
"""31 years. Sockets refuse a time that is ten times as long, and do so in the middle of a call."""


def _seconds(_: object, attribute: "attrs.Attribute[float]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{attribute.name}: expected seconds, got {type(value).__name__}")
    if not 0 < value <= _LONGEST:
        raise ConfigurationError(
            f"{attribute.name}: expected seconds above 0 and up to {_LONGEST:,.0f}, got {value}"
        )


def _count(_: object, attribute: "attrs.Attribute[int]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{attribute.name}: expected a whole number, got {type(value).__name__}")
    if value < 0:
        raise ConfigurationError(f"{attribute.name}: expected 0 or more, got {value}")


def flag(_: object, attribute: "attrs.Attribute[bool]", value: object) -> None:
    """Check an option that is on or off.

    Raises:
        TypeError: It is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.name}: expected True or False, got {type(value).__name__}")


def _tier(_: object, attribute: "attrs.Attribute[str | None]", value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{attribute.name}: expected a string, got {type(value).__name__}")
    if value == "":
        raise ConfigurationError(f"{attribute.name}: expected a name such as 'staging', got none")


def _behaviour(_: object, attribute: "attrs.Attribute[OnError]", value: object) -> None:
    if value not in ("raise", "fallback"):
        raise ConfigurationError(f"{attribute.name}: expected 'raise' or 'fallback', got {value!r}")


def _request_headers(headers: Mapping[str, str] | RequestHeaders | None) -> RequestHeaders:
    if headers is None:
        return RequestHeaders()
    if isinstance(headers, RequestHeaders):  # options are made from options
        return headers
    # What the type promises does not bind a program that no type checker has seen.
    if not isinstance(headers, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"headers: expected a dict, got {type(headers).__name__}")
    for name, value in cast("Mapping[object, object]", headers).items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("headers: expected strings as names and values")
        if not re.fullmatch(_HEADER_NAME, name):
            raise ConfigurationError(f"headers: {name!r} is not the name of a header")
        if re.fullmatch(_RESERVED, name.lower()):
            raise ConfigurationError(f"headers: {name} is for the client alone to set")
        if not re.fullmatch(_HEADER_VALUE, value):  # not told: it may be a secret
            raise ConfigurationError(
                f"headers: the value of {name} must be visible ASCII, without line breaks"
            )
    return RequestHeaders(*headers.items())


def check_names(given: Iterable[str], options: type[attrs.AttrsInstance]) -> None:
    """See that options are those that a class has.

    Raises:
        TypeError: There is no such option.
    """
    known = [option.name for option in attrs.fields(options)]
    for name in given:
        if name not in known:
            raise TypeError(f"unknown option {name!r}; the options are {', '.join(known)}")


@frozen(kw_only=True)
class Options:
    """The options of a client, checked; see `ClientOptions`."""

    timeout: float = field(default=10.0, validator=_seconds)
    connect_timeout: float = field(default=3.0, validator=_seconds)
    deadline: float = field(default=30.0, validator=_seconds)
    max_retries: int = field(default=2, validator=_count)
    retry_ambiguous: bool = field(default=False, validator=flag)
    log_exposures: bool = field(default=True, validator=flag)
    environment: str | None = field(default=None, validator=_tier)
    headers: RequestHeaders = field(default=None, converter=_request_headers)
    gzip_events: bool = field(default=False, validator=flag)
    on_error: OnError = field(default="raise", validator=_behaviour)

    def evolve(self, **changes: Unpack[ClientOptions]) -> "Options":
        """The same options but for `changes`.

        Raises:
            TypeError: There is no such option, or a value has the wrong type.
            ConfigurationError: A value is out of its limits.
        """
        check_names(changes, Options)
        return attrs.evolve(self, **changes)
