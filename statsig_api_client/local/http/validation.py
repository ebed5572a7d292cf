"""Validation of requests against OpenAPI documents."""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Final, TypeVar, cast

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind
from starlette.datastructures import QueryParams

from ..._runtime.parsers import JsonObject, JsonValue, SchemaError, child, json_type
from ...generated.typed_dicts import (
    CheckGateRequestDict,
    GetConfigRequestDict,
    GetLayerRequestDict,
    GetRankedListRequestDict,
    LogCustomExposureRequestDict,
    LogEventRequestDict,
)
from ..config_specs.formats import as_list, as_object
from ..project.model import suggestion

T = TypeVar("T")

_PROBLEMS: Final = {
    "type": "expected {choices}, got {found}",
    "required": "expected {kind.property}, which is missing",
    "minLength": "expected at least {kind.limit} characters, got {size}",
    "maxLength": "expected at most {kind.limit} characters, got {size}",
    "minItems": "expected at least {kind.limit} items, got {size}",
    "maxItems": "expected at most {kind.limit} items, got {size}",
    "uniqueItems": "expected different items",
    "pattern": "expected a string that matches {kind.pattern}",
    "enum": "expected {choices}",
    "const": "expected {kind.expected_value}",
    "minimum": "expected at least {kind.limit}",
    "maximum": "expected at most {kind.limit}",
    "not": "expected at most one of {choices}",
    "additionalProperties": "unknown field: {choices}",
    "oneOf": "expected exactly one of the alternatives, got several",
}
"""The message for each keyword of JSON Schema that a request can violate."""

_INTEGER: Final = re.compile(r"-?[0-9]{1,20}")


class BodyValidator:
    """The compiled schemas of request bodies.

    Args:
        document: The OpenAPI document.
        shapes: The types of request bodies. Their schemas have the same names, without `Dict`.
    """

    def __init__(self, document: JsonObject, *shapes: type) -> None:
        components = as_object(document["components"], "components")
        schemas = as_object(components["schemas"], "schemas")
        decided = {name: _decide_alternatives(schema, schemas) for name, schema in schemas.items()}
        self._validators = {
            shape: Draft202012Validator(
                {
                    "$ref": f"#/components/schemas/{shape.__name__.removesuffix('Dict')}",
                    "components": {"schemas": decided},
                }
            )
            for shape in shapes
        }

    def check(self, shape: type[T], body: JsonValue) -> T:
        """Check a request body and return it.

        Args:
            shape: The type of the body.
            body: The parsed body.

        Raises:
            SchemaError: The body does not match the schema.
        """
        try:
            # Not `iter_errors`: it collects all errors first, which took 14 s and 1 GB for 9 MB.
            self._validators[shape].validate(body)
        except ValidationError as error:
            raise _schema_error(error) from None
        return cast("T", body)


class QueryValidator:
    """The query parameters of all operations of a document.

    Args:
        document: The OpenAPI document. Parameters are strings or integers.
    """

    def __init__(self, document: JsonObject) -> None:
        self._schemas: dict[tuple[str, str], JsonObject] = {}
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}
        for path, item in as_object(document["paths"], "paths").items():
            for method, operation in as_object(item, path).items():
                parameters = as_list(as_object(operation, path).get("parameters", []), path)
                resolved = [_resolve(item, document) for item in parameters]
                schemas: JsonObject = {
                    str(parameter["name"]): _resolve(parameter["schema"], document)
                    for parameter in resolved
                }
                required = [item["name"] for item in resolved if item.get("required") is True]
                key = path, method.upper()
                self._schemas[key] = schemas
                self._validators[key] = Draft202012Validator(
                    {"properties": schemas, "required": required}
                )

    def parse(self, path: str, method: str, query: QueryParams) -> Mapping[str, str | int]:
        """Parse the query of a request.

        Args:
            path: The path of the operation in the document.
            method: Its HTTP method.
            query: The query of the request.

        Raises:
            SchemaError: A parameter is unknown, missing, repeated, or has an invalid value.
        """
        schemas = self._schemas[path, method]
        values: dict[str, str | int] = {}
        for name, text in query.multi_items():
            if name not in schemas:
                raise SchemaError(f"?{name}", "unknown parameter" + suggestion(name, schemas))
            if name in values:
                raise SchemaError(f"?{name}", "expected one value, got several")
            is_integer = as_object(schemas[name], name).get("type") == "integer"
            values[name] = int(text) if is_integer and _INTEGER.fullmatch(text) else text
        try:
            self._validators[path, method].validate(values)
        except ValidationError as found:
            error = _schema_error(found)
            place = error.path.removeprefix("$").removeprefix(".")
            raise SchemaError(f"?{place}", error.problem) from None
        return values


