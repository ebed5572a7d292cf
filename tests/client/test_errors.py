"""Errors: class tree, messages, attributes, pickling and copying."""

import copy
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import statsig_api_client
from statsig_api_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InternalServerError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    RateLimitError,
    ResponseValidationError,
    StatsigError,
    StatsigUser,
)
from tests.support.clients import (
    KEY,
    ClientFactory,
    ScriptedError,
    ScriptedResponse,
    on_any_library,
)
from tests.support.loopback import Loopback, respond, unused_port

USER = StatsigUser(user_id="42")

FACTS: dict[str, Any] = {
    "operation": "check_gate",
    "attempts": 3,
    "elapsed": 1.5,
    "request_id": "r-1",
    "body": "no",
    "ambiguous": True,
}
ERRORS = [
    StatsigError("it failed", **FACTS),
    ConfigurationError("it failed"),
    APIConnectionError("it failed", **FACTS),
    APITimeoutError("it failed", **FACTS),
    APIStatusError("it failed", status_code=418, **FACTS),
    BadRequestError("it failed", status_code=400, **FACTS),
    RateLimitError("it failed", status_code=429, retry_after=7.0, **FACTS),
    InternalServerError("it failed", status_code=503, **FACTS),
    ResponseValidationError("it failed", status_code=200, path="$.value", **FACTS),
]


# ---- The tree ----


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (413, PayloadTooLargeError),
        (429, RateLimitError),
        (500, InternalServerError),
        (503, InternalServerError),
        (599, InternalServerError),
        (302, APIStatusError),
        (418, APIStatusError),
        (600, APIStatusError),
        (999, APIStatusError),
    ],
)
@on_any_library
def test_each_status_has_its_error(
    make: ClientFactory, status: int, error: type[APIStatusError]
) -> None:
    statsig = make.script(ScriptedResponse(status), max_retries=0)
    with pytest.raises(APIStatusError) as raised:
        statsig.check_gate(USER, "a_gate")
    assert type(raised.value) is error
    assert raised.value.status_code == status


def test_errors_share_base_class() -> None:
    errors = [
        value
        for name, value in vars(statsig_api_client).items()
        if name.endswith("Error") and name != "SchemaError"
    ]
    assert len(errors) == 13
    assert all(issubclass(error, StatsigError) for error in errors)
    assert issubclass(APITimeoutError, APIConnectionError)
    assert issubclass(RateLimitError, APIStatusError)


# ---- Messages and attributes ----


def test_connection_error_has_host_and_attempts(make: ClientFactory) -> None:
    port = unused_port()
    statsig = make(base_url=f"http://127.0.0.1:{port}/v1", max_retries=0)
    with pytest.raises(
        APIConnectionError,
        match=rf"^check_gate: no connection to 127\.0\.0\.1:{port} after 1 attempt in \S+ s: "
        "connection refused$",
    ) as raised:
        statsig.check_gate(USER, "a_gate")
    error = raised.value
    assert (error.operation, error.attempts, error.status_code) == ("check_gate", 1, None)
    assert (error.body, error.request_id, error.ambiguous) == (None, None, False)
    assert 0 < error.elapsed < 5


def test_status_error_quotes_server(make: ClientFactory, server: Loopback) -> None:
    server.script(respond(400, {"status": 400, "message": "no such thing"}, {"X-Request-Id": "r7"}))
    statsig = make(base_url=server.url)
    with pytest.raises(
        BadRequestError,
        match=rf"^get_config: status 400 from 127\.0\.0\.1:{server.port} after 1 attempt in \S+ s: "
        "no such thing$",
    ) as raised:
        statsig.get_config(USER, "a_config")
    error = raised.value
    assert (error.operation, error.attempts, error.status_code) == ("get_config", 1, 400)
    assert error.body == '{"status": 400, "message": "no such thing"}'
    assert error.request_id == "r7"
    assert error.retry_after is None


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"message": "a"}', ": a"),
        (b'{"error": "b"}', ": b"),
        (b'{"message": "a", "error": "b"}', ": a"),
        (b'{"message": 5, "error": "b"}', ": b"),
        (b'{"message": "", "error": "b"}', ": b"),
        (b'{"message": "a\\u001b[31m \\ud83d! \\ud83d\\ude00"}', ": a�[31m �! \U0001f600"),
        (b'{"success": false}', ': {"success": false}'),
        (b"[1]", ": [1]"),
        (b"Unauthorized", ": Unauthorized"),
        (b"<html><head><title>502\n Bad Gateway</title></head><p>x</html>", ": 502 Bad Gateway"),
        (b"two\r\n\t lines", ": two lines"),
        (b"\xff\xfe", ": \ufffd\ufffd"),
        (b"", ""),
        (b"[" * 5000, ": " + "[" * 200 + "…"),
        (b"long " * 1000, ": " + ("long " * 40) + "…"),
    ],
)
@on_any_library
def test_message_summarizes_body(make: ClientFactory, body: bytes, problem: str) -> None:
    statsig = make.script(ScriptedResponse(400, body))
    with pytest.raises(BadRequestError) as raised:
        statsig.check_gate(USER, "a_gate")
    assert str(raised.value).partition(" in 0 s")[2] == problem


