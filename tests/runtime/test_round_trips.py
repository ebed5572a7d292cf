"""Calls of a real client to a real server: the request, and the parsed response."""

import json
import re
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import attrs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from statsig_api_client import (
    UNSET,
    ResponseValidationError,
    SchemaError,
    Statsig,
    StatsigEvent,
    StatsigUser,
    __version__,
)
from statsig_api_client._event_limits import MIN_TIME, time_problem
from statsig_api_client._runtime import Model
from statsig_api_client.generated import calls
from tests.support.clients import KEY, ClientFactory
from tests.support.loopback import Loopback, Received, respond
from tests.support.spec import (
    DELIVERIES,
    EVALUATIONS,
    METHODS,
    alike,
    argument_schemas,
    minimal,
    minimal_arguments,
    request_body,
    request_schema,
    response_schema,
    success_status,
    validator,
    wire_form,
)
from tests.support.strategies import (
    Opaque,
    call_arguments,
    json_values,
    mutated,
    wire_dicts,
)

# Names from hypothesis are often invalid; `tests/client` tests the warnings.
pytestmark = [
    pytest.mark.filterwarnings("ignore::statsig_api_client.EventWarning"),
    pytest.mark.filterwarnings("ignore::statsig_api_client.StatsigUserWarning"),
]

FIRST = {"eventName": "a"}
USER = StatsigUser(user_id="42", private_attributes={"salary": 1})

each_method = pytest.mark.parametrize("name", METHODS)
each_evaluation = pytest.mark.parametrize("name", EVALUATIONS)
each_delivery = pytest.mark.parametrize("name", DELIVERIES)

# For tests with every kind of client.
few = settings(max_examples=settings().max_examples // 2)


# ---- Server and clients ----


@attrs.frozen
class Connection:
    """A client and its server."""

    server: Loopback
    client: Any

    def call(
        self, name: str, arguments: Any, response: bytes = b"{}", **options: Any
    ) -> tuple[Any, Received]:
        """Call a method, and return its result and the received request."""
        self.server.requests.clear()
        status = success_status(name) if name in METHODS else 202
        self.server.script(respond(status, response))
        result = getattr(self.client.with_options(**options), name)(*arguments)
        (received,) = self.server.requests
        return result, received

    def send(self, name: str, arguments: Any, **options: Any) -> Received:
        """Call a method with the smallest response, and return the received request."""
        response = json.dumps(minimal(response_schema(name))).encode()
        return self.call(name, arguments, response, **options)[1]


@pytest.fixture
def connection(server: Loopback, make: ClientFactory) -> Connection:
    """A connection of every kind of client."""
    return Connection(server, make(base_url=server.url))


@pytest.fixture
def plain(server: Loopback) -> Iterator[Connection]:
    """A connection of one client, for tests that do not depend on its kind."""
    with Statsig(KEY, base_url=server.url) as client:
        yield Connection(server, client)


def expected_request(name: str, arguments: Any) -> dict[str, Any]:
    """Return the expected request; deliveries have no private attributes."""
    request = deepcopy(request_body(name, arguments))
    for item in request.get(METHODS[name][1].get("x-delivers"), []):
        item.get("user", {}).pop("privateAttributes", None)
    return request


# ---- Requests ----


@each_method
@few
@given(data=st.data())
def test_request_matches_spec(connection: Connection, name: str, data: st.DataObject) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    received = connection.send(name, arguments)
    assert received.path == f"/v1{METHODS[name][0]}"
    assert alike(received.json, expected_request(name, arguments))
    validator(request_schema(name)).validate(received.json)


@each_method
@given(data=st.data())
def test_request_body_is_compact_utf8_json(
    plain: Connection, name: str, data: st.DataObject
) -> None:
    received = plain.send(name, data.draw(call_arguments(name, sendable=True)))
    compact = json.dumps(received.json, ensure_ascii=False, separators=(",", ":"))
    assert re.sub(STRING_OR_NUMBER, in_python_notation, received.body.decode()) == compact


STRING_OR_NUMBER = r'("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*)'


def in_python_notation(part: re.Match[str]) -> str:
    """Return a number in Python's notation, which orjson does not use, and a string unchanged."""
    return part[1] or json.dumps(json.loads(part[2]))


@each_method
@given(data=st.data())
def test_request_headers_match_spec(plain: Connection, name: str, data: st.DataObject) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    before = time.time_ns() // 1_000_000
    received = plain.send(name, arguments)
    after = time.time_ns() // 1_000_000
    headers = received.headers
    assert headers["statsig-api-key"] == KEY
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(received.body))
    assert headers["user-agent"].startswith("statsig-api-client")
    assert before <= int(headers["statsig-client-time"]) <= after
    assert headers["statsig-sdk-version"] == __version__
    assert headers["statsig-sdk-type"].isprintable()
    delivered = METHODS[name][1].get("x-delivers")
    count = str(len(received.json[delivered])) if delivered else None
    assert headers.get("statsig-event-count") == count


