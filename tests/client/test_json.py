"""The two JSON codecs, which must serialize, parse and reject the same values."""

import json
import math
import subprocess
import sys
from collections import OrderedDict
from enum import Enum, IntEnum, StrEnum
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsig_api_client._json import Codec, CodecChoice, OrjsonCodec, StandardCodec

BY_JSON, BY_ORJSON = StandardCodec(), OrjsonCodec()


class Word(StrEnum):
    A = "a"


class Level(IntEnum):
    ONE = 1


class Anything(Enum):
    LIST = (1, None)
    NAN = math.nan
    OBJECT = object()


class Pair(NamedTuple):
    first: object
    second: object


class Text(str):
    __slots__ = ()


class Count(int):
    pass


class Number(float):  # as `numpy.float64`
    pass


# Valid and invalid values of attributes and metadata.
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=2**62, max_value=2**66)
    | st.integers(min_value=-(2**66), max_value=-(2**62))
    | st.floats()
    | st.text(st.characters())
    | st.text(st.characters(categories=["Cs", "Ll", "Cc"]))
    | st.sampled_from([Text("t"), Count(7), Number(1.5), Number(math.nan), Count(2**70)])
    | st.sampled_from([Word.A, Level.ONE, *Anything, UUID(int=7), b"x", object(), 1j])
)
KEYS = st.text(st.characters()) | st.integers() | st.floats() | st.none() | st.booleans()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.builds(Pair, inner, inner)
        | st.dictionaries(st.text(st.characters()), inner)
        | st.dictionaries(KEYS, inner)
        | st.dictionaries(st.text(), inner).map(OrderedDict)
    ),
)


def outcome(does: Any, value: object) -> object:
    """Return the result, which distinguishes 1 from 1.0 and True, or the class of the error."""
    try:
        result = does(value)
    except (TypeError, ValueError, RecursionError) as error:
        return type(error), str(error)
    return repr(json.loads(result)) if isinstance(result, bytes) else repr(result)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@given(VALUES)
@example(nested(253))
@example(nested(300))
@example({"a": "null"})
@example({"a": None, "b": math.nan})
@example({"a": [None, 1.5, True, "x", 3], "b": {"c": []}})
@example({"a": None, "b": UUID(int=7)})
@example([None, {"a": [math.inf]}])
@example({"a": ":null,"})
@example(Number(math.nan))
@example(math.nan)
@example(None)
@example([Text("t"), Count(7), Number(1.5)])
@example(5e-324)
@example(10**5000)
def test_codecs_serialize_alike(value: object) -> None:
    assert outcome(BY_ORJSON.serialize, value) == outcome(BY_JSON.serialize, value)


TEXTS = (
    VALUES.map(lambda value: json.dumps(value, default=str, skipkeys=True))
    | st.from_regex(r"-?[0-9]{17,22}(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
    | st.from_regex(r'[\[{]("a":)?-?[0-9eE.+-]{1,25}[\]},]', fullmatch=True)
    | st.from_regex(r'"(\\[u"nx/][0-9a-f]{0,5}|.|\n){0,8}"', fullmatch=True)
    | st.lists(
        st.sampled_from([*'{}[]:,"', " ", "\n", "1", "-", "null", "true", '"a"', "NaN"])
    ).map("".join)
)


@given(TEXTS.map(lambda text: text.encode(errors="surrogatepass")) | st.binary())
@example(b'{"a":1,"b":2,"a":3}')
@example(b"18446744073709551616")
@example(b'[{"a":18446744073709551616}, -18446744073709551616, 18446744073709551616]')
@example(b'["18446744073709551616","18446744073709551616184467440737095516161844674407370955"]')
@example(b"[0.12345678901234567890123, 18446744073709551616.12345678901234567890]")
@example(b"-9223372036854775809")
@example(b"1e400")
@example(b"-0")
@example(b"\xef\xbb\xbf{}")
@example(b'"\\ud800"')
@example(b'"\xff"')
@example(b'"\xed\xa0\x80"')
@example(b"[" * 2000 + b"]" * 2000)
@example(b"[" * 600 + b"]" * 600)
@example(b'"a\nb"')
@example(b"9" * 5000)
@example(b"")
def test_codecs_parse_alike(content: bytes) -> None:
    assert outcome(BY_ORJSON.parse, content) == outcome(BY_JSON.parse, content)


@pytest.mark.parametrize("codec", [BY_JSON, BY_ORJSON])
def test_large_integers_are_exact(codec: Codec) -> None:
    for value in (2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30):
        assert codec.parse(codec.serialize({"n": value})) == {"n": value}


# ---- Choice of the codec ----


@pytest.mark.parametrize("installed", [True, False])
def test_orjson_is_used_if_installed(installed: bool) -> None:  # noqa: FBT001
    program = f"""
import sys
if not {installed}:
    sys.modules["orjson"] = None
from statsig_api_client._json import codec
chosen = codec(1000)
print(type(chosen).__name__, codec() is chosen, chosen.parse(chosen.serialize([1])))
"""
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert result.stdout.split() == ["OrjsonCodec" if installed else "StandardCodec", "True", "[1]"]


def test_missing_orjson_leaves_standard_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "orjson", None)
    assert isinstance(CodecChoice()(1000), StandardCodec)


@pytest.mark.parametrize(
    ("weight", "uses"),
    [pytest.param(1, 31, id="small bodies"), pytest.param(500, 0, id="large body")],
)
def test_orjson_is_imported_when_it_pays(
    monkeypatch: pytest.MonkeyPatch, weight: int, uses: int
) -> None:
    monkeypatch.delitem(sys.modules, "uuid")
    choice = CodecChoice()
    kinds = [type(choice(weight)) for _ in range(uses + 1)]
    assert kinds == [StandardCodec] * uses + [OrjsonCodec]


def test_orjson_is_immediate_if_imports_exist() -> None:
    import dataclasses
    import uuid

    assert dataclasses
    assert uuid
    assert isinstance(CodecChoice()(), OrjsonCodec)
