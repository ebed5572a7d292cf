"""Hostile responses: a result or an error of the package, in time, without the API key."""

import json
import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from statsig_api_client import (
    ResponseValidationError,
    StatsigError,
    StatsigUser,
)
from tests.support.clients import (
    KEY,
    ClientFactory,
    ScriptedError,
    ScriptedResponse,
    client_factory,
    on_any_library,
)
from tests.support.clock import FakeClock
from tests.support.loopback import (
    GATE,
    Connection,
    Loopback,
    Script,
    loopback,
    raw,
    respond,
    send_and_reset,
    send_in_pieces,
)

USER = StatsigUser(user_id="42")
METHODS: dict[str, Callable[[Any], Any]] = {
    "check_gate": lambda statsig: statsig.check_gate(USER, "a_gate"),
    "check_gates": lambda statsig: statsig.check_gates(USER, ["a_gate"]),
    "get_config": lambda statsig: statsig.get_config(USER, "a_config"),
    "get_experiment": lambda statsig: statsig.get_experiment(USER, "a_test"),
    "get_layer": lambda statsig: statsig.get_layer(USER, "a_layer"),
    "get_ranked_list": lambda statsig: statsig.get_ranked_list(USER, "a_list"),
    "log_events": lambda statsig: statsig.log_events([{"eventName": "e"}]),
    "log_custom_exposures": lambda statsig: statsig.log_custom_exposures(
        [{"gateName": "g", "passes": True, "ruleID": "r"}]
    ),
}
methods = st.sampled_from(sorted(METHODS))


def failure_of(call: Callable[[], Any]) -> StatsigError | None:
    try:
        call()
    except StatsigError as error:
        return error
    return None


def survives(call: Callable[[], Any], name: str) -> None:
    """Check that a call returns, or raises an error with the operation and without the key."""
    error = failure_of(call)
    if error is None:
        return
    assert error.operation == name
    assert error.attempts >= 1
    assert str(error).startswith(f"{name}: ")
    assert len(name) + 10 < len(str(error)) < 1000
    assert len(error.body or "") <= 4096
    for shown in (str(error), repr(error), repr(vars(error))):
        assert KEY not in shown
    assert KEY.encode() not in pickle.dumps(error)


# ---- Arbitrary responses ----

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=10)
    | st.just(KEY)
    | st.sampled_from(["a_gate", 2**63, 10**400, 1e400, -0.0, ""])
)
keys = st.sampled_from(
    [
        "name",
        "value",
        "rule_id",
        "ruleID",
        "group_name",
        "score",
        "success",
        "message",
        "error",
        KEY,
    ]
) | st.text(max_size=5)
json_values = st.recursive(
    scalars,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(keys, children, max_size=6),
    max_leaves=15,
)
bodies = st.one_of(
    st.binary(max_size=100),
    json_values.map(lambda value: json.dumps(value).encode()),
    json_values.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")),
    st.builds(lambda value, cut: json.dumps(value).encode()[:cut], json_values, st.integers(0, 50)),
    st.text(max_size=50).map(lambda text: f"<html><title>{text}</title>{KEY}</html>".encode()),
    st.sampled_from(
        [
            b"",
            b"null",
            b"{}",
            b"[]",
            b"\xef\xbb\xbf{}",
            '{"name":"a","value":true}'.encode("utf-16"),
            b'{"name":"a","value":NaN}',
            b'{"name":"a","value":{"x":-Infinity}}',
            b'{"name":"a","value":{"x":' + b"9" * 5000 + b"}}",
            b'{"name":"a","value":' + b"[" * 100_000,
            b'{"name":"a","value":' + b'{"a":' * 100_000,
            b'{"name":"a","value":false,"value":"x"}',
            b'{"name":"\\ud800","value":true}',
            b'{"name":"a","value":true}trailing',
            KEY.encode() * 500,
        ]
    ),
)
header_values = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")
)
headers = st.dictionaries(
    st.sampled_from(
        ["X-Request-Id", "Retry-After", "Content-Type", "Set-Cookie", "Location", "Cf-Ray"]
    ),
    header_values | st.just(KEY),
    max_size=3,
)


@given(methods, st.integers(100, 999), bodies, headers)
@settings(max_examples=200)
@example("check_gate", 302, b"", {"Location": "https://[what"})
def test_any_response_returns_result_or_error(
    name: str, status: int, body: bytes, extra: dict[str, str]
) -> None:
    latin = {key: value.encode("latin-1") for key, value in extra.items()}
    with client_factory("sync httpx", FakeClock()) as make:
        statsig = make.script(ScriptedResponse(status, body, latin), max_retries=1)  # type: ignore[arg-type]
        survives(lambda: METHODS[name](statsig), name)


@pytest.mark.parametrize("kind", ["sync httpx2", "async httpx", "async httpx2"])
@given(methods, st.integers(100, 999), bodies)
def test_every_client_survives_any_response(kind: str, name: str, status: int, body: bytes) -> None:
    with client_factory(kind, FakeClock()) as make:
        statsig = make.script(ScriptedResponse(status, body), max_retries=0)
        survives(lambda: METHODS[name](statsig), name)


@given(
    st.lists(
        st.one_of(
            st.builds(ScriptedResponse, st.integers(100, 999), bodies),
            st.builds(ScriptedError, st.sampled_from(["ConnectError", "ReadError", "ReadTimeout"])),
        ),
        min_size=1,
        max_size=5,
    ),
    methods.filter(lambda name: not name.startswith("log_")),
)
def test_fallback_covers_any_response(outcomes: list[Any], name: str) -> None:
    with client_factory("sync httpx", FakeClock()) as make:
        statsig = make.script(*outcomes, on_error="fallback")
        METHODS[name](statsig)


