"""Serialization of requests, and errors for values that cannot be serialized."""

import datetime as dt
import decimal
import json
import math
import sys
from collections import ChainMap, OrderedDict, UserDict, UserList, deque
from collections.abc import Iterator, Mapping
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import StatsigUser, _json
from statsig_api_client._json import Codec, OrjsonCodec, StandardCodec, serialize
from tests.support.clients import ClientFactory, ScriptedResponse, on_any_library


@pytest.fixture(autouse=True, params=[StandardCodec, OrjsonCodec])
def codec(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Codec:
    """Run all tests with and without orjson."""
    made: Codec = request.param()
    monkeypatch.setattr(_json, "codec", lambda *_: made)
    return made


NAN = float("nan")


def custom(value: Any) -> dict[str, Any]:
    return {"user": {"userID": "42", "custom": {"a": value}}, "gateName": "a_gate"}


# ---- Serialization ----


def test_json_is_compact_and_utf_8() -> None:
    assert (
        serialize({"a": [1, 2.5, None, True], "ä": "🙂"})
        == '{"a":[1,2.5,null,true],"ä":"🙂"}'.encode()
    )


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(),
        lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    )
)
def test_serialized_values_round_trip(value: Any) -> None:
    assert json.loads(serialize({"a": value})) == {"a": value}


class Plan(StrEnum):
    PRO = "pro"


class Level(IntEnum):
    HIGH = 3


class Plain(Enum):
    ONE = 1
    PAIR = (1, 2)
    NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ((1, 2), [1, 2]),
        (MappingProxyType({"x": 1}), {"x": 1}),
        (OrderedDict(x=1), {"x": 1}),
        (ChainMap({"x": 1}), {"x": 1}),
        (UserDict(x=MappingProxyType({"y": (1,)})), {"x": {"y": [1]}}),
        (UserList([1]), [1]),
        (deque([1]), [1]),
        (range(3), [0, 1, 2]),
        (Plan.PRO, "pro"),
        (Level.HIGH, 3),
        (-0.0, -0.0),
        (2**63, 2**63),
        (1.7976931348623157e308, 1.7976931348623157e308),
        (Plain.ONE, 1),
        (Plain.PAIR, [1, 2]),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_mappings_and_sequences_are_serialized(value: object, written: object) -> None:
    assert json.loads(serialize(custom(value)))["user"]["custom"]["a"] == written


# ---- Unserializable values ----


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (NAN, "user.custom.a: NaN is not JSON"),
        (math.inf, "user.custom.a: Infinity is not JSON"),
        (-math.inf, "user.custom.a: -Infinity is not JSON"),
        ([None, [True, NAN]], "user.custom.a[1][1]: NaN is not JSON"),
        ({"b c": {"d": NAN}}, 'user.custom.a["b c"].d: NaN is not JSON'),
        (MappingProxyType({"b": NAN}), "user.custom.a.b: NaN is not JSON"),
        ((0, NAN), "user.custom.a[1]: NaN is not JSON"),
        (Plain.NAN, "user.custom.a: NaN is not JSON"),
        ([UUID(int=1), Plain.PAIR, NAN], "user.custom.a[2]: NaN is not JSON"),
        ("\ud800", "user.custom.a: lone surrogate"),
        ({"\udfff": 1}, "user.custom.a: lone surrogate in a key"),
        ({NAN: 1}, "user.custom.a: NaN as a key is not JSON"),
        pytest.param(10**5000, "user.custom.a: integer is too long", id="huge"),
    ],
)
def test_unserializable_value_has_path(value: object, problem: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011  (the whole message is compared)
        serialize(custom(value))
    assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (object(), "object"),
        (b"bytes", "bytes"),
        (bytearray(b"x"), "bytearray"),
        (memoryview(b"x"), "memoryview"),
        ({1}, "set"),
        (decimal.Decimal("9.99"), "Decimal"),
        (dt.datetime.now(dt.UTC), "datetime"),
        (iter([1]), "list_iterator"),
        (1j, "complex"),
        (Any, "_AnyMeta"),
    ],
)
def test_unserializable_type_has_path(value: object, kind: str) -> None:
    with pytest.raises(TypeError) as raised:
        serialize(custom([0, value]))
    assert str(raised.value).startswith(f"user.custom.a[1]: {kind} is not JSON")


def test_unserializable_key_has_path() -> None:
    with pytest.raises(TypeError, match=r"^user\.custom\.a: tuple as a key is not JSON$"):
        serialize(custom({(1, 2): 3}))


def test_nested_model_is_rejected_with_hint() -> None:
    with pytest.raises(TypeError) as raised:
        serialize({"events": [{"eventName": "e1", "user": StatsigUser(user_id="42")}]})
    assert str(raised.value) == (
        "events[0].user: StatsigUser is not JSON; convert it with to_dict()"
    )


def test_cycle_is_rejected_with_path() -> None:
    circle: dict[str, Any] = {}
    circle["b"] = [circle]
    with pytest.raises(ValueError, match=r"^user\.custom\.a\.b\[0\]: contains itself$"):
        serialize(custom(circle))


def test_shared_value_is_not_cycle() -> None:
    shared = {"x": 1}
    parsed = json.loads(serialize(custom([shared, shared])))
    assert parsed["user"]["custom"]["a"] == [shared, shared]


def test_deep_nesting_is_rejected_with_path() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(
        ValueError, match=r"^user\.custom\.a\[0\]\[0\].*…: nested too deep for JSON$"
    ):
        serialize(custom(deep))
    while deep:  # free it in steps, since freeing it at once may overflow the stack
        deep = deep.pop()


def test_deep_caller_stack_is_reported(codec: Codec) -> None:
    if isinstance(codec, OrjsonCodec) or sys.version_info >= (3, 12):
        pytest.skip("orjson does not depend on the caller's stack, nor does json since Python 3.12")
    deep: Any = []
    for _ in range(100):
        deep = [deep]

    def recurse(left: int) -> Exception:
        if left:
            return recurse(left - 1)
        with pytest.raises(ValueError, match="the request is nested too deep") as raised:
            serialize(custom(deep))
        return raised.value

    def deepest() -> int:
        try:
            return 1 + deepest()
        except RecursionError:
            return 1

    assert recurse(deepest() - 60)


class Endless(Mapping[str, Any]):
    """A map of infinite depth."""

    def __getitem__(self, key: str) -> Any:
        return Endless()

    def __iter__(self) -> Iterator[str]:
        return iter(["more"])

    def __len__(self) -> int:
        return 1


def test_endless_mapping_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"^user\.custom\.a\.more\.more.*…: nested too deep"):
        serialize(custom(Endless()))


@on_any_library
def test_unserializable_request_is_not_sent(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse())
    user = StatsigUser(user_id="42", custom={"score": NAN})
    with pytest.raises(ValueError, match=r"^user\.custom\.score: NaN is not JSON$"):
        statsig.check_gate(user, "a_gate")
    with pytest.raises(ValueError, match=r"^events\[1\]\.user\.custom\.score: NaN is not JSON$"):
        statsig.log_events([{"eventName": "e1"}, {"eventName": "e2", "user": user.to_dict()}])
    with pytest.raises(ValueError, match=r"^gateName: lone surrogate$"):
        statsig.check_gate({"userID": "42"}, "\ud800")
    assert make.sent == []