@on_any_library
def test_error_body_is_truncated(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(500, b"x" * 100_000), max_retries=0)
    with pytest.raises(InternalServerError) as raised:
        statsig.check_gate(USER, "a_gate")
    assert raised.value.body == "x" * 4096
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize("status", [401, 403])
@on_any_library
def test_rejected_key_error_has_hint(make: ClientFactory, status: int) -> None:
    statsig = make.script(ScriptedResponse(status, b"Forbidden"))
    with pytest.raises(APIStatusError, match="Forbidden; check that the API key") as raised:
        statsig.check_gate(USER, "a_gate")
    assert KEY not in str(raised.value)


@on_any_library
def test_redirect_error_has_hint(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(302, b"", {"Location": "https://elsewhere.example"}))
    with pytest.raises(APIStatusError, match="redirects are not followed"):
        statsig.check_gate(USER, "a_gate")


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"X-Request-ID": "a"}, "a"),
        ({"CF-Ray": "b"}, "b"),
        ({"x-request-id": "a", "cf-ray": "b"}, "a"),
        ({"x-request-id": "a" * 5000}, "a" * 200 + "…"),
        ({}, None),
    ],
)
@on_any_library
def test_request_id_is_kept(make: ClientFactory, headers: dict[str, str], name: str | None) -> None:
    statsig = make.script(ScriptedResponse(404, headers=headers))
    with pytest.raises(NotFoundError) as raised:
        statsig.get_layer(USER, "a_layer")
    assert raised.value.request_id == name


@on_any_library
def test_invalid_response_error_has_path(make: ClientFactory) -> None:
    statsig = make.script(
        ScriptedResponse(200, {"name": "a_gate", "value": "yes"}, {"cf-ray": "r9"})
    )
    with pytest.raises(
        ResponseValidationError,
        match=r"^check_gate: response from api\.statsig\.com \(HTTP 200\) does not match the API "
        r"schema: \$\.value: expected boolean, got string$",
    ) as raised:
        statsig.check_gate(USER, "a_gate")
    error = raised.value
    assert (error.path, error.status_code, error.request_id) == ("$.value", 200, "r9")
    assert error.body == '{"name": "a_gate", "value": "yes"}'


@on_any_library
def test_invalid_delivery_response_is_ambiguous(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(202, b"<html>"))
    with pytest.raises(ResponseValidationError, match="may or may not have accepted") as raised:
        statsig.log_event(USER, "purchase")
    assert raised.value.ambiguous
    assert raised.value.path is None
    assert len(make.sent) == 1


@on_any_library
def test_unsuccessful_delivery_response_raises(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(202, {"success": False}))
    with pytest.raises(APIStatusError) as raised:
        statsig.log_event(USER, "purchase")
    assert (raised.value.status_code, raised.value.ambiguous) == (202, False)


@on_any_library
def test_timeout_is_connection_error(make: ClientFactory) -> None:
    statsig = make.script(ScriptedError("ConnectTimeout"), max_retries=0)
    with pytest.raises(APITimeoutError, match="connecting timed out after 3 s"):
        statsig.check_gate(USER, "a_gate")


# ---- Copies ----


def alike(one: StatsigError, other: StatsigError) -> bool:
    return type(one) is type(other) and str(one) == str(other) and vars(one) == vars(other)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_pickle(error: StatsigError, protocol: int) -> None:
    assert alike(pickle.loads(pickle.dumps(error, protocol)), error)  # noqa: S301


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_errors_copy(error: StatsigError, copied: Any) -> None:
    assert alike(copied(error), error)


@given(st.text(), st.none() | st.text(), st.integers(), st.floats(allow_nan=False))
def test_pickled_errors_keep_attributes(
    message: str, body: str | None, status: int, elapsed: float
) -> None:
    error = APIStatusError(message, status_code=status, elapsed=elapsed, body=body)
    assert alike(pickle.loads(pickle.dumps(error)), error)  # noqa: S301


def test_errors_can_be_constructed() -> None:
    error = RateLimitError("slow down", status_code=429)
    assert (error.operation, error.attempts, error.elapsed) == (None, 0, 0.0)
    assert (error.body, error.request_id, error.retry_after) == (None, None, None)
    assert repr(error) == "RateLimitError('slow down')"
    assert StatsigError("x").status_code is None
