# Generated from openapi.yaml (sha256 d3a89de7fd4d949ec48b772d6409f47aa50d68c6f848f2f27104f4c66a8e3fdd) with openapi-python-client 0.29.1, datamodel-code-generator 0.89.0. Do not edit.
"""The client code that `generate.py` writes from `openapi.yaml`."""

import typing as _typing

from statsig_api_client._runtime import lazy_names as _lazy_names

if _typing.TYPE_CHECKING:
    from . import calls
    from .async_client import AsyncOperations, AsyncRawOperations
    from .calls import API_SERVER, EVENTS_SERVER
    from .client import Operations, RawOperations
    from .models import (
        DynamicConfig,
        Experiment,
        ExperimentExposure,
        FeatureGate,
        GateExposure,
        Layer,
        LogEventResult,
        RankedVariant,
        SecondaryExposure,
        SecondaryExposureGateValue,
        StatsigEnvironment,
        StatsigEvent,
        StatsigMetadata,
        StatsigUser,
    )
    from .typed_dicts import (
        ExperimentExposureDict,
        GateExposureDict,
        SecondaryExposureDict,
        StatsigEnvironmentDict,
        StatsigEventDict,
        StatsigMetadataDict,
        StatsigUserDict,
    )
else:
    # Type checkers would accept every name of a module with `__getattr__`.
    __getattr__, __dir__ = _lazy_names(
        __name__,
        {
            ".async_client": (
                "AsyncOperations",
                "AsyncRawOperations",
            ),
            ".calls": (
                "API_SERVER",
                "EVENTS_SERVER",
            ),
            ".client": (
                "Operations",
                "RawOperations",
            ),
            ".models": (
                "StatsigEnvironment",
                "StatsigUser",
                "StatsigMetadata",
                "FeatureGate",
                "DynamicConfig",
                "Experiment",
                "Layer",
                "RankedVariant",
                "SecondaryExposure",
                "StatsigEvent",
                "LogEventResult",
                "ExperimentExposure",
                "GateExposure",
                "SecondaryExposureGateValue",
            ),
            ".typed_dicts": (
                "StatsigEnvironmentDict",
                "StatsigUserDict",
                "StatsigMetadataDict",
                "SecondaryExposureDict",
                "StatsigEventDict",
                "ExperimentExposureDict",
                "GateExposureDict",
            ),
        },
    )

__all__ = [
    "API_SERVER",
    "AsyncOperations",
    "AsyncRawOperations",
    "DynamicConfig",
    "EVENTS_SERVER",
    "Experiment",
    "ExperimentExposure",
    "ExperimentExposureDict",
    "FeatureGate",
    "GateExposure",
    "GateExposureDict",
    "Layer",
    "LogEventResult",
    "Operations",
    "RankedVariant",
    "RawOperations",
    "SecondaryExposure",
    "SecondaryExposureDict",
    "SecondaryExposureGateValue",
    "StatsigEnvironment",
    "StatsigEnvironmentDict",
    "StatsigEvent",
    "StatsigEventDict",
    "StatsigMetadata",
    "StatsigMetadataDict",
    "StatsigUser",
    "StatsigUserDict",
    "calls",
]
