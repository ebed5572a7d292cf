"""Reading the query of a request, as an OpenAPI document describes it."""

import re
from collections.abc import Mapping
from typing import Final

from jsonschema_rs import Draft202012Validator
from starlette.datastructures import QueryParams

from ..._runtime.parsers import JsonObject, JsonValue
from ..config_specs.formats import as_list, as_object
from ..project.model import suggestion
from .validation import ContractError, contract_error

_INTEGER: Final = re.compile(r"-?[0-9]{1,20}")


class QueryContract:
    """The queries of all calls of a document.

    Args:
        document: The OpenAPI document. Parameters are texts or integers.
    """

    def __init__(self, document: JsonObject) -> None:
        self._schemas: dict[tuple[str, str], JsonObject] = {}
        self._validators: dict[tuple[str, str], Draft202012Validator] = {}
        for path, item in as_object(document["paths"], "paths").items():
            for method, operation in as_object(item, path).items():
                written = as_list(as_object(operation, path).get("parameters", []), path)
                parameters = [resolved(parameter, document) for parameter in written]
                schemas: JsonObject = {
                    str(parameter["name"]): resolved(parameter["schema"], document)
                    for parameter in parameters
                }
                call = path, method.upper()
                self._schemas[call] = schemas
                self._validators[call] = Draft202012Validator({"properties": schemas})

    def read(self, path: str, method: str, query: QueryParams) -> Mapping[str, str | int]:
        """Read the query of a call.

        Args:
            path: The path of the call in the document.
            method: Its method.
            query: What was sent.

        Raises:
            ContractError: A parameter is unknown, given twice, or has a value that it cannot have.
        """
        schemas = self._schemas[path, method]
        values: dict[str, str | int] = {}
        for name, text in query.multi_items():
            if name not in schemas:
                raise ContractError(f"?{name}", "no such parameter" + suggestion(name, schemas))
            if name in values:
                raise ContractError(f"?{name}", "expected it once")
            is_integer = as_object(schemas[name], name).get("type") == "integer"
            values[name] = int(text) if is_integer and _INTEGER.fullmatch(text) else text
        for error in self._validators[path, method].iter_errors(values):
            refused = contract_error(error)
            raise ContractError(f"?{refused.path.removeprefix('$.')}", refused.problem)
        return values


def resolved(value: JsonValue, document: JsonObject) -> JsonObject:
    """A part of an OpenAPI document: itself, or what it refers to."""
    part = as_object(value, "$ref")
    if "$ref" not in part:
        return part
    found: JsonValue = document
    for step in str(part["$ref"]).split("/")[1:]:
        found = as_object(found, step)[step]
    return as_object(found, "$ref")
