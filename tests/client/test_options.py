"""Options: what each does, what it may be, and how `with_options` changes them."""

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import (
    APIStatusError,
    ClientOptions,
    ConfigurationError,
    Statsig,
    StatsigUser,
)
from tests.support.clients import KEY, Answer, Fails, Maker, on_any_library
from tests.support.clock import FakeClock
from tests.support.loopback import Loopback

USER = StatsigUser(user_id="42")
SECONDS = ["timeout", "connect_timeout", "deadline"]


# ---- What is refused ----


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize(
    "value", [0, -1, -0.0, float("nan"), float("inf"), float("-inf"), 1.1e9, 10**400]
)
def test_seconds_that_make_no_sense_are_refused(name: str, value: float) -> None:
    problem = f"^{name}: expected seconds above 0 and up to 1,000,000,000, got "
    with pytest.raises(ConfigurationError, match=problem):
        Statsig(KEY, **{name: value})  # type: ignore[arg-type]


def test_a_call_may_take_31_years(make: Maker, server: Loopback) -> None:
    patient = make(base_url=server.url, **dict.fromkeys(SECONDS, 1e9))
    assert patient.check_gate(USER, "a_gate").value


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("value", ["5", None, True, [1]])
def test_seconds_are_numbers(name: str, value: object) -> None:
    kind = type(value).__name__
    with pytest.raises(TypeError, match=rf"^{name}: expected seconds, got {kind}$"):
        Statsig(KEY, **{name: value})  # type: ignore[arg-type]


def test_retries_are_not_negative() -> None:
    with pytest.raises(ConfigurationError, match=r"^max_retries: expected 0 or more, got -1$"):
        Statsig(KEY, max_retries=-1)


@pytest.mark.parametrize("value", [1.5, "2", None, True])
def test_retries_are_whole(value: object) -> None:
    with pytest.raises(TypeError, match=r"^max_retries: expected an integer, got "):
        Statsig(KEY, max_retries=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["retry_ambiguous", "log_exposures", "gzip_events"])
