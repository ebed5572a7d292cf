"""The results of a running server's control API: entities, rules, explanations, overrides."""

from collections.abc import Sequence
from typing import Self, cast

from attrs import frozen

from .._runtime.parsers import JsonObject, JsonValue
from .config_specs.catalog import EntityKind
from .config_specs.explainer import Reason
from .config_specs.overrides import OverrideKind
from .unknown_names import RequestedKind, UnknownName


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
    def from_dict(cls, data: JsonObject) -> Self:
        """Create an entity from its JSON form."""
        return cls(
            kind=cast("EntityKind", data["kind"]),
            name=cast("str", data["name"]),
            id_type=cast("str", data["idType"]),
            enabled=cast("bool", data["enabled"]),
            groups=tuple(cast("list[str]", data["groups"])),
            overridden=cast("bool", data["overridden"]),
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
    def from_dict(cls, data: JsonObject) -> Self:
        """Create a condition from its JSON form."""
        return cls(
            text=cast("str", data["text"]),
            kind=cast("EntityKind | None", data["kind"]),
            name=cast("str | None", data["name"]),
            holds=cast("bool | None", data.get("holds")),
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
    def from_dict(cls, data: JsonObject) -> Self:
        """Create a rule from its JSON form."""
        return cls(
            name=cast("str", data["name"]),
            rule_id=cast("str", data["ruleID"]),
            conditions=_conditions(data),
            rollout=cast("float", data["rollout"]),
            value=data["value"],
            group=cast("str | None", data["group"]),
            share=cast("float | None", data["share"]),
            experiment=cast("str | None", data["experiment"]),
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
    def from_dict(cls, data: JsonObject) -> Self:
        """Create an override from its JSON form."""
        unit = cast("dict[str, str] | None", data.get("unitID"))
        unit_id = None if unit is None else (unit["type"], unit["id"])
        if "userID" in data:
            unit_id = ("userID", cast("str", data["userID"]))
        return cls(
            kind=cast("OverrideKind", data["kind"]),
            name=cast("str", data["name"]),
            unit_id=unit_id,
            value=data.get("value"),
            group=cast("str | None", data.get("group")),
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
    def from_dict(cls, data: JsonObject) -> Self:
        """Create the details of an entity from their JSON form."""
        return cls(
            kind=cast("EntityKind", data["kind"]),
            name=cast("str", data["name"]),
            id_type=cast("str", data["idType"]),
            enabled=cast("bool", data["enabled"]),
            default=data["default"],
            layer=cast("str | None", data["layer"]),
            targeting=tuple(EntityRule.from_dict(rule) for rule in _objects(data["targeting"])),
            rules=tuple(EntityRule.from_dict(rule) for rule in _objects(data["rules"])),
            overrides=tuple(LocalOverride.from_dict(o) for o in _objects(data["overrides"])),
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
    def from_dict(cls, data: JsonObject) -> Self:
        """Create a checked rule from its JSON form."""
        return cls(
            name=cast("str", data["name"]),
            rule_id=cast("str", data["ruleID"]),
            conditions=_conditions(data),
            rollout=cast("float", data["rollout"]),
            in_rollout=cast("bool", data["inRollout"]),
            applies=cast("bool", data["applies"]),
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
    def from_dict(cls, data: JsonObject) -> Self:
        """Create an explanation from its JSON form."""
        return cls(
            kind=cast("EntityKind", data["kind"]),
            name=cast("str", data["name"]),
            value=data["value"],
            rule_id=cast("str", data["ruleID"]),
            group=cast("str | None", data["group"]),
            experiment=cast("str | None", data["experiment"]),
            reason=cast("Reason", data["reason"]),
            why=cast("str", data["why"]),
            rules=tuple(CheckedRule.from_dict(rule) for rule in _objects(data["rules"])),
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
    def from_dict(cls, data: JsonObject) -> Self:
        """Create a state from its JSON form."""
        return cls(
            version=cast("str", data["version"]),
            file=cast("str", data["file"]),
            load_time=cast("int", data["loadTime"]),
            problem=cast("str | None", data["problem"]),
            loopback_only=cast("bool", data["loopbackOnly"]),
            overrides=cast("int", data["overrides"]),
            faults=cast("int", data["faults"]),
            unknown_names=tuple(
                UnknownName(
                    kind=cast("RequestedKind", item["kind"]),
                    name=cast("str", item["name"]),
                    nearest=cast("str | None", item["nearest"]),
                )
                for item in _objects(data["unknownNames"])
            ),
        )


def _conditions(data: JsonObject) -> tuple[RuleCondition, ...]:
    return tuple(RuleCondition.from_dict(condition) for condition in _objects(data["conditions"]))


def _objects(value: JsonValue) -> Sequence[JsonObject]:
    return cast("Sequence[JsonObject]", value)
