"""`generate.py --diff`: what a change of the contract means for those who use the Python API."""

from pathlib import Path

import pytest
from attrs import frozen

import generate
from generator.api import Api
from generator.contract import Contract
from generator.describe import describe
from generator.diff import compare

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
    new_operation,
    no_field,
    no_operation,
    no_schema,
    operation,
    ref,
    renamed_field,
    renamed_schema,
    schema,
    write,
)

TEXT: Json = {"type": "string"}
OR_NULL: Json = {"type": ["string", "null"]}


@frozen
class Case:
    """A change of the contract, and what it must be told to be: `bump place` for each finding."""

    what: str
    edits: list[Edit]
    found: list[str]
    backwards: bool = False
    """Whether the contract changes from the edited form to the real one."""


SENT = [
    Case(
        "optional field added", [field("StatsigUser", "phone", **TEXT)], ["minor StatsigUser.phone"]
    ),
    Case(
        "required field added",
        [field("StatsigUser", "phone", required=True, **TEXT)],
        ["major StatsigUser.phone"],
    ),
    Case("field removed", [no_field("StatsigUser", "locale")], ["major StatsigUser.locale"]),
    Case(
        "field renamed",
        [renamed_field("StatsigUser", "userAgent", "browser")],
        ["major StatsigUser.user_agent", "minor StatsigUser.browser"],
    ),
    Case(
        "field renamed on the wire alone",
        [renamed_field("StatsigUser", "customIDs", "customIds")],
        ["major StatsigUser.custom_ids"],
    ),
    Case(
        "field became required",
        [field("StatsigUser", "email", required=True)],
        ["major StatsigUser.email"],
    ),
    Case(
        "field became optional",
        [field("SecondaryExposure", "ruleID", required=False)],
        ["minor SecondaryExposure.rule_id"],
    ),
    Case(
        "text widened to text or number",
        [field("StatsigUser", "country", type=["string", "number"])],
        ["minor StatsigUser.country"],
    ),
    Case(
        "integer or text narrowed to integer",
        [field("StatsigEvent", "time", type="integer")],
        ["major StatsigEvent.time"],
    ),
    Case(
        "integer widened to number",
        [field("StatsigEvent", "time", type=["number", "string"])],
        ["minor StatsigEvent.time"],
    ),
    Case(
        "number narrowed to integer",
        [field("StatsigEvent", "value", type=["string", "integer", "null"])],
        ["major StatsigEvent.value"],
    ),
    Case(
        "alternatives of a type in another order",
        [field("StatsigEvent", "time", type=["string", "integer"])],
        [],
    ),
    Case(
        "text changed to boolean",
        [field("StatsigUser", "email", type="boolean")],
        ["major StatsigUser.email"],
    ),
    Case(
        "text widened to any JSON",
        [field("StatsigUser", "country", type=DROP, **ref("JsonValue"))],
        ["minor StatsigUser.country"],
    ),
    Case(
        "map of texts widened to a map of any JSON",
        [schema("CustomIDs", additionalProperties=ref("JsonValue"))],
        ["minor StatsigUser.custom_ids"],
    ),
    Case(
        "map of texts widened to any JSON",
        [field("StatsigUser", "customIDs", **ref("JsonValue"))],
        ["minor StatsigUser.custom_ids"],
    ),
    Case(
        "map of any JSON narrowed to a map of texts",
        [schema("UserAttributes", additionalProperties=TEXT)],
        ["major StatsigUser.custom", "major StatsigUser.private_attributes"],
    ),
    Case(
        "object replaced by free-form JSON",
        [field("StatsigEvent", "statsigMetadata", **ref("JsonValue"))],
        ["major StatsigEvent.statsig_metadata", "major StatsigMetadata"],
    ),
    Case(
        "list of texts widened to a list of texts or numbers",
        [field("StatsigUser", "tags", type="array", items={"type": ["string", "number"]})],
        ["minor StatsigUser.tags"],
    ),
    Case(
        # None left the field out; now the same code sends null.
        "optional field became nullable",
        [field("StatsigUser", "email", **OR_NULL)],
        ["major StatsigUser.email", "minor StatsigUser.email"],
    ),
    Case(
        "optional field no longer nullable",
        [field("StatsigEvent", "value", type=["string", "number"])],
        ["major StatsigEvent.value", "major StatsigEvent.value"],
    ),
    Case(
        "required field became nullable",
        [field("StatsigEvent", "eventName", **OR_NULL)],
        ["minor StatsigEvent.event_name"],
    ),
    Case(
        "enum value added",
        [field("SecondaryExposure", "gateValue", enum=["true", "false", "unknown"])],
        ["minor SecondaryExposureGateValue['unknown']"],
    ),
    Case(
        "enum value removed",
        [field("SecondaryExposure", "gateValue", enum=["true"])],
        ["major SecondaryExposureGateValue['false']"],
    ),
    Case(
        "enum values in another order",
        [field("SecondaryExposure", "gateValue", enum=["false", "true"])],
        [],
    ),
    Case(
        "text became an enum",
        [field("StatsigEnvironment", "tier", enum=["production", "staging"])],
        ["major StatsigEnvironment.tier", "minor StatsigEnvironmentTier"],
    ),
    Case(
        # Its type was public, and is gone.
        "enum became any text",
        [field("SecondaryExposure", "gateValue", enum=DROP)],
        ["major SecondaryExposureGateValue", "minor SecondaryExposure.gate_value"],
    ),
    Case(
        "one of some fields needed",
        [schema("StatsigUser", anyOf=[{"required": ["userID"]}, {"required": ["customIDs"]}])],
        ["major StatsigUser"],
    ),
    Case(
        "no longer one of some fields needed",
        [schema("GateExposure", anyOf=DROP)],
        ["minor GateExposure"],
    ),
    Case(
        "another field does for one that was needed",
        [
            schema(
                "GateExposure", anyOf=[{"required": [key]} for key in ("group", "ruleID", "time")]
            )
        ],
        ["minor GateExposure"],
    ),
    Case(
        "fewer fields do for one that was needed",
        [schema("GateExposure", anyOf=[{"required": ["ruleID"]}])],
        ["major GateExposure"],
    ),
]
RECEIVED = [
    Case(
        "optional field added",
        [field("FeatureGate", "version", **OR_NULL)],
        ["minor FeatureGate.version"],
    ),
    Case(
        "required field added",
        [field("RankedVariant", "rank", required=True, type="integer")],
        ["minor RankedVariant.rank"],
    ),
    Case(
        "field removed", [no_field("FeatureGate", "group_name")], ["major FeatureGate.group_name"]
    ),
    Case(
        "field renamed",
        [renamed_field("Layer", "allocatedExperimentName", "experimentName")],
        ["major Layer.allocated_experiment_name", "minor Layer.experiment_name"],
    ),
    Case(
        "field renamed on the wire alone",
        [renamed_field("Layer", "ruleID", "rule_id")],
        ["major Layer.rule_id"],
    ),
    Case(
        "field became nullable",
        [field("RankedVariant", "score", type=["number", "null"])],
        ["major RankedVariant.score"],
    ),
    Case(
        "field became optional and nullable",
        [field("RankedVariant", "score", required=False, type=["number", "null"])],
        ["major RankedVariant.score"],
    ),
    Case(
        "field became optional with a default",
        [field("RankedVariant", "score", required=False, default=0.0)],
        ["minor RankedVariant.score"],
    ),
    Case(
        "nullable field became required",
        [field("RankedVariant", "rule_id", required=True)],
        ["minor RankedVariant.rule_id"],
    ),
    Case(
        "field became required and not nullable",
        [field("RankedVariant", "rule_id", required=True, **TEXT)],
        ["minor RankedVariant.rule_id"],
    ),
    Case(
        "type widened",
        [field("RankedVariant", "score", type=["number", "string"])],
        ["major RankedVariant.score"],
    ),
    Case(
        "number narrowed to integer",
        [field("RankedVariant", "score", type="integer")],
        ["minor RankedVariant.score"],
    ),
    Case("type changed", [field("RankedVariant", "score", **TEXT)], ["major RankedVariant.score"]),
    Case(
        "free-form map narrowed to a map of texts",
        [
            field("RankedVariant", "value", **ref("Texts")),
            schema(
                "Texts", type="object", description="Texts.", additionalProperties=TEXT, example={}
            ),
        ],
        ["minor RankedVariant.value"],
    ),
    Case(
        "default changed",
        [field("LogEventResult", "success", default=False)],
        ["minor LogEventResult.success"],
    ),
    Case(
        "default replaced by null",
        [field("LogEventResult", "success", type=["boolean", "null"], default=DROP)],
        ["major LogEventResult.success"],
    ),
    # Enums of replies are open: to Python they are texts.
    Case(
        "text became an enum",
        [field("RankedVariant", "name", enum=["sports", "news"])],
        [],
    ),
    Case(
        "behaviour lost",
        [schema("FeatureGate", **{"x-python-base": DROP})],
        ["major FeatureGate(GateValue)"],
    ),
    Case(
        "behaviour gained",
        [schema("RankedVariant", **{"x-python-base": "ParameterValues"})],
        ["minor RankedVariant(ParameterValues)"],
    ),
]
MODELS = [
    Case(
        "object added",
        [new_object("Device", model=TEXT), field("StatsigUser", "device", **ref("Device"))],
        ["minor Device", "minor StatsigUser.device"],
    ),
    Case(
        "object removed",
        [no_field("StatsigUser", "statsigEnvironment"), no_schema("StatsigEnvironment")],
        ["major StatsigEnvironment", "major StatsigUser.statsig_environment"],
    ),
    Case(
        "object renamed",
        [renamed_schema("StatsigEnvironment", "Environment")],
        ["major StatsigEnvironment", "major StatsigUser.statsig_environment", "minor Environment"],
    ),
    Case(
        "received object became one that is sent",
        [
            method("/get_ranked_list", returns="LogEventResult", entity=DROP),
            field("StatsigEvent", "variant", **ref("RankedVariant")),
        ],
        [
            "major RankedVariant",
            "major Statsig.get_ranked_list",
            "major Statsig.get_ranked_list ->",
            "minor StatsigEvent.variant",
        ],
    ),
    Case("object that no method uses added", [new_object("Unused", any=TEXT)], []),
    Case(
        "object that no method uses removed", [new_object("Unused", any=TEXT)], [], backwards=True
    ),
]
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
        "argument under another name on the wire",
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
        "more items needed",
        [schema("GateNames", minItems=2)],
        ["major Statsig.check_gates(gate_names)"],
    ),
    Case(
        "no items needed",
        [schema("GateNames", minItems=0)],
        ["minor Statsig.check_gates(gate_names)"],
    ),
    Case(
        "limits moved",
        [schema("GateNames", minItems=0, maxItems=50)],
        ["major Statsig.check_gates(gate_names)"],
    ),
    Case(
        "items of another kind accepted",
        [
            new_object("LayerExposure", layerName=TEXT),
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
        "items of one kind no longer accepted",
        [schema("Exposures", items=ref("GateExposure"))],
        ["major ExperimentExposure", "major Statsig.log_custom_exposures(exposures)"],
    ),
    Case(
        "another object returned",
        [method("/get_layer", returns="Experiment")],
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
        "no fallback any more",
        [schema("Layer", **{"x-fallback": DROP})],
        ["major Layer.error", "major Statsig.get_layer"],
    ),
    Case(
        "fallback given",
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
        "no delivery any more",
        [operation("/log_event", **{"x-delivers": DROP, "servers": DROP})],
        ["minor Statsig.log_events"],
    ),
]
TEXTS = [
    Case(
        "object described otherwise",
        [schema("Layer", description="Some parameters.")],
        ["patch Layer"],
    ),
    Case(
        "field described otherwise",
        [field("Layer", "name", description="Its name.")],
        ["patch Layer.name"],
    ),
    Case(
        "enum described otherwise",
        [field("SecondaryExposure", "gateValue", description="Its value.")],
        ["patch SecondaryExposure.gate_value", "patch SecondaryExposureGateValue"],
    ),
    Case(
        "method described otherwise",
        [method("/get_layer", description="Read a layer.")],
        ["patch Statsig.get_layer"],
    ),
    Case(
        "result described otherwise",
        [method("/get_layer", returns_description="A layer.")],
        ["patch Statsig.get_layer"],
    ),
    Case(
        "argument described otherwise",
        [field("GetLayerRequest", "layerName", description="Which.")],
        ["patch Statsig.get_layer(layer_name)"],
    ),
    Case(
        "description filled otherwise",
        [
            schema(
                "Layer",
                description=changed()["components"]["schemas"]["Layer"]["description"].replace(
                    " ", "\n"
                ),
            )
        ],
        [],
    ),
    Case(
        "operation described otherwise",
        [operation("/get_layer", summary="A layer.", description="Any.")],
        [],
    ),
    Case("example changed", [schema("Layer", example={"name": "a", "value": {}})], []),
    # The service may refuse more or fewer texts; the client sends them all.
    Case("pattern of a text changed", [schema("GateName", pattern="^[a-z]+$", maxLength=50)], []),
    Case("body of errors changed", [field("ErrorReply", "code", type=["integer", "null"])], []),
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
CASES = {
    f"{about}: {case.what}": case
    for about, cases in (
        ("sent", SENT),
        ("received", RECEIVED),
        ("objects", MODELS),
        ("methods", METHODS),
        ("texts", TEXTS),
    )
    for case in cases
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_change_of_the_contract_asks_for_the_right_bump(case: Case, real: Api) -> None:
    edited = describe(Contract(changed(*case.edits)))
    old, new = (edited, real) if case.backwards else (real, edited)
    changes = compare(old, new)
    assert sorted(f"{change.bump} {change.place}" for change in changes) == sorted(case.found)


@pytest.fixture(scope="session")
def real() -> Api:
    return describe(Contract(changed()))


def test_diff_prints_the_most_severe_change_first_and_the_bump_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edits = [
        schema("Layer", description="Some parameters."),
        field("FeatureGate", "version", **OR_NULL),
        field("StatsigUser", "country", type=["string", "number"]),
        method("/get_layer", arguments=["layerName", "user"]),
    ]
    new = write(tmp_path / "new.yaml", changed(*edits))
    assert generate.main(["--diff", str(SPEC), "--spec", str(new)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "major  Statsig.get_layer: the order of arguments is layer_name, user now",
        "minor  StatsigUser.country: type widened from `str` to `str | float`",
        "minor  FeatureGate.version: added",
        "patch  Layer: documentation",
        "major",
    ]


def test_diff_says_none_where_nothing_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--diff", str(SPEC)]) == 0
    assert capsys.readouterr().out == "none\n"


def test_diff_names_the_contract_that_is_broken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.yaml"
    old.write_text("openapi: 3.0.0", encoding="utf-8")
    assert generate.main(["--diff", str(old)]) == 2
    assert "old.yaml:1: #/openapi: expected 3.1.x, got '3.0.0'" in capsys.readouterr().err
