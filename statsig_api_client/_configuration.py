"""Whom a client talks to, and with which key."""

import os
import re
from typing import Final

from ._errors import ConfigurationError
from ._transports.base import LOOPBACK
from .generated import API_SERVER, EVENTS_SERVER

_WHERE_FROM: Final = (
    "pass api_key=, or set STATSIG_API_KEY, to a server secret key (secret-…) or a client SDK key "
    "(client-…) of your project: Statsig console, Settings, Keys & Environments"
)
# Compiled when they are used: that takes a tenth of the time that importing this package takes.
_URL: Final = (
    r"(?ai)(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)"
    r"(:(?P<port>\d{1,5}))?(/[!-~]*)?"
)


class ApiKey:
    """A key that does not show itself."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "ApiKey(…)"


class Configuration:
    """API key and base URLs, checked."""

    __slots__ = ("base_url", "events_url", "key")

    def __init__(self, key: ApiKey, base_url: str, events_url: str) -> None:
        self.key = key
        self.base_url = base_url
        self.events_url = events_url


def configure(
    api_key: str | None, base_url: str | None, events_url: str | None, *, allow_http: bool
) -> Configuration:
    """Read arguments and environment variables.

    Raises:
        ConfigurationError: The key or a URL is missing or malformed.
        TypeError: One has the wrong type.
    """
    if api_key is None:
        api_key = os.environ.get("STATSIG_API_KEY")
    base_name = "base_url"
    if base_url is None:
        base_name = "STATSIG_BASE_URL"
        base_url = os.environ.get(base_name) or None
    # Who replaces Statsig's server replaces it for events, too.
    if events_url is None:
        events_url = EVENTS_SERVER if base_url is None else base_url
    return Configuration(
        key=_key(api_key),
        base_url=_url(
            base_name, API_SERVER if base_url is None else base_url, allow_http=allow_http
        ),
        events_url=_url("events_url", events_url, allow_http=allow_http),
    )


def _key(value: object) -> ApiKey:
    if value is None:
        raise ConfigurationError(f"there is no API key: {_WHERE_FROM}")
    if not isinstance(value, str):
        raise TypeError(f"api_key: expected a string, got {type(value).__name__}")
    if not value:
        raise ConfigurationError(f"the API key is empty: {_WHERE_FROM}")
    if not re.fullmatch("[!-~]+", value):
        raise ConfigurationError(
            "the API key has a blank, a line break or another character that no key has (was it "
            f"copied whole, and nothing with it?): {_WHERE_FROM}"
        )
    if value.startswith("console-"):
        raise ConfigurationError(
            f"the API key is one of the Console API (console-…), for which this is no client: "
            f"{_WHERE_FROM}"
        )
    return ApiKey(value)


def _url(name: str, url: object, *, allow_http: bool) -> str:
    if not isinstance(url, str):
        raise TypeError(f"{name}: expected a string, got {type(url).__name__}")
    parts = re.fullmatch(_URL, url)
    # What is wrong is said, and not the URL: it may have a password in it.
    if parts is None:
        raise ConfigurationError(
            f"{name}: expected https://host, https://host:port or https://host/path, in ASCII and "
            "without user name or password"
        )
    if "?" in url or "#" in url:
        raise ConfigurationError(f"{name}: a query (?) or fragment (#) has no place in it")
    if int(parts["port"] or 0) > 65535:
        raise ConfigurationError(f"{name}: {parts['port']} is not a port")
    if not (
        parts["scheme"].lower() == "https" or allow_http or re.fullmatch(LOOPBACK, parts["host"])
    ):
        raise ConfigurationError(
            f"{name}: over plain http the API key can be read on the way to {parts['host']}; use "
            "https, or pass allow_http=True if that way is safe"
        )
    return url.rstrip("/")
