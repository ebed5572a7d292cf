"""Types of parameters follow their schema, their declared type or their values."""

from typing import Any

import pytest

from statsig_api_client.flags.generation.definitions import Config, Parameter, Project
from statsig_api_client.flags.generation.errors import FlagsError
from statsig_api_client.flags.generation.layout import annotation
from statsig_api_client.flags.generation.sources import merge_parameters
from statsig_api_client.flags.generation.types import (
    ANY,
    NONE,
    Array,
    Enum,
    Object,
    Scalar,
    Type,
    Union,
    accepts,
    declared_type,
    fits,
    schema_type,
    type_of_values,
    zero,
)
from statsig_api_client.flags.generation.writer import Options, Package, write_package

BOOL, FLOAT, INT, STR = map(Scalar, ("bool", "float", "int", "str"))


def generated(*parameters: Parameter, **options: Any) -> Package:
    project = Project(source="a test", configs=(Config(name="home", parameters=parameters),))
    return write_package(project, Options(**options))


def line(parameter: Parameter, **options: Any) -> str:
    """Return the attribute of a parameter that is called a."""
    text = generated(parameter, **options).files["configs.py"]
    (found,) = [part.strip() for part in text.splitlines() if part.startswith("    a: ")]
    return found


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True], "bool"),
        ([1, 2], "int"),
        ([1, 2.5, 3], "float"),
        (["a", "b"], "str"),
        ([None, "a"], "str | None"),
        (["a", None, 1.5, 2], "str | float | None"),
        ([True, 1], "bool | int"),
        ([[], ["a"]], "Sequence[str]"),
        ([[1], [2.5]], "Sequence[float]"),
        ([["a"], []], "Sequence[str]"),
        ([[]], "Sequence[object]"),
        ([[["a"]], [[]]], "Sequence[Sequence[str]]"),
        ([None], "None"),
        ([], "object"),
    ],
)
def test_values_determine_narrowest_type(values: list[Any], expected: str) -> None:
    assert annotation(type_of_values(values)) == expected


def test_objects_merge_members() -> None:
    merged = type_of_values([{"a": 1}, {"a": 2.5, "b": "x"}, {"b": None}])
    assert merged == Object((("a", FLOAT), ("b", Union((STR, NONE)))))
    assert annotation(merged) == "Mapping[str, object]"


@pytest.mark.parametrize(
    ("declared", "values", "expected"),
    [
        ("string", ["a"], STR),
        ("string", [], STR),
        ("string", [1], STR),
        ("string", ["a", None], Union((STR, NONE))),
        ("boolean", [True], BOOL),
        ("number", [1], INT),
        ("number", [1, 2.5], FLOAT),
        ("number", [], FLOAT),
        ("array", [["a"]], Array(STR)),
        ("array", [], Array(ANY)),
        ("object", [{"a": 1}], Object((("a", INT),))),
        ("date", ["a"], STR),
    ],
)
def test_declared_type_is_refined(declared: str, values: list[Any], expected: Type) -> None:
    assert declared_type(declared, values) == expected


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "str"),
        ({"type": "boolean"}, "bool"),
        ({"type": "integer"}, "int"),
        ({"type": "number"}, "float"),
        ({"type": ["string", "null"]}, "str | None"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "int | None"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "float"),
        ({"enum": ["a", "b"]}, 'Literal["a", "b"]'),
        ({"enum": ["a", None]}, 'Literal["a"] | None'),
        ({"enum": [1, 2]}, "int"),
        ({"anyOf": [{"enum": ["a"]}, {"enum": ["b", "a"]}]}, 'Literal["a", "b"]'),
        ({"type": "array", "items": {"type": "integer"}}, "Sequence[int]"),
        ({"type": "array"}, "Sequence[object]"),
        ({"type": "object"}, "Mapping[str, object]"),
        ({"anyOf": [{"type": "array"}, {"type": "array", "items": {}}]}, None),
        ({"type": "array", "items": True}, None),
        ({"properties": []}, None),
        ({"anyOf": "a"}, None),
        ({"enum": "a"}, None),
        ({"type": "date"}, None),
        ({"$ref": "#/$defs/a"}, None),
    ],
)
def test_schema_determines_type(schema: Any, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="expected"):
            schema_type(schema)
    else:
        assert annotation(schema_type(schema)) == expected


def test_schema_of_object_has_members() -> None:
    schema: Any = {"properties": {"a": {"type": "string"}, "b": {"type": "array"}}}
    assert schema_type(schema) == Object((("a", STR), ("b", Array(ANY))))


