"""Files that are not valid OpenAPI: exit code 2, and every problem with its file and line."""

from pathlib import Path

import pytest
from attrs import frozen

import generate
from generator.output import MARKER

from .spec_edits import LAYER, SPEC, USER


@frozen
class InvalidFile:
    """A replacement in the spec that makes it invalid."""

    name: str
    old: str
    new: str
    line_start: str
    """A text on the line of the problem."""
    message: str


FILES = [
    InvalidFile(
        "invalid YAML", "  title: Statsig", "  title: [Statsig", "version: 1.0.0", "invalid YAML: "
    ),
    InvalidFile("tab", "info:\n", "info:\n\t", "\t  title", "invalid YAML: found character '\\t'"),
    InvalidFile(
        "duplicate key",
        "      operationId: getLayer\n",
        "      operationId: getLayer\n      operationId: getTheLayer\n",
        "getTheLayer",
        f"{LAYER}/operationId: duplicate key, first used on line ",
    ),
    InvalidFile(
        "key that is not a string",
        '"404":',
        "404:",
        " 404:",
        f"{LAYER}/responses/404: expected a string key",
    ),
    InvalidFile(
        "value that is not JSON",
        "example: user-123\n",
        "example: 2021-03-27\n",
        "2021-03-27",
        f"{USER}/properties/userID/example: expected a JSON value, got a date",
    ),
    InvalidFile(
        "number that is not JSON",
        "example: 9.99\n",
        "example: .inf\n",
        ".inf",
        "#/components/schemas/StatsigEvent/properties/value/example: expected a finite number",
    ),
    InvalidFile(
        "OpenAPI 3.0",
        "openapi: 3.1.0",
        "openapi: 3.0.3",
        "openapi: 3.0.3",
        "#/openapi: expected 3.1.x, got '3.0.3'",
    ),
    InvalidFile(
        "unknown OpenAPI key",
        "      operationId: getLayer\n",
        "      operationId: getLayer\n      bodi: {}\n",
        "    post:\n      operationId: getLayer",
        f"{LAYER}: Unevaluated properties are not allowed ('bodi' was unexpected)",
    ),
    InvalidFile(
        "unknown JSON Schema type",
        "type: number\n",
        "type: numeric\n",
        "type: numeric",
        "#/components/schemas/RankedVariant/properties/score/type: 'numeric' is not",
    ),
    InvalidFile(
        "dangling reference",
        "schemas/GetLayerRequest",
        "schemas/GetLayersRequest",
        "schemas/GetLayersRequest",
        f"{LAYER}/requestBody/content/application~1json/schema/$ref: "
        "'#/components/schemas/GetLayersRequest' does not exist",
    ),
    InvalidFile(
        "reference to another document",
        "#/components/schemas/GetLayerRequest",
        "layers.yaml#/GetLayerRequest",
        "layers.yaml",
        f"{LAYER}/requestBody/content/application~1json/schema/$ref: "
        "expected a reference to #/components/schemas, got 'layers.yaml#/GetLayerRequest'",
    ),
    InvalidFile(
        "reference to itself",
        "    JsonValue:\n",
        "    JsonValue:\n      $ref: '#/components/schemas/JsonValue'\n",
        "$ref: '",
        "#/components/schemas/JsonValue/$ref: '#/components/schemas/JsonValue' refers to itself",
    ),
    InvalidFile(
        "wrong example",
        "example: user-123\n",
        "example: 123\n",
        "example: 123\n",
        f"{USER}/properties/userID/example: 123 is not of type 'string'",
    ),
    InvalidFile(
        "wrong default",
        "default: true\n",
        "default: yes it is\n",
        "default: yes it is",
        "#/components/schemas/LogEventResult/properties/success/default: 'yes it is' is not",
    ),
]


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_invalid_file_is_reported_with_line(
    case: InvalidFile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = SPEC.read_text(encoding="utf-8")
    assert case.old in source
    spec = tmp_path / "broken.yaml"
    spec.write_text(source.replace(case.old, case.new, 1), encoding="utf-8")
    old = tmp_path / "package" / "generated" / "__init__.py"
    old.parent.mkdir(parents=True)
    old.write_text(MARKER)

    assert generate.main(["--spec", str(spec), "--output", str(old.parent)]) == 2

    line = spec.read_text(encoding="utf-8").partition(case.line_start)[0].count("\n") + 1
    assert f"broken.yaml:{line}: {case.message}" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "package").rglob("*")] == ["generated", "__init__.py"]
    assert old.read_text() == MARKER


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", ":1: expected a mapping at the top level", id="empty"),
        pytest.param(b"- openapi", ":1: expected a mapping at the top level", id="list"),
        pytest.param(b"info: \xff", ": cannot be read: ", id="not UTF-8"),
        pytest.param(b"info: \x07", ":1: invalid YAML: unacceptable character", id="control"),
        pytest.param(b"info: &a [*a]", ":1: a YAML alias refers to its own anchor", id="cycle"),
        pytest.param(
            b"info:\n  version: 2026-02-30",
            ":2: invalid YAML: day is out of range for month",
            id="impossible date",
        ),
        pytest.param(
            b'{"info":\n{"title": "\\ud83d"}}',
            ":2: invalid YAML: a string contains half of a surrogate pair",
            id="lone surrogate",
        ),
        pytest.param(None, ": cannot be read: ", id="missing"),
    ],
)
def test_file_without_spec_is_reported(
    content: bytes | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "broken.yaml"
    if content is not None:
        spec.write_bytes(content)
    assert generate.main(["--check", "--spec", str(spec), "--output", str(tmp_path)]) == 2
    assert f"broken.yaml{message}" in capsys.readouterr().err


def test_problem_in_yaml_alias_is_reported_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # All error responses share one body by an alias.
    source = SPEC.read_text(encoding="utf-8")
    spec = tmp_path / "broken.yaml"
    spec.write_text(source.replace("schemas/ErrorResponse", "schemas/Errors", 1), encoding="utf-8")
    assert generate.main(["--spec", str(spec), "--output", str(tmp_path / "generated")]) == 2
    (message,) = capsys.readouterr().err.splitlines()
    assert "'#/components/schemas/Errors' does not exist" in message
