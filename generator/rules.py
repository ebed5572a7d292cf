"""The rules that a contract keeps beyond those of OpenAPI.

Some are hygiene: a description and an example on everything. The others keep out what the generator
could not do justice to, so that nothing is passed over in silence.
"""

import keyword
from collections.abc import Iterator

from .contract import SCHEMAS, Contract, Fault, Json, Pointer, is_choice_of_fields, wire_name
from .docstrings import wrapped

EXTENSIONS = {"x-client-methods", "x-delivers", "x-fallback", "x-keyed-by-name", "x-python-base"}
KEYWORDS = {
    "$ref", "additionalProperties", "anyOf", "default", "deprecated", "description", "enum",
    "example", "format", "items", "maxItems", "maxLength", "maximum", "minItems", "minLength",
    "minimum", "oneOf", "pattern", "properties", "required", "type", *EXTENSIONS,
}  # fmt: skip
BESIDE_REFERENCES = {"$ref", "default", "deprecated", "description", "example"}
PYTHON_BASES = {
    "GateValue": "a required boolean `value`",
    "ParameterValues": "a required text `name`, and a required map `value` of JsonValue",
}
DELIVERIES = ("events", "exposures")
ANYTHING = {"$ref": "#/components/schemas/JsonValue"}
NO_SENTENCE = "it must open with a sentence that fits on one line: the docstring's"
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


def check(contract: Contract) -> None:
    """Refuse a contract that breaks a rule.

    Raises:
        SpecError: There is a fault.
    """
    contract.refuse(_extensions(contract))
    contract.refuse(_schemas(contract))
    contract.refuse(_objects(contract))
    contract.refuse(_operations(contract))


def _extensions(contract: Contract) -> Iterator[Fault]:
    known = ", ".join(sorted(EXTENSIONS))
    for pointer, node in contract.described():
        if isinstance(node, dict) and pointer[-1:] != ("properties",):
            for key in node:
                if key.startswith("x-") and key not in EXTENSIONS:
                    yield (*pointer, key), f"unknown extension; known are {known}"


# ---- Schemas ----


def _schemas(contract: Contract) -> Iterator[Fault]:
    for pointer, schema in contract.schemas():
        yield from _schema(pointer, schema, named=True)
    for pointer, schema in contract.unnamed_schemas():
        yield from _schema(pointer, schema, named=False)


def _objects(contract: Contract) -> Iterator[Fault]:
    for pointer, schema in contract.schemas():
        yield from _reply(contract, pointer, schema)
        if "properties" in schema:
            yield from _object(pointer, schema)


def _schema(place: Pointer, schema: Json, *, named: bool) -> Iterator[Fault]:
    """What holds for every schema: `named` ones are those of components and of properties."""
    if not isinstance(schema, dict):
        yield place, "say what it is, rather than true or false"
        return
    referring = "$ref" in schema
    types = _types(schema)
    faults = {
        "a schema needs a description": named and not schema.get("description", "").strip(),
        "a schema needs an example": named and not referring and "example" not in schema,
        "say its type; what may be anything is a JsonValue": not (
            referring or types or {"anyOf", "oneOf"} & {*schema} or place[-1] == "JsonValue"
        ),
        "an array needs items": "array" in types and "items" not in schema,
        "say whether there are additionalProperties": (
            "object" in types and "additionalProperties" not in schema
        ),
        "an object with properties must be a named schema, used by $ref": (
            "properties" in schema and place[:-1] != SCHEMAS
        ),
        "an object or array has no other type beside it; use anyOf": (
            len(types) > 1 and bool({"object", "array"} & {*types})
        ),
        "an enum is a list of different texts, and belongs to a property": "enum" in schema
        and not (named and place[-2] == "properties" and types == ["string"] and _distinct(schema)),
        "a default is a text, a number, a boolean or null": isinstance(
            schema.get("default"), dict | list
        ),
    }
    yield from ((place, fault) for fault, broken in faults.items() if broken)
    for key in schema:
        if key not in (BESIDE_REFERENCES if referring else KEYWORDS):
            beside = " beside a $ref" if referring else ""
            yield (*place, key), f"the generator does not know this keyword{beside}"
    for inner, part in _parts(schema):
        is_property = inner[0] == "properties"
        yield from _schema((*place, *inner), part, named=is_property)


