"""The results of a running server's control API: entities, rules, explanations, overrides."""

from typing import Final, Self, get_args

from attrs import frozen

from .._runtime.parsers import (
    JsonValue,
    ObjectReader,
    Parser,
    array_of,
    boolean,
    integer,
    json_value,
    nullable,
    number,
    one_of,
    string,
)
from .config_specs.catalog import KINDS, EntityKind
from .config_specs.explainer import Reason
from .config_specs.overrides import OverrideKind
from .unknown_names import RequestedKind, UnknownName

_KIND: Final[Parser[EntityKind]] = one_of(*KINDS)
_OVERRIDE_KIND: Final[Parser[OverrideKind]] = one_of(*get_args(OverrideKind))
_REQUESTED_KIND: Final[Parser[RequestedKind]] = one_of(*get_args(RequestedKind))
_REASON: Final[Parser[Reason]] = one_of(*get_args(Reason))


@frozen(kw_only=True)
class LocalEntity:
    """A gate, config, experiment, layer, segment or holdout of a project."""

    kind: EntityKind
    name: str
    id_type: str
    """The type of the IDs that it divides into buckets."""
    enabled: bool
    groups: tuple[str, ...]
    """The groups of an experiment, or the rule names of any other entity."""
    overridden: bool

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Create an entity from its JSON form."""
        fields = ObjectReader(data, path)
        return cls(
            kind=fields.required("kind", _KIND),
            name=fields.required("name", string),
            id_type=fields.required("idType", string),
            enabled=fields.required("enabled", boolean),
            groups=tuple(fields.required("groups", array_of(string))),
            overridden=fields.required("overridden", boolean),
        )


@frozen(kw_only=True)
class RuleCondition:
    """A condition of a rule."""

    text: str
    """The condition in the language of project files, such as `country is NO or SE`."""
    kind: EntityKind | None
    """The kind of the entity that the condition references."""
    name: str | None
    """The name of the entity that the condition references."""
    holds: bool | None
    """Whether the condition holds for the user; None without a user."""

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Create a condition from its JSON form."""
        fields = ObjectReader(data, path)
        return cls(
            text=fields.required("text", string),
            kind=fields.required("kind", nullable(_KIND)),
            name=fields.required("name", nullable(string)),
            holds=fields.optional("holds", nullable(boolean), absent=None),
        )


@frozen(kw_only=True)
class EntityRule:
    """A rule of an entity."""

    name: str
    rule_id: str
    conditions: tuple[RuleCondition, ...]
    """The conditions, all of which must hold."""
    rollout: float
    """The percentage of matching users for whom the rule passes."""
    value: JsonValue
    """Whether a gate passes; the parameters of another entity."""
    group: str | None
    """The group of an experiment."""
    share: float | None
    """The percentage of the experiment's users in the group."""
    experiment: str | None
    """The experiment that decides, in a rule of a layer."""

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Create a rule from its JSON form."""
        fields = ObjectReader(data, path)
        return cls(
            name=fields.required("name", string),
            rule_id=fields.required("ruleID", string),
            conditions=tuple(fields.required("conditions", array_of(RuleCondition.from_dict))),
            rollout=fields.required("rollout", number),
            value=fields.required("value", json_value),
            group=fields.required("group", nullable(string)),
            share=fields.required("share", nullable(number)),
            experiment=fields.required("experiment", nullable(string)),
        )


@frozen(kw_only=True)
class LocalOverride:
    """An override of an entity for all users, or for one unit."""

    kind: OverrideKind
    name: str
    unit_id: tuple[str, str] | None
    """The ID type and the ID of the unit; None for all users."""
    value: JsonValue
    """Whether a gate passes, or the parameters of another entity; None if `group` is set."""
    group: str | None
    """The group of an experiment."""

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Create an override from its JSON form."""
        fields = ObjectReader(data, path)
        user_id = fields.optional("userID", string, absent=None)
        unit_id = fields.optional("unitID", _unit_id, absent=None)
        return cls(
            kind=fields.required("kind", _OVERRIDE_KIND),
            name=fields.required("name", string),
            unit_id=unit_id if user_id is None else ("userID", user_id),
            value=fields.optional("value", json_value, absent=None),
            group=fields.optional("group", nullable(string), absent=None),
        )


