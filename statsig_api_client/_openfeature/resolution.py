"""Resolution of a flag from the evaluation of a Statsig entity."""

from typing import Final, Generic, Literal, TypeAlias, TypeVar

from attrs import define

from .._runtime.parsers import UNSET, JsonObject, JsonValue, Unset
from .errors import ResolutionError
from .keys import VALUE, FlagKey, Kind
from .values import BOOLEAN, OBJECT, ValueType

T = TypeVar("T")

Reason: TypeAlias = Literal["DEFAULT", "DISABLED", "SPLIT", "STATIC", "TARGETING_MATCH", "UNKNOWN"]
"""The reasons of OpenFeature that a resolution can have."""

_DISABLED: Final = "disabled"
_OVERRIDE: Final = "override"
_OVERRIDE_SUFFIXES: Final = (":override", ":id_override")
_HOLDOUT: Final = "holdout:"
_DEFAULT_RULES: Final = frozenset(
    ("default", "inlineTargetingRules", "layerAssignment", "prestart", "targetingGate")
)
"""The IDs of the rules that give Statsig's default to users whom no rule of the project matches."""


@define(kw_only=True)
class Entity:
    """The evaluation of a gate, config, experiment or layer for a user."""

    kind: Kind
    value: bool | JsonObject
    rule_id: str | None
    group_name: str | None = None
    allocated_experiment: str | None = None


def existing(entity: Entity) -> Entity | None:
    """Return an entity; None if the project does not have it.

    Statsig then returns neither a rule nor a value.
    """
    return entity if entity.rule_id or entity.value else None


@define(kw_only=True)
class Resolution(Generic[T]):
    """The result of a flag."""

    value: T | Unset
    """The value; `UNSET` for the default in the code."""
    reason: Reason
    variant: str | None
    metadata: dict[str, str | bool]


def entity_kind(key: FlagKey, value_type: ValueType[T]) -> Kind:
    """Return the kind of the entity that a key of a flag type names."""
    if key.kind is not None:
        return key.kind
    return "gate" if value_type is BOOLEAN and key.parameter is None else "config"


def other_kind(key: FlagKey, kind: Kind) -> Kind | None:
    """Return the kind of an entity that may have the same name and another type.

    It distinguishes a flag of another type from an unknown one. None if the key leaves no doubt.
    """
    if key.kind is not None or key.parameter is not None:
        return None
    return "config" if kind == "gate" else "gate"


def resolve(key: FlagKey, entity: Entity, value_type: ValueType[T]) -> Resolution[T]:
    """Return the result of a flag of a known type.

    Args:
        key: The key of the flag.
        entity: The evaluation of the entity that the key names.
        value_type: The type of the flag.

    Raises:
        ResolutionError: FLAG_NOT_FOUND if the parameter does not exist, TYPE_MISMATCH if the value
            has another type.
    """
    reason = _reason(entity)
    return Resolution(
        value=UNSET
        if reason == "DISABLED"
        else value_type.convert(key.text, _value(key, entity, is_whole=value_type is OBJECT)),
        reason=reason,
        variant=_variant(entity, reason),
        metadata=_metadata(entity),
    )


def resolve_untyped(key: FlagKey, entity: Entity) -> Resolution[JsonValue]:
    """Return the result of a flag of an unknown type, as in OFREP.

    A config whose only parameter is `value` is the value of that parameter.

    Raises:
        ResolutionError: FLAG_NOT_FOUND if the parameter does not exist.
    """
    reason = _reason(entity)
    is_whole = not isinstance(entity.value, bool) and entity.value.keys() != {VALUE}
    return Resolution(
        value=UNSET if reason == "DISABLED" else _value(key, entity, is_whole=is_whole),
        reason=reason,
        variant=_variant(entity, reason),
        metadata=_metadata(entity),
    )


def not_found(key: FlagKey, kind: Kind) -> ResolutionError:
    """Return the error of a flag whose entity does not exist."""
    return ResolutionError("FLAG_NOT_FOUND", f"{key}: the project has no such {kind}")


def other_type(key: FlagKey, value_type: ValueType[T], kind: Kind) -> ResolutionError:
    """Return the error of a flag that is an entity of another kind."""
    hint = f"; use {key}:PARAMETER as the key of a parameter" if kind == "config" else ""
    problem = f"{key}: expected {value_type.name}, got a {kind}{hint}"
    return ResolutionError("TYPE_MISMATCH", problem)


def _value(key: FlagKey, entity: Entity, *, is_whole: bool) -> JsonValue:
    value = entity.value
    if isinstance(value, bool):
        return value
    if key.parameter is None and is_whole:
        return value
    parameter = VALUE if key.parameter is None else key.parameter
    if parameter not in value:
        hint = f"; use {key}:PARAMETER as the key" if key.parameter is None else ""
        problem = f"{key}: the {entity.kind} has no parameter {parameter[:100]!r}{hint}"
        raise ResolutionError("FLAG_NOT_FOUND", problem)
    return value[parameter]


def _reason(entity: Entity) -> Reason:
    rule = entity.rule_id
    if not rule:
        return "UNKNOWN"
    if rule == _DISABLED:
        return "DISABLED"
    if _is_override(rule):
        return "TARGETING_MATCH"
    if rule in _DEFAULT_RULES or rule.startswith(_HOLDOUT):
        return "DEFAULT"
    if entity.allocated_experiment or (entity.kind == "experiment" and entity.group_name):
        return "SPLIT"
    return "TARGETING_MATCH"


def _variant(entity: Entity, reason: Reason) -> str | None:
    if reason == "DISABLED":
        return None
    if reason == "DEFAULT":
        return entity.rule_id
    return entity.group_name or entity.rule_id or None


def _metadata(entity: Entity) -> dict[str, str | bool]:
    metadata: dict[str, str | bool] = {"kind": entity.kind}
    if entity.rule_id:
        metadata["ruleID"] = entity.rule_id
        if _is_override(entity.rule_id):
            metadata["override"] = True
    if entity.group_name:
        metadata["groupName"] = entity.group_name
    if entity.allocated_experiment:
        metadata["allocatedExperiment"] = entity.allocated_experiment
    return metadata


def _is_override(rule_id: str) -> bool:
    return rule_id == _OVERRIDE or rule_id.endswith(_OVERRIDE_SUFFIXES)