@each_method
@given(data=st.data())
def test_call_does_not_change_its_arguments(
    plain: Connection, name: str, data: st.DataObject
) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    before = deepcopy([wire_form(argument) for argument in arguments])
    plain.send(name, arguments, environment="staging", log_exposures=False)
    assert alike([wire_form(argument) for argument in arguments], before)


@each_evaluation
@given(data=st.data())
def test_disabled_exposures_change_only_metadata(
    plain: Connection, name: str, data: st.DataObject
) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    received = plain.send(name, arguments, log_exposures=False).json
    assert received.pop("statsigMetadata") == {"exposureLoggingDisabled": True}
    assert alike(received, request_body(name, arguments))


@each_method
@given(data=st.data())
def test_environment_is_added_to_users(plain: Connection, name: str, data: st.DataObject) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    received = plain.send(name, arguments, environment="staging").json
    given_body = request_body(name, arguments)
    holders = [(given_body, received)]
    if name in DELIVERIES:
        delivered = METHODS[name][1]["x-delivers"]
        holders = list(zip(given_body[delivered], received[delivered], strict=True))
    for holder, sent in holders:
        if "user" in holder:
            own = holder["user"].get("statsigEnvironment") or {"tier": "staging"}
            assert alike(sent["user"]["statsigEnvironment"], own)
        else:
            assert "user" not in sent


@each_delivery
@given(data=st.data())
def test_deliveries_contain_no_private_attributes(
    plain: Connection, name: str, data: st.DataObject
) -> None:
    field = METHODS[name][1]["x-delivers"]
    arguments = list(data.draw(call_arguments(name, sendable=True)))
    index = list(argument_schemas(name)).index(field)
    items = arguments[index]
    user = data.draw(wire_dicts("StatsigUser", sendable=True))
    private = {**user, "privateAttributes": {"salary": "a private salary"}}
    # Dicts, and models whose user is a dict or a model.
    arguments[index] = [
        *({**wire_form(item), "user": private} for item in items),
        *(item.__replace__(user=private) for item in items if isinstance(item, Model)),
        *(
            item.__replace__(user=StatsigUser.from_dict(private))
            for item in items
            if isinstance(item, Model)
        ),
    ]
    received = plain.send(name, arguments)
    assert b"a private salary" not in received.body
    user.pop("privateAttributes", None)
    for item in received.json[field]:
        assert alike(item["user"], user)


@pytest.mark.parametrize("name", [name for name in EVALUATIONS if "user" in argument_schemas(name)])
def test_evaluations_contain_private_attributes(plain: Connection, name: str) -> None:
    received = plain.send(name, minimal_arguments(name, user=USER))
    assert received.json["user"] == {"userID": "42", "privateAttributes": {"salary": 1}}


def test_null_and_absent_differ_in_requests(connection: Connection) -> None:
    events = [StatsigEvent(event_name="a", value=value) for value in (None, UNSET, 0)]
    received = connection.send("log_events", [events])
    assert received.body == (
        b'{"events":[{"eventName":"a","value":null},{"eventName":"a"},{"eventName":"a","value":0}]}'
    )


def test_numbers_and_strings_are_serialized_exactly(connection: Connection) -> None:
    custom = {"a": -0.0, "b": 2**63, "c": 1e22, "d": 0.1, "e": 10**400, "f": "é\u2028😀\x00"}
    received = connection.send("check_gate", [StatsigUser(custom=custom), "a"])
    assert received.body.decode() == (
        '{"user":{"custom":{"a":-0.0,"b":9223372036854775808,"c":1e+22,"d":0.1,"e":'
        f'1{"0" * 400},"f":"é\u2028😀\\u0000"'
        '}},"gateName":"a"}'
    )


def test_log_event_sends_batch_of_one(connection: Connection) -> None:
    before = time.time_ns() // 1_000_000
    received = connection.call("log_event", [USER, "purchase", 9.99, {"sku": "A1"}])[1]
    (event,) = received.json["events"]
    assert before <= event.pop("time") <= time.time_ns() // 1_000_000
    assert event == {
        "eventName": "purchase",
        "user": {"userID": "42"},
        "value": 9.99,
        "metadata": {"sku": "A1"},
    }


def test_log_event_omits_absent_fields(connection: Connection) -> None:
    received = connection.call("log_event", [{"userID": "42"}, "purchase", None, None, MIN_TIME])[1]
    assert received.body == (
        b'{"events":[{"eventName":"purchase","user":{"userID":"42"},"time":%d}]}' % MIN_TIME
    )


# ---- Rejected arguments ----


