"""Flag keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client._openfeature.errors import ResolutionError
from statsig_api_client._openfeature.keys import FlagKey
from statsig_api_client._openfeature.resolution import entity_kind, other_kind
from statsig_api_client._openfeature.values import (
    BOOLEAN,
    FLOAT,
    INTEGER,
    OBJECT,
    STRING,
    ValueType,
)


@pytest.mark.parametrize(
    ("text", "kind", "name", "parameter"),
    [
        ("new_checkout", None, "new_checkout", None),
        ("my config. 2-b", None, "my config. 2-b", None),
        ("homepage:button_color", None, "homepage", "button_color"),
        ("homepage:a:b", None, "homepage", "a:b"),
        ("gate:new_checkout", "gate", "new_checkout", None),
        ("config:homepage", "config", "homepage", None),
        ("config:layer:x", "config", "layer", "x"),
        ("experiment:logo_test:shape", "experiment", "logo_test", "shape"),
        ("layer:product_page", "layer", "product_page", None),
        ("layer:product_page:show_reviews", "layer", "product_page", "show_reviews"),
        ("layer", None, "layer", None),
    ],
)
def test_key_has_parts(text: str, kind: str | None, name: str, parameter: str | None) -> None:
    key = FlagKey.parse(text)
    assert (key.kind, key.name, key.parameter) == (kind, name, parameter)
    assert str(key) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "flag key: expected [KIND:]NAME[:PARAMETER], got ''"),
        ("layer:", "flag key: expected [KIND:]NAME[:PARAMETER], got 'layer:'"),
        ("homepage:", "flag key: expected [KIND:]NAME[:PARAMETER], got 'homepage:'"),
        (":x", "flag key: expected [KIND:]NAME[:PARAMETER], got ':x'"),
        ("gate:a:b", "gate:a:b: a gate has no parameters; remove ':b'"),
    ],
)
def test_invalid_key_is_not_found(text: str, problem: str) -> None:
    with pytest.raises(ResolutionError) as raised:
        FlagKey.parse(text)
    assert (raised.value.code, str(raised.value)) == ("FLAG_NOT_FOUND", problem)


@given(st.text())
def test_any_text_parses_or_is_not_found(text: str) -> None:
    try:
        key = FlagKey.parse(text)
    except ResolutionError as error:
        code, parsed = error.code, text
    else:
        code, parsed = "FLAG_NOT_FOUND", ":".join(filter(None, (key.kind, key.name, key.parameter)))
    assert (code, parsed) == ("FLAG_NOT_FOUND", text)


@pytest.mark.parametrize(
    ("text", "value_type", "kind", "other"),
    [
        ("a", BOOLEAN, "gate", "config"),
        *(("a", value_type, "config", "gate") for value_type in (STRING, INTEGER, FLOAT, OBJECT)),
        ("a:b", BOOLEAN, "config", None),
        ("a:b", STRING, "config", None),
        ("gate:a", STRING, "gate", None),
        ("config:a", BOOLEAN, "config", None),
        ("experiment:a", OBJECT, "experiment", None),
        ("layer:a:b", BOOLEAN, "layer", None),
    ],
)
def test_key_and_type_select_kind(
    text: str, value_type: ValueType[object], kind: str, other: str | None
) -> None:
    key = FlagKey.parse(text)
    selected = entity_kind(key, value_type)
    assert (selected, other_kind(key, selected)) == (kind, other)
