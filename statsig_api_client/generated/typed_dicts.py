# Generated from openapi.yaml (sha256 053e1fae34b1f7c7c08871fdeed7204acb86a5cd5c4b13b69a2e5450b40be948) with openapi-python-client 0.29.1, datamodel-code-generator 0.89.0. Do not edit.
"""Request models and request bodies as plain dicts, with the field names of the API."""

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

from statsig_api_client._runtime import JsonValue


class StatsigEnvironmentDict(TypedDict):
    """An environment of the project."""

    tier: NotRequired[str]
    """
    `production`, `staging`, `development`, or a name that the project defines itself [docs,
    guides/using-environments].
    """


class StatsigMetadataDict(TypedDict):
    """About a request or an event itself, not about its user."""

    sdkType: NotRequired[str]
    """Which client sent it."""
    sdkVersion: NotRequired[str]
    """The version of that client."""
    exposureLoggingDisabled: NotRequired[bool]
    """
    Do not log exposures of this evaluation; the caller does it.

    For requests, since 2025-12 [docs]. The client's option `log_exposures=False` sends it.
    """


class SecondaryExposureDict(TypedDict):
    """A gate that was evaluated on the way to a decision."""

    gate: str
    """The gate's name."""
    gateValue: Literal["true", "false"]
    """Whether it passed, as text."""
    ruleID: str
    """The rule that decided."""


class StatsigUserDict(TypedDict):
    """Whom to evaluate for, or who did something.

    Give at least one ID, `userID` or one of `customIDs`: the API answers without any, but all
    such users fall into one bucket [docs, sdks/how-evaluation-works]. Statsig documents limits
    of 64 characters for a field and 4096 for the whole [docs, guides/logging-events], and trims
    what is longer.
    """

    userID: NotRequired[str]
    """The ID of the user in your system."""
    email: NotRequired[str]
    """The e-mail address. Not checked, since rules may match any text."""
    ip: NotRequired[str]
    """The IP address, from which Statsig infers the country if none is given."""
    userAgent: NotRequired[str]
    """The browser's user agent, from which Statsig infers browser and system."""
    country: NotRequired[str]
    """The country, as two letters of ISO 3166-1."""
    locale: NotRequired[str]
    """The locale."""
    appVersion: NotRequired[str]
    """The version of your application, compared as numbers between dots."""
    custom: NotRequired[Mapping[str, JsonValue]]
    """Your own attributes. Rules can test them; events carry them."""
    privateAttributes: NotRequired[Mapping[str, JsonValue]]
    """
    Attributes that are used for evaluation and never stored.

    This client removes them from events and exposures.
    """
    customIDs: NotRequired[Mapping[str, str]]
    """IDs of other units than the user, such as a company or a device."""
    statsigEnvironment: NotRequired[StatsigEnvironmentDict]
    """The environment to evaluate in; production if absent [docs]."""


class StatsigEventDict(TypedDict):
    """Something that a user did.

    Statsig answers that it accepted an event, and then drops it silently, when its name has a
    backslash, a line break, NUL, or one of `[ ] { } < > # = ; & $ % |`; it trims names and
    values above 64 characters and metadata above 4096 [docs, guides/logging-events]. The client
    warns of both with an `EventWarning`.
    """

    eventName: str
    """What happened."""
    user: NotRequired[StatsigUserDict]
    """Who did it."""
    value: NotRequired[str | float | None]
    """The value that metrics add up (a number) or count by (a text)."""
    time: NotRequired[int | str]
    """
    When it happened: milliseconds since 1970, or text in the form of RFC 3339.

    The time at which the request arrives if absent.
    """
    metadata: NotRequired[Mapping[str, str]]
    """Details, by which metrics can be broken down."""
    secondaryExposures: NotRequired[Sequence[SecondaryExposureDict]]
    """For exposure events, the gates that were evaluated on the way."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """About the event itself."""


class ExperimentExposureDict(TypedDict):
    """That a user saw a group of an experiment, or a rule of a dynamic config.

    Say which with `group`, `ruleID` or both. [spec] asks for exactly one and its own example has
    both.
    """

    experimentName: str
    """The name of the experiment or dynamic config."""
    user: NotRequired[StatsigUserDict]
    """Who was exposed. It needs an ID, to be matched with events [docs]."""
    group: NotRequired[str]
    """The exact name of the group."""
    ruleID: NotRequired[str]
    """The rule's ID."""
    time: NotRequired[int | str]
    """
    When it happened: milliseconds since 1970, or text in the form of RFC 3339.

    The time at which the request arrives if absent.
    """
    secondaryExposures: NotRequired[Sequence[SecondaryExposureDict]]
    """The gates that were evaluated on the way."""