def _parts(schema: Json) -> Iterator[tuple[Pointer, Json]]:
    """The schemas that stand in another, but not those that only say which fields must be there."""
    for key, part in schema.get("properties", {}).items():
        yield ("properties", key), part
    if "items" in schema:
        yield ("items",), schema["items"]
    if isinstance(schema.get("additionalProperties"), dict):
        yield ("additionalProperties",), schema["additionalProperties"]
    for key in ("anyOf", "oneOf"):
        if not is_choice_of_fields(schema.get(key, [])):
            yield from (((key, index), part) for index, part in enumerate(schema[key]))


def _object(place: Pointer, schema: Json) -> Iterator[Fault]:
    """What holds for a schema that becomes a class."""
    fields = schema["properties"]
    if not fields:
        yield (*place, "properties"), "there are none; a map has additionalProperties alone"
    if schema.get("additionalProperties") != ANYTHING:
        yield place, "unknown fields are kept, so additionalProperties must refer to JsonValue"
    if not _opens_with_a_sentence(schema.get("description", ""), indent=4):
        yield (*place, "description"), NO_SENTENCE
    for index, name in enumerate(schema.get("required", [])):
        if name not in fields:
            yield (*place, "required", index), f"there is no field {name!r}"
    for key in ("anyOf", "oneOf"):
        for index, choice in enumerate(schema.get(key, [])):
            names = choice.get("required", [])
            if set(choice) != {"required"} or len(names) != 1 or names[0] not in fields:
                yield (*place, key, index), "expected `required` with one of the fields"


def _reply(contract: Contract, place: Pointer, schema: Json) -> Iterator[Fault]:
    """What the extensions of replies ask for."""
    base = schema.get("x-python-base")
    if base is not None and str(base) not in PYTHON_BASES:
        yield (*place, "x-python-base"), f"expected one of {', '.join(PYTHON_BASES)}"
    elif base is not None and not _has_base(contract, schema, base):
        yield (*place, "x-python-base"), f"{base} needs {PYTHON_BASES[base]}"
    if "x-keyed-by-name" in schema:
        named = dict(contract.schemas()).get((*SCHEMAS, str(schema["x-keyed-by-name"])), {})
        if "name" not in named.get("required", []):
            yield (*place, "x-keyed-by-name"), "expected a schema whose field `name` is required"
    if "x-fallback" in schema:
        yield from _fallback((*place, "x-fallback"), contract, schema)


def _fallback(place: Pointer, contract: Contract, schema: Json) -> Iterator[Fault]:
    fields, fallback = schema.get("properties", {}), schema["x-fallback"]
    if isinstance(fallback, dict) and "name" in fields:
        for key in fallback:
            if key not in fields:
                yield place, f"there is no field {key!r}"
            elif "properties" in contract.resolve(fields[key]):
                yield place, f"{key!r} is an object with fields, for which nothing can stand"
        for inner, problem in contract.invalid(schema, {"name": "any", **fallback}):
            yield (*place, *inner), problem
    elif fields or fallback != []:
        yield place, "expected fields of an object with a name, or an empty array"


def _has_base(contract: Contract, schema: Json, base: str) -> bool:
    fields = schema.get("properties", {})
    required = {name: contract.resolve(fields.get(name, {})) for name in schema.get("required", [])}
    value = required.get("value", {})
    if base == "GateValue":
        return _types(value) == ["boolean"]
    named = _types(required.get("name", {})) == ["string"]
    return named and "properties" not in value and value.get("additionalProperties") == ANYTHING


# ---- Operations ----