def statsig_api_validator() -> BodyValidator:
    """Return the validator of the Statsig HTTP API, from the OpenAPI document in this package."""
    text = files("statsig_api_client").joinpath("generated/openapi.json").read_text("utf-8")
    return BodyValidator(
        cast("JsonObject", json.loads(text)),
        CheckGateRequestDict,
        GetConfigRequestDict,
        GetLayerRequestDict,
        GetRankedListRequestDict,
        LogEventRequestDict,
        LogCustomExposureRequestDict,
    )


def _decide_alternatives(schema: JsonValue, schemas: JsonObject) -> JsonValue:
    """Return a schema whose alternatives are selected by their first required property.

    A validator reports the errors of all alternatives of `anyOf`, without knowing which one was
    intended. For a body of 9 MB, the errors take minutes and gigabytes.
    """
    if isinstance(schema, list):
        return [_decide_alternatives(item, schemas) for item in schema]
    if not isinstance(schema, dict):
        return schema
    alternatives = schema.get("anyOf")
    if isinstance(alternatives, list) and all("$ref" in as_object(a, "") for a in alternatives):
        keys: list[JsonValue] = []
        for alternative in alternatives:
            name = str(as_object(alternative, "anyOf")["$ref"]).rpartition("/")[2]
            keys.append(as_list(as_object(schemas[name], name)["required"], name)[0])
        decided: JsonObject = {"anyOf": [{"required": [key]} for key in keys]}
        for key, alternative in zip(keys, alternatives, strict=True):
            decided = {"if": {"required": [key]}, "then": alternative, "else": decided}
        return decided
    return {key: _decide_alternatives(value, schemas) for key, value in schema.items()}


def _resolve(value: JsonValue, document: JsonObject) -> JsonObject:
    """Return a part of an OpenAPI document, following its reference."""
    part = as_object(value, "$ref")
    if "$ref" not in part:
        return part
    found: JsonValue = document
    for step in str(part["$ref"]).split("/")[1:]:
        found = as_object(found, step)[step]
    return as_object(found, "$ref")


def _keyword(error: ValidationError) -> str:
    return str(error.schema_path[-1])


def _schema_error(error: ValidationError) -> SchemaError:
    if isinstance(error.kind, ValidationErrorKind.AnyOf | ValidationErrorKind.OneOfNotValid):
        branches = error.kind.context
        missing = dict.fromkeys(_missing(branch[0]) for branch in branches)
        if all(missing):
            return SchemaError(_json_path(error), f"expected {' or '.join(missing)}")
        # The intended branch has the fewest errors, or else the deepest one.
        intended = min(branches, key=lambda branch: (len(branch), -len(branch[0].instance_path)))
        return _schema_error(intended[0])
    return SchemaError(_json_path(error), _problem(error))


def _missing(error: ValidationError) -> str:
    return error.kind.property if isinstance(error.kind, ValidationErrorKind.Required) else ""


def _json_path(error: ValidationError) -> str:
    path = "$"
    for step in error.instance_path:
        path = f"{path}[{step}]" if isinstance(step, int) else child(path, step[:100])
    return path


def _problem(error: ValidationError) -> str:
    # Not the library's own message: it contains the complete value, which may have megabytes.
    if isinstance(error.kind, ValidationErrorKind.FalseSchema):
        return "unexpected value"
    keyword = _keyword(error)
    template = _PROBLEMS.get(keyword, f"does not match the schema keyword {keyword}")
    return template.format(
        kind=error.kind,
        choices=_choices(error.kind),
        found=json_type(error.instance),
        size=_size(error),
    )


def _choices(kind: ValidationErrorKind) -> str:
    if isinstance(kind, ValidationErrorKind.Type):
        return " or ".join(kind.types)
    if isinstance(kind, ValidationErrorKind.Enum):
        return " or ".join(str(option) for option in kind.options)
    if isinstance(kind, ValidationErrorKind.AdditionalProperties):
        return ", ".join(kind.unexpected)[:100]
    if isinstance(kind, ValidationErrorKind.Not):
        return " and ".join(cast("dict[str, list[str]]", kind.schema)["required"])
    return ""


def _size(error: ValidationError) -> int:
    return len(error.instance) if isinstance(error.instance, str | list) else 0
