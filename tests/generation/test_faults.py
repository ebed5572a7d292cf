"""What a broken contract gets: exit code 2, and one line a fault with its file and place."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

import generate
from generator.contract import Contract, SpecError
from generator.describe import describe

from .contracts import (
    DROP,
    SPEC,
    Edit,
    Json,
    changed,
    field,
    method,
    moved_operation,
    new_object,
    operation,
    ref,
    schema,
)

TEXT: Json = {"type": "string"}
OR_NULL: Json = {"type": ["string", "null"]}
USER = "#/components/schemas/StatsigUser"
GATE = "#/components/schemas/FeatureGate"
LAYER = "#/paths/~1get_layer/post"
METHOD = f"{LAYER}/x-client-methods/0"


@frozen
class Broken:
    """A text to put in the place of another, and what is told of the line where `at` begins."""

    what: str
    old: str
    new: str
    at: str
    fault: str


FILES = [
    Broken("not YAML", "  title: Statsig", "  title: [Statsig", "version: 1.0.0", "not YAML: "),
    Broken("tab", "info:\n", "info:\n\t", "\t  title", "not YAML: found character '\\t'"),
    Broken(
        "duplicate key",
        "      operationId: getLayer\n",
        "      operationId: getLayer\n      operationId: getTheLayer\n",
        "getTheLayer",
        f"{LAYER}/operationId: this key stands on line ",
    ),
    Broken(
        "key that is no text", '"404":', "404:", " 404:", f"{LAYER}/responses/404: a key is text"
    ),
    Broken(
        "value that is no JSON",
        "example: user-123\n",
        "example: 2021-03-27\n",
        "2021-03-27",
        f"{USER}/properties/userID/example: JSON has no date: write it in quotes",
    ),
    Broken(
        "number that is no JSON",
        "example: 9.99\n",
        "example: .inf\n",
        ".inf",
        "#/components/schemas/StatsigEvent/properties/value/example: JSON does not have",
    ),
    Broken(
        "OpenAPI 3.0",
        "openapi: 3.1.0",
        "openapi: 3.0.3",
        "openapi: 3.0.3",
        "#/openapi: expected 3.1.x, got '3.0.3'",
    ),
    Broken(
        "key that OpenAPI does not have",
        "      operationId: getLayer\n",
        "      operationId: getLayer\n      bodi: {}\n",
        "    post:\n      operationId: getLayer",
        f"{LAYER}: Unevaluated properties are not allowed ('bodi' was unexpected)",
    ),
    Broken(
        "type that JSON Schema does not have",
        "type: number\n",
        "type: numeric\n",
        "type: numeric",
        "#/components/schemas/RankedVariant/properties/score/type: 'numeric' is not",
    ),
    Broken(
        "reference to nothing",
        "schemas/GetLayerRequest",
        "schemas/GetLayersRequest",
        "schemas/GetLayersRequest",
        f"{LAYER}/requestBody/content/application~1json/schema/$ref: there is no",
    ),
    Broken(
        "reference to another document",
        "#/components/schemas/GetLayerRequest",
        "layers.yaml#/GetLayerRequest",
        "layers.yaml",
        f"{LAYER}/requestBody/content/application~1json/schema/$ref: "
        "'layers.yaml#/GetLayerRequest' is not one of #/components/schemas",
    ),
    Broken(
        "reference to itself",
        "    JsonValue:\n",
        "    JsonValue:\n      $ref: '#/components/schemas/JsonValue'\n",
        "$ref: '",
        "#/components/schemas/JsonValue/$ref: "
        "'#/components/schemas/JsonValue' leads back to itself",
    ),
    Broken(
        "wrong example",
        "example: user-123\n",
        "example: 123\n",
        "example: 123\n",
        f"{USER}/properties/userID/example: 123 is not of type 'string'",
    ),
    Broken(
        "wrong default",
        "default: true\n",
        "default: yes it is\n",
        "default: yes it is",
        "#/components/schemas/LogEventResult/properties/success/default: 'yes it is' is not",
    ),
]


@pytest.mark.parametrize("broken", FILES, ids=[broken.what for broken in FILES])
def test_a_fault_is_told_with_its_line_and_nothing_is_written(
    broken: Broken, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = SPEC.read_text(encoding="utf-8")
    assert broken.old in source
    spec = tmp_path / "broken.yaml"
    spec.write_text(source.replace(broken.old, broken.new, 1), encoding="utf-8")
    old = tmp_path / "package" / "generated" / "__init__.py"
    old.parent.mkdir(parents=True)
    old.write_text(generate.GENERATED)

    assert generate.main(["--spec", str(spec), "--output", str(old.parent)]) == 2

    line = spec.read_text(encoding="utf-8").partition(broken.at)[0].count("\n") + 1
    assert f"broken.yaml:{line}: {broken.fault}" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "package").rglob("*")] == ["generated", "__init__.py"]
    assert old.read_text() == generate.GENERATED


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", ":1: expected a mapping at the top"),
        (b"- openapi", ":1: expected a mapping at the top"),
        (b"info: \xff", ": cannot be read: "),
        (b"info: \x07", ":1: not YAML: unacceptable character"),
        (b"info: &a [*a]", ":1: an alias stands within its own anchor"),
        (b"info:\n  version: 2026-02-30", ":2: not YAML: day is out of range for month"),
        (None, ": cannot be read: "),
    ],
    ids=["empty", "list", "not UTF-8", "control character", "endless", "no date", "missing"],
)
def test_a_file_that_is_no_contract_at_all(
    content: bytes | None, fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "broken.yaml"
    if content is not None:
        spec.write_bytes(content)
    assert generate.main(["--check", "--spec", str(spec), "--output", str(tmp_path)]) == 2
    assert f"broken.yaml{fault}" in capsys.readouterr().err


@frozen
class Refused:
    """A contract that is legal OpenAPI, and what this project has against it."""

    what: str
    edits: list[Edit]
    fault: str


HYGIENE = [
    Refused(
        "schema without an example",
        [field("StatsigUser", "userID", example=DROP)],
        f"{USER}/properties/userID: a schema needs an example",
    ),
    Refused(
        "schema without a description",
        [field("StatsigUser", "userID", description=" ")],
        f"{USER}/properties/userID: a schema needs a description",
    ),
    Refused(
        "class whose description does not open with a sentence",
        [schema("StatsigUser", description="The user")],
        f"{USER}/description: it must open with a sentence that fits on one line: the docstring's",
    ),
    Refused(
        "object in the middle of another",
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
        f"{USER}/properties/device: an object with properties must be a named schema, used by $ref",
    ),
    Refused(
        "object in the middle of a response",
        [
            operation(
                "/get_layer",
                responses={
                    status: {
                        "description": "A layer.",
                        "content": {
                            "application/json": {
                                "schema": changed()["components"]["schemas"]["FeatureGate"]
                            }
                        },
                    }
                    for status in ("400", "401", "5XX", "default")
                },
            )
        ],
        f"{LAYER}/responses/400/content/application~1json/schema: "
        "an object with properties must be a named schema, used by $ref",
    ),
    Refused(
        "map that does not say of what",
        [schema("CustomIDs", additionalProperties=DROP)],
        "#/components/schemas/CustomIDs: say whether there are additionalProperties",
    ),
    Refused(
        "object that refuses unknown fields",
        [schema("FeatureGate", additionalProperties=False)],
        f"{GATE}: unknown fields are kept, so additionalProperties must refer to JsonValue",
    ),
    Refused(
        "required field that does not exist",
        [schema("FeatureGate", required=["nam"])],
        f"{GATE}/required/0: there is no field 'nam'",
    ),
    Refused(
        "unknown extension",
        [operation("/get_layer", **{"x-retry": True})],
        f"{LAYER}/x-retry: unknown extension; known are x-client-methods, x-delivers, x-fallback, "
        "x-keyed-by-name, x-python-base",
    ),
    Refused(
        "operation without security",
        [operation("/get_layer", security=DROP)],
        f"{LAYER}: an operation must name its security itself",
    ),
    Refused(
        "unknown security",
        [operation("/get_layer", security=[{"Bearer": []}])],
        f"{LAYER}/security: there is no security scheme 'Bearer'",
    ),
    Refused(
        "operation without an answer for the unexpected",
        [lambda spec: spec["paths"]["/get_layer"]["post"]["responses"].pop("default")],
        f"{LAYER}/responses: there is no response default",
    ),
    Refused(
        "operation that is no POST",
        [
            lambda spec: spec["paths"]["/get_layer"].update(
                put=spec["paths"]["/get_layer"].pop("post")
            )
        ],
        "#/paths/~1get_layer/put: every call of this API is a POST",
    ),
    Refused(
        "path with a parameter",
        [
            moved_operation("/get_layer", "/layers/{name}"),
            lambda spec: spec["paths"]["/layers/{name}"]["post"].update(
                parameters=[
                    {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
                ]
            ),
        ],
        "#/paths/~1layers~1{name}/post: no path of this API has parameters",
    ),
    Refused(
        "contract without calls", [lambda spec: spec.update(paths={})], "#/: there are no paths"
    ),
]
TYPES = [
    Refused(
        "keyword that the generator passes over",
        [schema("StatsigUser", minProperties=1)],
        f"{USER}/minProperties: the generator does not know this keyword",
    ),
    Refused(
        "keyword beside a reference",
        [field("StatsigUser", "customIDs", minProperties=1)],
        f"{USER}/properties/customIDs/minProperties: "
        "the generator does not know this keyword beside a $ref",
    ),
    *(
        Refused(
            f"format {form}",
            [field("StatsigUser", "userID", format=form, example=example)],
            f"{USER}/properties/userID: there is no Python form for a {kind}",
        )
        for form, kind, example in [
            ("date-time", "DateTimeProperty", "2021-03-27T06:33:07Z"),
            ("date", "DateProperty", "2021-03-27"),
            ("uuid", "UuidProperty", "e5b0a6b4-4f5c-4f0e-9d0c-3c8a0e1f4a11"),
            ("binary", "FileProperty", "a"),
        ]
    ),
    Refused(
        "a format inside of a list",
        [field("StatsigUser", "days", type="array", items={**TEXT, "format": "date"}, example=[])],
        f"{USER}/properties/days: there is no Python form for a DateProperty",
    ),
    Refused(
        "no type",
        [field("StatsigUser", "userID", type=DROP)],
        f"{USER}/properties/userID: say its type; what may be anything is a JsonValue",
    ),
    Refused(
        "null alone",
        [field("StatsigUser", "userID", type=["null"])],
        f"{USER}/properties/userID: there is no Python form for null alone",
    ),
    Refused(
        "schema that allows all",
        [field("StatsigUser", "tags", type="array", items=True)],
        f"{USER}/properties/tags/items: say what it is, rather than true or false",
    ),
    Refused(
        "array of anything",
        [field("StatsigUser", "tags", type="array", example=[])],
        f"{USER}/properties/tags: an array needs items",
    ),
    Refused(
        "list or text",
        [field("StatsigUser", "tags", type=["array", "string"], items=TEXT)],
        f"{USER}/properties/tags: an object or array has no other type beside it; use anyOf",
    ),
    Refused(
        "object or text",
        [field("StatsigUser", "tier", anyOf=[ref("StatsigEnvironment"), TEXT])],
        f"{USER}/properties/tier: there is no Python form for objects or lists beside other types",
    ),
    Refused(
        "enum of numbers",
        [field("StatsigUser", "level", type="integer", enum=[1, 2], example=1)],
        f"{USER}/properties/level: an enum is a list of different texts, and belongs to a property",
    ),
    Refused(
        "enum in a list",
        [field("StatsigUser", "tags", type="array", items={**TEXT, "enum": ["a"]}, example=["a"])],
        f"{USER}/properties/tags/items: "
        "an enum is a list of different texts, and belongs to a property",
    ),
    Refused(
        "default that could be changed in place",
        [field("Layer", "tags", type="array", items=TEXT, default=[], example=[])],
        "#/components/schemas/Layer/properties/tags: "
        "a default is a text, a number, a boolean or null",
    ),
    Refused(
        "optional field of a reply that is not nullable",
        [field("FeatureGate", "rule_id", **TEXT)],
        f"{GATE}/properties/rule_id: "
        "an optional field of a reply must be nullable or have a default",
    ),
    Refused(
        "schema both sent and received",
        [field("LogEventResult", "where", **ref("StatsigEnvironment"), example={})],
        "#/components/schemas/StatsigEnvironment: a schema cannot be both sent and received",
    ),
    Refused(
        "object that contains its own kind",
        [field("StatsigUser", "parent", **ref("StatsigUser"), example={})],
        f"{USER}: an object cannot contain objects of its own kind",
    ),
    Refused(
        "exactly one of some fields",
        [
            schema("GateExposure", anyOf=DROP, oneOf=[{"required": ["ruleID"]}]),
        ],
        "#/components/schemas/GateExposure/oneOf: a class can only say anyOf of its fields",
    ),
    Refused(
        "choice of fields that do not exist",
        [schema("StatsigUser", anyOf=[{"required": ["userID"]}, {"required": ["deviceID"]}])],
        f"{USER}/anyOf/1: expected `required` with one of the fields",
    ),
    Refused(
        "two fields of one Python name",
        [field("StatsigUser", "user_id", **TEXT)],
        f"{USER}/properties/user_id: the Python class has another 'user_id' already",
    ),
    Refused(
        "field named like a method",
        [field("StatsigUser", "toDict", **TEXT)],
        f"{USER}/properties/toDict: the Python class has another 'to_dict' already",
    ),
    Refused(
        "class named like what it needs",
        [new_object("Mapping", a=TEXT), field("StatsigUser", "map", **ref("Mapping"), example={})],
        "#/components/schemas/Mapping: a class needs a free name like StatsigUser",
    ),
    Refused(
        "class whose name Python would not have",
        [new_object("gadget", a=TEXT), field("StatsigUser", "gadget", **ref("gadget"), example={})],
        "#/components/schemas/gadget: a class needs a free name like StatsigUser",
    ),
]
EXTENSIONS = [
    Refused(
        "operation without a method",
        [operation("/get_layer", **{"x-client-methods": []})],
        f"{LAYER}/x-client-methods: [] should be non-empty",
    ),
    Refused(
        "method without a result",
        [method("/get_layer", returns=DROP)],
        f"{METHOD}: 'returns' is a required property",
    ),
    Refused(
        "unknown key of a method",
        [method("/get_layer", deprecated=True)],
        f"{METHOD}: Additional properties are not allowed ('deprecated' was unexpected)",
    ),
    Refused(
        "argument that is no field",
        [method("/get_layer", arguments=["user", "layerName", "layer"])],
        f"{METHOD}/arguments/2: the request has no field 'layer'",
    ),
    Refused(
        "argument given twice",
        [method("/get_layer", arguments=["user", "layerName", "user"])],
        f"{METHOD}/arguments/2: 'user' is an argument already",
    ),
    Refused(
        "required field that is no argument",
        [method("/get_layer", arguments=["user"], entity="user")],
        f"{METHOD}/arguments: the request requires 'layerName'",
    ),
    Refused(
        "argument of a type that arguments do not have",
        [
            field("GetLayerRequest", "ids", **ref("CustomIDs"), example={}),
            method("/get_layer", arguments=["user", "layerName", "ids"]),
        ],
        f"{METHOD}/arguments/2: 'ids' cannot be an argument: its type has no Python form",
    ),
    Refused(
        "argument that is an enum",
        [
            field("GetLayerRequest", "layerName", enum=["a", "product_page_layer"]),
        ],
        f"{METHOD}/arguments/1: 'layerName' cannot be an argument: it is an enum",
    ),
    Refused(
        "result of an unknown schema",
        [method("/get_layer", returns="Layers")],
        f"{METHOD}/returns: there is no schema 'Layers'",
    ),
    Refused(
        "result that is no object",
        [method("/get_layer", returns="Parameters")],
        f"{METHOD}/returns: a method cannot return a Parameters: expected an object or an array",
    ),
    Refused(
        "two methods of one name",
        [method("/get_layer", name="get_config")],
        f"{METHOD}/name: the name is taken",
    ),
    Refused(
        "method whose name is no name of Python's",
        [method("/get_layer", name="getLayer")],
        f"{METHOD}/name: 'getLayer' does not match '^[a-z][a-z0-9_]*$'",
    ),
    Refused(
        "method whose name is a keyword of Python's",
        [method("/get_layer", name="import")],
        f"{METHOD}/name: the name is taken",
    ),
    Refused(
        "entity that is no argument",
        [method("/get_layer", entity="statsigMetadata")],
        f"{METHOD}/entity: it must be one of the arguments",
    ),
    Refused(
        "fallback without a name to bear",
        [method("/get_layer", entity=DROP)],
        f"{METHOD}: say the entity: what stands for an unknown answer bears its name",
    ),
    Refused(
        "delivery of something unknown",
        [operation("/log_event", **{"x-delivers": "purchases"})],
        "#/paths/~1log_event/post/x-delivers: expected one of events, exposures",
    ),
    Refused(
        "delivery without a server",
        [operation("/log_event", servers=DROP)],
        "#/paths/~1log_event/post: a delivery has servers of its own",
    ),
    Refused(
        "fallback that is no reply",
        [schema("FeatureGate", **{"x-fallback": {"value": "no"}})],
        f"{GATE}/x-fallback/value: 'no' is not of type 'boolean'",
    ),
    Refused(
        "fallback of an unknown field",
        [schema("FeatureGate", **{"x-fallback": {"value": False, "passes": False}})],
        f"{GATE}/x-fallback: there is no field 'passes'",
    ),
    Refused(
        "fallback of something nameless",
        [schema("LogEventResult", **{"x-fallback": {"success": False}})],
        "#/components/schemas/LogEventResult/x-fallback: "
        "expected fields of an object with a name, or an empty array",
    ),
    Refused(
        "fallback with an object in it",
        [
            new_object("Owner", email=OR_NULL),
            field("Layer", "owner", **ref("Owner")),
            schema("Layer", **{"x-fallback": {"value": {}, "owner": {}}}),
        ],
        "#/components/schemas/Layer/x-fallback: "
        "'owner' is an object with fields, for which nothing can stand",
    ),
    Refused(
        "list of several kinds as a result",
        [schema("RankedList", items={"anyOf": [ref("RankedVariant"), ref("FeatureGate")]})],
        "#/paths/~1get_ranked_list/post/x-client-methods/0/returns: "
        "a method cannot return a RankedList: expected an object or an array",
    ),
    Refused(
        "unknown behaviour",
        [schema("FeatureGate", **{"x-python-base": "Gate"})],
        f"{GATE}/x-python-base: expected one of GateValue, ParameterValues",
    ),
    Refused(
        "behaviour without the fields that it needs",
        [schema("RankedVariant", **{"x-python-base": "GateValue"})],
        "#/components/schemas/RankedVariant/x-python-base: "
        "GateValue needs a required boolean `value`",
    ),
    Refused(
        "behaviour of something that is sent",
        [
            field("StatsigEnvironment", "value", required=True, type="boolean"),
            schema("StatsigEnvironment", **{"x-python-base": "GateValue"}),
        ],
        "#/components/schemas/StatsigEnvironment: x-python-base and x-fallback are for replies",
    ),
    Refused(
        "names of something nameless",
        [schema("FeatureGates", **{"x-keyed-by-name": "LogEventResult"})],
        "#/components/schemas/FeatureGates/x-keyed-by-name: "
        "expected a schema whose field `name` is required",
    ),
]
REFUSED = {refused.what: refused for refused in (*HYGIENE, *TYPES, *EXTENSIONS)}


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_what_the_generator_could_not_do_justice_to_is_refused(refused: Refused) -> None:
    with pytest.raises(SpecError) as raised:
        describe(Contract(changed(*refused.edits), name="broken.yaml"))
    assert f"broken.yaml:1: {refused.fault}" in str(raised.value).splitlines()


def test_all_faults_are_told_at_once() -> None:
    contract = changed(
        schema("FeatureGate", maxProperties=9), field("StatsigUser", "userID", example=DROP)
    )
    with pytest.raises(SpecError) as raised:
        describe(Contract(contract, name="broken.yaml"))
    assert str(raised.value).splitlines() == [
        f"broken.yaml:1: {USER}/properties/userID: a schema needs an example",
        f"broken.yaml:1: {GATE}/maxProperties: the generator does not know this keyword",
    ]


def test_a_fault_behind_a_yaml_alias_is_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # All error responses share one body by an alias.
    source = SPEC.read_text(encoding="utf-8").replace("schemas/ErrorReply", "schemas/ErrorRepli", 1)
    spec = tmp_path / "broken.yaml"
    spec.write_text(source, encoding="utf-8")
    assert generate.main(["--spec", str(spec), "--output", str(tmp_path / "generated")]) == 2
    (told,) = capsys.readouterr().err.splitlines()
    assert "there is no '#/components/schemas/ErrorRepli'" in told


def places(node: Json, pointer: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of the contract but those in examples."""
    parts: Json = []
    if isinstance(node, list):
        parts = enumerate(node)
    elif isinstance(node, dict):
        parts = node.items()
    for step, part in parts:
        yield (*pointer, step)
        if step not in ("example", "examples"):
            yield from places(part, (*pointer, step))


ODD: list[Json] = [DROP, None, True, 1, "x", "object", [], ["x"], {}, {"a": 1}, TEXT, ref("Layer")]


@given(pointer=st.sampled_from(list(places(changed()))), value=st.sampled_from(ODD))
def test_whatever_stands_anywhere_is_described_or_refused(
    pointer: tuple[str | int, ...], value: Json
) -> None:
    spec = json.loads(json.dumps(changed()))  # what YAML aliases share stands apart
    *steps, last = pointer
    holder = spec
    for step in steps:
        holder = holder[step]
    if value is DROP:
        del holder[last]
    else:
        holder[last] = value
    for line in faults(spec):
        assert line.startswith("openapi.yaml:1: #/")


def faults(spec: Json) -> list[str]:
    contract = Contract(spec)
    try:
        contract.check()
        describe(contract)
    except SpecError as error:
        return str(error).splitlines()
    return []
