"""Reads `openapi.yaml` and refuses a contract that the generator could not do justice to."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from openapi_spec_validator import OpenAPIV31SpecValidator

Json: TypeAlias = Any
"""A piece of the contract. It is free-form until the checks below have passed."""

Pointer: TypeAlias = tuple[str | int, ...]

EXTENSIONS = {
    "x-client-methods",
    "x-delivers",
    "x-fallback",
    "x-keyed-by-name",
    "x-python-base",
}
PYTHON_BASES = {"GateValue", "ParameterValues"}
TAKEN_NAMES = {"additional_properties", "error", "from_dict", "get", "to_dict"}
VERBS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class SpecError(Exception):
    """What is wrong with a contract: one line a fault, each with its file and place."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))


class Contract:
    """An OpenAPI document, and the line on which each of its parts stands."""

    def __init__(self, source: str, name: str) -> None:
        self.name = name
        self.source = source
        try:
            self.spec: Json = yaml.safe_load(source)
            node = yaml.compose(source, Loader=yaml.SafeLoader) or yaml.ScalarNode("", "")
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise SpecError([f"{name}:{line}: not YAML: {error.problem}"]) from error
        except yaml.YAMLError as error:
            raise SpecError([f"{name}:1: not YAML: {error}"]) from error
        if not isinstance(self.spec, dict):
            raise SpecError([f"{name}:1: expected a mapping at the top"])
        self._lines = dict(_lines(node, ()))

    @classmethod
    def read(cls, path: Path) -> "Contract":
        """Read a file and check it.

        Raises:
            SpecError: It cannot be read, is not YAML, not OpenAPI 3.1, or not up to our rules.
        """
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError([f"{path.name}: cannot be read: {error}"]) from error
        contract = cls(source, path.name)
        contract.check()
        return contract

    def fault(self, pointer: Pointer, problem: str) -> str:
        """Say what is wrong at a place."""
        known = pointer
        while known not in self._lines:
            known = known[:-1]
        place = "/".join(str(step).replace("~", "~0").replace("/", "~1") for step in pointer)
        return f"{self.name}:{self._lines[known]}: #/{place}: {problem}"

    def check(self) -> None:
        """Refuse what is not OpenAPI 3.1, and then what is not up to our own rules."""
        version = str(self.spec.get("openapi", ""))
        if not version.startswith("3.1."):
            raise SpecError([self.fault(("openapi",), f"expected 3.1.x, got {version!r}")])
        invalid = [
            self.fault(tuple(error.absolute_path), _brief(error.message))
            for error in OpenAPIV31SpecValidator(self.spec).iter_errors()
        ]
        if invalid:
            raise SpecError(invalid)
        faults = [self.fault(pointer, problem) for pointer, problem in self._breaches()]
        if faults:
            raise SpecError(faults)

    def resolve(self, node: Json) -> Json:
        """Follow a `$ref` to a part of this document."""
        while "$ref" in node:
            target: Json = self.spec
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def operations(self) -> Iterator[tuple[Pointer, Json]]:
        """Every operation and where it stands."""
        for path, item in self.spec.get("paths", {}).items():
            for verb in VERBS:
                if verb in item:
                    yield ("paths", path, verb), item[verb]

    def request_schema(self, operation: Json) -> Json:
        """The schema of an operation's request."""
        content = self.resolve(operation["requestBody"])["content"]
        return self.resolve(content["application/json"]["schema"])

    def _breaches(self) -> Iterator[tuple[Pointer, str]]:
        for pointer, node in _walk(self.spec, ()):
            yield from _extension_breaches(pointer, node)
        for name, schema in self.spec["components"]["schemas"].items():
            yield from self._schema_breaches(("components", "schemas", name), schema, named=True)
        for pointer, operation in self.operations():
            yield from self._operation_breaches(pointer, operation)

    def _schema_breaches(
        self, pointer: Pointer, schema: Json, *, named: bool
    ) -> Iterator[tuple[Pointer, str]]:
        if "$ref" in schema:
            return
        if "description" not in schema and named:
            yield pointer, "a schema needs a description"
        if "example" not in schema and named:
            yield pointer, "a schema needs an example"
        if schema.get("type") == "object" and "additionalProperties" not in schema:
            yield pointer, "say whether there are additionalProperties"
        if "properties" in schema and len(pointer) > len(("components", "schemas", "Name")):
            yield pointer, "an object with properties must be a named schema, used by $ref"
        if schema.get("x-python-base", "GateValue") not in PYTHON_BASES:
            yield (*pointer, "x-python-base"), f"expected one of {sorted(PYTHON_BASES)}"
        for key, value in schema.get("properties", {}).items():
            yield from self._schema_breaches((*pointer, "properties", key), value, named=True)
            if key in TAKEN_NAMES and "x-python-base" in schema:
                yield (*pointer, "properties", key), f"{key!r} is the name of a method of models"
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                yield from self._schema_breaches((*pointer, key), schema[key], named=False)
        for key in ("anyOf", "oneOf", "allOf"):
            for index, part in enumerate(schema.get(key, [])):
                yield from self._schema_breaches((*pointer, key, index), part, named=False)

    def _operation_breaches(
        self, pointer: Pointer, operation: Json
    ) -> Iterator[tuple[Pointer, str]]:
        if pointer[-1] != "post":
            yield pointer, "every call of this API is a POST"
        if "security" not in operation:
            yield pointer, "an operation must name its security itself"
        for status in ("400", "401", "5XX", "default"):
            if status not in operation["responses"]:
                yield (*pointer, "responses"), f"there is no response {status}"
        if not operation.get("x-client-methods"):
            yield pointer, "no x-client-methods: no method of the client would call it"
            return
        if "application/json" not in self.resolve(operation.get("requestBody", {})).get(
            "content", {}
        ):
            yield pointer, "an operation needs a requestBody of application/json"
            return
        fields = self.request_schema(operation).get("properties", {})
        delivers = operation.get("x-delivers")
        if delivers is not None and delivers not in fields:
            yield (*pointer, "x-delivers"), f"the request has no field {delivers!r}"
        for index, method in enumerate(operation["x-client-methods"]):
            where = (*pointer, "x-client-methods", index)
            yield from self._method_breaches(where, method, fields)

    def _method_breaches(
        self, pointer: Pointer, method: Json, fields: Mapping[str, Json]
    ) -> Iterator[tuple[Pointer, str]]:
        needed = {"name", "description", "arguments", "returns", "returns-description"}
        for key in sorted(needed - set(method)):
            yield pointer, f"a method needs {key!r}"
        for key in sorted(set(method) - needed - {"entity"}):
            yield (*pointer, key), f"unknown key {key!r}"
        arguments = [wire_name(argument) for argument in method.get("arguments", [])]
        for index, argument in enumerate(arguments):
            if argument not in fields:
                yield (*pointer, "arguments", index), f"the request has no field {argument!r}"
        if method.get("returns") not in self.spec["components"]["schemas"]:
            yield (*pointer, "returns"), f"there is no schema {method.get('returns')!r}"
        if method.get("entity", arguments[-1] if arguments else None) not in arguments:
            yield (*pointer, "entity"), "it must be one of the arguments"


