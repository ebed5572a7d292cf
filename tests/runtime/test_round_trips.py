"""Whole round trips: what is asked reaches a real server, and what it answers comes back."""

import json
import re
import time
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
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
from statsig_api_client.generated import calls
from tests.support.clients import KEY, Maker
from tests.support.loopback import Loopback, Received, reply
from tests.support.strategies import (
    METHODS,
    Opaque,
    alike,
    call_arguments,
    json_schema,
    json_values,
    request_body,
    request_schema,
    spoilt,
    wire_dicts,
    wire_form,
)

# Hypothesis finds event names that Statsig would drop; that the client warns of them is tested
# where its warnings are.
pytestmark = pytest.mark.filterwarnings("ignore::statsig_api_client.EventWarning")

USER = StatsigUser(user_id="42", private_attributes={"salary": 1})

DELIVERIES = [name for name, (_, operation, _) in METHODS.items() if "x-delivers" in operation]
EVALUATIONS = [name for name in METHODS if name not in DELIVERIES]

each_method = pytest.mark.parametrize("name", METHODS)
each_evaluation = pytest.mark.parametrize("name", EVALUATIONS)
each_delivery = pytest.mark.parametrize("name", DELIVERIES)

# Where every kind of client is tried.
few = settings(max_examples=settings().max_examples // 2)


# ---- The server, and the clients that talk to it ----


@attrs.frozen
class Talk:
    """A client, and the server at the other end."""

    server: Loopback
    client: Any

    def ask(
        self, name: str, arguments: Any, text: bytes = b"{}", **options: Any
    ) -> tuple[Any, Received]:
        """Call a method, and give what it returned and what the server received."""
        self.server.requests.clear()
        self.server.script(reply(202 if name.startswith("log") else 200, text))
        answer = getattr(self.client.with_options(**options), name)(*arguments)
        (received,) = self.server.requests
        return answer, received

    def send(self, name: str, arguments: Any, **options: Any) -> Received:
        """Call a method with any reply that it can read."""
        return self.ask(name, arguments, REPLIES[name], **options)[1]


REPLIES = dict.fromkeys([*METHODS, "log_event"], b"{}") | {
    "check_gate": b'{"name": "a", "value": true}',
    "get_config": b'{"name": "a", "value": {}}',
    "get_experiment": b'{"name": "a", "value": {}}',
    "get_layer": b'{"name": "a", "value": {}}',
    "get_ranked_list": b"[]",
}


@pytest.fixture
def talk(server: Loopback, make: Maker) -> Talk:
    """With every kind of client."""
    return Talk(server, make(base_url=server.url))


@pytest.fixture
def plain(server: Loopback) -> Iterator[Talk]:
    """With one client, for what does not depend on its kind."""
    with Statsig(KEY, base_url=server.url) as client:
        yield Talk(server, client)


def asked(name: str, arguments: Any) -> dict[str, Any]:
    """The request that should reach the server: of a delivery, without private attributes."""
    request = deepcopy(request_body(name, arguments))
    for item in request.get(METHODS[name][1].get("x-delivers"), []):
        item.get("user", {}).pop("privateAttributes", None)
    return request


# ---- What the server receives ----


@each_method
@few
@given(data=st.data())
def test_the_server_receives_the_request_of_the_contract(
    talk: Talk, name: str, data: st.DataObject
) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    received = talk.send(name, arguments)
    assert received.path == f"/v1{METHODS[name][0]}"
    assert alike(received.json, asked(name, arguments))
    json_schema(request_schema(name)).validate(received.json)


@each_method
@given(data=st.data())
def test_the_body_is_compact_json_in_utf_8(plain: Talk, name: str, data: st.DataObject) -> None:
    received = plain.send(name, data.draw(call_arguments(name, sendable=True)))
    compact = json.dumps(received.json, ensure_ascii=False, separators=(",", ":"))
    assert re.sub(TEXT_OR_NUMBER, in_our_notation, received.body.decode()) == compact


TEXT_OR_NUMBER = r'("(?:[^"\\]|\\.)*")|(-?[0-9][0-9.eE+-]*)'


def in_our_notation(part: re.Match[str]) -> str:
    """A number in Python's notation, which orjson does not share, and a text as it is."""
    return part[1] or json.dumps(json.loads(part[2]))


@each_method
@given(data=st.data())
def test_the_headers_are_those_of_the_contract(plain: Talk, name: str, data: st.DataObject) -> None:
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
    count = str(len(arguments[0])) if name in DELIVERIES else None
    assert headers.get("statsig-event-count") == count


@each_method
@given(data=st.data())
def test_a_call_leaves_its_arguments_as_they_were(
    plain: Talk, name: str, data: st.DataObject
) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    before = deepcopy([wire_form(argument) for argument in arguments])
    plain.send(name, arguments, environment="staging", log_exposures=False)
    assert alike([wire_form(argument) for argument in arguments], before)


@each_evaluation
@given(data=st.data())
def test_an_evaluation_without_exposures_says_so_and_no_more(
    plain: Talk, name: str, data: st.DataObject
) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    received = plain.send(name, arguments, log_exposures=False).json
    assert received.pop("statsigMetadata") == {"exposureLoggingDisabled": True}
    assert alike(received, request_body(name, arguments))


@each_method
@given(data=st.data())
def test_an_environment_is_given_to_users_who_have_none(
    plain: Talk, name: str, data: st.DataObject
) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    received = plain.send(name, arguments, environment="staging").json
    given_body = request_body(name, arguments)
    holders = [(given_body, received)]
    if name in DELIVERIES:
        delivered = METHODS[name][1]["x-delivers"]
        holders = list(zip(given_body[delivered], received[delivered], strict=True))
    for holder, sent in holders:
        if "user" in holder:
            own = holder["user"].get("statsigEnvironment", {"tier": "staging"})
            assert alike(sent["user"]["statsigEnvironment"], own)
        else:
            assert "user" not in sent


@each_delivery
@given(data=st.data())
def test_private_attributes_never_leave_with_a_delivery(
    plain: Talk, name: str, data: st.DataObject
) -> None:
    (items,) = data.draw(call_arguments(name, sendable=True))
    user = data.draw(wire_dicts("StatsigUser", sendable=True))
    private = {**user, "privateAttributes": {"salary": "a private salary"}}
    # As dicts, and as models that have one for a user, or a model.
    delivered = [
        *({**wire_form(item), "user": private} for item in items),
        *(attrs.evolve(item, user=private) for item in items if attrs.has(type(item))),
        *(
            attrs.evolve(item, user=StatsigUser.from_dict(private))
            for item in items
            if attrs.has(type(item))
        ),
    ]
    received = plain.send(name, [delivered])
    assert b"a private salary" not in received.body
    user.pop("privateAttributes", None)
    for item in received.json[METHODS[name][1]["x-delivers"]]:
        assert alike(item["user"], user)


@each_evaluation
def test_private_attributes_go_to_evaluations(plain: Talk, name: str) -> None:
    names = ["a"] if name == "check_gates" else "a"
    received = plain.send(name, [USER, names])
    assert received.json["user"] == {"userID": "42", "privateAttributes": {"salary": 1}}


def test_null_and_absent_are_two_things_on_the_wire(talk: Talk) -> None:
    events = [StatsigEvent(event_name="a", value=value) for value in (None, UNSET, 0)]
    received = talk.send("log_events", [events])
    assert received.body == (
        b'{"events":[{"eventName":"a","value":null},{"eventName":"a"},{"eventName":"a","value":0}]}'
    )


def test_numbers_and_texts_are_written_exactly(talk: Talk) -> None:
    custom = {"a": -0.0, "b": 2**63, "c": 1e22, "d": 0.1, "e": 10**400, "f": "é\u2028😀\x00"}
    received = talk.send("check_gate", [StatsigUser(custom=custom), "a"])
    assert received.body.decode() == (
        '{"user":{"custom":{"a":-0.0,"b":9223372036854775808,"c":1e+22,"d":0.1,"e":'
        f'1{"0" * 400},"f":"é\u2028😀\\u0000"'
        '}},"gateName":"a"}'
    )


def test_one_event_is_a_batch_of_one(talk: Talk) -> None:
    before = time.time_ns() // 1_000_000
    received = talk.ask("log_event", [USER, "purchase", 9.99, {"sku": "A1"}])[1]
    (event,) = received.json["events"]
    assert before <= event.pop("time") <= time.time_ns() // 1_000_000
    assert event == {
        "eventName": "purchase",
        "user": {"userID": "42"},
        "value": 9.99,
        "metadata": {"sku": "A1"},
    }


def test_one_event_without_value_and_details_has_none_of_them(talk: Talk) -> None:
    received = talk.ask("log_event", [{"userID": "42"}, "purchase", None, None, 0])[1]
    assert received.body == (
        b'{"events":[{"eventName":"purchase","user":{"userID":"42"},"time":0}]}'
    )


# ---- What is never sent ----


@pytest.mark.parametrize(
    ("value", "kind", "problem"),
    [
        (float("nan"), ValueError, "NaN is not JSON"),
        (float("inf"), ValueError, "Infinity is not JSON"),
        (-float("inf"), ValueError, "-Infinity is not JSON"),
        ("\ud800", ValueError, "half of a surrogate pair"),
        (b"bytes", TypeError, "bytes is not JSON"),
        ({1}, TypeError, "set is not JSON"),
        (Opaque(), TypeError, "Opaque is not JSON"),
        (UNSET, TypeError, "Unset is not JSON"),
    ],
)
@pytest.mark.parametrize("place", ["custom", "deep", "unknown", "dict", "event"])
def test_what_json_cannot_say_is_refused_with_its_path_before_anything_is_sent(
    plain: Talk, value: object, kind: type[Exception], problem: str, place: str
) -> None:
    name, argument, path = {
        "custom": ("check_gate", StatsigUser(custom={"a b": value}), 'user.custom["a b"]'),
        "deep": (
            "check_gate",
            StatsigUser(custom={"a": [1, {"b": value}]}),
            "user.custom.a[1].b",
        ),
        "unknown": ("check_gate", StatsigUser(additional_properties={"a": value}), "user.a"),
        "dict": ("check_gate", {"userID": value}, "user.userID"),
        "event": ("log_events", [{"eventName": "a"}, {"value": value}], "events[1].value"),
    }[place]
    plain.server.requests.clear()
    with pytest.raises(kind) as refusal:
        getattr(plain.client, name)(argument, *(["a"] if name == "check_gate" else []))
    assert str(refusal.value) == f"{path}: {problem}"
    assert plain.server.requests == []


@each_method
@given(data=st.data())
def test_whatever_is_built_is_sent_unless_json_cannot_say_it(
    plain: Talk, name: str, data: st.DataObject
) -> None:
    arguments = data.draw(call_arguments(name))
    request = asked(name, arguments)
    try:
        json.dumps(request, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        plain.server.requests.clear()
        with pytest.raises(ValueError) as refusal:  # noqa: PT011  (its text is looked at below)
            plain.send(name, arguments)
        assert type(refusal.value) is ValueError
        assert str(refusal.value).startswith(tuple(request))
        assert plain.server.requests == []
    else:
        assert alike(plain.send(name, arguments).json, request)


# ---- What comes back ----


def read(name: str, arguments: Any, text: bytes) -> Any:
    """What a reply means, read without a client."""
    return getattr(calls, name)(*arguments).parse(json.loads(text), "$")


def written(answer: Any) -> Any:
    """An answer in its wire form, to tell also what `==` does not."""
    if isinstance(answer, dict):
        return {name: wire_form(part) for name, part in answer.items()}
    return wire_form(answer)


def replies(name: str) -> st.SearchStrategy[Any]:
    """What the server may answer to a method, within the contract."""
    answers = wire_dicts(METHODS[name][2]["returns"], sendable=True)
    if name in DELIVERIES:
        # One that was not accepted is an error, of which other tests tell.
        return answers.map(lambda answer: {**answer, "success": True})
    return answers


@each_method
@few
@given(data=st.data(), ensure_ascii=st.booleans())
def test_what_the_server_answers_comes_back_equal(
    talk: Talk,
    name: str,
    data: st.DataObject,
    ensure_ascii: bool,  # noqa: FBT001
) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    text = json.dumps(data.draw(replies(name)), ensure_ascii=ensure_ascii).encode()
    answer, _ = talk.ask(name, arguments, text)
    assert answer == read(name, arguments, text)
    assert alike(written(answer), written(read(name, arguments, text)))


@each_method
@few
@given(data=st.data())
def test_a_raw_response_has_the_very_bytes_and_reads_as_the_method_does(
    plain: Talk, name: str, data: st.DataObject
) -> None:
    arguments = data.draw(call_arguments(name, sendable=True))
    text = json.dumps(data.draw(replies(name)), indent=1).encode()
    plain.server.script(reply(202 if name in DELIVERIES else 200, text))
    response = getattr(plain.client.with_raw_response, name)(*arguments)
    assert response.content == text
    assert response.status_code == (202 if name in DELIVERIES else 200)
    expected = read(name, arguments, text)
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
def test_all_that_json_can_say_comes_back_as_python_reads_it(
    plain: Talk, text: str, value: object
) -> None:
    whole = f'{{"name": "a", "value": {{"x": {text}}}, "new": {text}}}'.encode()
    config, _ = plain.ask("get_config", [USER, "a"], whole)
    assert repr(config.value["x"]) == repr(value)
    assert repr(config.additional_properties["new"]) == repr(value)


@pytest.mark.parametrize("name", ["check_gate", "get_config", "get_experiment", "get_layer"])
@given(data=st.data())
def test_a_reply_with_one_wrong_value_is_refused_with_the_path_of_it(
    plain: Talk, name: str, data: st.DataObject
) -> None:
    wrong, _ = data.draw(spoilt(METHODS[name][2]["returns"], json_values(sendable=True)))
    text = json.dumps(wrong).encode()
    try:
        expected = read(name, [USER, "a"], text)
    except SchemaError as refusal:
        with pytest.raises(ResponseValidationError) as error:
            plain.ask(name, [USER, "a"], text)
        assert error.value.path == refusal.path  # noqa: PT017  (most replies are refused, not all)
        assert str(refusal) in str(error.value)  # noqa: PT017
    else:
        answer, _ = plain.ask(name, [USER, "a"], text)
        assert alike(written(answer), written(expected))