@pytest.mark.parametrize("value", [0, "yes", None])
def test_switches_are_true_or_false(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: expected True or False, got "):
        Statsig(KEY, **{name: value})  # type: ignore[arg-type]


def test_an_environment_is_named() -> None:
    with pytest.raises(TypeError, match=r"^environment: expected a string, got int$"):
        Statsig(KEY, environment=1)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^environment: expected a string such as"):
        Statsig(KEY, environment="")


@pytest.mark.parametrize("value", ["ignore", "", None, 1, "RAISE"])
def test_there_are_two_ways_to_fail(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^on_error: expected 'raise' or 'fallback', got"):
        Statsig(KEY, on_error=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["tiemout", "api_key", "clock", "self"])
def test_an_unknown_option_is_refused_with_the_known_ones(name: str) -> None:
    with Statsig(KEY) as statsig, pytest.raises(TypeError) as raised:
        statsig.with_options(**{name: 3})  # type: ignore[arg-type]
    message = str(raised.value)
    assert name in message
    if name != "self":  # Python itself refuses that
        assert message.startswith(f"unknown option '{name}'; expected one of timeout, connect_")


def test_the_constructor_refuses_an_unknown_option_too() -> None:
    with pytest.raises(TypeError, match="unknown option 'retries'"):
        Statsig(KEY, retries=3)  # type: ignore[call-arg]


def test_the_documented_options_are_those_that_are_known() -> None:
    with Statsig(KEY) as statsig, pytest.raises(TypeError) as raised:
        statsig.with_options(unknown=1)  # type: ignore[call-arg]
    listed = str(raised.value).partition("expected one of ")[2].split(", ")
    assert listed == list(ClientOptions.__annotations__)


# ---- Headers ----


@pytest.mark.parametrize(
    "name",
    [
        *("statsig-api-key", "STATSIG-API-KEY", "Statsig-Client-Time", "STATSIG-SDK-TYPE"),
        *("Content-Type", "Content-Length", "Content-Encoding", "Accept", "User-Agent"),
        *("Host", "Connection", "Transfer-Encoding", "Accept-Encoding", "Proxy-Authorization"),
        *("Expect", "TE", "Upgrade", "Keep-Alive", "Trailer"),
    ],
)
def test_headers_of_the_client_itself_cannot_be_replaced(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^headers: {name} is set by the client"):
        Statsig(KEY, headers={name: "x"})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä", "a\0"])
def test_a_header_needs_a_proper_name(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a header name, got"):
        Statsig(KEY, headers={name: "x"})


@pytest.mark.parametrize(
    "value", ["a\r\nInjected: 1", "a\n", "\0", "ä", " a", "a ", "\ud800", "\x7f"]
)
def test_a_header_cannot_smuggle_and_its_value_is_not_told(value: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Statsig(KEY, headers={"X-Gateway": value})
    assert str(raised.value) == (
        "headers: expected visible ASCII without line breaks as the value of X-Gateway"
    )


@pytest.mark.parametrize(
    "headers", [[("a", "b")], (("a", "b"),), "a: b", 5, {"a": 1}, {1: "a"}, {"a": None}]
)
def test_headers_are_a_dict_of_strings(headers: object) -> None:
    with pytest.raises(TypeError, match=r"^headers: expected "):
        Statsig(KEY, headers=headers)  # type: ignore[arg-type]


@on_any_library
@pytest.mark.parametrize("kind", [dict, MappingProxyType])
def test_headers_are_sent_with_each_request(make: Maker, kind: Any) -> None:
    statsig = make.script(Answer(), headers=kind({"X-Gateway": "a b\tc", "X-Empty": ""}))
    statsig.check_gate(USER, "a_gate")
    assert make.sent[0].headers["x-gateway"] == "a b\tc"
    assert make.sent[0].headers["x-empty"] == ""


@given(
    st.dictionaries(
        st.from_regex(r"[Xx]-[A-Za-z0-9_.~!]{1,20}", fullmatch=True),
        st.from_regex(r"([!-~]([ -~\t]{0,20}[!-~])?)?", fullmatch=True),
        max_size=5,
    )
)
def test_every_proper_header_is_accepted(headers: dict[str, str]) -> None:
    with Statsig(KEY, headers=headers):
        pass


# ---- with_options ----


@on_any_library
def test_a_view_differs_in_what_was_changed_alone(make: Maker, clock: FakeClock) -> None:
    statsig = make.script(Answer(500), max_retries=3, headers={"x-a": "1"}, deadline=100)
    view = statsig.with_options(max_retries=1)
    with pytest.raises(APIStatusError) as raised:
        view.check_gate(USER, "a_gate")
    assert raised.value.attempts == 2
    with pytest.raises(APIStatusError) as raised:
        statsig.check_gate(USER, "a_gate")
    assert raised.value.attempts == 4
    assert [request.headers["x-a"] for request in make.sent] == ["1"] * 6
    assert clock.slept


@on_any_library
def test_a_view_of_a_view_keeps_the_changes_of_both(make: Maker) -> None:
    statsig = make.script(Answer())
    view = statsig.with_options(environment="staging").with_options(log_exposures=False)
    view.check_gate(USER, "a_gate")
    body = make.sent[0].read()
    assert b'"tier":"staging"' in body
    assert b'"exposureLoggingDisabled":true' in body


@on_any_library
def test_headers_of_a_view_replace_those_before(make: Maker) -> None:
    statsig = make.script(Answer(), headers={"x-a": "1", "x-b": "1"})
    statsig.with_options(headers={"x-b": "2"}).check_gate(USER, "a_gate")
    statsig.with_options(headers=None).check_gate(USER, "a_gate")
    first, second = make.sent
    assert ("x-a" in first.headers, first.headers["x-b"]) == (False, "2")
    assert "x-b" not in second.headers


def test_a_view_is_checked_as_a_client_is() -> None:
    with Statsig(KEY) as statsig:
        with pytest.raises(ConfigurationError):
            statsig.with_options(timeout=0)
        with pytest.raises(TypeError):
            statsig.with_options(timeout="1")  # type: ignore[arg-type]


def test_a_view_is_of_the_class_of_its_client() -> None:
    class Company(Statsig):
        team = "checkout"

    with Company(KEY) as statsig:
        statsig.team = "payments"
        view = statsig.with_options(timeout=1)
        assert type(view) is Company
        assert view.team == "payments"


# ---- on_error ----


@on_any_library
def test_the_fallback_takes_no_service_down(make: Maker, caplog: pytest.LogCaptureFixture) -> None:
    statsig = make.script(Fails("ConnectError"), on_error="fallback", max_retries=0)
    gate = statsig.check_gate(USER, "a_gate")
    assert (gate.name, gate.value, bool(gate)) == ("a_gate", False, False)
    assert "no connection to api.statsig.com" in str(gate.error)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("statsig_api_client", "WARNING")
    assert record.getMessage() == f"{gate.error}; the fallback is returned"


@on_any_library
@pytest.mark.parametrize(
    "outcome", [Answer(500), Answer(401), Answer(200, b"nonsense"), Fails("ReadTimeout")]
)
def test_every_evaluation_has_a_fallback(make: Maker, outcome: Answer | Fails) -> None:
    statsig = make.script(outcome, on_error="fallback", max_retries=0)
    assert statsig.check_gates(USER, ["aa", "bb"]).keys() == {"aa", "bb"}
    assert statsig.get_config(USER, "a_config").get("color", "blue") == "blue"
    assert statsig.get_experiment(USER, "a_test").group_name is None
    assert statsig.get_layer(USER, "a_layer").value == {}
    assert statsig.get_ranked_list(USER, "a_list") == []


@on_any_library
def test_an_answer_without_an_error_came_from_statsig(make: Maker) -> None:
    gate = make.script(Answer(), on_error="fallback").check_gate(USER, "a_gate")
    assert (gate.value, gate.error) == (True, None)


@on_any_library
def test_a_delivery_has_no_fallback(make: Maker) -> None:
    statsig = make.script(Answer(500), on_error="fallback")
    with pytest.raises(APIStatusError):
        statsig.log_event(USER, "purchase")


@on_any_library
def test_mistakes_of_the_caller_have_no_fallback(make: Maker) -> None:
    statsig = make.script(Answer(), on_error="fallback")
    with pytest.raises(TypeError):
        statsig.check_gate(USER, 7)
    with pytest.raises(ValueError, match="NaN"):
        statsig.check_gate({"custom": {"a": float("nan")}}, "a_gate")
    assert make.sent == []


@on_any_library
def test_the_error_of_a_fallback_keeps_nothing_of_the_stack(make: Maker) -> None:
    gate = make.script(Answer(401), on_error="fallback").check_gate(USER, "a_gate")
    assert gate.error.__traceback__ is None
    assert gate.error.__context__ is None
