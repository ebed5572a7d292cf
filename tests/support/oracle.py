# Generated from openapi.yaml (sha256 d3a89de7fd4d949ec48b772d6409f47aa50d68c6f848f2f27104f4c66a8e3fdd) with openapi-python-client 0.29.1, datamodel-code-generator 0.89.0. Do not edit.
"""Pydantic models of the spec, an oracle for the tests."""

from typing import Annotated, Any, Literal

from pydantic import (
    MISSING,
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
    tier: StrictStr | MISSING = MISSING


class StatsigMetadata(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    sdkType: StrictStr | MISSING = MISSING
    sdkVersion: StrictStr | MISSING = MISSING
    exposureLoggingDisabled: StrictBool = False


class FeatureGate(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr
    value: StrictBool
    rule_id: StrictStr | None | MISSING = MISSING
    group_name: StrictStr | None | MISSING = MISSING


class UnnamedFeatureGate(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr | MISSING = MISSING
    value: StrictBool
    rule_id: StrictStr | None | MISSING = MISSING
    group_name: StrictStr | None | MISSING = MISSING


class Parameters(RootModel[dict[str, JsonValue]]):
    root: dict[str, JsonValue]


class RankedVariant(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr
    value: Parameters
    rule_id: StrictStr | None | MISSING = MISSING
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
    status: StrictInt | None | MISSING = MISSING
    message: StrictStr | None | MISSING = MISSING
    error: StrictStr | None | MISSING = MISSING
    success: StrictBool | None | MISSING = MISSING


class StatsigUser(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    userID: StrictStr | MISSING = MISSING
    email: StrictStr | MISSING = MISSING
    ip: StrictStr | MISSING = MISSING
    userAgent: StrictStr | MISSING = MISSING
    country: StrictStr | MISSING = MISSING
    locale: StrictStr | MISSING = MISSING
    appVersion: StrictStr | MISSING = MISSING
    os_name: StrictStr | MISSING = MISSING
    os_version: StrictStr | MISSING = MISSING
    browser_name: StrictStr | MISSING = MISSING
    browser_version: StrictStr | MISSING = MISSING
    custom: UserAttributes | MISSING = MISSING
    privateAttributes: UserAttributes | MISSING = MISSING
    customIDs: CustomIDs | MISSING = MISSING
    statsigEnvironment: StatsigEnvironment | MISSING = MISSING


class CheckGateRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    gateName: GateName | MISSING = MISSING
    gateNames: GateNames | MISSING = MISSING
    user: StatsigUser | MISSING = MISSING
    statsigMetadata: StatsigMetadata | MISSING = MISSING


class GetConfigRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    configName: ConfigName
    user: StatsigUser | MISSING = MISSING
    statsigMetadata: StatsigMetadata | MISSING = MISSING


class GetLayerRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    layerName: StrictStr
    user: StatsigUser | MISSING = MISSING
    statsigMetadata: StatsigMetadata | MISSING = MISSING


class GetRankedListRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    configName: Annotated[
        StrictStr, Field(max_length=100, min_length=2, pattern="^[a-zA-Z0-9_\\- ]+$")
    ]
    user: StatsigUser | MISSING = MISSING
    statsigMetadata: StatsigMetadata | MISSING = MISSING


class FeatureGates(RootModel[dict[str, UnnamedFeatureGate] | list[FeatureGate]]):
    root: dict[str, UnnamedFeatureGate] | list[FeatureGate]


class DynamicConfig(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr
    value: Parameters
    rule_id: StrictStr | None | MISSING = MISSING
    group_name: StrictStr | None | MISSING = MISSING
    group: StrictStr | None | MISSING = MISSING


class Experiment(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr
    value: Parameters
    rule_id: StrictStr | None | MISSING = MISSING
    group_name: StrictStr | None | MISSING = MISSING
    group: StrictStr | None | MISSING = MISSING


class Layer(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    name: StrictStr
    value: Parameters
    ruleID: StrictStr | None | MISSING = MISSING
    allocatedExperimentName: StrictStr | None | MISSING = MISSING


class SecondaryExposures(RootModel[list[SecondaryExposure]]):
    root: list[SecondaryExposure]


class ExperimentExposure(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    experimentName: Annotated[StrictStr, Field(min_length=1)]
    user: StatsigUser | MISSING = MISSING
    group: Annotated[StrictStr | MISSING, Field(min_length=1)] = MISSING
    ruleID: StrictStr | MISSING = MISSING
    time: StrictInt | StrictStr | MISSING = MISSING
    secondaryExposures: SecondaryExposures | MISSING = MISSING


class GateExposure(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    gateName: Annotated[StrictStr, Field(min_length=1)]
    passes: StrictBool
    user: StatsigUser | MISSING = MISSING
    group: Annotated[StrictStr | MISSING, Field(min_length=1)] = MISSING
    ruleID: StrictStr | MISSING = MISSING
    time: StrictInt | StrictStr | MISSING = MISSING
    secondaryExposures: SecondaryExposures | MISSING = MISSING


class StatsigEvent(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    eventName: Annotated[StrictStr, Field(min_length=1)]
    user: StatsigUser | MISSING = MISSING
    value: StrictStr | StrictFloat | None | MISSING = MISSING
    time: StrictInt | StrictStr | MISSING = MISSING
    metadata: EventMetadata | MISSING = MISSING
    secondaryExposures: SecondaryExposures | MISSING = MISSING
    statsigMetadata: StatsigMetadata | MISSING = MISSING


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
    user: StatsigUser | MISSING = MISSING
    statsigMetadata: StatsigMetadata | MISSING = MISSING


class LogEventRequest(BaseModel):
    model_config = ConfigDict(
        extra="allow",
    )
    __pydantic_extra__: dict[str, JsonValue]
    events: Events
    user: StatsigUser | MISSING = MISSING
    statsigMetadata: StatsigMetadata | MISSING = MISSING
