"""Conditions of config specs in the language of project files."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from ..._runtime.parsers import JsonObject, JsonValue
from ..project.model import BUCKETS, segment_spec
from ..project.operators import CRITERIA, CUSTOM, CUSTOM_IDS, OPERATORS, Operand
from .catalog import EntityKind, gate_kind, is_generated
from .document import ConfigSpecs

_MAX_VALUES: Final = 12
"""The maximum number of listed values; conditions of real projects have thousands."""

_CRITERIA: Final = {
    (criterion.type, criterion.field): name
    for name, criterion in CRITERIA.items()
    if criterion.type != "current_time"
} | {("user_field", "country"): "country"}

_OPERATORS: Final[Mapping[str, tuple[str, Operand]]] = {
    operator.operator: (name, operator.operand)
    # Reversed, so that the first of several names wins; `is set` shares the operators of others.
    for name, operator in reversed(OPERATORS.items())
    if operator.operand is not Operand.PRESENCE
}

_COMPARISONS: Final = {"eq": "is not set", "neq": "is set"}
"""The words for a comparison with null: in Statsig's core, only a missing value equals null."""

_GATE_WORDS: Final[Mapping[tuple[str, EntityKind], str]] = {
    ("pass_gate", "gate"): "passes gate",
    ("fail_gate", "gate"): "fails gate",
    ("pass_gate", "segment"): "in segment",
    ("fail_gate", "segment"): "not in segment",
    ("pass_gate", "holdout"): "in holdout",
    ("fail_gate", "holdout"): "not in holdout",
}

_TARGETING_WORDS: Final = {"pass_gate": "in the targeting", "fail_gate": "outside the targeting"}


@frozen(kw_only=True)
class ConditionText:
    """A condition in words."""

    text: str
    """The condition, such as `country is NO or SE`."""
    kind: EntityKind | None = None
    """The kind of the gate, segment or holdout that the condition references."""
    name: str | None = None
    """The name of the gate, segment or holdout that the condition references."""


def condition_text(specs: ConfigSpecs, condition: JsonObject) -> ConditionText:
    """Return a condition of the config specs in words."""
    kind, target = str(condition.get("type")), condition.get("targetValue")
    if kind in {"pass_gate", "fail_gate"}:
        spec_name = str(target)
        if is_generated(spec_name):
            return ConditionText(text=_TARGETING_WORDS[kind])
        entity = gate_kind(specs, spec_name)
        name = spec_name.removeprefix(segment_spec("")) if entity == "segment" else spec_name
        return ConditionText(text=f"{_GATE_WORDS[kind, entity]} {name}", kind=entity, name=name)
    if kind == "public":
        return ConditionText(text="everyone")
    if kind == "user_bucket":
        return ConditionText(text=_bucket_text(condition))
    subject, comparison = _subject(condition), _comparison(condition)
    if subject.endswith(" version"):  # `os version`, but not `appVersion`
        comparison = comparison.removeprefix("version ")
    return ConditionText(text=f"{subject} {comparison}")


def percentage(share: float) -> str:
    """Return a percentage in words."""
    return f"{share:g} %"


def units(condition: JsonObject) -> str:
    """Return the subject of a condition on buckets: users, or units of another ID type."""
    id_type = str(condition.get("idType"))
    return "users" if id_type.lower() == "userid" else f"{id_type}s"


def _subject(condition: JsonObject) -> str:
    kind, field = str(condition.get("type")), condition.get("field")
    if kind == "unit_id":
        id_type = str(condition.get("idType"))
        return "userID" if id_type.lower() == "userid" else f"{CUSTOM_IDS}{id_type}"
    if kind == "current_time":
        return "time"
    name = _CRITERIA.get((kind, None if field is None else str(field)))
    if name is not None:
        return name
    return f"{CUSTOM}{field}" if kind == "user_field" else f"{kind} {field or ''}".strip()


def _comparison(condition: JsonObject) -> str:
    operator, target = str(condition.get("operator")), condition.get("targetValue")
    if target is None and operator in _COMPARISONS:
        return _COMPARISONS[operator]
    words, operand = _OPERATORS.get(operator, (operator.replace("_", " "), Operand.VALUES))
    return f"{words} {_value_text(target, is_time=operand is Operand.TIME)}"


def _value_text(value: JsonValue, *, is_time: bool) -> str:
    if is_time and isinstance(value, int | float):
        try:
            return datetime.fromtimestamp(value / 1000, UTC).isoformat().replace("+00:00", "Z")
        except (ValueError, OverflowError, OSError):
            return str(value)  # The time is outside of the calendar.
    if not isinstance(value, list):
        return str(value).lower() if isinstance(value, bool) else str(value)
    texts = [_value_text(item, is_time=is_time) for item in value[:_MAX_VALUES]]
    if len(value) > _MAX_VALUES:
        return f"{', '.join(texts)} or {len(value) - _MAX_VALUES:,} more"
    return " or ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]])) or "nothing"


def _bucket_text(condition: JsonObject) -> str:
    operator, target = condition.get("operator"), condition.get("targetValue")
    if isinstance(target, int | float):
        share = f"the first {percentage(target * 100 / BUCKETS)} of {units(condition)}"
        return f"in {share}" if operator in {"lt", "lte"} else f"not in {share}"
    size = len(target) if isinstance(target, list | dict) else 0
    share = f"{percentage(size * 100 / BUCKETS)} of {units(condition)}"
    return f"not in {share}" if operator == "none" else f"in {share}"
