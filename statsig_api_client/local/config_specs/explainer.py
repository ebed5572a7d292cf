"""Explanations of evaluations: the deciding rule and condition.

The core returns the rule that decided, but not the conditions. This module therefore adds a gate
for each condition and each rollout to the config specs, so that the core evaluates those, too. It
never evaluates a condition itself.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, TypeAlias

from attrs import frozen

from ..._runtime.parsers import JsonObject, JsonValue
from .catalog import Entity, EntityKind, entities
from .condition_text import percentage
from .core import Core, CoreResults
from .document import ConfigSpecs
from .evaluator import Evaluation, evaluation, exposed_document
from .formats import CONFIGS, GATES, SECTIONS, as_object
from .named_rules import NamedRule, named_rules

Reason: TypeAlias = Literal[
    "rule", "rollout", "default", "override", "holdout", "disabled", "unsupported"
]
"""The kind of decision.

A rule; a rule that applies, but whose rollout excludes the user; no rule; an override; a holdout;
a disabled entity; a condition that Statsig's core does not support.
"""

_PROBE: Final = "explain"
_EVERYONE: Final = f"{_PROBE}:everyone"
_MAX_RULES: Final = 4
"""The maximum number of rules in the reason for a default."""


@frozen(kw_only=True)
class RuleCheck:
    """A rule that was evaluated for the user."""

    rule: NamedRule
    holds: tuple[bool, ...]
    """Whether each condition holds for the user."""
    in_rollout: bool
    """Whether the user is among the percentage for whom the rule passes."""

    @property
    def applies(self) -> bool:
        """True if all conditions hold."""
        return all(self.holds)


@frozen(kw_only=True)
class Explanation:
    """The evaluation of an entity for a user, and the reason for it."""

    kind: EntityKind
    name: str
    evaluation: Evaluation
    reason: Reason
    why: str
    """The deciding condition in words."""
    rules: tuple[RuleCheck, ...]
    """The rules that were evaluated, up to the one that decided."""


@frozen(kw_only=True)
class _Rules:
    """The rules of an entity of the config specs, with the name of each rule's rollout probe."""

    enabled: bool
    rules: tuple[tuple[NamedRule, str], ...]


_Tables: TypeAlias = Mapping[tuple[str, str], _Rules]
"""The rules of each entity by section and name in the config specs."""


class Explainer:
    """Explainer of a project's evaluations.

    Args:
        specs: Config specs that the evaluator has accepted.
    """

    def __init__(self, specs: ConfigSpecs) -> None:
        self._specs = specs
        self._entities = [*entities(specs)]
        self._tables: _Tables = {
            (section, name): _Rules(
                enabled=as_object(spec, name).get("enabled") is True,
                rules=tuple(
                    (rule, f"{_PROBE}:rollout:{section}:{name}:{index}")
                    for index, rule in enumerate(named_rules(specs, as_object(spec, name)))
                ),
            )
            for section in SECTIONS
            for name, spec in as_object(specs.document[section], section).items()
        }
        self._core = Core(_with_probes(specs, self._tables))

    def explain(self, user: JsonObject) -> list[Explanation]:
        """Return the explanation of each entity for a user in the wire format."""
        results = self._core.evaluate(user)
        walks = _Walks(self._tables, results)
        return [_explanation(self._specs, entity, results, walks) for entity in self._entities]

    def close(self) -> None:
        """Stop the core."""
        self._core.close()


def _with_probes(specs: ConfigSpecs, tables: _Tables) -> JsonObject:
    document = exposed_document(specs)
    gates = {**as_object(document[GATES], GATES)}
    conditions = as_object(document["condition_map"], "condition_map")
    for condition_id in conditions:
        gates[_condition_probe(condition_id)] = _probe(condition_id, _PROBE, {})
    for (section, name), table in tables.items():
        spec_salt = as_object(as_object(document[section], section)[name], name).get("salt")
        for rule, probe in table.rules:
            if rule.rollout not in {0, 100}:
                # The user's place in a rollout depends on these fields and on the entity's salt.
                fields = ("id", "salt", "idType", "passPercentage")
                shared: JsonObject = {key: rule.spec[key] for key in fields if key in rule.spec}
                gates[probe] = _probe(_EVERYONE, spec_salt, shared)
    everyone: JsonObject = {"type": "public", "idType": "userID"}
    return {**document, GATES: gates, "condition_map": {**conditions, _EVERYONE: everyone}}


