"""The project's own rules for the spec, beyond those of OpenAPI.

Some keep the spec readable, such as a description and an example for every schema. The others
reject unsupported parts, so that the generator never silently ignores a part of the spec.
"""

import keyword
from collections.abc import Iterator

from .docstrings import wrap
from .spec import (
    SCHEMAS,
    VERBS,
    Json,
    Pointer,
    Problem,
    Spec,
    argument_field,
    is_choice_of_fields,
    references,
    target_name,
)

EXTENSIONS = {"x-client-methods", "x-delivers", "x-fallback", "x-keyed-by-name", "x-python-base"}
KEYWORDS = {
    "$ref", "additionalProperties", "anyOf", "default", "deprecated", "description", "enum",
    "example", "format", "items", "maxItems", "maxLength", "maximum", "minItems", "minLength",
    "minimum", "oneOf", "pattern", "properties", "required", "type", *EXTENSIONS,
}  # fmt: skip
REFERENCE_KEYWORDS = {"$ref", "default", "deprecated", "description", "example"}
REQUEST_BASE = "Exposure"
"""The base class that request models can have."""
RESPONSE_BASES = {
    "GateValue": "a required boolean `value`",
    "ParameterValues": "a required string `name` and a required map `value` of JsonValue",
}
DELIVERIES = ("events", "exposures")
ANY_VALUE = {"$ref": "#/components/schemas/JsonValue"}
API_KEY = {"type": "apiKey", "in": "header", "name": "statsig-api-key"}
"""The only authentication that the client sends."""
SUMMARY = "expected a first sentence that fits on one line, for the docstring"
STATUSES = ("400", "401", "5XX", "default")
CLIENT_METHODS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["name", "description", "arguments", "returns", "returns-description"],
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z][a-z0-9_]*$"},
            "description": {"type": "string"},
            "arguments": {
                "type": "array",
                "items": {
                    "type": ["string", "object"],
                    "minProperties": 1,
                    "maxProperties": 1,
                    "additionalProperties": {"type": "string"},
                },
            },
            "returns": {"type": "string"},
            "returns-description": {"type": "string"},
            "entity": {"type": "string"},
        },
        "additionalProperties": False,
    },
}


def check(spec: Spec) -> None:
    """Check a valid OpenAPI document against the project's rules.

    Raises:
        SpecError: The spec violates a rule.
    """
    spec.reject(_extensions(spec))
    spec.reject(_schemas(spec))
    spec.reject(_objects(spec))
    spec.reject(_cycles(spec))
    spec.reject(_servers(spec))
    spec.reject(_operations(spec))


def _extensions(spec: Spec) -> Iterator[Problem]:
    known = ", ".join(sorted(EXTENSIONS))
    for pointer, node in spec.nodes():
        if isinstance(node, dict) and pointer[-1:] != ("properties",):
            for key in node:
                if key.startswith("x-") and key not in EXTENSIONS:
                    yield (*pointer, key), f"unknown extension; expected one of {known}"


# ---- Schemas ----


def _schemas(spec: Spec) -> Iterator[Problem]:
    for pointer, schema in spec.schemas():
        yield from _schema(pointer, schema, named=True)
    for pointer, schema in spec.unnamed_schemas():
        yield from _schema(pointer, schema, named=False)


def _objects(spec: Spec) -> Iterator[Problem]:
    for pointer, schema in spec.schemas():
        yield from _response_extensions(spec, pointer, schema)
        if "properties" in schema:
            yield from _object(pointer, schema)