@frozen(kw_only=True)
class EntityDetails:
    """An entity with its rules and overrides."""

    kind: EntityKind
    name: str
    id_type: str
    """The type of the IDs that it divides into buckets."""
    enabled: bool
    """Whether a gate or config is enabled, or an experiment is active."""
    default: JsonValue
    """The value for users to whom no rule applies."""
    layer: str | None
    """The layer of an experiment."""
    targeting: tuple[EntityRule, ...]
    """The targeting rules of an experiment; empty for all users."""
    rules: tuple[EntityRule, ...]
    """The rules in the order of their evaluation, without overrides."""
    overrides: tuple[LocalOverride, ...]

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Create the details of an entity from their JSON form."""
        fields = ObjectReader(data, path)
        return cls(
            kind=fields.required("kind", _KIND),
            name=fields.required("name", string),
            id_type=fields.required("idType", string),
            enabled=fields.required("enabled", boolean),
            default=fields.required("default", json_value),
            layer=fields.required("layer", nullable(string)),
            targeting=tuple(fields.required("targeting", array_of(EntityRule.from_dict))),
            rules=tuple(fields.required("rules", array_of(EntityRule.from_dict))),
            overrides=tuple(fields.required("overrides", array_of(LocalOverride.from_dict))),
        )


@frozen(kw_only=True)
class CheckedRule:
    """A rule that was evaluated for a user."""

    name: str
    rule_id: str
    conditions: tuple[RuleCondition, ...]
    rollout: float
    """The percentage of matching users for whom the rule passes."""
    in_rollout: bool
    """Whether the user is among that percentage."""
    applies: bool
    """Whether all conditions hold."""

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Create a checked rule from its JSON form."""
        fields = ObjectReader(data, path)
        return cls(
            name=fields.required("name", string),
            rule_id=fields.required("ruleID", string),
            conditions=tuple(fields.required("conditions", array_of(RuleCondition.from_dict))),
            rollout=fields.required("rollout", number),
            in_rollout=fields.required("inRollout", boolean),
            applies=fields.required("applies", boolean),
        )


@frozen(kw_only=True)
class EntityExplanation:
    """The evaluation of an entity for a user, and the reason for it."""

    kind: EntityKind
    name: str
    value: JsonValue
    """Whether a gate passes; the parameters of another entity."""
    rule_id: str
    """The ID of the rule that decided."""
    group: str | None
    """The group or name of that rule."""
    experiment: str | None
    """The experiment of a layer that the user is in."""
    reason: Reason
    """The kind of decision.

    `"rollout"`: a rule applies, but its rollout excludes the user. `"default"`: no rule applies.
    `"unsupported"`: a condition that Statsig's core does not support.
    """
    why: str
    """The deciding condition in the language of project files."""
    rules: tuple[CheckedRule, ...]
    """The evaluated rules, up to the one that decided."""

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Create an explanation from its JSON form."""
        fields = ObjectReader(data, path)
        return cls(
            kind=fields.required("kind", _KIND),
            name=fields.required("name", string),
            value=fields.required("value", json_value),
            rule_id=fields.required("ruleID", string),
            group=fields.required("group", nullable(string)),
            experiment=fields.required("experiment", nullable(string)),
            reason=fields.required("reason", _REASON),
            why=fields.required("why", string),
            rules=tuple(fields.required("rules", array_of(CheckedRule.from_dict))),
        )


@frozen(kw_only=True)
class LocalStatus:
    """The state of a running server."""

    version: str
    file: str
    """The project's file, as a path of the server."""
    load_time: int
    """The time when the file was loaded, in milliseconds since 1970."""
    problem: str | None
    """The reason why an older version of the file is served, or None."""
    loopback_only: bool
    """Whether only the server's own machine can reach it."""
    overrides: int
    """The number of overrides."""
    faults: int
    """The number of armed faults."""
    unknown_names: tuple[UnknownName, ...]
    """Requested entities that the project does not define."""

    @classmethod
    def from_dict(cls, data: object, path: str = "$") -> Self:
        """Create a state from its JSON form."""
        fields = ObjectReader(data, path)
        return cls(
            version=fields.required("version", string),
            file=fields.required("file", string),
            load_time=fields.required("loadTime", integer),
            problem=fields.required("problem", nullable(string)),
            loopback_only=fields.required("loopbackOnly", boolean),
            overrides=fields.required("overrides", integer),
            faults=fields.required("faults", integer),
            unknown_names=tuple(fields.required("unknownNames", array_of(_unknown_name))),
        )


def _unit_id(data: object, path: str) -> tuple[str, str]:
    fields = ObjectReader(data, path)
    return fields.required("type", string), fields.required("id", string)


def _unknown_name(data: object, path: str) -> UnknownName:
    fields = ObjectReader(data, path)
    return UnknownName(
        kind=fields.required("kind", _REQUESTED_KIND),
        name=fields.required("name", string),
        nearest=fields.required("nearest", nullable(string)),
    )
