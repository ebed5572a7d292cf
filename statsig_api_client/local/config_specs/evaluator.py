"""Evaluation of a project's entities for a user, with the results of the HTTP API."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from attrs import field, frozen

from ..._runtime.parsers import JsonObject, JsonValue
from ...generated.typed_dicts import SecondaryExposureDict
from ..project.model import ProjectError
from .core import Core, CoreResult, CoreResults, HashAlgorithm, Section
from .document import ConfigSpecs
from .formats import CONFIGS, GATES, LAYERS, SECTIONS, as_object
from .id_lists import inline_members
from .unreadable_times import UnreadableTimes


@frozen(kw_only=True)
class Evaluation:
    """The evaluation of a gate, config, experiment or layer for a user."""

    value: JsonValue
    """Whether a gate passes; the parameters of any other entity."""
    rule_id: str
    group_name: str | None
    passed: bool | None
    """Whether a rule of a dynamic config passed; None for other entities."""
    allocated_experiment: str | None
    """The experiment of a layer that the user is in."""
    secondary_exposures: list[SecondaryExposureDict]

    @property
    def parameters(self) -> JsonObject:
        """The parameters of an entity that is not a gate.

        The core returns null after a condition that it does not support; Statsig's SDKs return {}.
        """
        return self.value if isinstance(self.value, dict) else {}


class Evaluator:
    """A project that is ready for evaluation.

    Raises:
        ProjectError: Statsig's core cannot read the project's config specs.
    """

    def __init__(self, specs: ConfigSpecs) -> None:
        self._specs = specs
        document = exposed_document(specs)
        with self._start(document) as core:
            results = core.evaluate({})
        if skipped := _skipped(specs, results):
            problem = f"config specs that Statsig's core skips as invalid: {skipped}"
            raise ProjectError(specs.file, None, problem)
        if unsupported := _unsupported(results):
            problem = f"{specs.file}: conditions that Statsig's core does not support, in "
            warnings.warn(problem + unsupported, stacklevel=3)
        self._cores = CorePool(document)
        self._complete: Core | None = None
        self._unreadable_times = UnreadableTimes(specs.document)

    def evaluate(self, user: JsonObject) -> "UserEvaluations":
        """Return the evaluations of the project for a user in the wire format."""
        self._unreadable_times.check(user)
        return UserEvaluations(self._specs, self._cores, user)

    def initialize(self, user: JsonObject, algorithm: HashAlgorithm) -> str:
        """Return the JSON of `/v1/initialize`: all entities except segments and holdouts.

        Args:
            user: The user in the wire format.
            algorithm: The hash of entity names.
        """
        self._unreadable_times.check(user)
        if self._complete is None:
            self._complete = self._start(_with_id_lists(self._specs))
        return self._complete.initialize(user, algorithm)

    def close(self) -> None:
        """Stop the cores."""
        self._cores.close()
        if self._complete is not None:
            self._complete.close()

    def _start(self, document: JsonObject) -> Core:
        try:
            return Core(document)
        except ValueError as error:
            problem = f"config specs that Statsig's core cannot read: {error}"
            raise ProjectError(self._specs.file, None, problem) from None


@frozen
class UserEvaluations:
    """The evaluations of a project for one user, each computed on request."""

    _specs: ConfigSpecs
    _cores: "CorePool"
    _user: JsonObject
    _results: dict[Core, CoreResults] = field(factory=dict[Core, CoreResults], init=False)

    def gate(self, name: str) -> Evaluation | None:
        """Return the evaluation of a gate; None if it does not exist."""
        return self._evaluation(GATES, name, self._specs.gate_groups)

    def config(self, name: str) -> Evaluation | None:
        """Return the evaluation of a dynamic config or experiment; None if it does not exist."""
        return self._evaluation(CONFIGS, name, self._specs.config_groups)

    def layer(self, name: str) -> Evaluation | None:
        """Return the evaluation of a layer; None if it does not exist."""
        return self._evaluation(LAYERS, name, {})

    def _evaluation(
        self, section: Section, name: str, groups: Mapping[tuple[str, str], str]
    ) -> Evaluation | None:
        core = self._cores.core(section, name)
        if core is None:
            return None
        if core not in self._results:
            self._results[core] = core.evaluate(self._user)
        return evaluation(self._results[core][section][name], name, groups)


def evaluation(result: CoreResult, name: str, groups: Mapping[tuple[str, str], str]) -> Evaluation:
    """Convert a result of the core to an evaluation of the HTTP API.

    Args:
        result: The core's result.
        name: The name of the entity.
        groups: The group names that the core does not return, by entity and rule ID.
    """
    return Evaluation(
        value=_sorted(result["value"]),
        rule_id=result["rule_id"],
        group_name=result.get("group_name") or groups.get((name, result["rule_id"])),
        passed=result.get("passed"),
        allocated_experiment=result.get("allocated_experiment_name"),
        secondary_exposures=result["secondary_exposures"],
    )


MAX_CORES: Final = 64


class CorePool:
    """The entities of a project, distributed over at most `MAX_CORES` cores.

    A core can only evaluate all of its specs at once, which takes 1 ms for 160 entities and 0.2 s
    for 10,000, but 20 µs for one. Cores start on first use, in 1 ms and 0.2 MB each; the limit
    exists because starting a core takes longer, the more of them run.
    """

    def __init__(self, document: JsonObject) -> None:
        self._document = document
        sections = [as_object(document[section], section) for section in SECTIONS]
        names = sorted({name for section in sections for name in section})
        count = min(MAX_CORES, len(names))
        self._names = [
            names[len(names) * index // count : len(names) * (index + 1) // count]
            for index in range(count)
        ]
        self._index = {name: index for index, part in enumerate(self._names) for name in part}
        self._cores: dict[int, Core] = {}

    def core(self, section: Section, name: str) -> Core | None:
        """Return the core that evaluates an entity; None if the entity does not exist."""
        if name not in as_object(self._document[section], section):
            return None
        index = self._index[name]
        if index not in self._cores:
            self._cores[index] = Core(partial_document(self._document, self._names[index]))
        return self._cores[index]

    def close(self) -> None:
        """Stop the cores."""
        for core in self._cores.values():
            core.close()


_TABLES: Final = (
    "feature_gates",
    "dynamic_configs",
    "layer_configs",
    "condition_map",
    "experiment_to_layer",
    "overrides",
    "override_rules",
    "cmab_configs",
    "param_stores",
)
"""The parts of config specs that are maps by entity name or condition ID."""


def partial_document(document: JsonObject, names: Iterable[str]) -> JsonObject:
    """Return the config specs of the entities with these names and of their dependencies.

    Entities and conditions reference each other by name only, so the dependencies are all names
    that they contain, directly or indirectly.
    """
    tables = {key: table for key in _TABLES if isinstance(table := document.get(key), dict)}
    found = dict.fromkeys(names)
    new = [*found]
    while new:
        name = new.pop()
        for table in tables.values():
            for text in _strings(table.get(name)):
                if text not in found and any(text in table for table in tables.values()):
                    found[text] = None
                    new.append(text)
    parts: JsonObject = {
        key: {name: table[name] for name in found if name in table} for key, table in tables.items()
    }
    return {**document, **parts}


def _strings(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _sorted(value: JsonValue) -> JsonValue:
    # The core returns parameters in a different order on each run.
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _with_id_lists(specs: ConfigSpecs) -> JsonObject:
    conditions = as_object(specs.document["condition_map"], "condition_map")
    return {**specs.document, "condition_map": inline_members(conditions, specs.id_lists)}


def exposed_document(specs: ConfigSpecs) -> JsonObject:
    """Return the config specs with ID lists inlined, and with segments and holdouts as gates.

    The core omits these two from its results, but the HTTP API evaluates them by name, like gates.
    """
    gates: JsonObject = {
        name: {**gate, "entity": "feature_gate"} if name in specs.inner_gates else gate
        for name, gate in specs.gate_specs.items()
    }
    return {**_with_id_lists(specs), GATES: gates}


def _skipped(specs: ConfigSpecs, results: CoreResults) -> str:
    # The core silently skips entities that it cannot read.
    pairs = (
        (specs.gate_specs, results["feature_gates"]),
        ((*specs.configs, *specs.experiments), results["dynamic_configs"]),
        (specs.layers, results["layer_configs"]),
    )
    return ", ".join(sorted(name for names, read in pairs for name in names if name not in read))


def _unsupported(results: CoreResults) -> str:
    # The core returns an empty rule ID for an unknown condition.
    sections = (results["feature_gates"], results["dynamic_configs"], results["layer_configs"])
    names = [
        name for section in sections for name, result in section.items() if not result["rule_id"]
    ]
    return ", ".join(sorted(names))