def test_unknown_member_type_widens_union() -> None:
    assert type_of_values([[1], [{"a": []}]]) == Array(Union((INT, Object((("a", Array(ANY)),)))))
    assert schema_type({"anyOf": [{"type": "array"}]}) == Array(ANY)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        (FLOAT, INT, True),
        (INT, FLOAT, False),
        (ANY, STR, True),
        (STR, NONE, False),
        (Union((STR, NONE)), STR, True),
        (Union((STR, NONE)), Union((NONE, STR)), True),
        (STR, Union((NONE, STR)), False),
        (STR, Enum(("a",)), True),
        (Enum(("a", "b")), Enum(("a",)), True),
        (Enum(("a",)), Enum(("a", "b")), False),
        (Enum(("a",)), STR, False),
        (Array(FLOAT), Array(INT), True),
        (Array(STR), Array(INT), False),
        (Object((("a", FLOAT),)), Object((("a", INT), ("b", STR))), True),
        (Object((("a", STR),)), Object((("a", INT),)), False),
        (Object(()), Array(STR), False),
    ],
)
def test_wide_type_accepts_narrow_type(wide: Type, narrow: Type, *, expected: bool) -> None:
    assert accepts(wide, narrow) is expected


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ("a", Enum(("a",)), True),
        ("b", Enum(("a",)), False),
        (None, Union((STR, NONE)), True),
        (1, FLOAT, True),
        (1.5, INT, False),
        (["a"], Array(STR), True),
        ([1], Array(STR), False),
        ("a", Array(STR), False),
        ({"a": 1}, Object(()), True),
        ({"a": 1}, Object((("a", INT),)), True),
        ({"b": 1}, Object((("a", INT),)), False),
        (1, Object(()), False),
    ],
)
def test_default_fits_type(value: Any, type_: Type, *, expected: bool) -> None:
    assert fits(value, type_) is expected


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (BOOL, False),
        (INT, 0),
        (FLOAT, 0.0),
        (STR, ""),
        (NONE, None),
        (ANY, None),
        (Enum(("b", "a")), "b"),
        (Array(STR), []),
        (Object((("a", INT),)), {}),
        (Union((STR, NONE)), None),
        (Union((STR, INT)), ""),
    ],
)
def test_zero_fits_type(type_: Type, expected: Any) -> None:
    assert zero(type_) == expected


def test_number_choice_changes_type() -> None:
    parameter = Parameter(name="a", values=(1,), default=1)
    assert line(parameter) == "a: int = 1"
    assert line(parameter, numbers={"config.home.a": "float"}) == "a: float = 1.0"
    text = Parameter(name="a", values=("x",), default="x")
    assert line(text, numbers={"config.home.a": "float"}) == 'a: str = "x"'


def test_number_choice_mismatched_default_is_error() -> None:
    parameter = Parameter(name="a", values=(1.5,), default=1.5)
    with pytest.raises(FlagsError, match=r"numbers 'config.home.a': expected an int, got 1.5"):
        line(parameter, numbers={"config.home.a": "int"})


def test_number_choice_accepts_guessed_default() -> None:
    (parameter,) = merge_parameters({}, [("Test", {"a": 2.5})])
    assert line(parameter, numbers={"config.home.a": "int"}) == "a: int = 0"


def test_mixed_values_warn() -> None:
    package = generated(Parameter(name="a", values=(1, "x"), default=1))
    assert "a: int | str = 1" in package.files["configs.py"]
    assert package.warnings == ("config.home.a: values of several types: int | str",)


def test_config_without_parameters_warns() -> None:
    package = generated()
    assert package.warnings == ("config 'home': no known parameters",)
    assert 'home: Config[Parameters] = Config("home", Parameters)' in package.files["configs.py"]


def test_guessed_default_is_commented() -> None:
    parameters = merge_parameters(
        {"a": 1}, [("Control", {"b": 2}), ("Test", {"c": "x", "d": [1], "e": {"f": 1}})]
    )
    text = generated(*parameters).files["configs.py"]
    assert text.count("# Default: ") == 4
    assert "    a: int = 1\n    # Default: value of the group Control;" in text
    assert '    # Default: zero value; the project has no default.\n    c: str = ""\n' in text
    assert "    d: Sequence[int] = []\n" in text
    assert "    e: HomeE = HomeE()\n" in text


def test_object_becomes_typed_dict() -> None:
    value = {"name": "x", "sizes": [1], "inner": {"dark": True}}
    text = generated(Parameter(name="theme", values=(value,), default=value)).files["configs.py"]
    assert "class HomeThemeInner(TypedDict, total=False):\n    dark: bool\n" in text
    assert "    inner: HomeThemeInner\n" in text
    assert "    theme: HomeTheme = HomeTheme(" in text


@pytest.mark.parametrize("key", ["a-b", "class", "__a", "1a", "str", ""])
def test_object_with_other_keys_is_mapping(key: str) -> None:
    parameter = Parameter(name="a", values=({key: 1},), default={key: 1})
    assert line(parameter) == f'a: Mapping[str, object] = {{"{key}": 1}}'


def test_optional_object_default_is_none() -> None:
    parameter = Parameter(name="a", values=(None, {"b": 1}), default=None)
    assert line(parameter) == "a: HomeA | None = None"
