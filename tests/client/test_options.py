"""Client options: effect, validation, and `with_options`."""

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
from tests.support.clients import (
    KEY,
    ClientFactory,
    ScriptedError,
    ScriptedResponse,
    on_any_library,
)
from tests.support.clock import FakeClock
from tests.support.loopback import Loopback

USER = StatsigUser(user_id="42")
SECONDS = ["timeout", "connect_timeout", "deadline"]


# ---- Validation ----


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize(
    "value", [0, -1, -0.0, float("nan"), float("inf"), float("-inf"), 1.1e9, 10**400]
)
def test_invalid_seconds_are_rejected(name: str, value: float) -> None:
    problem = f"^{name}: expected seconds above 0 and up to 1,000,000,000, got "
    with pytest.raises(ConfigurationError, match=problem):
        Statsig(KEY, **{name: value})  # type: ignore[arg-type]


def test_seconds_allow_31_years(make: ClientFactory, server: Loopback) -> None:
    patient = make(base_url=server.url, **dict.fromkeys(SECONDS, 1e9))
    assert patient.check_gate(USER, "a_gate").value


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("value", ["5", None, True, [1]])
def test_type_of_seconds_is_checked(name: str, value: object) -> None:
    kind = type(value).__name__
    with pytest.raises(TypeError, match=rf"^{name}: expected seconds, got {kind}$"):
        Statsig(KEY, **{name: value})  # type: ignore[arg-type]


def test_negative_retries_are_rejected() -> None:
    with pytest.raises(ConfigurationError, match=r"^max_retries: expected 0 or more, got -1$"):
        Statsig(KEY, max_retries=-1)


@pytest.mark.parametrize("value", [1.5, "2", None, True])
def test_fractional_retries_are_rejected(value: object) -> None:
    with pytest.raises(TypeError, match=r"^max_retries: expected an integer, got "):
        Statsig(KEY, max_retries=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["retry_ambiguous", "log_exposures", "gzip_events"])
@pytest.mark.parametrize("value", [0, "yes", None])
def test_type_of_switches_is_checked(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=rf"^{name}: expected True or False, got "):
        Statsig(KEY, **{name: value})  # type: ignore[arg-type]


def test_empty_environment_is_rejected() -> None:
    with pytest.raises(TypeError, match=r"^environment: expected a string, got int$"):
        Statsig(KEY, environment=1)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"^environment: expected a string such as"):
        Statsig(KEY, environment="")


