"""The typed client for the Statsig HTTP API: gates, configs, experiments, layers, events.

    from statsig_api_client import Statsig, StatsigUser

    with Statsig() as statsig:  # the key is in STATSIG_API_KEY
        user = StatsigUser(user_id="42", email="ada@example.com")
        if statsig.check_gate(user, "new_checkout"):
            ...
        color = statsig.get_config(user, "homepage").get("button_color", "blue")
        statsig.log_event(user, "purchase", value=9.99, metadata={"sku": "A1"})

`AsyncStatsig` is the same with `await`.
"""

import typing as _typing

from ._lazy import lazy_names as _lazy_names
from ._version import __version__

if _typing.TYPE_CHECKING:
    from ._async_client import AsyncStatsig
    from ._client import Statsig
    from ._errors import (
        APIConnectionError,
        APIStatusError,
        APITimeoutError,
        AuthenticationError,
        BadRequestError,
        ConfigurationError,
        EventWarning,
        InternalServerError,
        NotFoundError,
        PayloadTooLargeError,
        PermissionDeniedError,
        RateLimitError,
        ResponseValidationError,
        StatsigError,
        StatsigUserWarning,
    )
    from ._options import ClientOptions
    from ._response import APIResponse
    from ._runtime.parsers import UNSET, JsonInput, JsonValue, SchemaError, Unset
    from ._runtime.values import Exposure
    from ._transports.base import AsyncHTTPClient, HTTPClient
    from .generated import (
        DynamicConfig,
        Experiment,
        ExperimentExposure,
        ExperimentExposureDict,
        FeatureGate,
        GateExposure,
        GateExposureDict,
        Layer,
        LogEventResult,
        RankedVariant,
        SecondaryExposure,
        SecondaryExposureDict,
        StatsigEnvironment,
        StatsigEnvironmentDict,
        StatsigEvent,
        StatsigEventDict,
        StatsigMetadata,
        StatsigMetadataDict,
        StatsigUser,
        StatsigUserDict,
    )

# A program imports only what it uses.
else:
    # Type checkers would accept every name of a module with `__getattr__`.
    _MODULES = {
        "._async_client": ("AsyncStatsig",),
        "._client": ("Statsig",),
        "._errors": (
            "APIConnectionError",
            "APIStatusError",
            "APITimeoutError",
            "AuthenticationError",
            "BadRequestError",
            "ConfigurationError",
            "EventWarning",
            "InternalServerError",
            "NotFoundError",
            "PayloadTooLargeError",
            "PermissionDeniedError",
            "RateLimitError",
            "ResponseValidationError",
            "StatsigError",
            "StatsigUserWarning",
        ),
        "._options": ("ClientOptions",),
        "._response": ("APIResponse",),
        "._runtime.parsers": (
            "UNSET",
            "JsonInput",
            "JsonValue",
            "SchemaError",
            "Unset",
        ),
        "._runtime.values": ("Exposure",),
        "._transports.base": (
            "AsyncHTTPClient",
            "HTTPClient",
        ),
        ".generated": (
            "DynamicConfig",
            "Experiment",
            "ExperimentExposure",
            "ExperimentExposureDict",
            "FeatureGate",
            "GateExposure",
            "GateExposureDict",
            "Layer",
            "LogEventResult",
            "RankedVariant",
            "SecondaryExposure",
            "SecondaryExposureDict",
            "StatsigEnvironment",
            "StatsigEnvironmentDict",
            "StatsigEvent",
            "StatsigEventDict",
            "StatsigMetadata",
            "StatsigMetadataDict",
            "StatsigUser",
            "StatsigUserDict",
        ),
    }
    __getattr__, __dir__ = _lazy_names(__name__, _MODULES)

__all__ = [
    "APIConnectionError",
    "APIResponse",
    "APIStatusError",
    "APITimeoutError",
    "AsyncHTTPClient",
    "AsyncStatsig",
    "AuthenticationError",
    "BadRequestError",
    "ClientOptions",
    "ConfigurationError",
    "DynamicConfig",
    "EventWarning",
    "Experiment",
    "ExperimentExposure",
    "ExperimentExposureDict",
    "Exposure",
    "FeatureGate",
    "GateExposure",
    "GateExposureDict",
    "HTTPClient",
    "InternalServerError",
    "JsonInput",
    "JsonValue",
    "Layer",
    "LogEventResult",
    "NotFoundError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "RankedVariant",
    "RateLimitError",
    "ResponseValidationError",
    "SchemaError",
    "SecondaryExposure",
    "SecondaryExposureDict",
    "Statsig",
    "StatsigEnvironment",
    "StatsigEnvironmentDict",
    "StatsigError",
    "StatsigEvent",
    "StatsigEventDict",
    "StatsigMetadata",
    "StatsigMetadataDict",
    "StatsigUser",
    "StatsigUserDict",
    "StatsigUserWarning",
    "UNSET",
    "Unset",
    "__version__",
]
