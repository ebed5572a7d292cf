"""The rules of config specs in words, for display and explanation."""

import re
from collections.abc import Iterator
from typing import Final

from attrs import frozen

from ..._runtime.parsers import JsonObject, JsonValue
from ..project.model import BUCKETS, HOLDOUT_RULE_PREFIX
from .condition_text import ConditionText, condition_text, percentage, units
from .document import ConfigSpecs
from .formats import as_list, as_object
from .overrides import RULE_ID

_GENERATED_ID: Final = re.compile("(?=.*[0-9])[0-9A-Za-z]{15,}(:.*)?")
"""Matches a rule ID of Statsig's console; project files have names instead."""

_ID_OVERRIDE: Final = ":id_override"
"""The suffix of the IDs of rules that Statsig's console creates from overrides."""

_GENERATED_NAMES: Final = {
    "inlineTargetingRules": "outside the targeting",
    "layerAssignment": "not allocated",
    "prestart": "not started",
}
"""The names of the rules that Statsig generates for experiments, by ID."""


@frozen(kw_only=True)
class NamedRule:
    """A rule of an entity, with its conditions in words."""

    name: str
    rule_id: str
    group_name: str | None
    """The name of the group, if the rule assigns users to a group of an experiment."""
    share: float | None
    """The percentage of the experiment's users in the group, if buckets decide."""
    condition_ids: tuple[str, ...]
    conditions: tuple[ConditionText, ...]
    rollout: float
    """The percentage of matching users for whom the rule passes."""
    value: JsonValue
    delegate: str | None
    """The experiment that a rule of a layer delegates to."""
    targeting: str | None
    """The name in config specs of the generated segment that users must be in."""
    spec: JsonObject

    @property
    def is_override(self) -> bool:
        """True if the rule was created from an override."""
        return self.rule_id == RULE_ID or self.rule_id.endswith(_ID_OVERRIDE)

    @property
    def holdout(self) -> str | None:
        """The holdout that the rule applies, or None."""
        return next((c.name for c in self.conditions if c.kind == "holdout"), None)

    @property
    def text(self) -> str:
        """The conditions in words."""
        return " and ".join(condition.text for condition in self.conditions) or "everyone"


def named_rules(specs: ConfigSpecs, spec: JsonObject) -> Iterator[NamedRule]:
    """Yield the rules of an entity of config specs, in the order of their evaluation."""
    conditions = as_object(specs.document["condition_map"], "condition_map")
    previous = 0.0
    for number, item in enumerate(as_list(spec["rules"], "rules"), 1):
        rule = as_object(item, "rules")
        ids = tuple(str(condition) for condition in as_list(rule["conditions"], "conditions"))
        used = [as_object(conditions[condition_id], condition_id) for condition_id in ids]
        rule_id, group = str(rule.get("id")), rule.get("groupName")
        delegate = rule.get("configDelegate")
        is_targeting = rule_id == "inlineTargetingRules"
        in_group = bool(group) and rule.get("isExperimentGroup") is True
        texts = tuple(condition_text(specs, condition) for condition in used)
        end = _bucket_end(used) if in_group else None
        share = None
        if end is not None:
            # Groups have increasing limits, and the first rule that applies decides.
            share, previous = end - previous, end
            texts = (ConditionText(text=f"in {percentage(share)} of {units(used[0])}"),)
        if rule_id == RULE_ID:
            texts = (ConditionText(text=_overridden_units(used[0])),)
        yield NamedRule(
            name=_name(rule, rule_id, number),
            rule_id=rule_id,
            group_name=str(group) if in_group else None,
            share=share,
            condition_ids=ids,
            conditions=texts,
            rollout=_rollout(rule),
            value=rule.get("returnValue"),
            delegate=str(delegate) if delegate else None,
            targeting=str(used[0].get("targetValue")) if is_targeting else None,
            spec=rule,
        )


def _rollout(rule: JsonObject) -> float:
    share = rule.get("passPercentage")
    return share if isinstance(share, int | float) else 0


def _name(rule: JsonObject, rule_id: str, number: int) -> str:
    if rule_id.startswith(HOLDOUT_RULE_PREFIX):
        return f"holdout {rule_id.removeprefix(HOLDOUT_RULE_PREFIX)}"
    name = str(rule.get("groupName") or rule.get("configDelegate") or rule.get("name") or rule_id)
    if _GENERATED_ID.fullmatch(name):
        return f"rule {number}"
    return _GENERATED_NAMES.get(name, name)


def _overridden_units(condition: JsonObject) -> str:
    match condition:
        case {"idType": id_type, "targetValue": [unit_id]}:
            return f"{id_type} {unit_id}"
        case _:
            return "everyone"


def _bucket_end(conditions: list[JsonObject]) -> float | None:
    """Return the percentage of users below the limit of a group's only condition."""
    match conditions:
        case [{"type": "user_bucket", "operator": "lt", "targetValue": int() | float() as limit}]:
            return limit * 100 / BUCKETS
        case _:
            return None
