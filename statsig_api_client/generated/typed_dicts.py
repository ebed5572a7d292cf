# Generated from openapi.yaml (sha256 d3a89de7fd4d949ec48b772d6409f47aa50d68c6f848f2f27104f4c66a8e3fdd) with openapi-python-client 0.29.1, datamodel-code-generator 0.89.0. Do not edit.
"""Request models and request bodies as plain dicts, with the field names of the API."""

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired

from statsig_api_client._runtime import JsonInput, TypedDict


class StatsigEnvironmentDict(TypedDict):
    """An environment of the project."""

    tier: NotRequired[str]
    """`production`, `staging`, `development`, or a name that the project defines."""


class StatsigMetadataDict(TypedDict):
    """Metadata of a request or an event."""

    sdkType: NotRequired[str]
    """The type of the client."""
    sdkVersion: NotRequired[str]
    """The version of the client."""
    exposureLoggingDisabled: NotRequired[bool]
    """
    Whether Statsig logs no exposures for this evaluation.

    Only in requests, since 2025-12. The client option `log_exposures=False` sends it.
    """


class SecondaryExposureDict(TypedDict):
    """A gate evaluated as part of a decision."""

    gate: str
    """The name of the gate."""
    gateValue: Literal["true", "false"]
    """Whether the gate passed, as a string."""
    ruleID: str
    """The ID of the matching rule."""


class StatsigUserDict(TypedDict):
    """A user to evaluate, or the user of an event.

    Set `userID` or one of `customIDs`: the API accepts users without an ID, but all of them are
    in the same bucket. Statsig truncates fields to 64 characters and the complete user to 4096
    characters.
    """

    userID: NotRequired[str]
    """The ID of the user in your system."""
    email: NotRequired[str]
    """The email address. It is not validated, because rules may match any string."""
    ip: NotRequired[str]
    """The IP address. Statsig infers the country from it if `country` is absent."""
    userAgent: NotRequired[str]
    """The user agent. Statsig infers the browser and the operating system from it."""
    country: NotRequired[str]
    """The country as an ISO 3166-1 alpha-2 code."""
    locale: NotRequired[str]
    """The locale, such as `en_NZ`."""
    appVersion: NotRequired[str]
    """The version of your application. Rules compare it number by number."""
    os_name: NotRequired[str]
    """The operating system, instead of that of the user agent."""
    os_version: NotRequired[str]
    """The version of the operating system, instead of that of the user agent."""
    browser_name: NotRequired[str]
    """The browser, instead of that of the user agent."""
    browser_version: NotRequired[str]
    """The version of the browser, instead of that of the user agent."""
    custom: NotRequired[Mapping[str, JsonInput]]
    """Custom attributes. Rules can use them, and events contain them."""
    privateAttributes: NotRequired[Mapping[str, JsonInput]]
    """Attributes for evaluation only. The client removes them from events and exposures."""
    customIDs: NotRequired[Mapping[str, str]]
    """IDs of other unit types, such as companies or devices."""
    statsigEnvironment: NotRequired[StatsigEnvironmentDict]
    """The environment to evaluate in, by default production."""


