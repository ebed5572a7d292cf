"""Options of a client, its API key and its servers."""

import os
import re
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, Final, Literal, TypeAlias, TypedDict, Unpack, cast

from ._errors import ConfigurationError
from ._transports.base import LOOPBACK, RequestHeaders
from ._validators import Validator, boolean, check_names, integer, one_of, optional, seconds, string
from .generated import API_SERVER, EVENTS_SERVER

OnError: TypeAlias = Literal["raise", "fallback"]


class ClientOptions(TypedDict, total=False):
    """Options of `Statsig`, `AsyncStatsig` and their `with_options`."""

    timeout: float
    """Maximum duration of one attempt in seconds, from connecting to the last byte of the
    response. Default 10.
    """
    connect_timeout: float
    """Maximum duration of connecting in seconds, and likewise of the TLS handshake. Default 3. A
    blocking client on httpx applies it to each address of a server, within `timeout`.
    """
    deadline: float
    """Maximum duration of a call in seconds: all attempts and the delays between them. Default 30.
    """
    max_retries: int
    """Maximum number of retries of a failed call. Default 2."""
    retry_ambiguous: bool
    """Also retry events and exposures that Statsig may have accepted already. They may be counted
    twice, since Statsig does not deduplicate. Default False.
    """
    log_exposures: bool
    """Let Statsig log an exposure for each evaluation. Default True."""
    environment: str | None
    """Environment of users without one, such as `staging`. Default None, which Statsig treats as
    production.
    """
    headers: Mapping[str, str] | None
    """Additional headers for each request, for example for a gateway. Default None."""
    gzip_events: bool
    """Compress requests with events or exposures above one kilobyte, as Statsig's SDKs do. A batch
    of 500 becomes 18 times smaller. Default False.
    """
    on_error: OnError
    """Behaviour of a failed evaluation: raise the error, or log a warning and return the fallback
    of Statsig's SDKs with the error in its `error`. Default `raise`.
    """


# Headers that the client sets, and headers of the connection.
_RESERVED_HEADERS: Final = (
    "statsig-.*|accept|accept-encoding|content-.*|user-agent"
    "|connection|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade"
)
_HEADER_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_HEADER_VALUE: Final = r"([!-~]([\t -~]*[!-~])?)?"


def _request_headers(headers: Mapping[str, str] | None) -> RequestHeaders:
    if headers is None:
        return RequestHeaders()
    if not isinstance(cast("object", headers), Mapping):
        raise TypeError(f"headers: expected a dict, got {type(headers).__name__}")
    for name, value in cast("Mapping[object, object]", headers).items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("headers: expected strings as names and values")
        if not re.fullmatch(_HEADER_NAME, name):
            raise ConfigurationError(f"headers: expected a header name, got {name!r}")
        if re.fullmatch(_RESERVED_HEADERS, name.lower()):
            raise ConfigurationError(f"headers: {name} is set by the client")
        if not re.fullmatch(_HEADER_VALUE, value):  # Omit the value; it may be a secret.
            raise ConfigurationError(
                f"headers: expected visible ASCII without line breaks as the value of {name}"
            )
    return RequestHeaders(*headers.items())


class Options:
    """Validated options of a client; see `ClientOptions`."""

    timeout: float = 10.0
    connect_timeout: float = 3.0
    deadline: float = 30.0
    max_retries: int = 2
    retry_ambiguous: bool = False
    log_exposures: bool = True
    environment: str | None = None
    headers: RequestHeaders = RequestHeaders()
    gzip_events: bool = False
    on_error: OnError = "raise"

    def evolve(self, **changes: Unpack[ClientOptions]) -> "Options":
        """Return a copy with some options changed.

        Raises:
            TypeError: An option does not exist, or its value has the wrong type.
            ConfigurationError: A value is out of range.
        """
        check_names(changes, Options)
        copy = Options()
        vars(copy).update(vars(self), **changes)
        if "headers" in changes:
            copy.headers = _request_headers(changes["headers"])
        for name, value in vars(copy).items():
            if name in _VALIDATORS:
                _VALIDATORS[name](copy, _option(name), value)
        return copy