def _schema(place: Pointer, schema: Json, *, named: bool) -> Iterator[Problem]:
    """Check any schema; those of components and properties are `named`."""
    if not isinstance(schema, dict):
        yield place, f"expected an object, got {schema!r}"
        return
    is_reference = "$ref" in schema
    types = _types(schema)
    problems = {
        "a schema needs a description": named and not schema.get("description", "").strip(),
        "a schema needs an example": named and not is_reference and "example" not in schema,
        "a schema needs a type; use JsonValue for any value": not (
            is_reference or types or {"anyOf", "oneOf"} & {*schema} or place[-1] == "JsonValue"
        ),
        "an array needs items": "array" in types and "items" not in schema,
        "an object needs explicit additionalProperties": (
            "object" in types and "additionalProperties" not in schema
        ),
        "an object with properties must be a named schema, used by $ref": (
            "properties" in schema and place[:-1] != SCHEMAS
        ),
        "an object or array cannot have another type; use anyOf": (
            len(types) > 1 and bool({"object", "array"} & {*types})
        ),
        "an enum must be a property with different strings": "enum" in schema
        and not (named and place[-2] == "properties" and types == ["string"] and _distinct(schema)),
        "a default must be a string, a number, a boolean or null": isinstance(
            schema.get("default"), dict | list
        ),
    }
    yield from ((place, problem) for problem, broken in problems.items() if broken)
    for key in schema:
        if key not in (REFERENCE_KEYWORDS if is_reference else KEYWORDS):
            beside = " next to a $ref" if is_reference else ""
            yield (*place, key), f"the generator does not support this keyword{beside}"
    for inner, part in _parts(schema):
        is_property = inner[0] == "properties"
        yield from _schema((*place, *inner), part, named=is_property)


def _parts(schema: Json) -> Iterator[tuple[Pointer, Json]]:
    """Yield the nested schemas, except choices of required fields."""
    for key, part in schema.get("properties", {}).items():
        yield ("properties", key), part
    if "items" in schema:
        yield ("items",), schema["items"]
    if isinstance(schema.get("additionalProperties"), dict):
        yield ("additionalProperties",), schema["additionalProperties"]
    for key in ("anyOf", "oneOf"):
        if not is_choice_of_fields(schema.get(key, [])):
            yield from (((key, index), part) for index, part in enumerate(schema[key]))


def _object(place: Pointer, schema: Json) -> Iterator[Problem]:
    """Check a schema that becomes a class."""
    fields = schema["properties"]
    if not fields:
        yield (*place, "properties"), "expected properties; a map has only additionalProperties"
    if schema.get("additionalProperties") != ANY_VALUE:
        yield place, "unknown fields are kept, so additionalProperties must refer to JsonValue"
    if not _has_summary(schema.get("description", ""), indent=4):
        yield (*place, "description"), SUMMARY
    for index, name in enumerate(schema.get("required", [])):
        if name not in fields:
            yield (*place, "required", index), f"unknown field {name!r}"
    for key in ("anyOf", "oneOf"):
        for index, choice in enumerate(schema.get(key, [])):
            names = choice.get("required", [])
            if set(choice) != {"required"} or len(names) != 1 or names[0] not in fields:
                yield (*place, key, index), "expected `required` with one of the fields"


def _response_extensions(spec: Spec, place: Pointer, schema: Json) -> Iterator[Problem]:
    base = schema.get("x-python-base")
    if base not in (None, REQUEST_BASE, *RESPONSE_BASES):
        names = ", ".join((REQUEST_BASE, *RESPONSE_BASES))
        yield (*place, "x-python-base"), f"expected one of {names}"
    elif base in RESPONSE_BASES and not _supports_base(spec, schema, base):
        yield (*place, "x-python-base"), f"{base} needs {RESPONSE_BASES[base]}"
    if "x-keyed-by-name" in schema:
        item = spec.schema(str(schema["x-keyed-by-name"])) or {}
        if "name" not in item.get("required", []):
            yield (*place, "x-keyed-by-name"), "expected a schema whose field `name` is required"
    if "x-fallback" in schema:
        yield from _fallback((*place, "x-fallback"), spec, schema)


