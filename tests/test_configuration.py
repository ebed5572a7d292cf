"""Keys and servers: what is taken, what is refused, and what the refusal says."""

import pytest

from statsig_api_client import AsyncStatsig, ConfigurationError, Statsig

CLIENTS = (Statsig, AsyncStatsig)
KEY = "secret-CanYouKeepIt42"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_key_may_come_from_the_environment(
    client: type[Statsig | AsyncStatsig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATSIG_API_KEY", "client-key")
    client()


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "secret-key\n",
        "secret key",
        " secret-key",
        "secret-k\u00eby",
        "secret-key\r\nX-Other: header",
        "secret-\x00",
    ],
)
def test_a_missing_or_malformed_key_says_where_a_key_comes_from(
    client: type[Statsig | AsyncStatsig], key: str | None
) -> None:
    with pytest.raises(ConfigurationError, match=r"STATSIG_API_KEY.*secret-.*client-"):
        client(key)


def test_an_empty_key_in_the_environment_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATSIG_API_KEY", "")
    with pytest.raises(ConfigurationError, match="the API key is empty"):
        Statsig()


def test_a_console_key_is_refused_and_the_two_kinds_that_work_are_named() -> None:
    with pytest.raises(ConfigurationError, match=r"Console API .*secret-.*client-"):
        Statsig("console-key")


def test_a_key_of_a_kind_that_is_not_known_yet_is_taken() -> None:
    assert KEY not in repr(Statsig("scoped-key"))


def test_a_key_that_is_no_text_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="api_key: expected a string, got int"):
        Statsig(42)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    [
        "http://statsig.internal/v1",
        "http://10.0.0.1/v1",
        "http://localhost.example.com/v1",
        "http://127.0.0.1.example.com/v1",
        "HTTP://statsig.internal/v1",
    ],
)
def test_plain_http_to_another_host_is_refused_and_the_switch_is_named(url: str) -> None:
    for option in ("base_url", "events_url"):
        with pytest.raises(ConfigurationError, match=rf"{option}: .*allow_http=True"):
            Statsig(KEY, **{option: url})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8765/v1", "http://127.0.0.1/v1", "http://127.1.2.3", "http://[::1]:80/v1"],
)
def test_plain_http_on_this_machine_is_fine(url: str) -> None:
    Statsig(KEY, base_url=url)


def test_plain_http_can_be_allowed() -> None:
    Statsig(KEY, base_url="http://statsig.internal/v1", allow_http=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.statsig.com/v1",
        "ftp://api.statsig.com",
        "https://",
        "https:///v1",
        "https://user:hunter2@api.statsig.com/v1",
        "https://api.statsig.com/v1?key=1",
        "https://api.statsig.com/v1#part",
        "https://api.statsig.com:99999/v1",
        "https://api.statsig.com:port/v1",
        "https://api.statsig.com/v 1",
        "https://api.statsig.com/v1\n",
        "https://api.st\u00e4tsig.com/v1",
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="base_url: ") as caught:
        Statsig(KEY, base_url=url)
    assert "hunter2" not in str(caught.value)


def test_a_url_that_is_no_text_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="base_url: expected a string, got bytes"):
        Statsig(KEY, base_url=b"https://api.statsig.com")  # type: ignore[arg-type]


def test_a_bad_url_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATSIG_BASE_URL", "statsig")
    with pytest.raises(ConfigurationError, match="base_url: expected https://host"):
        Statsig(KEY)