@pytest.mark.parametrize("value", ["ignore", "", None, 1, "RAISE"])
def test_unknown_on_error_is_rejected(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^on_error: expected 'raise' or 'fallback', got"):
        Statsig(KEY, on_error=value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["tiemout", "api_key", "clock", "self"])
def test_unknown_option_error_lists_options(name: str) -> None:
    with Statsig(KEY) as statsig, pytest.raises(TypeError) as raised:
        statsig.with_options(**{name: 3})  # type: ignore[arg-type]
    message = str(raised.value)
    assert name in message
    if name != "self":  # Python itself rejects that
        assert message.startswith(f"unknown option '{name}'; expected one of timeout, connect_")


def test_constructor_rejects_unknown_option() -> None:
    with pytest.raises(TypeError, match="unknown option 'retries'"):
        Statsig(KEY, retries=3)  # type: ignore[call-arg]


def test_documented_options_match_fields() -> None:
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
def test_reserved_headers_are_rejected(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^headers: {name} is set by the client"):
        Statsig(KEY, headers={name: "x"})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä", "a\0"])
def test_invalid_header_name_is_rejected(name: str) -> None:
    with pytest.raises(ConfigurationError, match="expected a header name, got"):
        Statsig(KEY, headers={name: "x"})


@pytest.mark.parametrize(
    "value", ["a\r\nInjected: 1", "a\n", "\0", "ä", " a", "a ", "\ud800", "\x7f"]
)
def test_invalid_header_value_is_rejected_and_hidden(value: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Statsig(KEY, headers={"X-Gateway": value})
    assert str(raised.value) == (
        "headers: expected visible ASCII without line breaks as the value of X-Gateway"
    )


@pytest.mark.parametrize(
    "headers", [[("a", "b")], (("a", "b"),), "a: b", 5, {"a": 1}, {1: "a"}, {"a": None}]
)
def test_type_of_headers_is_checked(headers: object) -> None:
    with pytest.raises(TypeError, match=r"^headers: expected "):
        Statsig(KEY, headers=headers)  # type: ignore[arg-type]


@on_any_library
@pytest.mark.parametrize("kind", [dict, MappingProxyType])
def test_headers_are_sent(make: ClientFactory, kind: Any) -> None:
    statsig = make.script(ScriptedResponse(), headers=kind({"X-Gateway": "a b\tc", "X-Empty": ""}))
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
def test_valid_headers_are_accepted(headers: dict[str, str]) -> None:
    with Statsig(KEY, headers=headers):
        pass


# ---- with_options ----


@on_any_library
def test_copy_changes_given_options_only(make: ClientFactory, clock: FakeClock) -> None:
    statsig = make.script(ScriptedResponse(500), max_retries=3, headers={"x-a": "1"}, deadline=100)
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
def test_copy_of_copy_keeps_changes(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse())
    view = statsig.with_options(environment="staging").with_options(log_exposures=False)
    view.check_gate(USER, "a_gate")
    body = make.sent[0].read()
    assert b'"tier":"staging"' in body
    assert b'"exposureLoggingDisabled":true' in body


@on_any_library
def test_copy_replaces_headers(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(), headers={"x-a": "1", "x-b": "1"})
    statsig.with_options(headers={"x-b": "2"}).check_gate(USER, "a_gate")
    statsig.with_options(headers=None).check_gate(USER, "a_gate")
    first, second = make.sent
    assert ("x-a" in first.headers, first.headers["x-b"]) == (False, "2")
    assert "x-b" not in second.headers


def test_options_of_copy_are_checked() -> None:
    with Statsig(KEY) as statsig:
        with pytest.raises(ConfigurationError):
            statsig.with_options(timeout=0)
        with pytest.raises(TypeError):
            statsig.with_options(timeout="1")  # type: ignore[arg-type]


def test_copy_keeps_class() -> None:
    class Company(Statsig):
        team = "checkout"

    with Company(KEY) as statsig:
        statsig.team = "payments"
        view = statsig.with_options(timeout=1)
        assert type(view) is Company
        assert view.team == "payments"


# ---- on_error ----


@on_any_library
def test_fallback_replaces_error(make: ClientFactory, caplog: pytest.LogCaptureFixture) -> None:
    statsig = make.script(ScriptedError("ConnectError"), on_error="fallback", max_retries=0)
    gate = statsig.check_gate(USER, "a_gate")
    assert (gate.name, gate.value, bool(gate)) == ("a_gate", False, False)
    assert "no connection to api.statsig.com" in str(gate.error)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("statsig_api_client", "WARNING")
    assert record.getMessage() == f"{gate.error}; the fallback is returned"


@on_any_library
@pytest.mark.parametrize(
    "outcome",
    [
        ScriptedResponse(500),
        ScriptedResponse(401),
        ScriptedResponse(200, b"nonsense"),
        ScriptedError("ReadTimeout"),
    ],
)
def test_evaluations_have_fallbacks(
    make: ClientFactory, outcome: ScriptedResponse | ScriptedError
) -> None:
    statsig = make.script(outcome, on_error="fallback", max_retries=0)
    assert statsig.check_gates(USER, ["aa", "bb"]).keys() == {"aa", "bb"}
    assert statsig.get_config(USER, "a_config").get("color", "blue") == "blue"
    assert statsig.get_experiment(USER, "a_test").group_name is None
    assert statsig.get_layer(USER, "a_layer").value == {}
    assert statsig.get_ranked_list(USER, "a_list") == []


@on_any_library
def test_successful_result_has_no_error(make: ClientFactory) -> None:
    gate = make.script(ScriptedResponse(), on_error="fallback").check_gate(USER, "a_gate")
    assert (gate.value, gate.error) == (True, None)


@on_any_library
def test_delivery_has_no_fallback(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(500), on_error="fallback")
    with pytest.raises(APIStatusError):
        statsig.log_event(USER, "purchase")


@on_any_library
def test_invalid_arguments_have_no_fallback(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(), on_error="fallback")
    with pytest.raises(TypeError):
        statsig.check_gate(USER, 7)
    with pytest.raises(ValueError, match="NaN"):
        statsig.check_gate({"userID": "42", "custom": {"a": float("nan")}}, "a_gate")
    assert make.sent == []


@on_any_library
def test_fallback_error_has_no_traceback(make: ClientFactory) -> None:
    gate = make.script(ScriptedResponse(401), on_error="fallback").check_gate(USER, "a_gate")
    assert gate.error.__traceback__ is None
    assert gate.error.__context__ is None