def _option(name: str) -> Any:
    """Return a stand-in for an attrs attribute; validators read only its name."""
    return SimpleNamespace(name=name)


_VALIDATORS: Final[Mapping[str, Validator]] = {
    "timeout": seconds,
    "connect_timeout": seconds,
    "deadline": seconds,
    "max_retries": integer(minimum=0),
    "retry_ambiguous": boolean,
    "log_exposures": boolean,
    "environment": optional(string(example="staging")),
    "gzip_events": boolean,
    "on_error": one_of("raise", "fallback"),
}


# ---- API key and servers ----

_KEY_HINT: Final = (
    "pass api_key=, or set STATSIG_API_KEY, to a server secret key (secret-…) or a client SDK key "
    "(client-…) of your project: Statsig console, Settings, Keys & Environments"
)
# Compiled on first use: compiling takes a tenth of the time of importing this package.
_URL: Final = (
    r"(?ai)(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)"
    r"(:(?P<port>\d{1,5}))?(/[!-~]*)?"
)


class ApiKey:
    """API key that is hidden in its `repr`."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value: str = value

    def __repr__(self) -> str:
        return "ApiKey(…)"


class Configuration:
    """Validated API key and base URLs."""

    __slots__ = ("base_url", "events_url", "key")

    def __init__(self, key: ApiKey, base_url: str, events_url: str) -> None:
        self.key: ApiKey = key
        self.base_url: str = base_url
        self.events_url: str = events_url


def configure(
    api_key: str | None, base_url: str | None, events_url: str | None, *, allow_http: bool
) -> Configuration:
    """Return the configuration from arguments and environment variables.

    Raises:
        ConfigurationError: The key or a URL is missing or malformed.
        TypeError: An argument has the wrong type.
    """
    if api_key is None:
        api_key = os.environ.get("STATSIG_API_KEY")
    base_name = "base_url"
    if base_url is None:
        base_name = "STATSIG_BASE_URL"
        base_url = os.environ.get(base_name) or None
    if events_url is None:
        # A replacement of Statsig's server receives the events, too.
        events_url = EVENTS_SERVER if base_url is None else base_url
    return Configuration(
        key=_api_key(api_key),
        base_url=_url(
            base_name, API_SERVER if base_url is None else base_url, allow_http=allow_http
        ),
        events_url=_url("events_url", events_url, allow_http=allow_http),
    )


def _api_key(value: object) -> ApiKey:
    if value is None:
        raise ConfigurationError(f"missing API key: {_KEY_HINT}")
    if not isinstance(value, str):
        raise TypeError(f"api_key: expected a string, got {type(value).__name__}")
    if not value:
        raise ConfigurationError(f"the API key is empty: {_KEY_HINT}")
    if not re.fullmatch("[!-~]+", value):
        raise ConfigurationError(
            "the API key contains whitespace or invalid characters; check how it was copied: "
            f"{_KEY_HINT}"
        )
    if value.startswith("console-"):
        raise ConfigurationError(
            f"expected an SDK key, got a key of the Console API (console-…): {_KEY_HINT}"
        )
    return ApiKey(value)


def _url(name: str, url: object, *, allow_http: bool) -> str:
    if not isinstance(url, str):
        raise TypeError(f"{name}: expected a string, got {type(url).__name__}")
    parts = re.fullmatch(_URL, url)
    # Omit the URL from messages; it may contain a password.
    if parts is None:
        raise ConfigurationError(
            f"{name}: expected https://host, https://host:port or https://host/path, in ASCII and "
            "without user name or password"
        )
    if "?" in url or "#" in url:
        raise ConfigurationError(f"{name}: expected a URL without query (?) and fragment (#)")
    if int(parts["port"] or 0) > 65535:
        raise ConfigurationError(f"{name}: expected a port up to 65535, got {parts['port']}")
    if not (
        parts["scheme"].lower() == "https" or allow_http or re.fullmatch(LOOPBACK, parts["host"])
    ):
        raise ConfigurationError(
            f"{name}: expected https, got http: the API key can be read on the way to "
            f"{parts['host']}; pass allow_http=True if the network is trusted"
        )
    return url.rstrip("/")
