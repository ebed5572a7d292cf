"""What a project has for a user: the core's answers, in the terms of the HTTP API."""

import warnings
from collections.abc import Mapping

from attrs import frozen

from ..._runtime.parsers import JsonObject, JsonValue
from ...generated.typed_dicts import SecondaryExposureDict
from ..project.model import ProjectError
from .core import Answer, Answers, Core, HashAlgorithm
from .document import ConfigSpecs
from .formats import CONFIGS, GATES, LAYERS, as_object
from .id_lists import inline_members
from .parts import Parts


@frozen(kw_only=True)
class Evaluation:
    """What a gate, config, experiment or layer has for a user."""

    value: JsonValue
    """Whether a gate passes; the parameters of anything else."""
    rule_id: str
    group_name: str | None
    passed: bool | None
    """Whether a rule of a dynamic config passed; the core says it of nothing else."""
    allocated_experiment: str | None
    """The experiment of a layer that the user is in."""
    secondary_exposures: list[SecondaryExposureDict]


class Evaluator:
    """A project, ready to be evaluated.

    Raises:
        ProjectError: Statsig's core cannot read the project's config specs.
    """

    def __init__(self, specs: ConfigSpecs) -> None:
        self._specs = specs
        document = _with_inner_gates(specs)
        with self._start(document) as core:
            answers = core.evaluate({})
        if unread := _unread(specs, answers):
            problem = f"config specs that Statsig's core leaves out as faulty: {unread}"
            raise ProjectError(specs.file, None, problem)
        if unsupported := _unsupported(answers):
            problem = f"{specs.file}: conditions that Statsig's core does not support, in "
            warnings.warn(problem + unsupported, stacklevel=3)
        self._parts = Parts(document)
        self._whole: Core | None = None

    def evaluate(self, user: JsonObject) -> "UserEvaluations":
        """Evaluate the project for a user in the form of the wire."""
        return UserEvaluations(self._specs, self._parts, user)

    def initialize(self, user: JsonObject, algorithm: HashAlgorithm) -> str:
        """What a client SDK is told of a user, in JSON: all but segments and holdouts.

        Args:
            user: The user in the form of the wire.
            algorithm: How the names are hidden.
        """
        if self._whole is None:
            self._whole = self._start(_with_id_lists(self._specs))
        return self._whole.initialize(user, algorithm)

    def close(self) -> None:
        """Stop the cores."""
        self._parts.close()
        if self._whole is not None:
            self._whole.close()

    def _start(self, document: JsonObject) -> Core:
        try:
            return Core(document)
        except ValueError as error:
            problem = f"config specs that Statsig's core cannot read: {error}"
            raise ProjectError(self._specs.file, None, problem) from None


@frozen
class UserEvaluations:
    """A project, evaluated for one user: each entity when it is asked for."""

    _specs: ConfigSpecs
    _parts: Parts
    _user: JsonObject

    def gate(self, name: str) -> Evaluation | None:
        """What a gate says; None if there is no such gate."""
        answer = self._parts.evaluate(GATES, name, self._user)
        return _evaluation(name, answer, self._specs.gate_groups)

    def config(self, name: str) -> Evaluation | None:
        """What a dynamic config or experiment gives; None if there is no such thing."""
        answer = self._parts.evaluate(CONFIGS, name, self._user)
        return _evaluation(name, answer, self._specs.config_groups)

    def layer(self, name: str) -> Evaluation | None:
        """What a layer gives; None if there is no such layer."""
        return _evaluation(name, self._parts.evaluate(LAYERS, name, self._user), {})


def _evaluation(
    name: str, answer: Answer | None, groups: Mapping[tuple[str, str], str]
) -> Evaluation | None:
    if answer is None:
        return None
    return Evaluation(
        value=_ordered(answer["value"]),
        rule_id=answer["rule_id"],
        group_name=answer.get("group_name") or groups.get((name, answer["rule_id"])),
        passed=answer.get("passed"),
        allocated_experiment=answer.get("allocated_experiment_name"),
        secondary_exposures=answer["secondary_exposures"],
    )


def _ordered(value: JsonValue) -> JsonValue:
    # The core gives parameters in an order that changes from run to run.
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _with_id_lists(specs: ConfigSpecs) -> JsonObject:
    conditions = as_object(specs.document["condition_map"], "condition_map")
    return {**specs.document, "condition_map": inline_members(conditions, specs.id_lists)}


def _with_inner_gates(specs: ConfigSpecs) -> JsonObject:
    # The core's answer for everything leaves out what is called a holdout or a segment, although
    # the HTTP API can be asked for it by name like any gate.
    gates: JsonObject = {
        name: {**gate, "entity": "feature_gate"} if name in specs.inner_gates else gate
        for name, gate in specs.gate_specs.items()
    }
    return {**_with_id_lists(specs), GATES: gates}


def _unread(specs: ConfigSpecs, answers: Answers) -> str:
    # The core reads what it can, and says nothing of the rest.
    pairs = (
        (specs.gate_specs, answers["feature_gates"]),
        ((*specs.configs, *specs.experiments), answers["dynamic_configs"]),
        (specs.layers, answers["layer_configs"]),
    )
    return ", ".join(sorted(name for names, read in pairs for name in names if name not in read))


def _unsupported(answers: Answers) -> str:
    # Where there is a condition that it does not know, the core names no rule, not even "default".
    sections = (answers["feature_gates"], answers["dynamic_configs"], answers["layer_configs"])
    names = [
        name for section in sections for name, answer in section.items() if not answer["rule_id"]
    ]
    return ", ".join(sorted(names))