def _fallback(place: Pointer, spec: Spec, schema: Json) -> Iterator[Problem]:
    fields, fallback = schema.get("properties", {}), schema["x-fallback"]
    if isinstance(fallback, dict) and "name" in fields:
        for key in fallback:
            if key not in fields:
                yield place, f"unknown field {key!r}"
            elif "properties" in spec.resolve(fields[key]):
                yield place, f"{key!r} is an object with fields, which has no fallback"
        for inner, problem in spec.violations(schema, {"name": "any", **fallback}):
            yield (*place, *inner), problem
    elif fields or fallback != []:
        yield place, "expected fields of an object with a name, or an empty array"


def _supports_base(spec: Spec, schema: Json, base: str) -> bool:
    fields = schema.get("properties", {})
    required = {name: spec.resolve(fields.get(name, {})) for name in schema.get("required", [])}
    value = required.get("value", {})
    if base == "GateValue":
        return _types(value) == ["boolean"]
    named = _types(required.get("name", {})) == ["string"]
    return named and "properties" not in value and value.get("additionalProperties") == ANY_VALUE


def _cycles(spec: Spec) -> Iterator[Problem]:
    """Check that no schema contains itself."""
    finished: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> Iterator[Problem]:
        if name in path:
            yield (*SCHEMAS, name), "a schema cannot contain itself"
        elif name not in finished:
            for reference in references(spec.schema(name)):
                yield from visit(reference, (*path, name))
            finished.add(name)

    for place, _ in spec.schemas():
        yield from visit(str(place[-1]), ())


# ---- Servers and operations ----


def _servers(spec: Spec) -> Iterator[Problem]:
    for pointer, node in spec.nodes():
        if pointer[-1:] != ("servers",) or pointer[:1] == ("components",):
            continue
        if len(node) != 1:
            yield pointer, f"expected one server, got {len(node)}"
        for index, server in enumerate(node):
            if "{" in server["url"] or "variables" in server:
                yield (*pointer, index), "server variables are not supported"
        if len(pointer) == 3:  # paths, the path, servers
            yield pointer, "servers of a path are not supported; set those of its operations"
    deliveries = [
        ((*place, "servers"), operation["servers"])
        for place, operation in spec.operations()
        if "x-delivers" in operation and operation.get("servers")
    ]
    for place, servers in deliveries:
        if servers[0]["url"] != deliveries[0][1][0]["url"]:
            yield place, "all deliveries must have the same server"


def _operations(spec: Spec) -> Iterator[Problem]:
    for key in ("servers", "paths"):
        if not spec.document.get(key):
            yield (), f"expected {key}"
    if "webhooks" in spec.document:
        yield ("webhooks",), "webhooks are not supported"
    for path, item in spec.document.get("paths", {}).items():
        for key in item.keys() - {*VERBS, "summary", "description", "servers"}:
            yield ("paths", path, key), "the generator does not support this keyword of a path"
    names: set[str] = set()
    for place, operation in spec.operations():
        yield from _operation(spec, place, operation)
        methods = operation.get("x-client-methods", [])
        problems = list(spec.violations(CLIENT_METHODS, methods))
        yield from (((*place, "x-client-methods", *inner), text) for inner, text in problems)
        if problems or not _has_fields(spec, operation):
            continue
        for index, method in enumerate(methods):
            where = (*place, "x-client-methods", index)
            yield from _method(spec, where, method, operation)
            if method["name"] in names or keyword.iskeyword(method["name"]):
                yield (*where, "name"), "the name is taken"
            names.add(method["name"])


def _operation(spec: Spec, place: Pointer, operation: Json) -> Iterator[Problem]:
    delivers = operation.get("x-delivers")
    problems = {
        "expected a POST operation": place[-1] != "post",
        "path parameters are not supported": "{" in str(place[1]),
        "callbacks are not supported": "callbacks" in operation,
        "an operation needs its own security": "security" not in operation,
        "an operation needs a requestBody: application/json, by $ref, of an object with fields": (
            not _has_fields(spec, operation)
        ),
        "a delivery needs its own servers": delivers is not None and not operation.get("servers"),
        "only a delivery can have its own servers": (
            delivers is None and bool(operation.get("servers"))
        ),
    }
    yield from ((place, problem) for problem, broken in problems.items() if broken)
    yield from _security(spec, (*place, "security"), operation.get("security", []))
    yield from _parameters(spec, (*place, "parameters"), operation.get("parameters", []))
    for status in STATUSES:
        if status not in operation.get("responses", {}):
            yield (*place, "responses"), f"expected a response {status}"
    if delivers is not None and delivers not in DELIVERIES:
        yield (*place, "x-delivers"), f"expected one of {', '.join(DELIVERIES)}"


