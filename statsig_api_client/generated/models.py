# Generated from openapi.yaml (sha256 d3a89de7fd4d949ec48b772d6409f47aa50d68c6f848f2f27104f4c66a8e3fdd) with openapi-python-client 0.29.1, datamodel-code-generator 0.89.0. Do not edit.
"""Models of the requests and responses of the Statsig HTTP API.

* Request models: a field that is None is not sent. Where the API accepts null, `UNSET` omits the
  field and None sends null.
* Response models: a field that is None was absent or null. Unknown fields are kept.
* `from_dict` parses JSON and raises `SchemaError` if it does not match the schema; its `path` is
  the JSON path of `data` in error messages. `to_dict` returns the JSON form.
* Equal models have equal hashes. Maps, lists and unknown fields are not part of the hash.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Self, TypeAlias

from statsig_api_client._runtime import (
    NO_PROPERTIES,
    UNSET,
    Exposure,
    GateValue,
    JsonInput,
    JsonInputObject,
    JsonObject,
    JsonValue,
    Model,
    ObjectReader,
    ParameterValues,
    Parser,
    SchemaError,
    StatsigError,
    Unset,
    array_of,
    boolean,
    check_field,
    either,
    field_setter,
    integer,
    json_object,
    map_of,
    model_or_object,
    nested_json,
    nullable,
    number,
    one_of,
    string,
)

from .typed_dicts import (
    SecondaryExposureDict,
    StatsigEnvironmentDict,
    StatsigMetadataDict,
    StatsigUserDict,
)


class StatsigEnvironment(Model):
    """An environment of the project."""

    __slots__ = ("additional_properties", "tier")
    _not_hashed = frozenset({"additional_properties"})

    tier: str | None
    """`production`, `staging`, `development`, or a name that the project defines."""
    additional_properties: Mapping[str, JsonInput]
    """Unknown fields, sent unchanged. The fields above take precedence."""

    def __init__(
        self,
        *,
        tier: str | None = None,
        additional_properties: Mapping[str, JsonInput] = NO_PROPERTIES,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("tier", tier)
        set_field("additional_properties", additional_properties)
        self._check()

    def _check(self) -> None:
        if self.tier is not None and type(self.tier) is not str:
            check_field(self, "tier", string)
        if type(self.additional_properties) is not dict:
            check_field(self, "additional_properties", json_object)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            tier=fields.optional("tier", string, absent=None),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonInputObject:
        """Return the JSON form."""
        data: JsonInputObject = dict(self.additional_properties)
        if self.tier is not None:
            data["tier"] = self.tier
        return data


class StatsigUser(Model):
    """A user to evaluate, or the user of an event.

    Set `userID` or one of `customIDs`: the API accepts users without an ID, but all of them are
    in the same bucket. Statsig truncates fields to 64 characters and the complete user to 4096
    characters.
    """

    __slots__ = (
        "additional_properties",
        "app_version",
        "browser_name",
        "browser_version",
        "country",
        "custom",
        "custom_ids",
        "email",
        "ip",
        "locale",
        "os_name",
        "os_version",
        "private_attributes",
        "statsig_environment",
        "user_agent",
        "user_id",
    )
    _not_hashed = frozenset(
        {
            "custom",
            "private_attributes",
            "custom_ids",
            "statsig_environment",
            "additional_properties",
        }
    )

    user_id: str | None
    """The ID of the user in your system."""
    email: str | None
    """The email address. It is not validated, because rules may match any string."""
    ip: str | None
    """The IP address. Statsig infers the country from it if `country` is absent."""
    user_agent: str | None
    """The user agent. Statsig infers the browser and the operating system from it."""
    country: str | None
    """The country as an ISO 3166-1 alpha-2 code."""
    locale: str | None
    """The locale, such as `en_NZ`."""
    app_version: str | None
    """The version of your application. Rules compare it number by number."""
    os_name: str | None
    """The operating system, instead of that of the user agent."""
    os_version: str | None
    """The version of the operating system, instead of that of the user agent."""
    browser_name: str | None
    """The browser, instead of that of the user agent."""
    browser_version: str | None
    """The version of the browser, instead of that of the user agent."""
    custom: Mapping[str, JsonInput] | None
    """Custom attributes. Rules can use them, and events contain them."""
    private_attributes: Mapping[str, JsonInput] | None
    """Attributes for evaluation only. The client removes them from events and exposures."""
    custom_ids: Mapping[str, str] | None
    """IDs of other unit types, such as companies or devices."""
    statsig_environment: StatsigEnvironment | StatsigEnvironmentDict | None
    """The environment to evaluate in, by default production."""
    additional_properties: Mapping[str, JsonInput]
    """Unknown fields, sent unchanged. The fields above take precedence."""

    def __init__(
        self,
        *,
        user_id: str | None = None,
        email: str | None = None,
        ip: str | None = None,
        user_agent: str | None = None,
        country: str | None = None,
        locale: str | None = None,
        app_version: str | None = None,
        os_name: str | None = None,
        os_version: str | None = None,
        browser_name: str | None = None,
        browser_version: str | None = None,
        custom: Mapping[str, JsonInput] | None = None,
        private_attributes: Mapping[str, JsonInput] | None = None,
        custom_ids: Mapping[str, str] | None = None,
        statsig_environment: StatsigEnvironment | StatsigEnvironmentDict | None = None,
        additional_properties: Mapping[str, JsonInput] = NO_PROPERTIES,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("user_id", user_id)
        set_field("email", email)
        set_field("ip", ip)
        set_field("user_agent", user_agent)
        set_field("country", country)
        set_field("locale", locale)
        set_field("app_version", app_version)
        set_field("os_name", os_name)
        set_field("os_version", os_version)
        set_field("browser_name", browser_name)
        set_field("browser_version", browser_version)
        set_field("custom", custom)
        set_field("private_attributes", private_attributes)
        set_field("custom_ids", custom_ids)
        set_field("statsig_environment", statsig_environment)
        set_field("additional_properties", additional_properties)
        self._check()

    def _check(self) -> None:
        if self.user_id is not None and type(self.user_id) is not str:
            check_field(self, "user_id", string)
        if self.email is not None and type(self.email) is not str:
            check_field(self, "email", string)
        if self.ip is not None and type(self.ip) is not str:
            check_field(self, "ip", string)
        if self.user_agent is not None and type(self.user_agent) is not str:
            check_field(self, "user_agent", string)
        if self.country is not None and type(self.country) is not str:
            check_field(self, "country", string)
        if self.locale is not None and type(self.locale) is not str:
            check_field(self, "locale", string)
        if self.app_version is not None and type(self.app_version) is not str:
            check_field(self, "app_version", string)
        if self.os_name is not None and type(self.os_name) is not str:
            check_field(self, "os_name", string)
        if self.os_version is not None and type(self.os_version) is not str:
            check_field(self, "os_version", string)
        if self.browser_name is not None and type(self.browser_name) is not str:
            check_field(self, "browser_name", string)
        if self.browser_version is not None and type(self.browser_version) is not str:
            check_field(self, "browser_version", string)
        if self.custom is not None and type(self.custom) is not dict:
            check_field(self, "custom", json_object)
        if self.private_attributes is not None and type(self.private_attributes) is not dict:
            check_field(self, "private_attributes", json_object)
        if self.custom_ids is not None:
            check_field(self, "custom_ids", _map_of_string)
        if (
            self.statsig_environment is not None
            and type(self.statsig_environment) is not StatsigEnvironment
        ):
            check_field(self, "statsig_environment", _model_or_object_statsig_environment)
        if type(self.additional_properties) is not dict:
            check_field(self, "additional_properties", json_object)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            user_id=fields.optional("userID", string, absent=None),
            email=fields.optional("email", string, absent=None),
            ip=fields.optional("ip", string, absent=None),
            user_agent=fields.optional("userAgent", string, absent=None),
            country=fields.optional("country", string, absent=None),
            locale=fields.optional("locale", string, absent=None),
            app_version=fields.optional("appVersion", string, absent=None),
            os_name=fields.optional("os_name", string, absent=None),
            os_version=fields.optional("os_version", string, absent=None),
            browser_name=fields.optional("browser_name", string, absent=None),
            browser_version=fields.optional("browser_version", string, absent=None),
            custom=fields.optional("custom", json_object, absent=None),
            private_attributes=fields.optional("privateAttributes", json_object, absent=None),
            custom_ids=fields.optional("customIDs", _map_of_string, absent=None),
            statsig_environment=fields.optional(
                "statsigEnvironment", StatsigEnvironment.from_dict, absent=None
            ),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonInputObject:
        """Return the JSON form."""
        data: JsonInputObject = dict(self.additional_properties)
        if self.user_id is not None:
            data["userID"] = self.user_id
        if self.email is not None:
            data["email"] = self.email
        if self.ip is not None:
            data["ip"] = self.ip
        if self.user_agent is not None:
            data["userAgent"] = self.user_agent
        if self.country is not None:
            data["country"] = self.country
        if self.locale is not None:
            data["locale"] = self.locale
        if self.app_version is not None:
            data["appVersion"] = self.app_version
        if self.os_name is not None:
            data["os_name"] = self.os_name
        if self.os_version is not None:
            data["os_version"] = self.os_version
        if self.browser_name is not None:
            data["browser_name"] = self.browser_name
        if self.browser_version is not None:
            data["browser_version"] = self.browser_version
        if self.custom is not None:
            data["custom"] = self.custom
        if self.private_attributes is not None:
            data["privateAttributes"] = self.private_attributes
        if self.custom_ids is not None:
            data["customIDs"] = self.custom_ids
        if self.statsig_environment is not None:
            data["statsigEnvironment"] = nested_json(self.statsig_environment)
        return data


class StatsigMetadata(Model):
    """Metadata of a request or an event."""

    __slots__ = ("additional_properties", "exposure_logging_disabled", "sdk_type", "sdk_version")
    _not_hashed = frozenset({"additional_properties"})

    sdk_type: str | None
    """The type of the client."""
    sdk_version: str | None
    """The version of the client."""
    exposure_logging_disabled: bool | None
    """Whether Statsig logs no exposures for this evaluation.

    Only in requests, since 2025-12. The client option `log_exposures=False` sends it.
    """
    additional_properties: Mapping[str, JsonInput]
    """Unknown fields, sent unchanged. The fields above take precedence."""

    def __init__(
        self,
        *,
        sdk_type: str | None = None,
        sdk_version: str | None = None,
        exposure_logging_disabled: bool | None = None,
        additional_properties: Mapping[str, JsonInput] = NO_PROPERTIES,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("sdk_type", sdk_type)
        set_field("sdk_version", sdk_version)
        set_field("exposure_logging_disabled", exposure_logging_disabled)
        set_field("additional_properties", additional_properties)
        self._check()

    def _check(self) -> None:
        if self.sdk_type is not None and type(self.sdk_type) is not str:
            check_field(self, "sdk_type", string)
        if self.sdk_version is not None and type(self.sdk_version) is not str:
            check_field(self, "sdk_version", string)
        if (
            self.exposure_logging_disabled is not None
            and type(self.exposure_logging_disabled) is not bool
        ):
            check_field(self, "exposure_logging_disabled", boolean)
        if type(self.additional_properties) is not dict:
            check_field(self, "additional_properties", json_object)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            sdk_type=fields.optional("sdkType", string, absent=None),
            sdk_version=fields.optional("sdkVersion", string, absent=None),
            exposure_logging_disabled=fields.optional(
                "exposureLoggingDisabled", boolean, absent=None
            ),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonInputObject:
        """Return the JSON form."""
        data: JsonInputObject = dict(self.additional_properties)
        if self.sdk_type is not None:
            data["sdkType"] = self.sdk_type
        if self.sdk_version is not None:
            data["sdkVersion"] = self.sdk_version
        if self.exposure_logging_disabled is not None:
            data["exposureLoggingDisabled"] = self.exposure_logging_disabled
        return data


class FeatureGate(GateValue):
    """A feature gate, evaluated for a user. It is truthy if and only if it passes."""

    __slots__ = ("additional_properties", "error", "group_name", "name", "rule_id", "value")
    _not_hashed = frozenset({"additional_properties"})
    _not_compared = frozenset({"error"})

    name: str
    """The name of the gate."""
    value: bool
    """Whether the gate passes."""
    rule_id: str | None
    """The ID of the matching rule.

    It is None, empty or `default` if no rule matched, and `disabled` if the gate is disabled.
    """
    group_name: str | None
    """The name of the matching rule or group."""
    additional_properties: Mapping[str, JsonValue]
    """Unknown fields of the response."""
    error: StatsigError | None
    """The error that this fallback stands for, with `on_error="fallback"`."""

    def __init__(
        self,
        *,
        name: str,
        value: bool,
        rule_id: str | None = None,
        group_name: str | None = None,
        additional_properties: Mapping[str, JsonValue] = NO_PROPERTIES,
        error: StatsigError | None = None,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("name", name)
        set_field("value", value)
        set_field("rule_id", rule_id)
        set_field("group_name", group_name)
        set_field("additional_properties", additional_properties)
        set_field("error", error)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            name=fields.required("name", string),
            value=fields.required("value", boolean),
            rule_id=fields.optional("rule_id", _nullable_string, absent=None),
            group_name=fields.optional("group_name", _nullable_string, absent=None),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonObject:
        """Return the JSON form."""
        data: JsonObject = dict(self.additional_properties)
        data["name"] = self.name
        data["value"] = self.value
        if self.rule_id is not None:
            data["rule_id"] = self.rule_id
        if self.group_name is not None:
            data["group_name"] = self.group_name
        return data


class DynamicConfig(ParameterValues):
    """A dynamic config, evaluated for a user."""

    __slots__ = (
        "additional_properties",
        "error",
        "group",
        "group_name",
        "name",
        "rule_id",
        "value",
    )
    _not_hashed = frozenset({"value", "additional_properties"})
    _not_compared = frozenset({"error"})

    name: str
    """The name of the config."""
    value: dict[str, JsonValue]
    """The parameters, empty for an unknown config."""
    rule_id: str | None
    """The ID of the matching rule; None, empty or `default` if no rule matched."""
    group_name: str | None
    """The name of the matching rule."""
    group: str | None
    """The ID of the matching rule, replaced by `rule_id` in 2023-06. Deprecated."""
    additional_properties: Mapping[str, JsonValue]
    """Unknown fields of the response."""
    error: StatsigError | None
    """The error that this fallback stands for, with `on_error="fallback"`."""

    def __init__(
        self,
        *,
        name: str,
        value: dict[str, JsonValue],
        rule_id: str | None = None,
        group_name: str | None = None,
        group: str | None = None,
        additional_properties: Mapping[str, JsonValue] = NO_PROPERTIES,
        error: StatsigError | None = None,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("name", name)
        set_field("value", value)
        set_field("rule_id", rule_id)
        set_field("group_name", group_name)
        set_field("group", group)
        set_field("additional_properties", additional_properties)
        set_field("error", error)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            name=fields.required("name", string),
            value=fields.required("value", json_object),
            rule_id=fields.optional("rule_id", _nullable_string, absent=None),
            group_name=fields.optional("group_name", _nullable_string, absent=None),
            group=fields.optional("group", _nullable_string, absent=None),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonObject:
        """Return the JSON form."""
        data: JsonObject = dict(self.additional_properties)
        data["name"] = self.name
        data["value"] = self.value
        if self.rule_id is not None:
            data["rule_id"] = self.rule_id
        if self.group_name is not None:
            data["group_name"] = self.group_name
        if self.group is not None:
            data["group"] = self.group
        return data


class Experiment(ParameterValues):
    """An experiment, evaluated for a user."""

    __slots__ = (
        "additional_properties",
        "error",
        "group",
        "group_name",
        "name",
        "rule_id",
        "value",
    )
    _not_hashed = frozenset({"value", "additional_properties"})
    _not_compared = frozenset({"error"})

    name: str
    """The name of the experiment."""
    value: dict[str, JsonValue]
    """The parameters of the user's group, empty for an unknown experiment."""
    rule_id: str | None
    """The ID of the group; None, empty or `default` if the user is in no group."""
    group_name: str | None
    """The name of the user's group, or None."""
    group: str | None
    """The ID of the matching rule, replaced by `rule_id` in 2023-06. Deprecated."""
    additional_properties: Mapping[str, JsonValue]
    """Unknown fields of the response."""
    error: StatsigError | None
    """The error that this fallback stands for, with `on_error="fallback"`."""

    def __init__(
        self,
        *,
        name: str,
        value: dict[str, JsonValue],
        rule_id: str | None = None,
        group_name: str | None = None,
        group: str | None = None,
        additional_properties: Mapping[str, JsonValue] = NO_PROPERTIES,
        error: StatsigError | None = None,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("name", name)
        set_field("value", value)
        set_field("rule_id", rule_id)
        set_field("group_name", group_name)
        set_field("group", group)
        set_field("additional_properties", additional_properties)
        set_field("error", error)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            name=fields.required("name", string),
            value=fields.required("value", json_object),
            rule_id=fields.optional("rule_id", _nullable_string, absent=None),
            group_name=fields.optional("group_name", _nullable_string, absent=None),
            group=fields.optional("group", _nullable_string, absent=None),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonObject:
        """Return the JSON form."""
        data: JsonObject = dict(self.additional_properties)
        data["name"] = self.name
        data["value"] = self.value
        if self.rule_id is not None:
            data["rule_id"] = self.rule_id
        if self.group_name is not None:
            data["group_name"] = self.group_name
        if self.group is not None:
            data["group"] = self.group
        return data


class Layer(ParameterValues):
    """A layer, evaluated for a user. Its fields are in camelCase, unlike those of configs."""

    __slots__ = (
        "additional_properties",
        "allocated_experiment_name",
        "error",
        "name",
        "rule_id",
        "value",
    )
    _not_hashed = frozenset({"value", "additional_properties"})
    _not_compared = frozenset({"error"})

    name: str
    """The name of the layer."""
    value: dict[str, JsonValue]
    """The parameters, as set by the user's experiment in the layer."""
    rule_id: str | None
    """The ID of the matching rule; None, empty or `default` if no rule matched."""
    allocated_experiment_name: str | None
    """The name of the experiment that the user is in, or None."""
    additional_properties: Mapping[str, JsonValue]
    """Unknown fields of the response."""
    error: StatsigError | None
    """The error that this fallback stands for, with `on_error="fallback"`."""

    def __init__(
        self,
        *,
        name: str,
        value: dict[str, JsonValue],
        rule_id: str | None = None,
        allocated_experiment_name: str | None = None,
        additional_properties: Mapping[str, JsonValue] = NO_PROPERTIES,
        error: StatsigError | None = None,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("name", name)
        set_field("value", value)
        set_field("rule_id", rule_id)
        set_field("allocated_experiment_name", allocated_experiment_name)
        set_field("additional_properties", additional_properties)
        set_field("error", error)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            name=fields.required("name", string),
            value=fields.required("value", json_object),
            rule_id=fields.optional("ruleID", _nullable_string, absent=None),
            allocated_experiment_name=fields.optional(
                "allocatedExperimentName", _nullable_string, absent=None
            ),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonObject:
        """Return the JSON form."""
        data: JsonObject = dict(self.additional_properties)
        data["name"] = self.name
        data["value"] = self.value
        if self.rule_id is not None:
            data["ruleID"] = self.rule_id
        if self.allocated_experiment_name is not None:
            data["allocatedExperimentName"] = self.allocated_experiment_name
        return data


class RankedVariant(Model):
    """A variant of a contextual bandit, with its score for one user."""

    __slots__ = ("additional_properties", "name", "rule_id", "score", "value")
    _not_hashed = frozenset({"value", "additional_properties"})

    name: str
    """The name of the variant."""
    value: dict[str, JsonValue]
    """The parameters of the variant."""
    score: float
    """The score of the variant for the user; higher is better."""
    rule_id: str | None
    """The ID of the rule of the variant."""
    additional_properties: Mapping[str, JsonValue]
    """Unknown fields of the response."""

    def __init__(
        self,
        *,
        name: str,
        value: dict[str, JsonValue],
        score: float,
        rule_id: str | None = None,
        additional_properties: Mapping[str, JsonValue] = NO_PROPERTIES,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("name", name)
        set_field("value", value)
        set_field("score", score)
        set_field("rule_id", rule_id)
        set_field("additional_properties", additional_properties)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            name=fields.required("name", string),
            value=fields.required("value", json_object),
            score=fields.required("score", number),
            rule_id=fields.optional("rule_id", _nullable_string, absent=None),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonObject:
        """Return the JSON form."""
        data: JsonObject = dict(self.additional_properties)
        data["name"] = self.name
        data["value"] = self.value
        data["score"] = self.score
        if self.rule_id is not None:
            data["rule_id"] = self.rule_id
        return data


SecondaryExposureGateValue: TypeAlias = Literal["true", "false"]
"""Whether the gate passed, as a string."""

_secondary_exposure_gate_value: Parser[SecondaryExposureGateValue] = one_of("true", "false")


class SecondaryExposure(Model):
    """A gate evaluated as part of a decision."""

    __slots__ = ("additional_properties", "gate", "gate_value", "rule_id")
    _not_hashed = frozenset({"additional_properties"})

    gate: str
    """The name of the gate."""
    gate_value: SecondaryExposureGateValue
    """Whether the gate passed, as a string."""
    rule_id: str
    """The ID of the matching rule."""
    additional_properties: Mapping[str, JsonInput]
    """Unknown fields, sent unchanged. The fields above take precedence."""

    def __init__(
        self,
        *,
        gate: str,
        gate_value: SecondaryExposureGateValue,
        rule_id: str,
        additional_properties: Mapping[str, JsonInput] = NO_PROPERTIES,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("gate", gate)
        set_field("gate_value", gate_value)
        set_field("rule_id", rule_id)
        set_field("additional_properties", additional_properties)
        self._check()

    def _check(self) -> None:
        if type(self.gate) is not str:
            check_field(self, "gate", string)
        check_field(self, "gate_value", _secondary_exposure_gate_value)
        if type(self.rule_id) is not str:
            check_field(self, "rule_id", string)
        if type(self.additional_properties) is not dict:
            check_field(self, "additional_properties", json_object)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            gate=fields.required("gate", string),
            gate_value=fields.required("gateValue", _secondary_exposure_gate_value),
            rule_id=fields.required("ruleID", string),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonInputObject:
        """Return the JSON form."""
        data: JsonInputObject = dict(self.additional_properties)
        data["gate"] = self.gate
        data["gateValue"] = self.gate_value
        data["ruleID"] = self.rule_id
        return data


class StatsigEvent(Model):
    """A user action.

    Statsig accepts an event and then drops it if its name contains a backslash, a line break,
    NUL, or one of `[ ] { } < > # = ; & $ % |`. It truncates names and values to 64 characters
    and metadata to 4096 characters. The client emits an `EventWarning` for both.
    """

    __slots__ = (
        "additional_properties",
        "event_name",
        "metadata",
        "secondary_exposures",
        "statsig_metadata",
        "time",
        "user",
        "value",
    )
    _not_hashed = frozenset(
        {"user", "metadata", "secondary_exposures", "statsig_metadata", "additional_properties"}
    )

    event_name: str
    """The name of the event."""
    user: StatsigUser | StatsigUserDict | None
    """The user of the event."""
    value: str | float | Unset | None
    """A number for metrics to sum, or a string to group by."""
    time: int | str | None
    """The time as milliseconds since 1970, or as an RFC 3339 string.

    By default, the time when the request arrives.
    """
    metadata: Mapping[str, str] | None
    """Details for filtering and grouping in metrics."""
    secondary_exposures: Sequence[SecondaryExposure | SecondaryExposureDict] | None
    """For exposure events, the gates evaluated as part of the decision."""
    statsig_metadata: StatsigMetadata | StatsigMetadataDict | None
    """Metadata of the event."""
    additional_properties: Mapping[str, JsonInput]
    """Unknown fields, sent unchanged. The fields above take precedence."""

    def __init__(
        self,
        *,
        event_name: str,
        user: StatsigUser | StatsigUserDict | None = None,
        value: str | float | Unset | None = UNSET,
        time: int | str | None = None,
        metadata: Mapping[str, str] | None = None,
        secondary_exposures: Sequence[SecondaryExposure | SecondaryExposureDict] | None = None,
        statsig_metadata: StatsigMetadata | StatsigMetadataDict | None = None,
        additional_properties: Mapping[str, JsonInput] = NO_PROPERTIES,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("event_name", event_name)
        set_field("user", user)
        set_field("value", value)
        set_field("time", time)
        set_field("metadata", metadata)
        set_field("secondary_exposures", secondary_exposures)
        set_field("statsig_metadata", statsig_metadata)
        set_field("additional_properties", additional_properties)
        self._check()

    def _check(self) -> None:
        if type(self.event_name) is not str:
            check_field(self, "event_name", string)
        if self.user is not None and type(self.user) is not StatsigUser:
            check_field(self, "user", _model_or_object_statsig_user)
        if (
            self.value is not UNSET
            and self.value is not None
            and type(self.value) is not str
            and type(self.value) is not float
            and type(self.value) is not int
        ):
            check_field(self, "value", _nullable_either_string_number)
        if self.time is not None and type(self.time) is not int and type(self.time) is not str:
            check_field(self, "time", _either_integer_string)
        if self.metadata is not None:
            check_field(self, "metadata", _map_of_string)
        if self.secondary_exposures is not None:
            check_field(self, "secondary_exposures", _array_of_model_or_object_secondary_exposure)
        if self.statsig_metadata is not None and type(self.statsig_metadata) is not StatsigMetadata:
            check_field(self, "statsig_metadata", _model_or_object_statsig_metadata)
        if type(self.additional_properties) is not dict:
            check_field(self, "additional_properties", json_object)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            event_name=fields.required("eventName", string),
            user=fields.optional("user", StatsigUser.from_dict, absent=None),
            value=fields.optional("value", _nullable_either_string_number, absent=UNSET),
            time=fields.optional("time", _either_integer_string, absent=None),
            metadata=fields.optional("metadata", _map_of_string, absent=None),
            secondary_exposures=fields.optional(
                "secondaryExposures", _array_of_secondary_exposure_from_dict, absent=None
            ),
            statsig_metadata=fields.optional(
                "statsigMetadata", StatsigMetadata.from_dict, absent=None
            ),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonInputObject:
        """Return the JSON form."""
        data: JsonInputObject = dict(self.additional_properties)
        data["eventName"] = self.event_name
        if self.user is not None:
            data["user"] = nested_json(self.user)
        if self.value is not UNSET:
            data["value"] = self.value
        if self.time is not None:
            data["time"] = self.time
        if self.metadata is not None:
            data["metadata"] = self.metadata
        if self.secondary_exposures is not None:
            data["secondaryExposures"] = [nested_json(item) for item in self.secondary_exposures]
        if self.statsig_metadata is not None:
            data["statsigMetadata"] = nested_json(self.statsig_metadata)
        return data


class LogEventResult(Model):
    """The acknowledgement of a batch of events or exposures."""

    __slots__ = ("additional_properties", "success")
    _not_hashed = frozenset({"additional_properties"})

    success: bool
    """Whether the batch was accepted. The client raises an error if not."""
    additional_properties: Mapping[str, JsonValue]
    """Unknown fields of the response."""

    def __init__(
        self,
        *,
        success: bool = True,
        additional_properties: Mapping[str, JsonValue] = NO_PROPERTIES,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("success", success)
        set_field("additional_properties", additional_properties)

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        return cls(
            success=fields.optional("success", boolean, absent=True),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonObject:
        """Return the JSON form."""
        data: JsonObject = dict(self.additional_properties)
        data["success"] = self.success
        return data


class ExperimentExposure(Exposure):
    """An exposure of a user to a group of an experiment, or to a rule of a dynamic config.

    Set `group`, `ruleID` or both. Statsig documents exactly one, but its example has both.
    """

    __slots__ = (
        "additional_properties",
        "experiment_name",
        "group",
        "rule_id",
        "secondary_exposures",
        "time",
        "user",
    )
    _not_hashed = frozenset({"user", "secondary_exposures", "additional_properties"})

    experiment_name: str
    """The name of the experiment or dynamic config."""
    user: StatsigUser | StatsigUserDict | None
    """The exposed user. Statsig matches exposures with events by the ID."""
    group: str | None
    """The exact name of the group."""
    rule_id: str | None
    """The ID of the rule."""
    time: int | str | None
    """The time as milliseconds since 1970, or as an RFC 3339 string.

    By default, the time when the request arrives.
    """
    secondary_exposures: Sequence[SecondaryExposure | SecondaryExposureDict] | None
    """The gates evaluated as part of the decision."""
    additional_properties: Mapping[str, JsonInput]
    """Unknown fields, sent unchanged. The fields above take precedence."""

    def __init__(
        self,
        *,
        experiment_name: str,
        user: StatsigUser | StatsigUserDict | None = None,
        group: str | None = None,
        rule_id: str | None = None,
        time: int | str | None = None,
        secondary_exposures: Sequence[SecondaryExposure | SecondaryExposureDict] | None = None,
        additional_properties: Mapping[str, JsonInput] = NO_PROPERTIES,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("experiment_name", experiment_name)
        set_field("user", user)
        set_field("group", group)
        set_field("rule_id", rule_id)
        set_field("time", time)
        set_field("secondary_exposures", secondary_exposures)
        set_field("additional_properties", additional_properties)
        self._check()

    def _check(self) -> None:
        if type(self.experiment_name) is not str:
            check_field(self, "experiment_name", string)
        if self.user is not None and type(self.user) is not StatsigUser:
            check_field(self, "user", _model_or_object_statsig_user)
        if self.group is not None and type(self.group) is not str:
            check_field(self, "group", string)
        if self.rule_id is not None and type(self.rule_id) is not str:
            check_field(self, "rule_id", string)
        if self.time is not None and type(self.time) is not int and type(self.time) is not str:
            check_field(self, "time", _either_integer_string)
        if self.secondary_exposures is not None:
            check_field(self, "secondary_exposures", _array_of_model_or_object_secondary_exposure)
        if type(self.additional_properties) is not dict:
            check_field(self, "additional_properties", json_object)
        if self.group is None and self.rule_id is None:
            raise SchemaError("ExperimentExposure", "expected group or rule_id")

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        fields.any_of("group", "ruleID")
        return cls(
            experiment_name=fields.required("experimentName", string),
            user=fields.optional("user", StatsigUser.from_dict, absent=None),
            group=fields.optional("group", string, absent=None),
            rule_id=fields.optional("ruleID", string, absent=None),
            time=fields.optional("time", _either_integer_string, absent=None),
            secondary_exposures=fields.optional(
                "secondaryExposures", _array_of_secondary_exposure_from_dict, absent=None
            ),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonInputObject:
        """Return the JSON form."""
        data: JsonInputObject = dict(self.additional_properties)
        data["experimentName"] = self.experiment_name
        if self.user is not None:
            data["user"] = nested_json(self.user)
        if self.group is not None:
            data["group"] = self.group
        if self.rule_id is not None:
            data["ruleID"] = self.rule_id
        if self.time is not None:
            data["time"] = self.time
        if self.secondary_exposures is not None:
            data["secondaryExposures"] = [nested_json(item) for item in self.secondary_exposures]
        return data


class GateExposure(Exposure):
    """An exposure of a user to a feature gate.

    Set `group`, `ruleID` or both.
    """

    __slots__ = (
        "additional_properties",
        "gate_name",
        "group",
        "passes",
        "rule_id",
        "secondary_exposures",
        "time",
        "user",
    )
    _not_hashed = frozenset({"user", "secondary_exposures", "additional_properties"})

    gate_name: str
    """The name of the gate."""
    passes: bool
    """Whether the gate passed."""
    user: StatsigUser | StatsigUserDict | None
    """The exposed user. Statsig matches exposures with events by the ID."""
    group: str | None
    """The exact name of the rule."""
    rule_id: str | None
    """The ID of the rule."""
    time: int | str | None
    """The time as milliseconds since 1970, or as an RFC 3339 string.

    By default, the time when the request arrives.
    """
    secondary_exposures: Sequence[SecondaryExposure | SecondaryExposureDict] | None
    """The gates evaluated as part of the decision."""
    additional_properties: Mapping[str, JsonInput]
    """Unknown fields, sent unchanged. The fields above take precedence."""

    def __init__(
        self,
        *,
        gate_name: str,
        passes: bool,
        user: StatsigUser | StatsigUserDict | None = None,
        group: str | None = None,
        rule_id: str | None = None,
        time: int | str | None = None,
        secondary_exposures: Sequence[SecondaryExposure | SecondaryExposureDict] | None = None,
        additional_properties: Mapping[str, JsonInput] = NO_PROPERTIES,
    ) -> None:
        if additional_properties is NO_PROPERTIES:
            additional_properties = {}
        set_field = field_setter(self)
        set_field("gate_name", gate_name)
        set_field("passes", passes)
        set_field("user", user)
        set_field("group", group)
        set_field("rule_id", rule_id)
        set_field("time", time)
        set_field("secondary_exposures", secondary_exposures)
        set_field("additional_properties", additional_properties)
        self._check()

    def _check(self) -> None:
        if type(self.gate_name) is not str:
            check_field(self, "gate_name", string)
        if type(self.passes) is not bool:
            check_field(self, "passes", boolean)
        if self.user is not None and type(self.user) is not StatsigUser:
            check_field(self, "user", _model_or_object_statsig_user)
        if self.group is not None and type(self.group) is not str:
            check_field(self, "group", string)
        if self.rule_id is not None and type(self.rule_id) is not str:
            check_field(self, "rule_id", string)
        if self.time is not None and type(self.time) is not int and type(self.time) is not str:
            check_field(self, "time", _either_integer_string)
        if self.secondary_exposures is not None:
            check_field(self, "secondary_exposures", _array_of_model_or_object_secondary_exposure)
        if type(self.additional_properties) is not dict:
            check_field(self, "additional_properties", json_object)
        if self.group is None and self.rule_id is None:
            raise SchemaError("GateExposure", "expected group or rule_id")

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Parse a JSON object; raise `SchemaError` if it does not match the schema."""
        fields = ObjectReader(data, path)
        fields.any_of("group", "ruleID")
        return cls(
            gate_name=fields.required("gateName", string),
            passes=fields.required("passes", boolean),
            user=fields.optional("user", StatsigUser.from_dict, absent=None),
            group=fields.optional("group", string, absent=None),
            rule_id=fields.optional("ruleID", string, absent=None),
            time=fields.optional("time", _either_integer_string, absent=None),
            secondary_exposures=fields.optional(
                "secondaryExposures", _array_of_secondary_exposure_from_dict, absent=None
            ),
            additional_properties=fields.rest(),
        )

    def to_dict(self) -> JsonInputObject:
        """Return the JSON form."""
        data: JsonInputObject = dict(self.additional_properties)
        data["gateName"] = self.gate_name
        data["passes"] = self.passes
        if self.user is not None:
            data["user"] = nested_json(self.user)
        if self.group is not None:
            data["group"] = self.group
        if self.rule_id is not None:
            data["ruleID"] = self.rule_id
        if self.time is not None:
            data["time"] = self.time
        if self.secondary_exposures is not None:
            data["secondaryExposures"] = [nested_json(item) for item in self.secondary_exposures]
        return data


_map_of_string = map_of(string)
_model_or_object_statsig_environment = model_or_object(StatsigEnvironment)
_nullable_string = nullable(string)
_model_or_object_statsig_user = model_or_object(StatsigUser)
_nullable_either_string_number = nullable(either(string, number))
_either_integer_string = either(integer, string)
_array_of_secondary_exposure_from_dict = array_of(SecondaryExposure.from_dict)
_array_of_model_or_object_secondary_exposure = array_of(model_or_object(SecondaryExposure))
_model_or_object_statsig_metadata = model_or_object(StatsigMetadata)
