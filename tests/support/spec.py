"""Access to the spec: schemas, models, methods and JSON values.

Nothing is listed by hand, so that all laws cover a new schema or method.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema

import statsig_api_client.generated
from statsig_api_client.generated import models as generated_models
from statsig_api_client.generated import typed_dicts

SPEC: Any = json.loads(
    Path(statsig_api_client.generated.__file__).with_name("openapi.json").read_text("utf-8")
)
SCHEMAS: Any = SPEC["components"]["schemas"]

MODELS: dict[str, Any] = {
    name: value
    for name, value in vars(generated_models).items()
    if isinstance(value, type) and value.__module__ == generated_models.__name__
}
REQUESTS = {name: model for name, model in MODELS.items() if hasattr(typed_dicts, f"{name}Dict")}
RESPONSES = {name: model for name, model in MODELS.items() if name not in REQUESTS}


# ---- Schemas ----


def reference(name: str) -> Any:
    """Return a schema that refers to a named one."""
    return {"$ref": f"#/components/schemas/{name}"}


def target(schema: Any) -> str:
    """Return the name of the schema that a `$ref` refers to, or an empty string."""
    return schema["$ref"].rpartition("/")[2] if "$ref" in schema else ""


def resolve(schema: Any) -> Any:
    """Follow the `$ref` of a schema, if it has one."""
    return SCHEMAS[target(schema)] if "$ref" in schema else schema


def alternatives(schema: Any) -> list[Any]:
    """Return the alternatives of a union, or an empty list for other schemas."""
    parts = schema.get("anyOf", []) + schema.get("oneOf", [])
    return [part for part in parts if set(part) != {"required"}]


def json_types(schema: Any) -> set[str]:
    """Return the JSON types that a schema allows, or an empty set if it allows all."""
    declared = resolve(schema).get("type", [])
    own = {declared} if isinstance(declared, str) else set(declared)
    return own.union(*map(json_types, alternatives(resolve(schema))))


def required_sets(schema: Any) -> list[set[str]]:
    """Return the required fields of an object, one set for each choice."""
    parts = schema.get("anyOf", []) + schema.get("oneOf", [])
    choices = [part["required"] for part in parts if "required" in part] or [[]]
    return [{*schema.get("required", []), *names} for names in choices]


def choice(schema: Any) -> set[str]:
    """Return the fields of which an object requires one, or an empty set."""
    return set().union(*required_sets(schema)).difference(schema.get("required", []))


def validator(schema: Any, kind: Any = jsonschema.Draft202012Validator) -> Any:
    """Return a validator of the jsonschema library for a schema of the spec."""
    return kind({**schema, "components": SPEC["components"]})


def field_name(model: str, wire: str) -> str:
    """Return the name of a model's attribute for a field: `user_id` for `userID`."""
    return _attributes(model)[_letters(wire)]


def snake_case(wire: str) -> str:
    """Convert `userID` to `user_id`, and `customIDs` to `custom_ids`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", re.sub(r"\W", "", wire)).lower()


def _attributes(model: str) -> dict[str, str]:
    # Attributes differ in case and underscores; reserved names end in an underscore.
    return {_letters(name): name for name in MODELS[model].__slots__}


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).lower()


# ---- JSON values ----


def alike(one: object, other: object) -> bool:
    """Return whether two values have the same JSON; with `==`, true equals 1 and 0.0 equals -0.0.

    In an `assert`, it also avoids minutes of string comparisons in pytest.
    """
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def wire_form(value: Any) -> Any:
    """Return a value with all models in it in their JSON form."""
    if isinstance(value, list | tuple):
        return [wire_form(item) for item in value]
    if isinstance(value, dict):
        return {key: wire_form(item) for key, item in value.items()}
    return value.to_dict() if type(value) in MODELS.values() else value


def minimal(schema: Any, *, without: str = "") -> Any:
    """Return the smallest value of a schema, if possible without one of its fields."""
    if "$ref" in schema:
        return minimal(resolve(schema), without=without)
    if "enum" in schema:
        return schema["enum"][0]
    if alternatives(schema):
        return minimal(alternatives(schema)[0])
    if "properties" in schema:
        sets = required_sets(schema)
        names = next((names for names in sets if without not in names), sets[0])
        # In the order of the schema, to be the same in every process.
        return {key: minimal(part) for key, part in schema["properties"].items() if key in names}
    if "array" in json_types(schema):
        return [minimal(schema["items"])] * schema.get("minItems", 0)
    examples = {"boolean": True, "integer": 1, "number": 1.5, "object": {}, "string": "text"}
    return examples.get(min(json_types(schema), default="string"))


# ---- Methods ----

METHODS: dict[str, tuple[str, Any, Any]] = {
    method["name"]: (path, item["post"], method)
    for path, item in SPEC["paths"].items()
    for method in item["post"]["x-client-methods"]
}
"""The path, the operation and the method itself, by the name of the client method."""
DELIVERIES = [name for name, (_, operation, _) in METHODS.items() if "x-delivers" in operation]
EVALUATIONS = [name for name in METHODS if name not in DELIVERIES]


def request_schema(name: str) -> Any:
    """Return the schema of a method's request."""
    return METHODS[name][1]["requestBody"]["content"]["application/json"]["schema"]


def response_schema(name: str) -> Any:
    """Return the schema of a method's result."""
    return reference(METHODS[name][2]["returns"])


def success_status(name: str) -> int:
    """Return the status of a method's successful response."""
    return next(int(status) for status in METHODS[name][1]["responses"] if status.startswith("2"))


def argument_schemas(name: str) -> dict[str, Any]:
    """Return the schema of each request field that a method has an argument for, in order."""
    fields = resolve(request_schema(name))["properties"]
    arguments = METHODS[name][2]["arguments"]
    # A renamed argument is `{field: name}`.
    keys = [next(iter(one)) if isinstance(one, dict) else one for one in arguments]
    return {key: fields[key] for key in keys}


def minimal_arguments(name: str, **known: Any) -> list[Any]:
    """Return the smallest arguments of a method, except for known request fields."""
    schemas = argument_schemas(name)
    return [known[key] if key in known else minimal(part) for key, part in schemas.items()]


def request_body(name: str, arguments: Iterable[Any]) -> dict[str, Any]:
    """Return the request that the spec requires for some arguments."""
    return dict(zip(argument_schemas(name), map(wire_form, arguments), strict=True))
