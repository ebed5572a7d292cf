"""API key and servers: their sources and validation."""

import sys
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import AsyncStatsig, ConfigurationError, Statsig, StatsigUser
from statsig_api_client._options import ApiKey
from tests.support.clients import KEY, ClientFactory
from tests.support.loopback import Loopback, loopback

USER = StatsigUser(user_id="42")


# ---- The key ----


def test_key_falls_back_to_environment(
    make: ClientFactory, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATSIG_API_KEY", "client-fromEnvironment")
    make(None, base_url=server.url).check_gate(USER, "a_gate")
    make(KEY, base_url=server.url).check_gate(USER, "a_gate")
    sent = [received.headers["statsig-api-key"] for received in server.requests]
    assert sent == ["client-fromEnvironment", KEY]


@pytest.mark.parametrize("client", [Statsig, AsyncStatsig])
def test_missing_key_error_explains_sources(client: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=r"^missing API key: pass api_key=, or set STATSIG_API_KEY, to"
    ):
        client()


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "is empty"),
        ("secret-abc\n", "contains whitespace"),
        ("secret-a\r\nX-Injected: 1", "contains whitespace"),
        (" secret-abc", "contains whitespace"),
        ("secret abc", "contains whitespace"),
        ("secret-ä", "invalid characters"),
        ("secret-\ud800", "invalid characters"),
        ("secret-\0", "invalid characters"),
        ("console-abc", r"got a key of the Console API"),
    ],
)
def test_malformed_key_is_rejected_and_hidden(key: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as raised:
        Statsig(key)
    message = str(raised.value)
    assert "a server secret key (secret-…) or a client SDK key (client-…)" in message
    assert not key or key not in message


def test_empty_environment_key_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATSIG_API_KEY", "")
    with pytest.raises(ConfigurationError, match="the API key is empty"):
        Statsig()


def test_key_type_is_checked() -> None:
    with pytest.raises(TypeError, match=r"^api_key: expected a string, got bytes$"):
        Statsig(b"secret-abc")  # type: ignore[arg-type]


@given(st.from_regex(r"(secret|client|proxy)-[!-~]{1,60}", fullmatch=True))
def test_visible_ascii_key_is_accepted(key: str) -> None:
    with Statsig(key):
        pass


# ---- The servers ----


def places(server: Loopback) -> list[str]:
    return [received.path for received in server.requests]


def call_all(statsig: Any) -> None:
    statsig.check_gate(USER, "a_gate")
    statsig.log_event(USER, "purchase")
    statsig.log_custom_exposures([{"gateName": "a_gate", "passes": True, "ruleID": "r"}])


CALLS = ["/v1/check_gate", "/v1/log_event", "/v1/log_custom_exposure"]


def test_base_url_applies_to_events(make: ClientFactory, server: Loopback) -> None:
    call_all(make(base_url=server.url))
    assert places(server) == CALLS


def test_base_url_falls_back_to_environment(
    make: ClientFactory, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATSIG_BASE_URL", server.url)
    call_all(make())
    assert places(server) == CALLS


def test_argument_overrides_environment(
    make: ClientFactory, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATSIG_BASE_URL", "https://wrong.example")
    call_all(make(base_url=server.url))
    assert places(server) == CALLS


def test_events_url_overrides_base_url(make: ClientFactory, server: Loopback) -> None:
    with loopback() as events:
        call_all(make(base_url=server.url, events_url=events.url))
        assert places(server) == CALLS[:1]
        assert places(events) == CALLS[1:]


def test_default_servers_belong_to_statsig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATSIG_BASE_URL", "")  # equivalent to an unset variable
    urls = []

    def handler(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        body = {"name": "a_gate", "value": False, "success": True}
        return httpx.Response(200, json=body)

    transport = httpx.MockTransport(handler)
    with httpx.Client(transport=transport) as client, Statsig(KEY, http_client=client) as statsig:
        call_all(statsig)
    assert urls == [
        "https://api.statsig.com/v1/check_gate",
        "https://events.statsigapi.net/v1/log_event",
        "https://events.statsigapi.net/v1/log_custom_exposure",
    ]


@pytest.mark.parametrize("slashes", ["/", "///"])
def test_trailing_slash_is_ignored(make: ClientFactory, server: Loopback, slashes: str) -> None:
    make(base_url=server.url + slashes).check_gate(USER, "a_gate")
    assert places(server) == ["/v1/check_gate"]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "expected https://host"),
        ("api.statsig.com", "expected https://host"),
        ("//api.statsig.com", "expected https://host"),
        ("ftp://api.statsig.com", "expected https://host"),
        ("https://", "expected https://host"),
        ("https:///v1", "expected https://host"),
        ("https://ada:hunter2@api.statsig.com", "without user name or password"),
        ("https://api.statsig.com:port", "expected https://host"),
        ("https://api.statsig.com:99999", "expected a port up to 65535, got 99999"),
        ("https://api.statsig.com /v1", "expected https://host"),
        ("https://api.statsig.com/v1\r\n", "expected https://host"),
        ("https://äpi.statsig.com", "in ASCII"),
        ("https://api.statsig.com/v1?key=1", "without query"),
        ("https://api.statsig.com/v1#top", "fragment"),
        ("https://api.statsig.com?x", "expected https://host"),
    ],
)
@pytest.mark.parametrize("name", ["base_url", "events_url"])
def test_invalid_url_is_rejected(name: str, url: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{name}: .*{problem}") as raised:
        Statsig(KEY, **{name: url})  # type: ignore[arg-type]
    assert "hunter2" not in str(raised.value)


def test_invalid_environment_url_names_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATSIG_BASE_URL", "localhost:8000")
    with pytest.raises(ConfigurationError, match=r"^STATSIG_BASE_URL: expected https://host, "):
        Statsig(KEY)


@pytest.mark.parametrize("name", ["base_url", "events_url"])
def test_url_type_is_checked(name: str) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: expected a string, got URL$"):
        Statsig(KEY, **{name: httpx.URL("https://a.example")})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "http://api.statsig.com",
        "http://10.0.0.7",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "HTTP://api.statsig.com",
        "http://[::2]",
    ],
)
def test_plain_http_requires_permission(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"the API key can be read .* allow_http=True"):
        Statsig(KEY, base_url=url)
    with pytest.raises(ConfigurationError, match=r"^events_url: "):
        Statsig(KEY, events_url=url)
    with Statsig(KEY, base_url=url, allow_http=True):
        pass


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000",
        "http://127.0.0.1",
        "http://127.8.9.1/v1",
        "http://[::1]:80",
        "HTTP://LOCALHOST",
        "http://api.localhost",
    ],
)
def test_plain_http_to_loopback_is_allowed(url: str) -> None:
    with Statsig(KEY, base_url=url):
        pass


def test_repr_shows_server() -> None:
    with Statsig(KEY, base_url="https://proxy.example/v1/") as statsig:
        assert repr(statsig) == "<Statsig https://proxy.example/v1>"


# ---- The engine ----

on_both = pytest.mark.parametrize("client", [Statsig, AsyncStatsig])


@on_both
@pytest.mark.parametrize("name", ["slow", "", None, 1])
def test_unknown_engine_is_rejected(client: Any, name: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^engine: expected 'httpx' or 'fast', got "):
        client(KEY, engine=name)


@on_both
def test_fast_engine_rejects_http_client(client: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^engine: 'fast' does not use http_client="):
        client(KEY, engine="fast", http_client=httpx.Client())


@on_both
def test_missing_fast_engine_explains_installation(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "statsig_api_client._transports.pyreqwest", raising=False)
    monkeypatch.setitem(sys.modules, "pyreqwest.client", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'statsig-api-client\[fast\]'$"):
        client(KEY, engine="fast")


def test_api_key_repr_hides_value() -> None:
    assert repr(ApiKey("secret-abc")) == "ApiKey(…)"