class StatsigEventDict(TypedDict):
    """A user action.

    Statsig accepts an event and then drops it if its name contains a backslash, a line break,
    NUL, or one of `[ ] { } < > # = ; & $ % |`. It truncates names and values to 64 characters
    and metadata to 4096 characters. The client emits an `EventWarning` for both.
    """

    eventName: str
    """The name of the event."""
    user: NotRequired[StatsigUserDict]
    """The user of the event."""
    value: NotRequired[str | float | None]
    """A number for metrics to sum, or a string to group by."""
    time: NotRequired[int | str]
    """
    The time as milliseconds since 1970, or as an RFC 3339 string.

    By default, the time when the request arrives.
    """
    metadata: NotRequired[Mapping[str, str]]
    """Details for filtering and grouping in metrics."""
    secondaryExposures: NotRequired[Sequence[SecondaryExposureDict]]
    """For exposure events, the gates evaluated as part of the decision."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """Metadata of the event."""


class ExperimentExposureDict(TypedDict):
    """An exposure of a user to a group of an experiment, or to a rule of a dynamic config.

    Set `group`, `ruleID` or both. Statsig documents exactly one, but its example has both.
    """

    experimentName: str
    """The name of the experiment or dynamic config."""
    user: NotRequired[StatsigUserDict]
    """The exposed user. Statsig matches exposures with events by the ID."""
    group: NotRequired[str]
    """The exact name of the group."""
    ruleID: NotRequired[str]
    """The ID of the rule."""
    time: NotRequired[int | str]
    """
    The time as milliseconds since 1970, or as an RFC 3339 string.

    By default, the time when the request arrives.
    """
    secondaryExposures: NotRequired[Sequence[SecondaryExposureDict]]
    """The gates evaluated as part of the decision."""


class GateExposureDict(TypedDict):
    """An exposure of a user to a feature gate.

    Set `group`, `ruleID` or both.
    """

    gateName: str
    """The name of the gate."""
    passes: bool
    """Whether the gate passed."""
    user: NotRequired[StatsigUserDict]
    """The exposed user. Statsig matches exposures with events by the ID."""
    group: NotRequired[str]
    """The exact name of the rule."""
    ruleID: NotRequired[str]
    """The ID of the rule."""
    time: NotRequired[int | str]
    """
    The time as milliseconds since 1970, or as an RFC 3339 string.

    By default, the time when the request arrives.
    """
    secondaryExposures: NotRequired[Sequence[SecondaryExposureDict]]
    """The gates evaluated as part of the decision."""


class CheckGateRequestDict(TypedDict):
    """The body of a `check_gate` request."""

    gateName: NotRequired[str]
    """
    The name of the gate.

    Statsig documents 2 to 100 letters, digits, spaces, `_`, `-` and `.`; other names are sent
    unchanged, and the API may reject them.
    """
    gateNames: NotRequired[Sequence[str]]
    """The names of 1 to 100 gates."""
    user: NotRequired[StatsigUserDict]
    """The user to evaluate."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """Metadata of the request."""


class GetConfigRequestDict(TypedDict):
    """The body of a `get_config` request."""

    configName: str
    """
    The name of the config or experiment.

    Statsig documents 2 to 100 letters, digits, spaces, `_`, `-` and `.`; other names are sent
    unchanged, and the API may reject them.
    """
    user: NotRequired[StatsigUserDict]
    """The user to evaluate."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """Metadata of the request."""


class GetLayerRequestDict(TypedDict):
    """The body of a `get_layer` request."""

    layerName: str
    """The name of the layer. Statsig documents no limits."""
    user: NotRequired[StatsigUserDict]
    """The user to evaluate."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """Metadata of the request."""


class GetRankedListRequestDict(TypedDict):
    """The body of a `get_ranked_list` request."""

    configName: str
    """
    The name of the contextual bandit.

    Statsig documents 2 to 100 letters, digits, spaces, `_` and `-`; other names are sent
    unchanged, and the API may reject them.
    """
    user: NotRequired[StatsigUserDict]
    """The user to evaluate."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """Metadata of the request."""


class LogEventRequestDict(TypedDict):
    """The body of a `log_event` request."""

    events: Sequence[StatsigEventDict]
    """
    At least one event.

    No maximum is documented; Statsig's SDKs send up to 2000 events and drop requests above 10
    MB.
    """
    user: NotRequired[StatsigUserDict]
    """The user of events without their own user."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """Metadata of the request."""


class LogCustomExposureRequestDict(TypedDict):
    """The body of a `log_custom_exposure` request."""

    exposures: Sequence[ExperimentExposureDict | GateExposureDict]
    """At least one exposure."""
    user: NotRequired[StatsigUserDict]
    """The user of exposures without their own user."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """Metadata of the request."""