# ---- Mutated responses ----

VALID: dict[str, Any] = {
    "check_gate": GATE,
    "check_gates": {"a_gate": GATE},
    "get_config": {"name": "c", "value": {"a": [1, {"b": 2}]}, "rule_id": None, "group": "g"},
    "get_experiment": {"name": "c", "value": {}, "group_name": "Test"},
    "get_layer": {"name": "l", "value": {}, "ruleID": "r", "allocatedExperimentName": None},
    "get_ranked_list": [{"name": "v", "value": {}, "rule_id": None, "score": 1.5}],
    "log_events": {"success": True},
    "log_custom_exposures": {"success": True},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for key, member in value.items():
            yield from places(member, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copied = value.copy()
    copied[path[0]] = replaced(value[path[0]], path[1:], new)
    return copied


@given(methods, st.data())
@settings(max_examples=200)
def test_mutated_response_returns_result_or_path(name: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(places(VALID[name]))))
    body = replaced(VALID[name], path, data.draw(json_values))
    with client_factory("sync httpx", FakeClock()) as make:
        statsig = make.script(ScriptedResponse(200, json.dumps(body).encode()), max_retries=0)
        error = failure_of(lambda: METHODS[name](statsig))
    if isinstance(error, ResponseValidationError):
        assert error.path is None or error.path.startswith("$")
        assert (error.path or "") in str(error)
        assert KEY not in str(error)
    elif error is not None:  # a rejected delivery
        assert (error.status_code, body["success"]) == (200, False)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "not JSON: Expecting value"),
        (b"<html>", "not JSON: Expecting value"),
        (b'{"name": "a", "value": tru', "not JSON: Expecting value"),
        (b"\xff{}", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON: Expecting value"),
        (b'{"name":"a","value":NaN}', "NaN is not a JSON number"),
        (b'{"name":"a","value":-Infinity}', "-Infinity is not a JSON number"),
        (b'{"name":"a","x":' + b"9" * 5000 + b"}", "Exceeds the limit"),
        (b"[" * 200_000, "nested too deep"),
        (b"null", "$: expected object, got null"),
        (b'"x"', "$: expected object, got string"),
        (b'{"value": true}', '$: missing field "name"'),
        (b'{"name": "a", "value": 1}', "$.value: expected boolean, got integer"),
        (b'{"name": "a", "value": true, "rule_id": 7}', "$.rule_id: expected string, got integer"),
    ],
    ids=lambda value: repr(value)[:30],
)
@on_any_library
def test_response_problem_is_reported(make: ClientFactory, body: bytes, problem: str) -> None:
    statsig = make.script(ScriptedResponse(200, body))
    with pytest.raises(ResponseValidationError) as raised:
        statsig.check_gate(USER, "a_gate")
    assert problem in str(raised.value)
    assert len(make.sent) == 1


# ---- Arbitrary bytes ----

lines = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"HTTP/1.1 200 OK",
                b"HTTP/1.1 500 No",
                b"HTTP/1.0 200 OK",
                b"HTTP/2 200",
                b"HTTP/1.1 100 Continue",
                b"HTTP/1.1 99999 x",
                b"content-length: 5",
                b"content-length: 5000",
                b"content-length: -1",
                b"transfer-encoding: chunked",
                b"transfer-encoding: gzip, chunked",
                b"content-encoding: gzip",
                b"connection: close",
                b"location: http://127.0.0.1:1/",
                b"5",
                b"0",
                b"",
                b'{"name":"a","value":true}',
                KEY.encode(),
            ]
        ),
        st.binary(max_size=30),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def wire() -> Iterator[Loopback]:
    with loopback() as running:
        yield running


endings = st.sampled_from([raw, send_and_reset])


@pytest.mark.parametrize("kind", ["sync", "async", "sync httpx2"])
@given(st.data(), endings, methods)
@settings(max_examples=60)
def test_any_bytes_return_result_or_error(
    wire: Loopback, kind: str, data: st.DataObject, ending: Callable[[bytes], Script], name: str
) -> None:
    line_end = data.draw(st.sampled_from([b"\r\n", b"\n"]))
    wire.script(ending(line_end.join(data.draw(lines))))
    with client_factory(kind, FakeClock()) as make:
        statsig = make(base_url=wire.url, max_retries=0, timeout=5.0)
        start = time.monotonic()
        survives(lambda: METHODS[name](statsig), name)
        assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    "script",
    [
        send_in_pieces(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", pause=0.03),
        send_in_pieces(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n", b"{", pause=0.03),
        send_in_pieces(b"HTTP/1.1 500 No\r\ncontent-length: 10000\r\n\r\n", b"{", pause=0.03),
        lambda connection: connection.wait_for_stop(),
    ],
    ids=["headers", "body", "refusal", "silence"],
)
@pytest.mark.parametrize("make", ["sync", "async", "async httpx", "async httpx2"], indirect=True)
def test_calls_end_by_deadline(
    make: ClientFactory, server: Loopback, script: Callable[[Connection], None]
) -> None:
    server.script(script)
    statsig = make(base_url=server.url, timeout=0.15, deadline=0.4, max_retries=5)
    start = time.monotonic()
    with pytest.raises(StatsigError) as raised:
        statsig.check_gate(USER, "a_gate")
    assert time.monotonic() - start < 5
    assert 0.1 < raised.value.elapsed < 5


def test_response_of_50_mb_is_rejected(make: ClientFactory, server: Loopback) -> None:
    server.script(respond(200, b" " * 50_000_000))
    statsig = make(base_url=server.url)
    with pytest.raises(ResponseValidationError, match="the body is larger than 10 MiB"):
        statsig.check_gate(USER, "a_gate")
