"""`generate.py --diff`: changes of methods and documentation, and the output."""

from pathlib import Path

import pytest

import generate

from .api_changes import Case
from .spec_edits import (
    DROP,
    NULLABLE_STRING,
    SPEC,
    STRING,
    body_schemas,
    edited,
    field,
    method,
    moved_operation,
    new_object,
    new_operation,
    no_operation,
    operation,
    ref,
    renamed_field,
    schema,
    write,
)

METHODS = [
    Case(
        "operation added",
        [new_operation("/get_flag", like="/get_layer"), method("/get_flag", name="get_flag")],
        ["minor Statsig.get_flag"],
    ),
    Case(
        "operation removed",
        [no_operation("/get_layer")],
        ["major Layer", "major Statsig.get_layer"],
    ),
    Case(
        "method renamed",
        [method("/get_layer", name="fetch_layer")],
        ["major Statsig.get_layer", "minor Statsig.fetch_layer"],
    ),
    Case(
        "argument added",
        [
            field("GetLayerRequest", "limit", type="integer"),
            method("/get_layer", arguments=["user", "layerName", "limit"]),
        ],
        ["major Statsig.get_layer(limit)"],
    ),
    Case(
        "argument removed",
        [
            method("/get_layer", arguments=["layerName"]),
        ],
        ["major Statsig.get_layer(user)"],
    ),
    Case(
        "argument renamed",
        [method("/get_layer", arguments=["user", {"layerName": "name"}])],
        [
            "major Statsig.get_layer(layer_name)",
            "major Statsig.get_layer(name)",
            "minor Statsig.get_layer",
        ],
    ),
    Case(
        "arguments in another order",
        [method("/get_layer", arguments=["layerName", "user"])],
        ["major Statsig.get_layer"],
    ),
    Case(
        "argument of another type",
        [field("GetLayerRequest", "layerName", type="integer")],
        ["major Statsig.get_layer(layer_name)"],
    ),
    Case(
        "argument of another request field",
        [
            renamed_field("GetLayerRequest", "layerName", "layer"),
            schema("GetLayerRequest", required=["layer"]),
            method("/get_layer", arguments=["user", {"layer": "layerName"}], entity="layer"),
        ],
        ["minor Statsig.get_layer(layer_name)"],
    ),
    Case(
        "fewer items allowed",
        [schema("GateNames", maxItems=50)],
        ["major Statsig.check_gates(gate_names)"],
    ),
    Case(
        "more items allowed",
        [schema("GateNames", maxItems=200)],
        ["minor Statsig.check_gates(gate_names)"],
    ),
    Case(
        "any number of items allowed",
        [schema("GateNames", maxItems=DROP)],
        ["minor Statsig.check_gates(gate_names)"],
    ),
    Case(
        "more items required",
        [schema("GateNames", minItems=2)],
        ["major Statsig.check_gates(gate_names)"],
    ),
    Case(
        "no items required",
        [schema("GateNames", minItems=0)],
        ["minor Statsig.check_gates(gate_names)"],
    ),
    Case(
        "item limits moved",
        [schema("GateNames", minItems=0, maxItems=50)],
        ["major Statsig.check_gates(gate_names)"],
    ),
    Case(
        "item type added",
        [
            new_object("LayerExposure", layerName=STRING),
            schema(
                "Exposures",
                items={
                    "anyOf": [ref(f"{kind}Exposure") for kind in ("Experiment", "Gate", "Layer")]
                },
            ),
        ],
        ["minor LayerExposure", "minor Statsig.log_custom_exposures(exposures)"],
    ),
    Case(
        "item type removed",
        [schema("Exposures", items=ref("GateExposure"))],
        ["major ExperimentExposure", "major Statsig.log_custom_exposures(exposures)"],
    ),
    Case(
        "another object returned",
        [
            body_schemas("/get_layer", response="Experiment"),
            method("/get_layer", returns="Experiment"),
        ],
        ["major Layer", "major Statsig.get_layer ->", "minor Statsig.get_layer"],
    ),
    Case(
        "a list returned instead of a map by name",
        [
            schema(
                "FeatureGates",
                **{
                    "x-keyed-by-name": DROP,
                    "x-fallback": [],
                    "anyOf": DROP,
                    "type": "array",
                    "items": ref("FeatureGate"),
                },
            )
        ],
        ["major Statsig.check_gates ->", "minor Statsig.check_gates"],
    ),
    Case(
        "fallback removed",
        [schema("Layer", **{"x-fallback": DROP})],
        ["major Layer.error", "major Statsig.get_layer"],
    ),
    Case(
        "fallback added",
        [schema("Layer", **{"x-fallback": DROP})],
        ["minor Layer.error", "minor Statsig.get_layer"],
        backwards=True,
    ),
    Case(
        "another fallback",
        [schema("FeatureGate", **{"x-fallback": {"value": True}})],
        ["minor Statsig.check_gate", "minor Statsig.check_gates"],
    ),
    Case(
        "another path",
        [moved_operation("/get_layer", "/layer")],
        ["minor Statsig.get_layer"],
    ),
    Case(
        "another server",
        [lambda spec: spec["servers"][0].update(url="https://eu.statsig.com/v1")],
        ["minor API_SERVER"],
    ),
    Case(
        "another server of deliveries",
        [
            operation(path, servers=[{"url": "https://eu.statsig.com/v1"}])
            for path in ("/log_event", "/log_custom_exposure")
        ],
        ["minor EVENTS_SERVER"],
    ),
    Case(
        "delivery became an evaluation",
        [operation("/log_event", **{"x-delivers": DROP, "servers": DROP})],
        ["minor Statsig.log_events"],
    ),
]
DOCUMENTATION = [
    Case(
        "object description changed",
        [schema("Layer", description="Some parameters.")],
        ["patch Layer"],
    ),
    Case(
        "field description changed",
        [field("Layer", "name", description="Its name.")],
        ["patch Layer.name"],
    ),
    Case(
        "enum description changed",
        [field("SecondaryExposure", "gateValue", description="Its value.")],
        ["patch SecondaryExposure.gate_value", "patch SecondaryExposureGateValue"],
    ),
    Case(
        "method description changed",
        [method("/get_layer", description="Read a layer.")],
        ["patch Statsig.get_layer"],
    ),
    Case(
        "operation deprecated",
        [operation("/get_layer", deprecated=True)],
        ["minor Statsig.get_layer", "patch Statsig.get_layer"],
    ),
    Case(
        "result description changed",
        [method("/get_layer", returns_description="A layer.")],
        ["patch Statsig.get_layer"],
    ),
    Case(
        "argument description changed",
        [field("GetLayerRequest", "layerName", description="Which.")],
        ["patch Statsig.get_layer(layer_name)"],
    ),
    Case(
        "description wrapped differently",
        [
            schema(
                "Layer",
                description=edited()["components"]["schemas"]["Layer"]["description"].replace(
                    " ", "\n"
                ),
            )
        ],
        [],
    ),
    Case(
        "operation description changed",
        [operation("/get_layer", summary="A layer.", description="Any.")],
        [],
    ),
    Case("example changed", [schema("Layer", example={"name": "a", "value": {}})], []),
    # The service may reject more or fewer strings; the client sends all of them.
    Case("pattern of a string changed", [schema("GateName", pattern="^[a-z]+$", maxLength=50)], []),
    Case("body of errors changed", [field("ErrorResponse", "code", type=["integer", "null"])], []),
    Case(
        "fields in another order",
        [
            lambda spec: spec["components"]["schemas"]["Layer"].update(
                properties=dict(
                    reversed(spec["components"]["schemas"]["Layer"]["properties"].items())
                )
            )
        ],
        [],
    ),
    Case("nothing", [], []),
]