@pytest.mark.parametrize(
    ("value", "kind", "problem"),
    [
        (float("nan"), ValueError, "NaN is not JSON"),
        (float("inf"), ValueError, "Infinity is not JSON"),
        (-float("inf"), ValueError, "-Infinity is not JSON"),
        ("\ud800", ValueError, "lone surrogate"),
        (b"bytes", TypeError, "bytes is not JSON"),
        ({1}, TypeError, "set is not JSON"),
        (Opaque(), TypeError, "Opaque is not JSON"),
        (UNSET, TypeError, "Unset is not JSON"),
    ],
)
@pytest.mark.parametrize("place", ["custom", "deep", "unknown", "dict", "event"])
def test_unserializable_value_is_rejected_with_path(
    plain: Connection, value: object, kind: type[Exception], problem: str, place: str
) -> None:
    name, argument, path = {
        "custom": ("check_gate", StatsigUser(custom={"a b": value}), 'user.custom["a b"]'),
        "deep": (
            "check_gate",
            StatsigUser(custom={"a": [1, {"b": value}]}),
            "user.custom.a[1].b",
        ),
        "unknown": ("check_gate", StatsigUser(additional_properties={"a": value}), "user.a"),
        "dict": ("check_gate", {"userID": "42", "a": value}, "user.a"),
        "event": ("log_events", [FIRST, {"eventName": "b", "c": value}], "events[1].c"),
    }[place]
    plain.server.requests.clear()
    with pytest.raises(kind) as raised:
        getattr(plain.client, name)(argument, *(["a"] if name == "check_gate" else []))
    assert str(raised.value) == f"{path}: {problem}"
    assert plain.server.requests == []


@each_method
@given(data=st.data())
def test_any_model_is_sent_if_serializable(
    plain: Connection, name: str, data: st.DataObject
) -> None:
    arguments = data.draw(call_arguments(name))
    request = expected_request(name, arguments)
    for item in request.get(METHODS[name][1].get("x-delivers"), []):
        assume("time" not in item or time_problem(item["time"], MIN_TIME) is None)
    try:
        json.dumps(request, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        plain.server.requests.clear()
        with pytest.raises(ValueError) as raised:  # noqa: PT011  (the message is checked below)
            plain.send(name, arguments)
        assert type(raised.value) is ValueError
        assert str(raised.value).startswith(tuple(request))
        assert plain.server.requests == []
    else:
        assert alike(plain.send(name, arguments).json, request)


# ---- Responses ----


def parse(name: str, arguments: Any, text: bytes) -> Any:
    """Return the result of a response, parsed without a client."""
    return getattr(calls, name)(*arguments).parse(json.loads(text), "$")


def written(result: Any) -> Any:
    """Return the JSON form of a result, to compare more than `==` does."""
    if isinstance(result, dict):
        return {name: wire_form(part) for name, part in result.items()}
    return wire_form(result)


def responses(name: str) -> st.SearchStrategy[Any]:
    """Responses of a method."""
    results = wire_dicts(METHODS[name][2]["returns"], sendable=True)
    if name in DELIVERIES:
        # A rejected batch is an error, tested elsewhere.
        return results.map(lambda result: {**result, "success": True})
    return results


@each_method
@few
@given(data=st.data(), ensure_ascii=st.booleans())
def test_result_equals_parsed_response(
    connection: Connection,
    name: str,
    data: st.DataObject,
    ensure_ascii: bool,  # noqa: FBT001
) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    text = json.dumps(data.draw(responses(name)), ensure_ascii=ensure_ascii).encode()
    result, _ = connection.call(name, arguments, text)
    assert result == parse(name, arguments, text)
    assert alike(written(result), written(parse(name, arguments, text)))


@each_method
@few
@given(data=st.data())
def test_raw_response_has_bytes_and_result(
    plain: Connection, name: str, data: st.DataObject
) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    text = json.dumps(data.draw(responses(name)), indent=1).encode()
    plain.server.script(respond(success_status(name), text))
    response = getattr(plain.client.with_raw_response, name)(*arguments)
    assert response.content == text
    assert response.status_code == success_status(name)
    expected = parse(name, arguments, text)
    assert alike(written(response.parse()), written(expected))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e400", float("inf")),
        ("-1e400", -float("inf")),
        ("-0.0", -0.0),
        ("-0", 0),
        ("1E5", 100000.0),
        ("9223372036854775808", 2**63),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("0.1000000000000000055511151231257827", 0.1),
        (r'"\ud800"', "\ud800"),
        (r'"\ud83d\ude00"', "😀"),
        (r'"\u0000\/"', "\x00/"),
        ('{"a": 1, "a": 2}', {"a": 2}),
        (" [ ] ", []),
    ],
)
def test_json_values_are_parsed_like_python(plain: Connection, text: str, value: object) -> None:
    whole = f'{{"name": "a", "value": {{"x": {text}}}, "new": {text}}}'.encode()
    config, _ = plain.call("get_config", [USER, "a"], whole)
    assert repr(config.value["x"]) == repr(value)
    assert repr(config.additional_properties["new"]) == repr(value)


@each_evaluation
@given(data=st.data())
def test_mutated_response_error_has_path(plain: Connection, name: str, data: st.DataObject) -> None:
    arguments = minimal_arguments(name)
    wrong, _ = data.draw(mutated(METHODS[name][2]["returns"], json_values(sendable=True)))
    text = json.dumps(wrong).encode()
    try:
        expected = parse(name, arguments, text)
    except SchemaError as error:
        with pytest.raises(ResponseValidationError) as raised:
            plain.call(name, arguments, text)
        assert raised.value.path == error.path  # noqa: PT017  (most responses are invalid, not all)
        assert str(error) in str(raised.value)  # noqa: PT017
    else:
        result, _ = plain.call(name, arguments, text)
        assert alike(written(result), written(expected))