def _probe(condition_id: str, spec_salt: JsonValue, rule: JsonObject) -> JsonObject:
    passing: JsonObject = {
        "name": _PROBE,
        "id": _PROBE,
        "salt": _PROBE,
        "idType": "userID",
        "passPercentage": 100,
        **rule,
        "conditions": [condition_id],
        "returnValue": True,
    }
    return {
        "type": "feature_gate",
        "entity": "feature_gate",
        "salt": spec_salt,
        "enabled": True,
        "defaultValue": False,
        "idType": "userID",
        "rules": [passing],
    }


def _condition_probe(condition_id: str) -> str:
    return f"{_PROBE}:condition:{condition_id}"


class _Walks:
    """The rules of each entity up to the one that applies to a user, from the probes' results."""

    def __init__(self, tables: _Tables, results: CoreResults) -> None:
        self._tables = tables
        self._gates = results["feature_gates"]

    def decision(self, section: str, name: str) -> tuple[Reason, str]:
        """Return the reason for an entity's evaluation, and the deciding condition in words."""
        checks = self.checks(section, name)
        if not checks or not checks[-1].applies:
            enabled = self._tables[section, name].enabled
            return ("default", _default(checks)) if enabled else ("disabled", "disabled")
        last = checks[-1].rule
        if last.delegate is not None and (CONFIGS, last.delegate) in self._tables:
            reason, why = self.decision(CONFIGS, last.delegate)
            return reason, f"in experiment {last.delegate}: {why}"
        if last.targeting is not None and (GATES, last.targeting) in self._tables:
            return "rule", f"outside the targeting: {self.decision(GATES, last.targeting)[1]}"
        return _applied(checks[-1])

    def checks(self, section: str, name: str) -> tuple[RuleCheck, ...]:
        """Return the rules of an entity up to the one that applies, or all."""
        checks: list[RuleCheck] = []
        for rule, probe in self._tables[section, name].rules:
            check = RuleCheck(
                rule=rule,
                holds=tuple(self._passes(_condition_probe(each)) for each in rule.condition_ids),
                in_rollout=rule.rollout == 100 or (rule.rollout != 0 and self._passes(probe)),
            )
            checks.append(check)
            if check.applies:
                break
        return tuple(checks)

    def _passes(self, probe: str) -> bool:
        return self._gates[probe]["value"] is True


def _explanation(
    specs: ConfigSpecs, entity: Entity, results: CoreResults, walks: _Walks
) -> Explanation:
    groups = {GATES: specs.gate_groups, CONFIGS: specs.config_groups}.get(entity.section, {})
    result = evaluation(results[entity.section][entity.spec_name], entity.spec_name, groups)
    reason, why = walks.decision(entity.section, entity.spec_name)
    if not result.rule_id:
        reason, why = "unsupported", "a condition that Statsig's core does not support"
    return Explanation(
        kind=entity.kind,
        name=entity.name,
        evaluation=result,
        reason=reason,
        why=why,
        rules=walks.checks(entity.section, entity.spec_name),
    )


def _applied(check: RuleCheck) -> tuple[Reason, str]:
    rule = check.rule
    if rule.is_override:
        return "override", f"override for {rule.text}"
    if rule.holdout is not None:
        return "holdout", f"held out by {rule.holdout}"
    if rule.rule_id == "prestart":
        return "disabled", "the experiment is not active"
    if rule.rule_id == "layerAssignment":
        return "rule", f"not in the experiment: {rule.text}"
    if rule.group_name is not None:
        return "rule", f"group {rule.group_name}: {rule.text}"
    return _rolled_out(check)


def _rolled_out(check: RuleCheck) -> tuple[Reason, str]:
    rule = check.rule
    if not check.in_rollout:
        return "rollout", f"{rule.text}, but not in the {percentage(rule.rollout)} rollout"
    if rule.rollout != 100:
        return "rule", f"{rule.text}, and in the {percentage(rule.rollout)} rollout"
    return "rule", rule.text


def _default(checks: tuple[RuleCheck, ...]) -> str:
    if not checks:
        return "no rules"
    requirements = [*_requirements(checks)]
    more = len(requirements) - _MAX_RULES
    parts = [*requirements[:_MAX_RULES], *([f"{more} more rules"] if more > 0 else [])]
    return "; ".join(["no rule applies", *parts])


def _requirements(checks: tuple[RuleCheck, ...]) -> Iterator[str]:
    for check in checks:
        rule = check.rule
        if not rule.is_override and rule.holdout is None:  # These rules normally do not apply.
            yield f"{rule.name} requires {rule.conditions[check.holds.index(False)].text}"
