"""The rules of config specs: their values, and their dependence on the user."""

from collections.abc import Iterator

from ..._runtime.parsers import JsonObject
from .core import Section
from .document import ConfigSpecs
from .formats import CONFIGS, LAYERS, as_list, as_object


def returned_values(specs: ConfigSpecs, section: Section, name: str) -> Iterator[JsonObject]:
    """Yield the parameters that a config, experiment or layer can return: default and all rules.

    The default of a real layer may lack parameters that only its experiments set, so those of the
    experiments follow.
    """
    spec = _spec(specs, section, name)
    yield as_object(spec["defaultValue"], name)
    for rule in _rules(spec, name):
        yield as_object(rule["returnValue"], name)
    if section == LAYERS:
        members = as_object(specs.document["experiment_to_layer"], "experiment_to_layer")
        configs = as_object(specs.document[CONFIGS], CONFIGS)
        for experiment, layer in members.items():
            if layer == name and experiment in configs:
                yield from returned_values(specs, CONFIGS, experiment)


def is_static(specs: ConfigSpecs, section: Section, name: str, rule_id: str) -> bool:
    """Return whether an entity has the same value for all users, given the rule that decided.

    This is true without rules, or if the first rule applies to everyone.
    """
    rules = _rules(_spec(specs, section, name), name)
    if not rules:
        return rule_id == "default"
    first = rules[0]
    conditions = as_object(specs.document["condition_map"], "condition_map")
    return (
        first["id"] == rule_id
        and first.get("passPercentage") == 100
        and not first.get("configDelegate")
        and all(
            as_object(conditions[str(condition)], name)["type"] == "public"
            for condition in as_list(first["conditions"], name)
        )
    )


def _spec(specs: ConfigSpecs, section: Section, name: str) -> JsonObject:
    return as_object(as_object(specs.document[section], section)[name], name)


def _rules(spec: JsonObject, name: str) -> list[JsonObject]:
    return [as_object(rule, name) for rule in as_list(spec["rules"], name)]
