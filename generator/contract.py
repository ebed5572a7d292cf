"""Reads `openapi.yaml`, and knows on which line each of its parts stands."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

Json: TypeAlias = Any
"""A piece of the contract, whose form is known only when all checks have passed."""

Pointer: TypeAlias = tuple[str | int, ...]
Fault: TypeAlias = tuple[Pointer, str]
"""Where something is wrong, and what."""

SCHEMAS: Pointer = ("components", "schemas")
EXAMPLES = {"example", "examples", "default", "x-fallback"}
"""The keys below which there is data, not a description of data."""


class SpecError(Exception):
    """What is wrong with a contract: one line a fault, each with its file and place."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))


class Contract:
    """An OpenAPI document.

    Args:
        spec: What it says.
        name: The file that it stands in.
        source: The text of that file.
        lines: The line of each of its parts.
    """

    def __init__(
        self,
        spec: Json,
        *,
        name: str = "openapi.yaml",
        source: str = "",
        lines: Mapping[Pointer, int] | None = None,
    ) -> None:
        self.spec = spec
        self.name = name
        self.source = source
        self._lines = {(): 1, **(lines or {})}

    @classmethod
    def read(cls, path: Path) -> "Contract":
        """Read and check a file.

        Raises:
            SpecError: It cannot be read, is not YAML, or not OpenAPI 3.1.
        """
        name = os.path.relpath(path)
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError([f"{name}: cannot be read: {error}"]) from error
        contract = cls._parsed(source, name)
        contract.check()
        return contract

    @classmethod
    def _parsed(cls, source: str, name: str) -> "Contract":
        try:
            loader = _Loader(source)
            node = loader.get_single_node()
            spec: Json = node and loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise SpecError([f"{name}:{line}: not YAML: {error.problem}"]) from error
        except yaml.YAMLError as error:
            problem = " ".join(str(error).split())
            raise SpecError([f"{name}:1: not YAML: {problem}"]) from error
        if node is None or not isinstance(spec, dict):
            raise SpecError([f"{name}:1: expected a mapping at the top"])
        try:
            contract = cls(spec, name=name, source=source, lines=dict(_lines(node, ())))
            contract.refuse(_repeated_keys(node, ()))
        except RecursionError:
            raise SpecError([f"{name}:1: an alias stands within its own anchor"]) from None
        return contract

    def refuse(self, faults: Iterable[Fault]) -> None:
        """Raise what is wrong, if anything is.

        Raises:
            SpecError: There is a fault.
        """
        told: dict[object, str] = {}
        for pointer, problem in faults:
            # What stands behind a YAML alias has many places, and one line.
            line = self._lines.get(tuple(map(str, pointer)), pointer)
            told.setdefault((line, problem), self.fault(pointer, problem))
        if told:
            raise SpecError(list(told.values()))

    def fault(self, pointer: Pointer, problem: str) -> str:
        """Say what is wrong at a place."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in pointer)
        return f"{self.name}:{self._line(pointer)}: #/{'/'.join(steps)}: {problem}"

    def check(self) -> None:
        """Refuse what is not OpenAPI 3.1. Each step relies on those before it.

        Raises:
            SpecError: There is a fault.
        """
        self.refuse(_not_json(self.spec, ()))
        version = str(self.spec.get("openapi", ""))
        if not version.startswith("3.1."):
            self.refuse([(("openapi",), f"expected 3.1.x, got {version!r}")])
        self.refuse(_faults(OpenAPIV31SpecValidator.schema_validator.iter_errors(self.spec)))
        self.refuse(self._dangling())
        self.refuse(self._not_schemas())
        self.refuse(self._wrong_data())
        self.refuse(_faults(OpenAPIV31SpecValidator(self.spec).iter_errors()))

    def resolve(self, node: Json) -> Json:
        """Follow a `$ref` to a part of this document."""
        while "$ref" in node:
            node = self._target(node["$ref"])
        return node

    def operations(self) -> Iterator[tuple[Pointer, Json]]:
        """Every operation and where it stands."""
        verbs = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
        for path, item in self.spec.get("paths", {}).items():
            for verb in verbs:
                if verb in item:
                    yield ("paths", path, verb), item[verb]

    def request_schema(self, operation: Json) -> Json:
        """The schema of an operation's request."""
        content = self.resolve(operation["requestBody"])["content"]
        return self.resolve(content["application/json"]["schema"])

    def request_bodies(self) -> list[str]:
        """Return the names of the schemas of all request bodies."""
        bodies = (self.resolve(operation["requestBody"]) for _, operation in self.operations())
        schemas = (body["content"]["application/json"]["schema"] for body in bodies)
        return list(dict.fromkeys(schema["$ref"].rpartition("/")[2] for schema in schemas))

    def schemas(self) -> Iterator[tuple[Pointer, Json]]:
        """Every named schema and where it stands."""
        for name, schema in self.spec.get("components", {}).get("schemas", {}).items():
            yield (*SCHEMAS, name), schema

    def unnamed_schemas(self) -> Iterator[tuple[Pointer, Json]]:
        """Every schema of a body, parameter or header, and where it stands."""
        for pointer, node in self.described():
            if pointer[-1:] == ("schema",) and pointer[:2] != SCHEMAS:
                yield pointer, node

    def described(self) -> Iterator[tuple[Pointer, Json]]:
        """Every part of the document that is not an example."""
        yield from _described(self.spec, ())

    def invalid(self, schema: Json, instance: Json) -> Iterator[Fault]:
        """What is wrong with a piece of data, by a schema of this document."""
        # The schemas go along, so that `$ref` finds them.
        validator = Draft202012Validator({**schema, "components": self.spec.get("components")})
        yield from _faults(validator.iter_errors(instance))

    def _line(self, pointer: Pointer) -> int:
        """The line of a place or, of one that does not exist, of what it would be in."""
        steps = tuple(map(str, pointer))
        lengths = range(len(steps), -1, -1)
        return next(self._lines[steps[:n]] for n in lengths if steps[:n] in self._lines)

    def _target(self, reference: str) -> Json:
        node = self.spec
        for step in reference.removeprefix("#/").split("/"):
            node = node[step.replace("~1", "/").replace("~0", "~")]
        return node

    def _dangling(self) -> Iterator[Fault]:
        for pointer, node in self.described():
            if isinstance(node, dict) and "$ref" in node and pointer[-1:] != ("properties",):
                problem = self._misleading(node["$ref"], _kind(pointer))
                if problem:
                    yield (*pointer, "$ref"), problem

    def _misleading(self, reference: Json, kind: str, *before: str) -> str | None:
        """What is wrong with a reference, if it leads nowhere."""
        if not isinstance(reference, str) or not reference.startswith(f"#/components/{kind}/"):
            return f"{reference!r} is not one of #/components/{kind}"
        if reference in before:
            return f"{reference!r} leads back to itself"
        try:
            target = self._target(reference)
        except (KeyError, TypeError):
            return f"there is no {reference!r}"
        if isinstance(target, dict) and "$ref" in target:
            return self._misleading(target["$ref"], kind, reference, *before)
        return None

    def _not_schemas(self) -> Iterator[Fault]:
        meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
        for pointer, schema in (*self.schemas(), *self.unnamed_schemas()):
            for inner, problem in _faults(meta.iter_errors(schema)):
                yield (*pointer, *inner), problem

    def _wrong_data(self) -> Iterator[Fault]:
        for pointer, schema in self.described():
            if pointer[:2] == SCHEMAS and pointer[-1] != "properties" and isinstance(schema, dict):
                for key in [key for key in ("default", "example") if key in schema]:
                    for inner, problem in self.invalid(schema, schema[key]):
                        yield (*pointer, key, *inner), problem