@pytest.mark.parametrize("case", [*METHODS, *DOCUMENTATION], ids=lambda case: case.name)
def test_method_change_has_right_bump(case: Case) -> None:
    case.check()


def test_diff_prints_changes_by_severity(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edits = [
        schema("Layer", description="Some parameters."),
        field("FeatureGate", "version", **NULLABLE_STRING),
        field("StatsigUser", "country", type=["string", "number"]),
        method("/get_layer", arguments=["layerName", "user"]),
    ]
    new = write(tmp_path / "new.yaml", edited(*edits))
    assert generate.main(["--diff", str(SPEC), "--spec", str(new)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "major  Statsig.get_layer: the argument order is now layer_name, user",
        "minor  StatsigUser.country: type widened from `str` to `str | float`",
        "minor  FeatureGate.version: added",
        "patch  Layer: documentation",
        "major",
    ]


def test_diff_without_changes_prints_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--diff", str(SPEC)]) == 0
    assert capsys.readouterr().out == "none\n"


def test_diff_names_invalid_spec(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "old.yaml"
    old.write_text("openapi: 3.0.0", encoding="utf-8")
    assert generate.main(["--diff", str(old)]) == 2
    assert "old.yaml:1: #/openapi: expected 3.1.x, got '3.0.0'" in capsys.readouterr().err
