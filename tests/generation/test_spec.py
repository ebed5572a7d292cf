"""`openapi.yaml` itself: valid OpenAPI with valid examples."""

import copy
import json
from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

import pytest
from attrs import frozen
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from .spec_edits import Json, edited, ref

Pointer: TypeAlias = tuple[str | int, ...]
SPEC: Json = json.loads(json.dumps(edited()))  # nodes behind YAML aliases are independent


@frozen
class Example:
    """An example in the spec, and the schema that it must match."""

    pointer: Pointer
    kind: str
    schema: Json
    value: Json


def examples(spec: Json) -> Iterator[Example]:
    for name, schema in spec["components"]["schemas"].items():
        yield from of_schema(schema, ("components", "schemas", name), "schema")
    for kind in ("parameters", "headers"):
        for name, described in spec["components"][kind].items():
            pointer = ("components", kind, name)
            yield from of_value(described, pointer, kind.removesuffix("s"))
    for name, response in spec["components"]["responses"].items():
        yield from of_media(response, ("components", "responses", name), "error")
    for path, item in spec["paths"].items():
        pointer = ("paths", path, "post")
        operation = item["post"]
        yield from of_media(operation["requestBody"], (*pointer, "requestBody"), "request")
        for status, response in operation["responses"].items():
            yield from of_media(response, (*pointer, "responses", status), "response")


def of_schema(schema: Json, pointer: Pointer, kind: str) -> Iterator[Example]:
    if "example" in schema:
        yield Example((*pointer, "example"), kind, schema, schema["example"])
    for name, part in schema.get("properties", {}).items():
        yield from of_schema(part, (*pointer, "properties", name), "property")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from of_schema(schema[key], (*pointer, key), "part")
    for index, part in enumerate(schema.get("anyOf", [])):
        yield from of_schema(part, (*pointer, "anyOf", index), "part")


def of_media(holder: Json, pointer: Pointer, kind: str) -> Iterator[Example]:
    for media, content in holder.get("content", {}).items():
        yield from of_value(content, (*pointer, "content", media), kind)


def of_value(described: Json, pointer: Pointer, kind: str) -> Iterator[Example]:
    schema = described["schema"]
    if "example" in described:
        yield Example((*pointer, "example"), kind, schema, described["example"])
    for name, example in described.get("examples", {}).items():
        yield Example((*pointer, "examples", name, "value"), kind, schema, example["value"])


def violations(schema: Json, value: Json) -> list[str]:
    validator = Draft202012Validator({**schema, "components": SPEC["components"]})
    return [error.message for error in validator.iter_errors(value)]


EXAMPLES = list(examples(SPEC))


def test_spec_is_valid_openapi() -> None:
    assert list(OpenAPIV31SpecValidator(SPEC).iter_errors()) == []


@pytest.mark.parametrize(
    "kind", ["schema", "property", "parameter", "header", "request", "response", "error"]
)
def test_examples_match_their_schemas(kind: str) -> None:
    wrong = {
        example.pointer: found
        for example in EXAMPLES
        if example.kind == kind and (found := violations(example.schema, example.value))
    }
    assert wrong == {}


def test_all_examples_are_checked() -> None:
    assert {example.pointer for example in EXAMPLES} == set(written_examples(SPEC, ()))
    numbers = Counter(example.kind for example in EXAMPLES)
    at_least = Counter(
        schema=25, property=50, parameter=4, header=1, request=10, response=15, error=8
    )
    assert numbers >= at_least


def written_examples(node: Json, pointer: Pointer) -> Iterator[Pointer]:
    """Yield the pointer of every example."""
    if isinstance(node, list):
        for index, part in enumerate(node):
            yield from written_examples(part, (*pointer, index))
    if isinstance(node, dict):
        for key, part in node.items():
            if pointer[-1:] == ("properties",) or key not in ("example", "examples"):
                yield from written_examples(part, (*pointer, key))
            elif key == "example":
                yield (*pointer, key)
            else:
                yield from ((*pointer, key, name, "value") for name in part)


def test_wrong_examples_are_found() -> None:
    for example in EXAMPLES:
        if example.pointer[2] == "JsonValue" or example.schema == ref("JsonValue"):
            continue  # any value matches
        spec = copy.deepcopy(SPEC)
        *steps, last = example.pointer
        holder = spec
        for step in steps:
            holder = holder[step]
        wrong = Wrong()
        holder[last] = wrong
        (found,) = [one for one in examples(spec) if one.value is wrong]
        assert found.pointer == example.pointer
        assert violations(found.schema, wrong)


class Wrong:
    """A value without a JSON type."""


@pytest.mark.parametrize("path", SPEC["paths"])
def test_operations_have_request_and_response_examples(path: str) -> None:
    of_path = [example for example in EXAMPLES if example.pointer[:2] == ("paths", path)]
    kinds = Counter(example.kind for example in of_path)
    assert kinds["request"] >= 1
    assert kinds["response"] >= 1


ORIGINAL = [
    (
        "/log_event",
        {
            "events": [
                {"user": {"userID": "42"}, "time": 1616826986211, "eventName": "test_api_event"}
            ]
        },
        {"success": True},
    ),
    (
        "/check_gate",
        {"user": {"userID": "42"}, "gateName": "YOUR-GATE-NAME"},
        {"name": "YOUR-GATE-NAME", "value": False},
    ),
    (
        "/get_config",
        {"user": {"userID": "42"}, "configName": "YOUR-CONFIG-NAME"},
        {"name": "YOUR-CONFIG-NAME", "value": {"a": 1, "b": 2}, "group": "default"},
    ),
    (
        "/get_config",
        {"user": {"userID": "42"}, "configName": "YOUR-EXPERIMENT-NAME"},
        {
            "name": "YOUR-EXPERIMENT-NAME",
            "value": {"color": "blue", "shape": "circle"},
            "group": "default",
        },
    ),
]


@pytest.mark.parametrize(
    ("path", "request_body", "response"), ORIGINAL, ids=["event", "gate", "config", "experiment"]
)
def test_original_calls_match_spec(path: str, request_body: Json, response: Json) -> None:
    operation = SPEC["paths"][path]["post"]
    success = next(status for status in operation["responses"] if status.startswith("2"))
    for holder, value in (
        (operation["requestBody"], request_body),
        (operation["responses"][success], response),
    ):
        assert violations(holder["content"]["application/json"]["schema"], value) == []