class _Loader(yaml.SafeLoader):
    """Says where a value stands that looks like a date or a number and is none."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Json:  # noqa: FBT001, FBT002
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error


def is_choice_of_fields(alternatives: Json) -> bool:
    """Whether an anyOf or oneOf says which fields must be there, and nothing of types."""
    return all(isinstance(part, dict) and {*part} == {"required"} for part in alternatives)


def wire_name(argument: Json) -> str:
    """The request field of a method's argument: `field`, or `{field: another name for it}`."""
    return next(iter(argument)) if isinstance(argument, dict) else str(argument)


def _described(node: Json, pointer: Pointer) -> Iterator[tuple[Pointer, Json]]:
    yield pointer, node
    if isinstance(node, dict):
        for key, value in node.items():
            # A field can be called `example`, and a response is called `default`.
            if key not in EXAMPLES or pointer[-1:] in (("properties",), ("responses",)):
                yield from _described(value, (*pointer, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _described(value, (*pointer, index))


def _kind(pointer: Pointer) -> str:
    """What a reference there refers to."""
    holder = pointer[-2] if len(pointer) > 1 else ""
    if "schema" not in pointer and pointer[:2] != SCHEMAS:
        if holder in ("headers", "parameters", "responses"):
            return str(holder)
        if pointer[-1] == "requestBody":
            return "requestBodies"
    return "schemas"


def _not_json(node: Json, pointer: Pointer) -> Iterator[Fault]:
    """What YAML can say and JSON cannot, usually for want of quotes."""
    if isinstance(node, dict):
        for key, value in node.items():
            if not isinstance(key, str):
                yield (*pointer, str(key)), f"a key is text: write {str(key)!r}, in quotes"
            yield from _not_json(value, (*pointer, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _not_json(value, (*pointer, index))
    elif isinstance(node, float) and not math.isfinite(node):
        yield pointer, "JSON does not have this number"
    elif not isinstance(node, str | int | float | None):
        yield pointer, f"JSON has no {type(node).__name__}: write it in quotes"


def _lines(node: yaml.Node, pointer: tuple[str, ...]) -> Iterator[tuple[Pointer, int]]:
    yield pointer, node.start_mark.line + 1
    for key, value, line in _children(node):
        for place, inner in _lines(value, (*pointer, key)):
            yield place, line if place == (*pointer, key) else inner


def _repeated_keys(node: yaml.Node, pointer: tuple[str, ...]) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for key, value, line in _children(node):
        if key in seen:
            yield (*pointer, key), f"this key stands on line {seen[key]} already"
        seen.setdefault(key, line)
        yield from _repeated_keys(value, (*pointer, key))


def _children(node: yaml.Node) -> Iterator[tuple[str, yaml.Node, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield str(key.value), value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield str(index), value, value.start_mark.line + 1


def _faults(errors: Iterable[Json]) -> Iterator[Fault]:
    """What a validator has found; the first line says it, in a few words if it can."""
    for error in errors:
        message = error.message.strip().partition("\n")[0]
        yield tuple(error.absolute_path), message if len(message) <= 300 else f"{message[:300]}…"
