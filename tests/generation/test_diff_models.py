"""`generate.py --diff`: changes of models."""

import pytest

from .api_changes import Case
from .spec_edits import (
    DROP,
    NULLABLE_STRING,
    STRING,
    body_schemas,
    field,
    method,
    new_object,
    no_field,
    no_schema,
    ref,
    renamed_field,
    renamed_schema,
    schema,
)

REQUESTS = [
    Case(
        "optional field added",
        [field("StatsigUser", "phone", **STRING)],
        ["minor StatsigUser.phone"],
    ),
    Case(
        "required field added",
        [field("StatsigUser", "phone", required=True, **STRING)],
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
        "string widened to string or number",
        [field("StatsigUser", "country", type=["string", "number"])],
        ["minor StatsigUser.country"],
    ),
    Case(
        "integer or string narrowed to integer",
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
        "types in another order",
        [field("StatsigEvent", "time", type=["string", "integer"])],
        [],
    ),
    Case(
        "string changed to boolean",
        [field("StatsigUser", "email", type="boolean")],
        ["major StatsigUser.email"],
    ),
    Case(
        "string widened to any JSON",
        [field("StatsigUser", "country", type=DROP, **ref("JsonValue"))],
        ["minor StatsigUser.country"],
    ),
    Case(
        "map of strings widened to a map of any JSON",
        [schema("CustomIDs", additionalProperties=ref("JsonValue"))],
        ["minor StatsigUser.custom_ids"],
    ),
    Case(
        "map of strings widened to any JSON",
        [field("StatsigUser", "customIDs", **ref("JsonValue"))],
        ["minor StatsigUser.custom_ids"],
    ),
    Case(
        "map of any JSON narrowed to a map of strings",
        [schema("UserAttributes", additionalProperties=STRING)],
        ["major StatsigUser.custom", "major StatsigUser.private_attributes"],
    ),
    Case(
        "object replaced by free-form JSON",
        [field("StatsigEvent", "statsigMetadata", **ref("JsonValue"))],
        ["major StatsigEvent.statsig_metadata", "major StatsigMetadata"],
    ),
    Case(
        "list of strings widened to a list of strings or numbers",
        [field("StatsigUser", "tags", type="array", items={"type": ["string", "number"]})],
        ["minor StatsigUser.tags"],
    ),
    Case(
        # None left the field out; now the same code sends null.
        "optional field became nullable",
        [field("StatsigUser", "email", **NULLABLE_STRING)],
        ["major StatsigUser.email", "minor StatsigUser.email"],
    ),
    Case(
        "optional field no longer nullable",
        [field("StatsigEvent", "value", type=["string", "number"])],
        ["major StatsigEvent.value", "major StatsigEvent.value"],
    ),
    Case(
        "required field became nullable",
        [field("StatsigEvent", "eventName", **NULLABLE_STRING)],
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
        "string became an enum",
        [field("StatsigEnvironment", "tier", enum=["production", "staging"])],
        ["major StatsigEnvironment.tier", "minor StatsigEnvironmentTier"],
    ),
    Case(
        # Its type was public, and is gone.
        "enum became a string",
        [field("SecondaryExposure", "gateValue", enum=DROP)],
        ["major SecondaryExposureGateValue", "minor SecondaryExposure.gate_value"],
    ),
    Case(
        "choice of required fields added",
        [schema("StatsigUser", anyOf=[{"required": ["userID"]}, {"required": ["customIDs"]}])],
        ["major StatsigUser"],
    ),
    Case(
        "choice of required fields removed",
        [schema("GateExposure", anyOf=DROP)],
        ["minor GateExposure"],
    ),
    Case(
        "choice of required fields widened",
        [
            schema(
                "GateExposure", anyOf=[{"required": [key]} for key in ("group", "ruleID", "time")]
            )
        ],
        ["minor GateExposure"],
    ),
    Case(
        "choice of required fields narrowed",
        [schema("GateExposure", anyOf=[{"required": ["ruleID"]}])],
        ["major GateExposure"],
    ),
]
RESPONSES = [
    Case(
        "optional field added",
        [field("FeatureGate", "version", **NULLABLE_STRING)],
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
        [field("RankedVariant", "rule_id", required=True, **STRING)],
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
    Case(
        "type changed", [field("RankedVariant", "score", **STRING)], ["major RankedVariant.score"]
    ),
    Case(
        "free-form map narrowed to a map of strings",
        [
            field("RankedVariant", "value", **ref("Texts")),
            schema(
                "Texts",
                type="object",
                description="Texts.",
                additionalProperties=STRING,
                example={},
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
    # Enums of responses are open: their Python type is str.
    Case(
        "string became an enum",
        [field("RankedVariant", "name", enum=["sports", "news"])],
        [],
    ),
    Case(
        "base class removed",
        [schema("FeatureGate", **{"x-python-base": DROP})],
        ["major FeatureGate(GateValue)"],
    ),
    Case(
        "base class added",
        [schema("RankedVariant", **{"x-python-base": "ParameterValues"})],
        ["minor RankedVariant(ParameterValues)"],
    ),
]
OBJECTS = [
    Case(
        "object added",
        [new_object("Device", model=STRING), field("StatsigUser", "device", **ref("Device"))],
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
        "response model became a request model",
        [
            body_schemas("/get_ranked_list", response="LogEventResult"),
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
    Case("unused object added", [new_object("Unused", any=STRING)], []),
    Case("unused object removed", [new_object("Unused", any=STRING)], [], backwards=True),
]


@pytest.mark.parametrize(
    "case",
    [
        *(pytest.param(case, id=f"request: {case.name}") for case in REQUESTS),
        *(pytest.param(case, id=f"response: {case.name}") for case in RESPONSES),
        *(pytest.param(case, id=f"object: {case.name}") for case in OBJECTS),
    ],
)
def test_model_change_has_right_bump(case: Case) -> None:
    case.check()
