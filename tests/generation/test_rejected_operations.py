"""Operations that break a rule of the project, or that the generator does not support."""

import pytest

from .rejections import Rejected
from .spec_edits import (
    DROP,
    LAYER,
    STRING,
    body_schemas,
    field,
    method,
    moved_operation,
    operation,
    ref,
    schema,
)

METHOD = f"{LAYER}/x-client-methods/0"
SERVERS = [{"url": "https://eu.statsig.com/v1"}]

OPERATIONS = [
    Rejected(
        "unknown extension",
        [operation("/get_layer", **{"x-retry": True})],
        f"{LAYER}/x-retry",
        "unknown extension; expected one of "
        "x-client-methods, x-delivers, x-fallback, x-keyed-by-name, x-python-base",
    ),
    Rejected(
        "operation without security",
        [operation("/get_layer", security=DROP)],
        f"{LAYER}",
        "an operation needs its own security",
    ),
    Rejected(
        "unknown security",
        [operation("/get_layer", security=[{"Bearer": []}])],
        f"{LAYER}/security",
        "unknown security scheme 'Bearer'",
    ),
    Rejected(
        "operation without a default response",
        [lambda spec: spec["paths"]["/get_layer"]["post"]["responses"].pop("default")],
        f"{LAYER}/responses",
        "expected a response default",
    ),
    Rejected(
        "operation that is not a POST",
        [
            lambda spec: spec["paths"]["/get_layer"].update(
                put=spec["paths"]["/get_layer"].pop("post")
            )
        ],
        "#/paths/~1get_layer/put",
        "expected a POST operation",
    ),
    Rejected(
        "path with a parameter",
        [
            moved_operation("/get_layer", "/layers/{name}"),
            lambda spec: spec["paths"]["/layers/{name}"]["post"].update(
                parameters=[
                    {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
                ]
            ),
        ],
        "#/paths/~1layers~1{name}/post",
        "path parameters are not supported",
    ),
    Rejected("spec without paths", [lambda spec: spec.update(paths={})], "#/", "expected paths"),
    Rejected(
        "operation without a key",
        [operation("/get_layer", security=[])],
        f"{LAYER}/security",
        "expected the apiKey scheme of the header statsig-api-key",
    ),
    Rejected(
        "bearer authentication",
        [
            lambda spec: spec["components"]["securitySchemes"].update(
                Bearer={"type": "http", "scheme": "bearer"}
            ),
            operation("/get_layer", security=[{"Bearer": []}]),
        ],
        f"{LAYER}/security",
        "expected the apiKey scheme of the header statsig-api-key",
    ),
    *(
        Rejected(
            f"{kind} parameter",
            [operation("/get_layer", parameters=[{"name": "a", "in": kind, "schema": STRING}])],
            f"{LAYER}/parameters/0",
            f"{kind} parameters are not supported",
        )
        for kind in ("query", "cookie")
    ),
    Rejected(
        "required header",
        [
            operation(
                "/get_layer",
                parameters=[{"name": "a", "in": "header", "required": True, "schema": STRING}],
            )
        ],
        f"{LAYER}/parameters/0",
        "required headers are not supported",
    ),
    Rejected(
        "callbacks", [operation("/get_layer", callbacks={})], LAYER, "callbacks are not supported"
    ),
    Rejected(
        "webhooks",
        [lambda spec: spec.update(webhooks={})],
        "#/webhooks",
        "webhooks are not supported",
    ),
    Rejected(
        "parameters of a path",
        [lambda spec: spec["paths"]["/get_layer"].update(parameters=[])],
        "#/paths/~1get_layer/parameters",
        "the generator does not support this keyword of a path",
    ),
    Rejected(
        "servers of a path",
        [lambda spec: spec["paths"]["/get_layer"].update(servers=SERVERS)],
        "#/paths/~1get_layer/servers",
        "servers of a path are not supported; set those of its operations",
    ),
    Rejected(
        "servers of an evaluation",
        [operation("/get_layer", servers=SERVERS)],
        LAYER,
        "only a delivery can have its own servers",
    ),
    Rejected(
        "deliveries to different servers",
        [operation("/log_event", servers=SERVERS)],
        "#/paths/~1log_custom_exposure/post/servers",
        "all deliveries must have the same server",
    ),
    Rejected(
        "server variables",
        [lambda spec: spec["servers"][0].update(url="https://{region}.statsig.com/v1")],
        "#/servers/0",
        "server variables are not supported",
    ),
    Rejected(
        "two servers",
        [lambda spec: spec["servers"].append({"url": "https://eu.statsig.com/v1"})],
        "#/servers",
        "expected one server, got 2",
    ),
    Rejected(
        "success without a body",
        [
            lambda spec: spec["paths"]["/get_layer"]["post"]["responses"].pop("200"),
            lambda spec: spec["paths"]["/get_layer"]["post"]["responses"].update(
                {"204": {"description": "Done."}}
            ),
        ],
        f"{METHOD}/returns",
        "no successful response has the schema 'Layer'",
    ),
    Rejected(
        "method named like a hand-written one",
        [method("/get_layer", name="with_options")],
        f"{METHOD}/name",
        "the name is taken",
    ),
    Rejected(
        "method named like a function that calls need",
        [method("/get_layer", name="check_strings")],
        f"{METHOD}/name",
        "the name is taken",
    ),
]
METHODS = [
    Rejected(
        "operation without a method",
        [operation("/get_layer", **{"x-client-methods": []})],
        f"{LAYER}/x-client-methods",
        "[] should be non-empty",
    ),
    Rejected(
        "method without a result",
        [method("/get_layer", returns=DROP)],
        f"{METHOD}",
        "'returns' is a required property",
    ),
    Rejected(
        "unknown key of a method",
        [method("/get_layer", deprecated=True)],
        f"{METHOD}",
        "Additional properties are not allowed ('deprecated' was unexpected)",
    ),
    Rejected(
        "argument that is not a field",
        [method("/get_layer", arguments=["user", "layerName", "layer"])],
        f"{METHOD}/arguments/2",
        "the request has no field 'layer'",
    ),
    Rejected(
        "duplicate argument",
        [method("/get_layer", arguments=["user", "layerName", "user"])],
        f"{METHOD}/arguments/2",
        "duplicate argument 'user'",
    ),
    Rejected(
        "required field without an argument",
        [method("/get_layer", arguments=["user"], entity="user")],
        f"{METHOD}/arguments",
        "the request requires 'layerName'",
    ),
    Rejected(
        "unsupported argument type",
        [
            field("GetLayerRequest", "ids", **ref("CustomIDs"), example={}),
            method("/get_layer", arguments=["user", "layerName", "ids"]),
        ],
        f"{METHOD}/arguments/2",
        "'ids' cannot be an argument: its type is not supported",
    ),
    Rejected(
        "enum argument",
        [
            field("GetLayerRequest", "layerName", enum=["a", "product_page_layer"]),
        ],
        f"{METHOD}/arguments/1",
        "'layerName' cannot be an argument: it is an enum",
    ),
    Rejected(
        "unknown result schema",
        [method("/get_layer", returns="Layers")],
        f"{METHOD}/returns",
        "unknown schema 'Layers'",
    ),
    Rejected(
        "unsupported result type",
        [
            method("/get_layer", returns="Parameters", entity=DROP),
            body_schemas("/get_layer", response="Parameters"),
        ],
        f"{METHOD}/returns",
        "a method cannot return Parameters: expected an object or an array of objects",
    ),
    Rejected(
        "duplicate method name",
        [method("/get_layer", name="get_config")],
        f"{METHOD}/name",
        "the name is taken",
    ),
    Rejected(
        "invalid method name",
        [method("/get_layer", name="getLayer")],
        f"{METHOD}/name",
        "'getLayer' does not match '^[a-z][a-z0-9_]*$'",
    ),
    Rejected(
        "method named like a keyword",
        [method("/get_layer", name="import")],
        f"{METHOD}/name",
        "the name is taken",
    ),
    Rejected(
        "entity that is not an argument",
        [method("/get_layer", entity="statsigMetadata")],
        f"{METHOD}/entity",
        "expected one of the arguments",
    ),
    Rejected(
        "fallback without an entity",
        [method("/get_layer", entity=DROP)],
        f"{METHOD}",
        "a method whose result has a fallback needs an `entity`",
    ),
    Rejected(
        "unknown delivery",
        [operation("/log_event", **{"x-delivers": "purchases"})],
        "#/paths/~1log_event/post/x-delivers",
        "expected one of events, exposures",
    ),
    Rejected(
        "delivery without a server",
        [operation("/log_event", servers=DROP)],
        "#/paths/~1log_event/post",
        "a delivery needs its own servers",
    ),
    Rejected(
        "list of a union as a result",
        [schema("RankedList", items={"anyOf": [ref("RankedVariant"), ref("FeatureGate")]})],
        "#/paths/~1get_ranked_list/post/x-client-methods/0/returns",
        "a method cannot return RankedList: expected an object or an array of objects",
    ),
]


@pytest.mark.parametrize("case", [*OPERATIONS, *METHODS], ids=lambda case: case.name)
def test_unsupported_operation_is_rejected(case: Rejected) -> None:
    case.check()
