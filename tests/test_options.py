"""Options: what they may be, and what is said of those that may not."""

from typing import Any

import pytest

from statsig_api_client import AsyncStatsig, ConfigurationError, Statsig

KEY = "secret-CanYouKeepIt42"
CLIENTS = (Statsig, AsyncStatsig)

WRONG_VALUES: list[tuple[str, Any, str]] = [
    ("timeout", 0, "expected seconds above 0, got 0"),
    ("timeout", -1.5, "expected seconds above 0, got -1.5"),
    ("timeout", float("nan"), "expected seconds above 0, got nan"),
    ("connect_timeout", float("inf"), "expected seconds above 0, got inf"),
    ("deadline", 0.0, "expected seconds above 0"),
    ("max_retries", -1, "expected 0 or more, got -1"),
    ("environment", "", "expected a name such as 'staging'"),
    ("on_error", "ignore", "expected 'raise' or 'fallback', got 'ignore'"),
    ("headers", {"bad name": "x"}, "'bad name' is not the name of a header"),
    ("headers", {"": "x"}, "'' is not the name of a header"),
    ("headers", {"X-A": "line\nbreak"}, "the value of X-A must be visible ASCII"),
    ("headers", {"X-A": "\u00e4"}, "the value of X-A must be visible ASCII"),
    ("headers", {"Statsig-Api-Key": "x"}, "Statsig-Api-Key is for the client alone"),
    ("headers", {"host": "x"}, "host is for the client alone"),
    ("headers", {"Content-Length": "1"}, "Content-Length is for the client alone"),
]
WRONG_TYPES: list[tuple[str, Any, str]] = [
    ("timeout", "3", "expected seconds, got str"),
    ("timeout", True, "expected seconds, got bool"),
    ("connect_timeout", None, "expected seconds, got NoneType"),
    ("max_retries", 1.5, "expected a whole number, got float"),
    ("max_retries", True, "expected a whole number, got bool"),
    ("retry_ambiguous", 1, "expected True or False, got int"),
    ("log_exposures", None, "expected True or False, got NoneType"),
    ("environment", 3, "expected a string, got int"),
    ("headers", ["X-A"], "expected a dict, got list"),
    ("headers", {"X-A": 1}, "expected strings as names and values"),
    ("headers", {1: "x"}, "expected strings as names and values"),
]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("name", "value", "words"), WRONG_VALUES)
def test_a_value_that_makes_no_sense_is_refused(
    client: Any, name: str, value: Any, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name}: .*{words.partition('(')[0]}"):
        client(KEY, **{name: value})
    with pytest.raises(ConfigurationError, match=f"^{name}: "):
        client(KEY).with_options(**{name: value})


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("name", "value", "words"), WRONG_TYPES)
def test_a_value_of_the_wrong_type_is_refused(
    client: Any, name: str, value: Any, words: str
) -> None:
    with pytest.raises(TypeError, match=f"^{name}: {words}"):
        client(KEY, **{name: value})


@pytest.mark.parametrize("client", CLIENTS)
def test_an_unknown_option_is_refused_and_the_known_ones_are_named(client: Any) -> None:
    with pytest.raises(TypeError, match="unknown option 'timout'; the options are timeout, "):
        client(KEY, timout=3)
    with pytest.raises(TypeError, match="unknown option 'api_key'"):
        client(KEY).with_options(api_key="other")


def test_the_value_of_a_header_is_not_told() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Statsig(KEY, headers={"Authorization": "Bearer hidden\n"})
    assert "hidden" not in str(caught.value)
