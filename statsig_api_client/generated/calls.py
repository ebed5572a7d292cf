# Generated from openapi.yaml (sha256 d3a89de7fd4d949ec48b772d6409f47aa50d68c6f848f2f27104f4c66a8e3fdd) with openapi-python-client 0.29.1, datamodel-code-generator 0.89.0. Do not edit.
"""API calls: request bodies, response parsers and fallbacks."""

from collections.abc import Iterable
from typing import Final

from statsig_api_client._runtime import (
    Call,
    Exposure,
    array_of,
    check_argument,
    check_strings,
    keyed_by_name,
    model_json,
    models_json,
    string,
)

from .models import (
    DynamicConfig,
    Experiment,
    ExperimentExposure,
    FeatureGate,
    GateExposure,
    Layer,
    LogEventResult,
    RankedVariant,
    StatsigEvent,
    StatsigUser,
)
from .typed_dicts import ExperimentExposureDict, GateExposureDict, StatsigEventDict, StatsigUserDict

API_SERVER: Final = "https://api.statsig.com/v1"
EVENTS_SERVER: Final = "https://events.statsigapi.net/v1"


def check_gate(user: StatsigUser | StatsigUserDict, gate_name: str) -> Call[FeatureGate]:
    """Evaluate a feature gate for a user."""
    return Call(
        operation="check_gate",
        path="/check_gate",
        body={
            "user": model_json("user", user, StatsigUser),
            "gateName": check_argument("gate_name", gate_name, string),
        },
        parse=FeatureGate.from_dict,
        fallback=lambda error: FeatureGate(name=gate_name, value=False, error=error),
    )


def check_gates(
    user: StatsigUser | StatsigUserDict, gate_names: Iterable[str]
) -> Call[dict[str, FeatureGate]]:
    """Evaluate several feature gates for a user."""
    gate_names = check_strings("gate_names", gate_names, 1, 100)
    return Call(
        operation="check_gates",
        path="/check_gate",
        body={
            "user": model_json("user", user, StatsigUser),
            "gateNames": gate_names,
        },
        parse=keyed_by_name(FeatureGate.from_dict),
        fallback=lambda error: {
            name: FeatureGate(name=name, value=False, error=error) for name in gate_names
        },
    )


def get_config(user: StatsigUser | StatsigUserDict, config_name: str) -> Call[DynamicConfig]:
    """Evaluate a dynamic config for a user."""
    return Call(
        operation="get_config",
        path="/get_config",
        body={
            "user": model_json("user", user, StatsigUser),
            "configName": check_argument("config_name", config_name, string),
        },
        parse=DynamicConfig.from_dict,
        fallback=lambda error: DynamicConfig(name=config_name, value={}, error=error),
    )


def get_experiment(user: StatsigUser | StatsigUserDict, experiment_name: str) -> Call[Experiment]:
    """Evaluate an experiment for a user."""
    return Call(
        operation="get_experiment",
        path="/get_config",
        body={
            "user": model_json("user", user, StatsigUser),
            "configName": check_argument("experiment_name", experiment_name, string),
        },
        parse=Experiment.from_dict,
        fallback=lambda error: Experiment(name=experiment_name, value={}, error=error),
    )


def get_layer(user: StatsigUser | StatsigUserDict, layer_name: str) -> Call[Layer]:
    """Evaluate a layer for a user."""
    return Call(
        operation="get_layer",
        path="/get_layer",
        body={
            "user": model_json("user", user, StatsigUser),
            "layerName": check_argument("layer_name", layer_name, string),
        },
        parse=Layer.from_dict,
        fallback=lambda error: Layer(name=layer_name, value={}, error=error),
    )


def get_ranked_list(
    user: StatsigUser | StatsigUserDict, config_name: str
) -> Call[list[RankedVariant]]:
    """Rank the variants of a contextual bandit (Autotune AI) for a user."""
    return Call(
        operation="get_ranked_list",
        path="/get_ranked_list",
        body={
            "user": model_json("user", user, StatsigUser),
            "configName": check_argument("config_name", config_name, string),
        },
        parse=array_of(RankedVariant.from_dict),
        fallback=lambda _: [],
    )


def log_events(events: Iterable[StatsigEvent | StatsigEventDict]) -> Call[LogEventResult]:
    """Log a batch of events."""
    return Call(
        operation="log_events",
        path="/log_event",
        body={
            "events": models_json("events", events, 1, None, StatsigEvent),
        },
        parse=LogEventResult.from_dict,
        delivers="events",
    )


def log_custom_exposures(
    exposures: Iterable[
        Exposure | ExperimentExposure | ExperimentExposureDict | GateExposure | GateExposureDict
    ],
) -> Call[LogEventResult]:
    """Log a batch of exposures that you recorded yourself."""
    return Call(
        operation="log_custom_exposures",
        path="/log_custom_exposure",
        body={
            "exposures": models_json(
                "exposures", exposures, 1, None, ExperimentExposure, GateExposure
            ),
        },
        parse=LogEventResult.from_dict,
        delivers="exposures",
    )