def _security(spec: Spec, place: Pointer, security: Json) -> Iterator[Problem]:
    schemes = spec.document.get("components", {}).get("securitySchemes", {})
    for name in (name for choice in security for name in choice):
        if name not in schemes:
            yield place, f"unknown security scheme {name!r}"
            return
    sent = [[schemes[name] for name in choice] for choice in security]
    if not any(len(choice) == 1 and choice[0].items() >= API_KEY.items() for choice in sent):
        yield place, "expected the apiKey scheme of the header statsig-api-key"


def _parameters(spec: Spec, place: Pointer, parameters: Json) -> Iterator[Problem]:
    """Check that the client can set or omit every parameter itself."""
    for index, declared in enumerate(parameters):
        parameter = spec.resolve(declared)
        if parameter["in"] != "header":
            yield (*place, index), f"{parameter['in']} parameters are not supported"
        elif parameter.get("required"):
            yield (*place, index), "required headers are not supported"


def _has_fields(spec: Spec, operation: Json) -> bool:
    schema = spec.request_schema(operation)
    return "$ref" in schema and "properties" in spec.resolve(schema)


def _method(spec: Spec, place: Pointer, method: Json, operation: Json) -> Iterator[Problem]:
    request = spec.resolve(spec.request_schema(operation))
    arguments = [argument_field(argument) for argument in method["arguments"]]
    for index, name in enumerate(arguments):
        if name not in request["properties"]:
            yield (*place, "arguments", index), f"the request has no field {name!r}"
        if name in arguments[:index]:
            yield (*place, "arguments", index), f"duplicate argument {name!r}"
    for name in request.get("required", []):
        if name not in arguments:
            yield (*place, "arguments"), f"the request requires {name!r}"
    yield from _result(spec, place, method, operation)
    if "entity" in method and method["entity"] not in arguments:
        yield (*place, "entity"), "expected one of the arguments"
    if not _has_summary(method["description"], indent=8):
        yield (*place, "description"), SUMMARY


def _result(spec: Spec, place: Pointer, method: Json, operation: Json) -> Iterator[Problem]:
    name = method["returns"]
    schema = spec.schema(name)
    if schema is None:
        yield (*place, "returns"), f"unknown schema {name!r}"
    elif name not in _returned(spec, operation):
        yield (*place, "returns"), f"no successful response has the schema {name!r}"
    elif _needs_entity(spec, schema) and "entity" not in method:
        yield place, "a method whose result has a fallback needs an `entity`"


def _returned(spec: Spec, operation: Json) -> set[str | None]:
    """Return the names of the schemas of all successful responses."""
    responses = [
        spec.resolve(response).get("content", {}).get("application/json", {}).get("schema", {})
        for status, response in operation.get("responses", {}).items()
        if status.startswith("2")
    ]
    return {target_name(one) for schema in responses for one in schema.get("anyOf", [schema])}


def _needs_entity(spec: Spec, schema: Json) -> bool:
    """Return whether the fallback of a result contains the name of the entity."""
    item = spec.schema(str(schema.get("x-keyed-by-name"))) or {}
    return any(isinstance(one.get("x-fallback"), dict) for one in (schema, item))


def _types(schema: Json) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _distinct(schema: Json) -> bool:
    values = schema["enum"]
    return all(isinstance(value, str) for value in values) and len(set(values)) == len(values)


def _has_summary(description: str, indent: int) -> bool:
    lines = wrap(description, indent) or [""]
    return lines[0].endswith((".", "?", "!")) and (len(lines) == 1 or not lines[1])
