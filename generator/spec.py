"""The OpenAPI document: loading with line numbers, validation, `$ref` resolution."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

Json: TypeAlias = Any
"""A part of the document. Its shape is known only after all checks."""

Pointer: TypeAlias = tuple[str | int, ...]
Problem: TypeAlias = tuple[Pointer, str]
"""The location and the description of a problem."""

SCHEMAS: Pointer = ("components", "schemas")
DATA_KEYS = {"example", "examples", "default", "x-fallback"}
"""Keys whose values are data, not parts of the description."""
VERBS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


class SpecError(Exception):
    """The problems of a spec, one per line, each with its file, line and JSON pointer."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))


class Spec:
    """An OpenAPI document.

    Args:
        document: The parsed document.
        name: The file name, for errors.
        source: The text of the file.
        lines: The line number of each part.
    """

    def __init__(
        self,
        document: Json,
        *,
        name: str = "openapi.yaml",
        source: str = "",
        lines: Mapping[Pointer, int] | None = None,
    ) -> None:
        self.document = document
        self.name = name
        self.source = source
        self._lines = {(): 1, **(lines or {})}

    @classmethod
    def read(cls, path: Path) -> "Spec":
        """Load and validate a file.

        Raises:
            SpecError: The file is unreadable, not YAML, or not OpenAPI 3.1.
        """
        name = os.path.relpath(path)
        try:
            source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SpecError([f"{name}: cannot be read: {error}"]) from error
        spec = cls._parse(source, name)
        spec.validate()
        return spec

    @classmethod
    def _parse(cls, source: str, name: str) -> "Spec":
        try:
            loader = _Loader(source)
            node = loader.get_single_node()
            document: Json = node and loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise SpecError([f"{name}:{line}: invalid YAML: {error.problem}"]) from error
        except yaml.YAMLError as error:
            problem = " ".join(str(error).split())
            raise SpecError([f"{name}:1: invalid YAML: {problem}"]) from error
        if node is None or not isinstance(document, dict):
            raise SpecError([f"{name}:1: expected a mapping at the top level"])
        try:
            spec = cls(document, name=name, source=source, lines=dict(_lines(node, ())))
            spec.reject(_duplicate_keys(node, ()))
        except RecursionError:
            raise SpecError([f"{name}:1: a YAML alias refers to its own anchor"]) from None
        return spec

    def reject(self, problems: Iterable[Problem]) -> None:
        """Raise all problems in one error, if any.

        Raises:
            SpecError: There is at least one problem.
        """
        messages: dict[object, str] = {}
        for pointer, problem in problems:
            # A part with YAML aliases has many pointers and one line.
            line = self._lines.get(tuple(map(str, pointer)), pointer)
            messages.setdefault((line, problem), self.message(pointer, problem))
        if messages:
            raise SpecError(list(messages.values()))

    def error(self, pointer: Pointer, problem: str) -> SpecError:
        """Return the error for a single problem."""
        return SpecError([self.message(pointer, problem)])

    def message(self, pointer: Pointer, problem: str) -> str:
        """Format a problem as `file:line: #/pointer: problem`."""
        steps = (str(step).replace("~", "~0").replace("/", "~1") for step in pointer)
        return f"{self.name}:{self._line(pointer)}: #/{'/'.join(steps)}: {problem}"

    def validate(self) -> None:
        """Check that the document is valid OpenAPI 3.1. Each step relies on the previous ones.

        Raises:
            SpecError: The document is invalid.
        """
        self.reject(_not_json(self.document, ()))
        version = str(self.document.get("openapi", ""))
        if not version.startswith("3.1."):
            self.reject([(("openapi",), f"expected 3.1.x, got {version!r}")])
        schema_validator = OpenAPIV31SpecValidator.schema_validator
        self.reject(_problems(schema_validator.iter_errors(self.document)))
        self.reject(self._dangling_references())
        self.reject(self._invalid_schemas())
        self.reject(self._invalid_data())
        self.reject(_problems(OpenAPIV31SpecValidator(self.document).iter_errors()))

    # ---- Parts of the document ----

    def resolve(self, node: Json) -> Json:
        """Follow the `$ref` of a node, if it has one."""
        while "$ref" in node:
            node = self._target(node["$ref"])
        return node

    def schema(self, name: str) -> Json | None:
        """Return a named schema, or None if it does not exist."""
        return self.document.get("components", {}).get("schemas", {}).get(name)

    def schemas(self) -> Iterator[tuple[Pointer, Json]]:
        """Yield every named schema with its pointer."""
        for name, schema in self.document.get("components", {}).get("schemas", {}).items():
            yield (*SCHEMAS, name), schema

    def unnamed_schemas(self) -> Iterator[tuple[Pointer, Json]]:
        """Yield every schema of a body, parameter or header with its pointer."""
        for pointer, node in self.nodes():
            if pointer[-1:] == ("schema",) and pointer[:2] != SCHEMAS:
                yield pointer, node

    def operations(self) -> Iterator[tuple[Pointer, Json]]:
        """Yield every operation with its pointer."""
        for path, item in self.document.get("paths", {}).items():
            for verb in VERBS:
                if verb in item:
                    yield ("paths", path, verb), item[verb]

    def request_schema(self, operation: Json) -> Json:
        """Return the schema of an operation's request body, with its `$ref`."""
        content = self.resolve(operation.get("requestBody", {})).get("content", {})
        return content.get("application/json", {}).get("schema", {})

    def nodes(self) -> Iterator[tuple[Pointer, Json]]:
        """Yield every node of the document, except data, with its pointer."""
        yield from _nodes(self.document, ())

    def violations(self, schema: Json, instance: Json) -> Iterator[Problem]:
        """Validate data against a schema of this document."""
        # `$ref` is resolved within the schema's own document.
        validator = Draft202012Validator({**schema, "components": self.document.get("components")})
        yield from _problems(validator.iter_errors(instance))

    def _line(self, pointer: Pointer) -> int:
        """Return the line of a node, or of its nearest ancestor that exists."""
        steps = tuple(map(str, pointer))
        lengths = range(len(steps), -1, -1)
        return next(self._lines[steps[:n]] for n in lengths if steps[:n] in self._lines)

    def _target(self, reference: str) -> Json:
        node = self.document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step.replace("~1", "/").replace("~0", "~")]
        return node

    # ---- Validation ----

    def _dangling_references(self) -> Iterator[Problem]:
        for pointer, node in self.nodes():
            if isinstance(node, dict) and "$ref" in node:
                if pointer[-1:] == ("properties",):
                    # Every reader of the document would interpret the property as a reference.
                    yield (*pointer, "$ref"), "a field cannot be named `$ref`"
                elif problem := self._reference_problem(node["$ref"], _component_kind(pointer)):
                    yield (*pointer, "$ref"), problem

    def _reference_problem(self, reference: Json, kind: str, *visited: str) -> str | None:
        """Return the reason why a reference does not resolve, or None."""
        if not isinstance(reference, str) or not reference.startswith(f"#/components/{kind}/"):
            return f"expected a reference to #/components/{kind}, got {reference!r}"
        if reference in visited:
            return f"{reference!r} refers to itself"
        try:
            target = self._target(reference)
        except (KeyError, TypeError):
            return f"{reference!r} does not exist"
        if isinstance(target, dict) and "$ref" in target:
            return self._reference_problem(target["$ref"], kind, reference, *visited)
        return None

    def _invalid_schemas(self) -> Iterator[Problem]:
        meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
        for pointer, schema in (*self.schemas(), *self.unnamed_schemas()):
            for inner, problem in _problems(meta.iter_errors(schema)):
                yield (*pointer, *inner), problem

    def _invalid_data(self) -> Iterator[Problem]:
        for pointer, schema in self.nodes():
            if pointer[:2] == SCHEMAS and pointer[-1] != "properties" and isinstance(schema, dict):
                for key in [key for key in ("default", "example") if key in schema]:
                    for inner, problem in self.violations(schema, schema[key]):
                        yield (*pointer, key, *inner), problem


