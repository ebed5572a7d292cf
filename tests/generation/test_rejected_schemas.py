"""Schemas that break a rule of the project, or that the generator does not support."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .rejections import Rejected, problems
from .spec_edits import (
    DROP,
    GATE,
    LAYER,
    NULLABLE_STRING,
    STRING,
    USER,
    Json,
    edited,
    field,
    new_object,
    operation,
    ref,
    schema,
)

HYGIENE = [
    Rejected(
        "schema without an example",
        [field("StatsigUser", "userID", example=DROP)],
        f"{USER}/properties/userID",
        "a schema needs an example",
    ),
    Rejected(
        "schema without a description",
        [field("StatsigUser", "userID", description=" ")],
        f"{USER}/properties/userID",
        "a schema needs a description",
    ),
    Rejected(
        "class without a summary",
        [schema("StatsigUser", description="The user")],
        f"{USER}/description",
        "expected a first sentence that fits on one line, for the docstring",
    ),
    Rejected(
        "inline object",
        [
            field(
                "StatsigUser",
                "device",
                type="object",
                properties={},
                additionalProperties=ref("JsonValue"),
                example={},
            )
        ],
        f"{USER}/properties/device",
        "an object with properties must be a named schema, used by $ref",
    ),
    Rejected(
        "inline object in a response",
        [
            operation(
                "/get_layer",
                responses={
                    status: {
                        "description": "A layer.",
                        "content": {
                            "application/json": {
                                "schema": edited()["components"]["schemas"]["FeatureGate"]
                            }
                        },
                    }
                    for status in ("400", "401", "5XX", "default")
                },
            )
        ],
        f"{LAYER}/responses/400/content/application~1json/schema",
        "an object with properties must be a named schema, used by $ref",
    ),
    Rejected(
        "map without additionalProperties",
        [schema("CustomIDs", additionalProperties=DROP)],
        "#/components/schemas/CustomIDs",
        "an object needs explicit additionalProperties",
    ),
    Rejected(
        "object without unknown fields",
        [schema("FeatureGate", additionalProperties=False)],
        f"{GATE}",
        "unknown fields are kept, so additionalProperties must refer to JsonValue",
    ),
    Rejected(
        "required field that does not exist",
        [schema("FeatureGate", required=["nam"])],
        f"{GATE}/required/0",
        "unknown field 'nam'",
    ),
]
TYPES = [
    Rejected(
        "unsupported keyword",
        [schema("StatsigUser", minProperties=1)],
        f"{USER}/minProperties",
        "the generator does not support this keyword",
    ),
    Rejected(
        "keyword beside a reference",
        [field("StatsigUser", "customIDs", minProperties=1)],
        f"{USER}/properties/customIDs/minProperties",
        "the generator does not support this keyword next to a $ref",
    ),
    *(
        Rejected(
            f"format {form}",
            [field("StatsigUser", "userID", format=form, example=example)],
            f"{USER}/properties/userID",
            f"the generator does not support a {kind}",
        )
        for form, kind, example in [
            ("date-time", "DateTimeProperty", "2021-03-27T06:33:07Z"),
            ("date", "DateProperty", "2021-03-27"),
            ("uuid", "UuidProperty", "e5b0a6b4-4f5c-4f0e-9d0c-3c8a0e1f4a11"),
            ("binary", "FileProperty", "a"),
        ]
    ),
    Rejected(
        "format in a list",
        [
            field(
                "StatsigUser", "days", type="array", items={**STRING, "format": "date"}, example=[]
            )
        ],
        f"{USER}/properties/days",
        "the generator does not support a DateProperty",
    ),
    Rejected(
        "no type",
        [field("StatsigUser", "userID", type=DROP)],
        f"{USER}/properties/userID",
        "a schema needs a type; use JsonValue for any value",
    ),
    Rejected(
        "null alone",
        [field("StatsigUser", "userID", type=["null"])],
        f"{USER}/properties/userID",
        "the generator does not support null without a type",
    ),
    Rejected(
        "boolean schema",
        [field("StatsigUser", "tags", type="array", items=True)],
        f"{USER}/properties/tags/items",
        "expected an object, got True",
    ),
    Rejected(
        "array of anything",
        [field("StatsigUser", "tags", type="array", example=[])],
        f"{USER}/properties/tags",
        "an array needs items",
    ),
    Rejected(
        "list or string",
        [field("StatsigUser", "tags", type=["array", "string"], items=STRING)],
        f"{USER}/properties/tags",
        "an object or array cannot have another type; use anyOf",
    ),
    Rejected(
        "object or string",
        [field("StatsigUser", "tier", anyOf=[ref("StatsigEnvironment"), STRING])],
        f"{USER}/properties/tier",
        "the generator does not support a union of objects or arrays and others",
    ),
    Rejected(
        "enum of numbers",
        [field("StatsigUser", "level", type="integer", enum=[1, 2], example=1)],
        f"{USER}/properties/level",
        "an enum must be a property with different strings",
    ),
    Rejected(
        "enum in a list",
        [
            field(
                "StatsigUser", "tags", type="array", items={**STRING, "enum": ["a"]}, example=["a"]
            )
        ],
        f"{USER}/properties/tags/items",
        "an enum must be a property with different strings",
    ),
    Rejected(
        "mutable default",
        [field("Layer", "tags", type="array", items=STRING, default=[], example=[])],
        "#/components/schemas/Layer/properties/tags",
        "a default must be a string, a number, a boolean or null",
    ),
    Rejected(
        "optional response field that is not nullable",
        [field("FeatureGate", "rule_id", **STRING)],
        f"{GATE}/properties/rule_id",
        "an optional field of a response must be nullable or have a default",
    ),
    Rejected(
        "schema in requests and responses",
        [field("LogEventResult", "where", **ref("StatsigEnvironment"), example={})],
        "#/components/schemas/StatsigEnvironment",
        "a schema cannot be part of both requests and responses",
    ),
    Rejected(
        "object that contains itself",
        [field("StatsigUser", "parent", **ref("StatsigUser"), example={})],
        f"{USER}",
        "a schema cannot contain itself",
    ),
    Rejected(
        "oneOf in a class",
        [
            schema("GateExposure", anyOf=DROP, oneOf=[{"required": ["ruleID"]}]),
        ],
        "#/components/schemas/GateExposure/oneOf",
        "the generator supports only anyOf for a choice of fields",
    ),
    Rejected(
        "choice of fields that do not exist",
        [schema("StatsigUser", anyOf=[{"required": ["userID"]}, {"required": ["deviceID"]}])],
        f"{USER}/anyOf/1",
        "expected `required` with one of the fields",
    ),
    Rejected(
        "two fields with one Python name",
        [field("StatsigUser", "user_id", **STRING)],
        f"{USER}/properties/user_id",
        "the class already has a member 'user_id'",
    ),
    Rejected(
        "field named like a method",
        [field("StatsigUser", "toDict", **STRING)],
        f"{USER}/properties/toDict",
        "the class already has a member 'to_dict'",
    ),
    Rejected(
        "class named like an import",
        [
            new_object("Mapping", a=STRING),
            field("StatsigUser", "map", **ref("Mapping"), example={}),
        ],
        "#/components/schemas/Mapping",
        "the generated code already has a name 'Mapping'",
    ),
    Rejected(
        "class named like a sentinel",
        [new_object("UNSET", a=STRING), field("StatsigUser", "a", **ref("UNSET"), example={})],
        "#/components/schemas/UNSET",
        "the generated code already has a name 'UNSET'",
    ),
    Rejected(
        "class named like a TypedDict",
        [
            new_object("StatsigUserDict", a=STRING),
            field("StatsigUser", "a", **ref("StatsigUserDict"), example={}),
        ],
        "#/components/schemas/StatsigUserDict",
        "the generated code already has a name 'StatsigUserDict'",
    ),
    Rejected(
        "field with a name that is not ASCII",
        [field("StatsigUser", "größe", **STRING)],
        f"{USER}/properties/größe",
        "expected an ASCII name, got 'größe'",
    ),
    Rejected(
        "array of itself",
        [
            schema("Lists", type="array", description="Lists.", items=ref("Lists"), example=[]),
            field("StatsigUser", "lists", **ref("Lists"), example=[]),
        ],
        "#/components/schemas/Lists",
        "a schema cannot contain itself",
    ),
    Rejected(
        "map of itself",
        [schema("CustomIDs", additionalProperties=ref("CustomIDs"))],
        "#/components/schemas/CustomIDs",
        "a schema cannot contain itself",
    ),
    Rejected(
        "invalid class name",
        [
            new_object("gadget", a=STRING),
            field("StatsigUser", "gadget", **ref("gadget"), example={}),
        ],
        "#/components/schemas/gadget",
        "expected a class name such as StatsigUser",
    ),
]
RESPONSES = [
    Rejected(
        "invalid fallback",
        [schema("FeatureGate", **{"x-fallback": {"value": "no"}})],
        f"{GATE}/x-fallback/value",
        "'no' is not of type 'boolean'",
    ),
    Rejected(
        "fallback with an unknown field",
        [schema("FeatureGate", **{"x-fallback": {"value": False, "passes": False}})],
        f"{GATE}/x-fallback",
        "unknown field 'passes'",
    ),
    Rejected(
        "fallback without a name",
        [schema("LogEventResult", **{"x-fallback": {"success": False}})],
        "#/components/schemas/LogEventResult/x-fallback",
        "expected fields of an object with a name, or an empty array",
    ),
    Rejected(
        "fallback with an object in it",
        [
            new_object("Owner", email=NULLABLE_STRING),
            field("Layer", "owner", **ref("Owner")),
            schema("Layer", **{"x-fallback": {"value": {}, "owner": {}}}),
        ],
        "#/components/schemas/Layer/x-fallback",
        "'owner' is an object with fields, which has no fallback",
    ),
    Rejected(
        "unknown base class",
        [schema("FeatureGate", **{"x-python-base": "Gate"})],
        f"{GATE}/x-python-base",
        "expected one of Exposure, GateValue, ParameterValues",
    ),
    Rejected(
        "base class without its fields",
        [schema("RankedVariant", **{"x-python-base": "GateValue"})],
        "#/components/schemas/RankedVariant/x-python-base",
        "GateValue needs a required boolean `value`",
    ),
    Rejected(
        "base class of a request model",
        [
            field("StatsigEnvironment", "value", required=True, type="boolean"),
            schema("StatsigEnvironment", **{"x-python-base": "GateValue"}),
        ],
        "#/components/schemas/StatsigEnvironment",
        "x-fallback and x-python-base, except Exposure, are for responses",
    ),
    Rejected(
        "base class of a response model",
        [schema("FeatureGate", **{"x-python-base": "Exposure"})],
        f"{GATE}/x-python-base",
        "Exposure is for requests",
    ),
    Rejected(
        "keyed by a name that is missing",
        [schema("FeatureGates", **{"x-keyed-by-name": "LogEventResult"})],
        "#/components/schemas/FeatureGates/x-keyed-by-name",
        "expected a schema whose field `name` is required",
    ),
]


@pytest.mark.parametrize("case", [*HYGIENE, *TYPES, *RESPONSES], ids=lambda case: case.name)
def test_unsupported_schema_is_rejected(case: Rejected) -> None:
    case.check()


def test_field_named_ref_is_rejected() -> None:
    spec = edited(field("StatsigUser", "$ref", **STRING))
    assert problems(spec, validate=True) == [
        f"broken.yaml:1: {USER}/properties/$ref: a field cannot be named `$ref`"
    ]


def test_all_problems_are_reported_together() -> None:
    spec = edited(
        schema("FeatureGate", maxProperties=9), field("StatsigUser", "userID", example=DROP)
    )
    assert problems(spec) == [
        f"broken.yaml:1: {USER}/properties/userID: a schema needs an example",
        f"broken.yaml:1: {GATE}/maxProperties: the generator does not support this keyword",
    ]


def pointers(node: Json, pointer: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the pointer of every node, except in examples."""
    parts: Json = []
    if isinstance(node, list):
        parts = enumerate(node)
    elif isinstance(node, dict):
        parts = node.items()
    for step, part in parts:
        yield (*pointer, step)
        if step not in ("example", "examples"):
            yield from pointers(part, (*pointer, step))


VALUES: list[Json] = [
    *(DROP, None, True, 1, "x", "object", [], ["x"], {}, {"a": 1}, STRING, ref("Layer"))
]


@given(pointer=st.sampled_from(list(pointers(edited()))), value=st.sampled_from(VALUES))
def test_any_mutation_builds_or_is_rejected(pointer: tuple[str | int, ...], value: Json) -> None:
    spec = json.loads(json.dumps(edited()))  # nodes behind YAML aliases are independent
    *steps, last = pointer
    holder = spec
    for step in steps:
        holder = holder[step]
    if value is DROP:
        del holder[last]
    else:
        holder[last] = value
    for line in problems(spec, validate=True):
        assert line.startswith("broken.yaml:1: #/")
