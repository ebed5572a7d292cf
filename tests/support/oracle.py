# Generated from openapi.yaml (sha256 8db99d0e31adb62ddb664b14d15a4cf56568eeca1137bff29e154ddc96a8a6f7) with openapi-python-client 0.29.1, datamodel-code-generator 0.89.0. Do not edit.
"""Pydantic models of the spec, an oracle for the tests."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
)


class CustomIDs(RootModel[dict[str, StrictStr]]):
    root: dict[str, StrictStr]


class GateName(RootModel[StrictStr]):
    root: Annotated[StrictStr, Field(max_length=100, min_length=2, pattern="^[a-zA-Z0-9_\\-. ]+$")]


class ConfigName(RootModel[StrictStr]):
    root: Annotated[StrictStr, Field(max_length=100, min_length=2, pattern="^[a-zA-Z0-9_\\-. ]+$")]


class GateNames(RootModel[list[GateName]]):
    root: Annotated[list[GateName], Field(max_length=100, min_length=1)]


class EventMetadata(RootModel[dict[str, StrictStr]]):
    root: dict[str, StrictStr]


class JsonValue(RootModel[Any]):
    root: Any


class UserAttributes(RootModel[dict[str, JsonValue]]):
    root: dict[str, JsonValue]


class StatsigEnvironment(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    tier: StrictStr | None = None


class StatsigMetadata(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    sdkType: StrictStr | None = None
    sdkVersion: StrictStr | None = None
    exposureLoggingDisabled: StrictBool = False


class FeatureGate(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr
    value: StrictBool
    rule_id: StrictStr | None = None
    group_name: StrictStr | None = None


class UnnamedFeatureGate(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr | None = None
    value: StrictBool
    rule_id: StrictStr | None = None
    group_name: StrictStr | None = None


class Parameters(RootModel[dict[str, JsonValue]]):
    root: dict[str, JsonValue]


class RankedVariant(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr
    value: Parameters
    rule_id: StrictStr | None = None
    score: StrictFloat


class RankedList(RootModel[list[RankedVariant]]):
    root: list[RankedVariant]


class SecondaryExposure(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    gate: StrictStr
    gateValue: Literal["true", "false"]
    ruleID: StrictStr


class LogEventResult(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    success: StrictBool = True


class ErrorResponse(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    status: StrictInt | None = None
    message: StrictStr | None = None
    error: StrictStr | None = None
    success: StrictBool | None = None


class StatsigUser(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    userID: StrictStr | None = None
    email: StrictStr | None = None
    ip: StrictStr | None = None
    userAgent: StrictStr | None = None
    country: StrictStr | None = None
    locale: StrictStr | None = None
    appVersion: StrictStr | None = None
    custom: UserAttributes | None = None
    privateAttributes: UserAttributes | None = None
    customIDs: CustomIDs | None = None
    statsigEnvironment: StatsigEnvironment | None = None


class CheckGateRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    gateName: GateName | None = None
    gateNames: GateNames | None = None
    user: StatsigUser | None = None
    statsigMetadata: StatsigMetadata | None = None


class GetConfigRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    configName: ConfigName
    user: StatsigUser | None = None
    statsigMetadata: StatsigMetadata | None = None


class GetLayerRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    layerName: StrictStr
    user: StatsigUser | None = None
    statsigMetadata: StatsigMetadata | None = None


class GetRankedListRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    configName: Annotated[
        StrictStr, Field(max_length=100, min_length=2, pattern="^[a-zA-Z0-9_\\- ]+$")
    ]
    user: StatsigUser | None = None
    statsigMetadata: StatsigMetadata | None = None


class FeatureGates(RootModel[dict[str, UnnamedFeatureGate] | list[FeatureGate]]):
    root: dict[str, UnnamedFeatureGate] | list[FeatureGate]


class DynamicConfig(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr
    value: Parameters
    rule_id: StrictStr | None = None
    group_name: StrictStr | None = None
    group: StrictStr | None = None


class Experiment(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr
    value: Parameters
    rule_id: StrictStr | None = None
    group_name: StrictStr | None = None
    group: StrictStr | None = None


class Layer(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr
    value: Parameters
    ruleID: StrictStr | None = None
    allocatedExperimentName: StrictStr | None = None


class SecondaryExposures(RootModel[list[SecondaryExposure]]):
    root: list[SecondaryExposure]


class ExperimentExposure(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    experimentName: Annotated[StrictStr, Field(min_length=1)]
    user: StatsigUser | None = None
    group: Annotated[StrictStr | None, Field(min_length=1)] = None
    ruleID: StrictStr | None = None
    time: StrictInt | StrictStr | None = None
    secondaryExposures: SecondaryExposures | None = None


class GateExposure(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    gateName: Annotated[StrictStr, Field(min_length=1)]
    passes: StrictBool
    user: StatsigUser | None = None
    group: Annotated[StrictStr | None, Field(min_length=1)] = None
    ruleID: StrictStr | None = None
    time: StrictInt | StrictStr | None = None
    secondaryExposures: SecondaryExposures | None = None


class StatsigEvent(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    eventName: Annotated[StrictStr, Field(min_length=1)]
    user: StatsigUser | None = None
    value: StrictStr | StrictFloat | None = None
    time: StrictInt | StrictStr | None = None
    metadata: EventMetadata | None = None
    secondaryExposures: SecondaryExposures | None = None
    statsigMetadata: StatsigMetadata | None = None


class Exposures(RootModel[list[ExperimentExposure | GateExposure]]):
    root: Annotated[list[ExperimentExposure | GateExposure], Field(min_length=1)]


class Events(RootModel[list[StatsigEvent]]):
    root: Annotated[list[StatsigEvent], Field(min_length=1)]


class LogCustomExposureRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    exposures: Exposures
    user: StatsigUser | None = None
    statsigMetadata: StatsigMetadata | None = None


class LogEventRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    events: Events
    user: StatsigUser | None = None
    statsigMetadata: StatsigMetadata | None = None