class GateExposureDict(TypedDict):
    """That a user was evaluated for a feature gate.

    Say by which rule with `group`, `ruleID` or both.
    """

    gateName: str
    """The gate's name."""
    passes: bool
    """Whether the gate passed."""
    user: NotRequired[StatsigUserDict]
    """Who was exposed. It needs an ID, to be matched with events [docs]."""
    group: NotRequired[str]
    """The exact name of the rule."""
    ruleID: NotRequired[str]
    """The rule's ID."""
    time: NotRequired[int | str]
    """
    When it happened: milliseconds since 1970, or text in the form of RFC 3339.

    The time at which the request arrives if absent.
    """
    secondaryExposures: NotRequired[Sequence[SecondaryExposureDict]]
    """The gates that were evaluated on the way."""


class CheckGateRequestDict(TypedDict):
    """Which gate or gates to evaluate, for whom."""

    gateName: NotRequired[str]
    """
    The gate's name.

    Statsig documents 2 to 100 letters, digits, blanks and `_ - .`; any other name is sent as it
    is and left to the API to refuse.
    """
    gateNames: NotRequired[Sequence[str]]
    """The names of 1 to 100 gates."""
    user: NotRequired[StatsigUserDict]
    """Whom to evaluate for."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """About the request itself."""


class GetConfigRequestDict(TypedDict):
    """Which config or experiment to evaluate, for whom."""

    configName: str
    """
    The name of the config or experiment.

    Statsig documents 2 to 100 letters, digits, blanks and `_ - .`; any other name is sent as it
    is and left to the API to refuse.
    """
    user: NotRequired[StatsigUserDict]
    """Whom to evaluate for."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """About the request itself."""


class GetLayerRequestDict(TypedDict):
    """Which layer to evaluate, for whom."""

    layerName: str
    """The layer's name. Statsig documents no limits for it."""
    user: NotRequired[StatsigUserDict]
    """Whom to evaluate for."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """About the request itself."""


class GetRankedListRequestDict(TypedDict):
    """Which contextual bandit to ask, for whom."""

    configName: str
    """
    The name of the contextual bandit.

    Statsig documents 2 to 100 letters, digits, blanks and `_ -`, here without the dot; any other
    name is sent as it is and left to the API to refuse.
    """
    user: NotRequired[StatsigUserDict]
    """Whom to evaluate for."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """About the request itself."""


class LogEventRequestDict(TypedDict):
    """The events to log."""

    events: Sequence[StatsigEventDict]
    """
    The events, at least one.

    No upper limit is documented; Statsig's SDKs send up to 2000, and drop requests above 10 MB
    [sdk].
    """
    user: NotRequired[StatsigUserDict]
    """Who did it, for events that do not say so themselves."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """About the request itself."""


class LogCustomExposureRequestDict(TypedDict):
    """The exposures to log."""

    exposures: Sequence[ExperimentExposureDict | GateExposureDict]
    """The exposures, at least one."""
    user: NotRequired[StatsigUserDict]
    """Who was exposed, for exposures that do not say so themselves."""
    statsigMetadata: NotRequired[StatsigMetadataDict]
    """About the request itself."""