def is_choice_of_fields(alternatives: Json) -> bool:
    """Whether an anyOf or oneOf says which fields must be there, and nothing of types."""
    return all(set(part) == {"required"} for part in alternatives)


def wire_name(argument: Json) -> str:
    """The request field of a method's argument: `field`, or `{field: another name for it}`."""
    return next(iter(argument)) if isinstance(argument, dict) else str(argument)


def _extension_breaches(pointer: Pointer, node: Json) -> Iterator[tuple[Pointer, str]]:
    if isinstance(node, dict) and not {"example", "examples", "value"} & set(map(str, pointer)):
        for key in node:
            if str(key).startswith("x-") and key not in EXTENSIONS:
                yield (
                    (*pointer, key),
                    f"unknown extension; known are {', '.join(sorted(EXTENSIONS))}",
                )


def _walk(node: Json, pointer: Pointer) -> Iterator[tuple[Pointer, Json]]:
    yield pointer, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _walk(value, (*pointer, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _walk(value, (*pointer, index))


def _lines(node: yaml.Node, pointer: Pointer) -> Iterator[tuple[Pointer, int]]:
    yield pointer, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield (*pointer, key.value), key.start_mark.line + 1
            for inner, line in _lines(value, (*pointer, key.value)):
                if inner != (*pointer, key.value):
                    yield inner, line
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*pointer, index))


def _brief(message: str) -> str:
    return message if len(message) <= 300 else f"{message[:300]}…"