def _operations(contract: Contract) -> Iterator[Fault]:
    for key in ("servers", "paths"):
        if not contract.spec.get(key):
            yield (), f"there are no {key}"
    names: set[str] = set()
    for place, operation in contract.operations():
        yield from _operation(contract, place, operation)
        methods = operation.get("x-client-methods", [])
        faults = list(contract.invalid(CLIENT_METHODS, methods))
        yield from (((*place, "x-client-methods", *inner), problem) for inner, problem in faults)
        if faults or not _has_fields(contract, operation):
            continue
        for index, method in enumerate(methods):
            where = (*place, "x-client-methods", index)
            yield from _method(contract, where, method, contract.request_schema(operation))
            if method["name"] in names or keyword.iskeyword(method["name"]):
                yield (*where, "name"), "the name is taken"
            names.add(method["name"])


def _operation(contract: Contract, place: Pointer, operation: Json) -> Iterator[Fault]:
    schemes = contract.spec.get("components", {}).get("securitySchemes", {})
    delivers = operation.get("x-delivers")
    faults = {
        "every call of this API is a POST": place[-1] != "post",
        "no path of this API has parameters": "{" in str(place[1]),
        "an operation must name its security itself": "security" not in operation,
        "an operation needs a requestBody: application/json, by $ref, of an object with fields": (
            not _has_fields(contract, operation)
        ),
        "a delivery has servers of its own": delivers is not None and not operation.get("servers"),
    }
    yield from ((place, fault) for fault, broken in faults.items() if broken)
    for scheme in (name for choice in operation.get("security", []) for name in choice):
        if scheme not in schemes:
            yield (*place, "security"), f"there is no security scheme {scheme!r}"
    for status in STATUSES:
        if status not in operation.get("responses", {}):
            yield (*place, "responses"), f"there is no response {status}"
    if delivers is not None and delivers not in DELIVERIES:
        yield (*place, "x-delivers"), f"expected one of {', '.join(DELIVERIES)}"


def _has_fields(contract: Contract, operation: Json) -> bool:
    content = contract.resolve(operation.get("requestBody", {})).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return "$ref" in schema and "properties" in contract.resolve(schema)


def _method(contract: Contract, place: Pointer, method: Json, request: Json) -> Iterator[Fault]:
    arguments = [wire_name(argument) for argument in method["arguments"]]
    for index, name in enumerate(arguments):
        if name not in request["properties"]:
            yield (*place, "arguments", index), f"the request has no field {name!r}"
        if name in arguments[:index]:
            yield (*place, "arguments", index), f"{name!r} is an argument already"
    for name in request.get("required", []):
        if name not in arguments:
            yield (*place, "arguments"), f"the request requires {name!r}"
    returned = dict(contract.schemas()).get((*SCHEMAS, method["returns"]))
    if returned is None:
        yield (*place, "returns"), f"there is no schema {method['returns']!r}"
    elif _has_fallback(contract, returned) and "entity" not in method:
        yield place, "say the entity: what stands for an unknown answer bears its name"
    if "entity" in method and method["entity"] not in arguments:
        yield (*place, "entity"), "it must be one of the arguments"
    if not _opens_with_a_sentence(method["description"], indent=8):
        yield (*place, "description"), NO_SENTENCE


def _has_fallback(contract: Contract, schema: Json) -> bool:
    """Whether something can stand for the unknown, under its own name."""
    item = dict(contract.schemas()).get((*SCHEMAS, str(schema.get("x-keyed-by-name"))), {})
    return any(isinstance(one.get("x-fallback"), dict) for one in (schema, item))


def _types(schema: Json) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _distinct(schema: Json) -> bool:
    values = schema["enum"]
    return all(isinstance(value, str) for value in values) and len(set(values)) == len(values)


def _opens_with_a_sentence(description: str, indent: int) -> bool:
    lines = wrapped(description, indent) or [""]
    return lines[0].endswith((".", "?", "!")) and (len(lines) == 1 or not lines[1])
