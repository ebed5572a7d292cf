"""YAML parsing: both loaders agree, and hostile documents raise errors."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from statsig_api_client.local import ProjectError
from statsig_api_client.local.project import yaml_reader
from statsig_api_client.local.project.yaml_reader import read_yaml
from tests.support.conditions import CASES

FILE = Path("project.yaml")
NESTED_LISTS = st.recursive(
    st.sampled_from(
        ["1", "1.10", "-.5e3", "no", "true", "~", "''", '"\\u00e9"', "2026-01-01", "é"]
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
)
LINES = st.lists(
    st.sampled_from(
        ["a: 1", "  b: [1, 2]", "- c", "d: &x {e: f}", "g: *x", "# h", "i: |", "  j", ""]
    )
).map("\n".join)


# PyYAML treats the tag `!` as absent, libyaml as a string, as specified.
TEXT = st.text(st.characters(exclude_characters="!"), max_size=40)


def parsed(text: str) -> object:
    try:
        return read_yaml(FILE, text).json()
    except ProjectError as error:
        return str(error)


@given(TEXT | NESTED_LISTS | LINES | st.sampled_from([case[0] for case in CASES]))
@example('"\\ud83d"')
@example("a: b\r\n\x85c: d")
@example("{a: 1, b}")
@example("<<: {a: 1}")
@example("a: b\tc")
@example("a: &x 1\nb: &x 2")
@example("a: *x")
@example("? [a]\n: b")
@example("a: !!str 1\nb: ! 2")
def test_loaders_agree(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml_reader, "LOADERS", yaml_reader.LOADERS[-1:])
        expected = parsed(text)
    # PyYAML rejects tabs in plain scalars, which the specification allows.
    if not str(expected).startswith(f"{FILE}:") or "invalid YAML" not in str(expected):
        assert parsed(text) == expected


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_deep_nesting_raises(opening: str) -> None:
    with pytest.raises(ProjectError, match="nested too deeply"):
        read_yaml(FILE, "a:\n  " + opening * 100_000)


def test_closed_deep_nesting_raises() -> None:
    with pytest.raises(ProjectError, match="nested too deeply"):
        read_yaml(FILE, "a: " + "[" * 500 + "]" * 500)


def test_multiplying_aliases_raise() -> None:
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    with pytest.raises(ProjectError, match="aliases add more than 1,000,000 values"):
        read_yaml(FILE, "\n".join(["a0: &a0 {b: c}", *levels]))


def test_aliases_within_limit_expand() -> None:
    entry = read_yaml(FILE, "a: &a [1, 2]\nb: [*a, *a]")
    assert entry.json() == {"a": [1, 2], "b": [[1, 2], [1, 2]]}


def test_alias_of_its_own_value_parses() -> None:
    assert read_yaml(FILE, "a: &a [*a]").mapping()["a"].items()[0].is_list()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: &x 1\nb: &x 2", "second occurrence", id="duplicate anchor"),
        pytest.param("a: *x", "found undefined alias", id="undefined alias"),
    ],
)
def test_invalid_alias_raises(text: str, message: str) -> None:
    with pytest.raises(ProjectError, match=message):
        read_yaml(FILE, text)
