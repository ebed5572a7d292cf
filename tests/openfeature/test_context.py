"""Conversion of evaluation contexts to users."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statsig_api_client import StatsigUser
from statsig_api_client._clock import Clock
from statsig_api_client._delivery.encoder import EventEncoder
from statsig_api_client._json import serialize
from statsig_api_client._openfeature.context import user_of_context
from statsig_api_client._openfeature.errors import ResolutionError


def user(key: str | None = "42", /, **attributes: Any) -> Any:
    return user_of_context(key, attributes, needs_id=True)


def test_targeting_key_is_user_id() -> None:
    assert user("42") == {"userID": "42"}
    assert user(None, targetingKey="42") == {"userID": "42"}
    assert user(None, userID="42") == {"userID": "42"}
    assert user(None, user_id=42) == {"userID": "42"}


def test_targeting_key_precedes_attributes() -> None:
    assert user("1", targetingKey="2", userID="3") == {"userID": "1"}
    assert user("", targetingKey="2", userID="3") == {"userID": "2"}


@pytest.mark.parametrize(
    ("field", "snake_case"),
    [
        ("email", "email"),
        ("ip", "ip"),
        ("userAgent", "user_agent"),
        ("country", "country"),
        ("locale", "locale"),
        ("appVersion", "app_version"),
    ],
)
def test_known_attribute_is_field(field: str, snake_case: str) -> None:
    for name in (field, snake_case):
        assert user(**{name: "a"}) == {"userID": "42", field: "a"}
        assert user(**{name: 2.5}) == {"userID": "42", field: "2.5"}
        assert user(**{name: None}) == {"userID": "42"}
        with pytest.raises(ResolutionError, match=rf"^context\.{name}: expected a string, got"):
            user(**{name: True})


@pytest.mark.parametrize("order", [1, -1])
def test_statsig_spelling_takes_precedence(order: int) -> None:
    pairs = [("userAgent", "a"), ("user_agent", "b")][::order]
    assert user(**dict(pairs))["userAgent"] == "a"


def test_other_attributes_become_custom() -> None:
    assert user(plan="pro", level=3, beta=True, tags=("a", 1), none=None) == {
        "userID": "42",
        "custom": {"plan": "pro", "level": 3, "beta": True, "tags": ["a", 1]},
    }


def test_custom_is_merged_with_attributes() -> None:
    merged = user(custom={"plan": "free", "level": 3}, plan="pro")
    assert merged["custom"] == {"plan": "pro", "level": 3}


@pytest.mark.parametrize("name", ["customIDs", "custom_ids"])
def test_custom_ids_are_strings(name: str) -> None:
    expected = {"customIDs": {"companyID": "7"}}
    assert user(None, **{name: {"companyID": 7, "deviceID": None}}) == expected


@pytest.mark.parametrize("name", ["privateAttributes", "private_attributes"])
def test_private_attributes_stay_private(name: str) -> None:
    assert user(**{name: {"age": 36}}) == {"userID": "42", "privateAttributes": {"age": 36}}


@pytest.mark.parametrize("name", ["statsigEnvironment", "statsig_environment"])
@pytest.mark.parametrize("environment", [{"tier": "staging"}, {}, {"tier": None}])
def test_environment_is_environment(name: str, environment: Any) -> None:
    assert user(**{name: environment}) == {"userID": "42", "statsigEnvironment": environment}


def test_dates_are_iso_8601_in_utc() -> None:
    moment = datetime(2026, 2, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    assert user(joined=moment)["custom"] == {"joined": "2026-02-01T10:30:00Z"}
    naive = datetime(2026, 2, 1, 12, 30)  # noqa: DTZ001
    assert user(visits=[naive])["custom"] == {"visits": ["2026-02-01T12:30:00Z"]}


def test_nested_attributes_stay_nested() -> None:
    nested = {"a": {"b": [1, None, {"c": datetime(2026, 1, 1, tzinfo=UTC)}]}}
    assert user(deep=nested)["custom"] == {
        "deep": {"a": {"b": [1, None, {"c": "2026-01-01T00:00:00Z"}]}}
    }


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"a": {1}}, "context.a: expected a JSON value or a datetime, got set"),
        ({"a": [b"x"]}, "context.a[0]: expected a JSON value or a datetime, got bytes"),
        ({"a": {"b": object()}}, "context.a.b: expected a JSON value or a datetime, got object"),
        ({"a": {1: 2}}, "context.a: expected strings as keys, got integer"),
        ({"custom": "x"}, "context.custom: expected an object, got string"),
        ({"custom_ids": {"a": True}}, "context.custom_ids.a: expected a string, got boolean"),
        ({"customIDs": {1: "a"}}, "context.customIDs: expected strings as keys, got integer"),
        (
            {"statsigEnvironment": {"tier": [1]}},
            "context.statsigEnvironment.tier: expected a string, got array",
        ),
        ({"targetingKey": True}, "context.targetingKey: expected a string, got boolean"),
    ],
)
def test_invalid_attribute_names_path(attributes: Any, problem: str) -> None:
    with pytest.raises(ResolutionError) as raised:
        user_of_context(None, attributes, needs_id=True)
    assert (raised.value.code, str(raised.value)) == ("INVALID_CONTEXT", problem)


def test_cyclic_attribute_is_invalid() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    with pytest.raises(ResolutionError, match="contains itself") as raised:
        user(loop=cycle)
    assert raised.value.code == "INVALID_CONTEXT"


def test_missing_id_is_error_if_required() -> None:
    for attributes in ({}, {"userID": ""}, {"customIDs": {}}, {"email": "a@b.c"}):
        with pytest.raises(ResolutionError, match="expected a targeting key") as raised:
            user_of_context(None, attributes, needs_id=True)
        assert raised.value.code == "TARGETING_KEY_MISSING"
        user_of_context(None, attributes, needs_id=False)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
KNOWN = st.sampled_from(
    (
        *("userID", "user_id", "email", "ip", "userAgent", "user_agent", "country", "locale"),
        *("appVersion", "custom", "customIDs", "custom_ids", "privateAttributes", "targetingKey"),
        *("private_attributes", "statsigEnvironment", "statsig_environment"),
    )
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "custom": st.dictionaries(st.text(max_size=5), VALUES, max_size=3),
        "customIDs": st.dictionaries(st.text(max_size=5), st.text() | st.integers(), max_size=3),
        "privateAttributes": st.dictionaries(st.text(max_size=5), VALUES, max_size=3),
        "statsigEnvironment": st.fixed_dictionaries({"tier": st.text(max_size=9)}),
    },
)
ENCODE = EventEncoder(None, None, 1_000_000, Clock())
CONTEXTS = st.tuples(
    st.none() | st.text(max_size=20),
    st.one_of(
        st.dictionaries(KNOWN | st.text(max_size=8), VALUES, max_size=6),
        st.builds(
            lambda objects, others: objects | others,
            OBJECTS,
            st.dictionaries(st.text(max_size=8), VALUES, max_size=3),
        ),
    ),
)


@pytest.mark.slow
@settings(max_examples=10_000)
@given(CONTEXTS)
def test_any_of_10_000_contexts_is_valid_or_rejected(context: Any) -> None:
    check_context(context)


@settings(max_examples=60)
@given(CONTEXTS)
def test_any_context_is_valid_or_rejected(context: Any) -> None:
    check_context(context)


def check_context(context: tuple[str | None, dict[str, Any]]) -> None:
    key, attributes = context
    try:
        converted = user_of_context(key, attributes, needs_id=True)
    except ResolutionError as error:
        code = error.code
    else:
        code = None
        check_user(key, converted)
    assert code in {None, "INVALID_CONTEXT", "TARGETING_KEY_MISSING"}


def check_user(key: str | None, converted: Any) -> None:
    # The user matches the schema, and every name of the context is a field or a custom attribute.
    parsed = StatsigUser.from_dict(converted)
    assert not parsed.additional_properties
    assert parsed.user_id or parsed.custom_ids
    if key:
        assert parsed.user_id == key
    try:
        serialize(parsed.to_dict())
        event = json.loads(ENCODE(converted, "an_event", None, None, None))
    except ValueError as error:  # what JSON does not have is left to the client
        problem, event = str(error), {"user": {}}
    else:
        problem = "lone surrogate"
    assert "privateAttributes" not in event["user"]
    assert "is not JSON" in problem or "lone surrogate" in problem