class _Loader(yaml.SafeLoader):
    """A YAML loader that locates invalid dates and numbers, and joins surrogate pairs."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Json:  # noqa: FBT001, FBT002
        try:
            value = super().construct_object(node, deep)
            # JSON writes characters outside the BMP as two escapes, which PyYAML does not join.
            return _join_surrogates(value) if isinstance(value, str) else value
        except ValueError as error:
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error


def target_name(schema: Json) -> str | None:
    """Return the name of the schema to which a `$ref` refers."""
    return str(schema["$ref"]).rpartition("/")[2] if "$ref" in schema else None


def references(node: Json) -> list[str]:
    """Return the names of the schemas that a node refers to directly."""
    return [
        str(target_name(part))
        for _, part in _nodes(node, ())
        if isinstance(part, dict) and "$ref" in part
    ]


def is_choice_of_fields(alternatives: Json) -> bool:
    """Return whether an anyOf or oneOf only lists required fields."""
    return all(isinstance(part, dict) and {*part} == {"required"} for part in alternatives)


def argument_field(argument: Json) -> str:
    """Return the request field of a method argument: `field`, or `{field: argument name}`."""
    return next(iter(argument)) if isinstance(argument, dict) else str(argument)


def _join_surrogates(text: str) -> str:
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise ValueError("a string contains half of a surrogate pair") from None


def _nodes(node: Json, pointer: Pointer) -> Iterator[tuple[Pointer, Json]]:
    yield pointer, node
    if isinstance(node, dict):
        for key, value in node.items():
            # A field can be named `example`, and a response is named `default`.
            if key not in DATA_KEYS or pointer[-1:] in (("properties",), ("responses",)):
                yield from _nodes(value, (*pointer, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _nodes(value, (*pointer, index))


def _component_kind(pointer: Pointer) -> str:
    """Return the kind of component that a reference at this pointer must refer to."""
    holder = pointer[-2] if len(pointer) > 1 else ""
    if "schema" not in pointer and pointer[:2] != SCHEMAS:
        if holder in ("headers", "parameters", "responses"):
            return str(holder)
        if pointer[-1] == "requestBody":
            return "requestBodies"
    return "schemas"


def _not_json(node: Json, pointer: Pointer) -> Iterator[Problem]:
    """Yield YAML values that do not exist in JSON, usually because quotes are missing."""
    if isinstance(node, dict):
        for key, value in node.items():
            if not isinstance(key, str):
                yield (*pointer, str(key)), f"expected a string key; write {str(key)!r} in quotes"
            yield from _not_json(value, (*pointer, str(key)))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _not_json(value, (*pointer, index))
    elif isinstance(node, float) and not math.isfinite(node):
        yield pointer, "expected a finite number"
    elif not isinstance(node, str | int | float | None):
        yield pointer, f"expected a JSON value, got a {type(node).__name__}; write it in quotes"


def _lines(node: yaml.Node, pointer: tuple[str, ...]) -> Iterator[tuple[Pointer, int]]:
    yield pointer, node.start_mark.line + 1
    for key, value, line in _children(node):
        for place, inner in _lines(value, (*pointer, key)):
            yield place, line if place == (*pointer, key) else inner


def _duplicate_keys(node: yaml.Node, pointer: tuple[str, ...]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for key, value, line in _children(node):
        if key in seen:
            yield (*pointer, key), f"duplicate key, first used on line {seen[key]}"
        seen.setdefault(key, line)
        yield from _duplicate_keys(value, (*pointer, key))


def _children(node: yaml.Node) -> Iterator[tuple[str, yaml.Node, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield _join_surrogates(str(key.value)), value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield str(index), value, value.start_mark.line + 1


def _problems(errors: Iterable[Json]) -> Iterator[Problem]:
    """Convert validation errors; only the first line of a message, at most 300 characters."""
    for error in errors:
        message = error.message.strip().partition("\n")[0]
        yield tuple(error.absolute_path), message if len(message) <= 300 else f"{message[:300]}…"
