"""Privacy of the API key and of private attributes."""

import copy
import json
import logging
import pickle
import traceback
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import AsyncStatsig, Statsig, StatsigError, StatsigUser
from statsig_api_client._options import Options
from statsig_api_client._request import delivery_body
from tests.support.clients import (
    KEY,
    ClientFactory,
    ScriptedError,
    ScriptedResponse,
    on_any_library,
)
from tests.support.loopback import Loopback, raw, respond

USER = StatsigUser(user_id="42")


def everything(error: StatsigError) -> str:
    """Return everything that an error exposes: message, attributes, traceback, local variables."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    # The frames of the tests know the key, of course.
    shown.stack = traceback.StackSummary.from_list(
        [frame for frame in shown.stack if "statsig_api_client" in frame.filename]
    )
    assert len(shown.stack) > 2
    return "\n".join(
        [
            *(str(error), repr(error), repr(vars(error))),
            *shown.format(chain=True),
            pickle.dumps(error).decode("latin-1"),
        ]
    )


def tells(shown: str) -> bool:
    """Return whether text contains the key, or so much of it that the rest can be guessed."""
    return KEY[:-3] in shown or KEY[3:] in shown


def failing(statsig: Any, method: str = "check_gate") -> StatsigError:
    with pytest.raises(StatsigError) as raised:
        getattr(statsig, method)(USER, "a_gate")
    return raised.value


ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in KEY)


@pytest.mark.parametrize(
    "outcome",
    [
        ScriptedResponse(401, KEY.encode()),
        ScriptedResponse(401, {"message": f"bad key: {KEY}"}),
        ScriptedResponse(401, f'{{"error": "{ESCAPED}"}}'.encode()),
        ScriptedResponse(400, f"<title>{KEY}</title>".encode()),
        ScriptedResponse(500, KEY.encode() * 1000),
        ScriptedResponse(500, b"x" * 4090 + KEY.encode()),
        ScriptedResponse(500, "🙂".encode() * 2044 + KEY.encode()),
        ScriptedResponse(400, b"x" * 190 + KEY.encode()),
        ScriptedResponse(400, f'{{"message": "{"x" * 190}{ESCAPED}"}}'.encode()),
        ScriptedResponse(404, b"", {"X-Request-Id": KEY}),
        ScriptedResponse(404, b"", {"Location": KEY, "Retry-After": KEY, "Content-Type": KEY}),
        ScriptedResponse(200, KEY.encode()),
        ScriptedResponse(200, {"name": KEY}),
        ScriptedResponse(200, {KEY: {KEY: 1}}),
        ScriptedResponse(200, {"name": "a", "value": KEY}),
        ScriptedResponse(200, {"name": "a", "value": {"x": KEY}}, {"X-Request-Id": KEY}),
        ScriptedError("ReadError"),
        ScriptedError("ConnectError"),
    ],
)
@on_any_library
def test_errors_redact_echoed_key(make: ClientFactory, outcome: Any) -> None:
    error = failing(make.script(outcome, max_retries=0))
    assert not tells(everything(error))


@pytest.mark.parametrize("shift", range(0, len(KEY), 7))
@on_any_library
def test_errors_redact_key_in_long_body(make: ClientFactory, shift: int) -> None:
    """Check secrets at the end of the first 64 KiB, which are searched for them."""
    error = failing(make.script(ScriptedResponse(400, b"x" * shift + KEY.encode() * 5000)))
    assert KEY[:9] not in str(error.body)
    assert "[API key]" in str(error.body)


@on_any_library
def test_errors_redact_key_in_path(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(200, {KEY: 1}))
    with pytest.raises(StatsigError, match=r"\[API key\]") as raised:
        statsig.check_gates(USER, ["a"])
    assert not tells(everything(raised.value))


@pytest.mark.parametrize("status_line", [f"HTTP/1.1 {KEY}", f"{KEY}", f"HTTP/1.1 401 {KEY}"])
def test_errors_redact_key_in_garbage(
    make: ClientFactory, server: Loopback, status_line: str
) -> None:
    server.script(raw(f"{status_line}\r\n{KEY}: {KEY}\r\n{KEY}\r\n\r\n{KEY}".encode()))
    error = failing(make(base_url=server.url, max_retries=0))
    assert not tells(everything(error))


@pytest.mark.parametrize("client", [Statsig, AsyncStatsig])
def test_client_repr_hides_key(client: Any) -> None:
    statsig = client(KEY)
    shown = [repr(statsig), str(statsig), repr(vars(statsig)), repr(statsig.with_raw_response)]
    shown += [repr(vars(value)) for value in vars(statsig).values() if hasattr(value, "__dict__")]
    assert KEY not in " ".join(shown)


@on_any_library
def test_logs_redact_key(make: ClientFactory, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    statsig = make.script(
        ScriptedResponse(401, KEY.encode(), {"X-Request-Id": KEY}), on_error="fallback"
    )
    statsig.check_gate(USER, "a_gate")
    assert caplog.records
    assert KEY not in caplog.text


def test_logs_redact_key_in_garbage(
    make: ClientFactory, server: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "statsig_api_client")
    server.script(raw(f"HTTP/1.1 {KEY}\r\n\r\n".encode()))
    make(base_url=server.url, max_retries=0, on_error="fallback").check_gate(USER, "a_gate")
    assert KEY not in caplog.text


def test_argument_errors_hide_key(make: ClientFactory) -> None:
    statsig = make()
    with pytest.raises(ValueError, match="NaN") as raised:
        statsig.check_gate({"userID": "42", "custom": {"a": float("nan")}}, "a_gate")
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert KEY not in "".join(shown.format())


def test_options_repr_hides_header_values() -> None:
    options = Options().evolve(headers={"X-Gateway": "hunter2"})
    assert "hunter2" not in repr(options)


def test_redirect_is_not_followed(make: ClientFactory, server: Loopback) -> None:
    server.script(respond(307, b"", {"Location": "/elsewhere"}))
    failing(make(base_url=server.url))
    assert [request.path for request in server.requests] == ["/v1/check_gate"]


# ---- Private attributes ----


PRIVATE = {"userID": "42", "privateAttributes": {"salary": 1}}


def test_evaluation_sends_private_attributes(make: ClientFactory, server: Loopback) -> None:
    make(base_url=server.url).check_gate(PRIVATE, "a_gate")
    assert server.requests[0].json["user"] == PRIVATE


@pytest.mark.parametrize(
    "user",
    [PRIVATE, StatsigUser.from_dict(PRIVATE), MappingProxyType(PRIVATE)],
    ids=["dict", "model", "another mapping"],
)
@pytest.mark.parametrize("environment", [None, "staging"])
def test_delivery_removes_private_attributes(
    make: ClientFactory, server: Loopback, user: Any, environment: str | None
) -> None:
    server.script(respond(202, {"success": True}))
    statsig = make(base_url=server.url, environment=environment)
    statsig.log_event(user, "purchase")
    statsig.log_events([{"eventName": "purchase", "user": user}]) if not isinstance(
        user, StatsigUser
    ) else None
    exposure = {"gateName": "g", "passes": True, "ruleID": "r", "user": user}
    if not isinstance(user, StatsigUser):
        statsig.log_custom_exposures([exposure])
    for request in server.requests:
        assert b"salary" not in request.body
        assert b'"userID":"42"' in request.body


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=10,
)
users = st.one_of(
    st.dictionaries(
        st.sampled_from(["userID", "custom", "privateAttributes", "statsigEnvironment"]),
        json_values,
    ),
    json_values,
)
holders = st.dictionaries(st.sampled_from(["eventName", "user", "value"]), users)


@given(
    st.lists(holders, max_size=4),
    st.none() | users,
    st.none() | st.just("staging"),
    st.sampled_from(["events", "exposures"]),
)
def test_delivery_changes_users_only(
    items: list[Any], user: Any, environment: str | None, delivers: str
) -> None:
    body: Any = {delivers: items} | ({} if user is None else {"user": user})
    before = copy.deepcopy(body)
    sent: Any = delivery_body(body, delivers, environment)
    assert body == before
    for held, original in zip([sent, *sent[delivers]], [body, *items], strict=True):
        after, given_user = held.get("user"), original.get("user")
        if not isinstance(given_user, dict):
            assert after == given_user
            continue
        expected = {k: v for k, v in given_user.items() if k != "privateAttributes"}
        if environment and not expected.get("statsigEnvironment"):
            expected["statsigEnvironment"] = {"tier": "staging"}
        assert after == expected
        assert {k: v for k, v in held.items() if k not in ("user", delivers)} == {
            k: v for k, v in original.items() if k not in ("user", delivers)
        }
    json.dumps(sent)
