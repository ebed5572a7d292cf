"""Base classes of gates and configs: truthiness, and typed access to parameters."""

import logging
from collections.abc import Mapping
from typing import Any, TypeAlias

import pytest
from hypothesis import given

from statsig_api_client.generated import DynamicConfig, Experiment, FeatureGate, Layer
from tests.support.strategies import json_values, texts

Lines: TypeAlias = pytest.LogCaptureFixture

each_kind = pytest.mark.parametrize("kind", [DynamicConfig, Experiment, Layer])


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Everything that the client logs, at any level."""
    caplog.set_level(logging.DEBUG, logger="statsig_api_client")
    return caplog


def config(**value: Any) -> DynamicConfig:
    return DynamicConfig(name="homepage", value=value)


def fits(value: object, default: object) -> bool:
    """Return whether a value has the type of a default, by other means than the code."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    for kind in (int, str, list | tuple, Mapping):
        if isinstance(default, kind):
            return isinstance(value, kind)
    return False


# ---- Gates ----


@pytest.mark.parametrize("passes", [True, False])
def test_gate_is_truthy_if_it_passes(passes: bool) -> None:  # noqa: FBT001
    assert bool(FeatureGate(name="staff", value=passes)) is passes
    assert bool(FeatureGate.from_dict({"name": "staff", "value": passes})) is passes


@each_kind
def test_empty_config_is_truthy(kind: Any) -> None:
    assert kind(name="homepage", value={})


# ---- Laws of get ----


@given(value=json_values(), default=json_values().filter(lambda default: default is not None))
def test_get_returns_value_of_type_or_default(lines: Lines, value: Any, default: Any) -> None:
    lines.clear()
    result = config(x=value).get("x", default)
    if fits(value, default):
        assert result is value
        assert not lines.records
    else:
        assert result is default
        assert [record.levelname for record in lines.records] == ["DEBUG"]


@given(value=json_values())
def test_get_without_default_returns_any_value(lines: Lines, value: Any) -> None:
    lines.clear()
    assert config(x=value).get("x") is value
    assert config(x=value).get("x", None) is value
    assert not lines.records


@given(name=texts(), default=json_values())
def test_get_missing_parameter_returns_default_silently(
    lines: Lines, name: str, default: Any
) -> None:
    lines.clear()
    assert config().get(name, default) is default
    assert config().get(name) is None
    assert not lines.records


@given(name=texts(), value=texts())
def test_get_accepts_any_name(name: str, value: str) -> None:
    assert config(**{name: value}).get(name, "default") is value


# ---- Examples of get ----


@pytest.mark.parametrize(
    ("value", "default"),
    [
        ("blue", ""),
        (True, False),
        (3, 0),
        (2.5, 0.0),
        (3, 0.5),  # an integer is accepted for a float
        (2**63, 0.5),
        ([1, "a"], []),
        ([], ["a"]),
        ([1], ()),
        ({"a": 1}, {}),
        ({}, {"a": 1}),
    ],
)
@each_kind
def test_get_returns_value_of_same_type(kind: Any, value: Any, default: Any) -> None:
    assert kind(name="homepage", value={"x": value}).get("x", default) is value


@pytest.mark.parametrize(
    ("value", "default"),
    [
        (True, 0),  # a boolean is never a number
        (False, 0.5),
        (1, True),
        (0.0, False),
        (2.5, 3),  # a number with a fraction is not an integer,
        (2.0, 3),  # even if the fraction is zero
        ("3", 3),
        ("true", True),
        (3, "3"),
        (None, "blue"),
        (None, 3),
        ({}, []),
        ([], {}),
        ("ab", ["a", "b"]),
        (["a"], "a"),
    ],
)
@each_kind
def test_get_returns_default_for_other_type(kind: Any, value: Any, default: Any) -> None:
    assert kind(name="homepage", value={"x": value}).get("x", default) is default


TYPES = [(True, bool), (3, int), (2.5, float), (3, float), ("blue", str), ([1], list), ({}, dict)]


@pytest.mark.parametrize(("value", "kind"), TYPES)
def test_get_with_type_returns_value_of_type(value: Any, kind: Any) -> None:
    assert config(x=value).get("x", type=kind) is value


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, int),
        (True, float),
        (1, bool),
        (2.0, int),
        (3, str),
        (None, str),
        ({}, list),
        ([], dict),
    ],
)
def test_get_with_type_rejects_other_type(lines: Lines, value: Any, kind: Any) -> None:
    lines.clear()
    assert config(x=value).get("x", type=kind) is None
    (line,) = lines.messages
    assert line.endswith(" as required; the default is used")


@pytest.mark.parametrize("kind", [kind for _, kind in TYPES])
def test_get_with_type_returns_none_if_missing(lines: Lines, kind: Any) -> None:
    lines.clear()
    assert config().get("x", type=kind) is None
    assert not lines.records


@pytest.mark.parametrize("kind", [bytes, object, "str", [], type(None)])
def test_get_with_unknown_type_raises_type_error(kind: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^type: expected bool, int, float, str, list or dict, got "
    ):
        config(x="blue").get("x", type=kind)


def test_get_with_type_and_default_raises() -> None:
    call: Any = config(x="blue").get
    with pytest.raises(TypeError, match=r"^type: expected no default together with a type"):
        call("x", "red", type=str)


def test_log_message_names_parameter_and_types(
    lines: Lines,
) -> None:
    assert config(button_color=5).get("button_color", "blue") == "blue"
    (line,) = lines.messages
    assert line == (
        "'homepage': parameter 'button_color' is of type integer, not string as its default; "
        "the default is used"
    )


def test_log_message_is_one_line_without_value(
    lines: Lines,
) -> None:
    odd = DynamicConfig(name="a\nb\ud800", value={"c\nd": "secret"})
    assert odd.get("c\nd", 5) == 5
    (record,) = lines.records
    assert "secret" not in record.getMessage()
    assert record.getMessage().isprintable()
