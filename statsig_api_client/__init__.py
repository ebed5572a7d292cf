"""The typed client for the Statsig HTTP API: gates, configs, experiments, layers, events.

    from . import Statsig, StatsigUser

    with Statsig() as statsig:  # the key is in STATSIG_API_KEY
        user = StatsigUser(user_id="42", email="ada@example.com")
        if statsig.check_gate(user, "new_checkout"):
            ...
        color = statsig.get_config(user, "homepage").get("button_color", "blue")
        statsig.log_event(user, "purchase", value=9.99, metadata={"sku": "A1"})

`AsyncStatsig` is the same with `await`.
"""

from ._client import AsyncStatsig, Statsig
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
)
from ._options import ClientOptions
from ._response import APIResponse
from ._runtime.parsers import UNSET, JsonValue, SchemaError, Unset
from ._transports.base import AsyncHTTPClient, HTTPClient
from ._version import __version__
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
    "FeatureGate",
    "GateExposure",
    "GateExposureDict",
    "HTTPClient",
    "InternalServerError",
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
    "UNSET",
    "Unset",
    "__version__",
]
