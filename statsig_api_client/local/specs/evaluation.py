"""What a project has for a user: the core's answers, in the terms of the HTTP API."""

import warnings
from collections.abc import Mapping

from attrs import frozen

from ..project.model import ProjectError
from ..recording import SecondaryExposure
from ..wire import JsonObject, JsonValue
from .config_specs import ConfigSpecs
from .core import Answer, Answers, Core


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
    secondary_exposures: list[SecondaryExposure]


class Evaluator:
    """A project, ready to be evaluated.

    Raises:
        ProjectError: Statsig's core cannot read the project's config specs.
    """

    def __init__(self, specs: ConfigSpecs) -> None:
        self._specs = specs
        try:
            self._core = Core(_with_inner_gates(specs))
        except ValueError as error:
            problem = f"config specs that Statsig's core cannot read: {error}"
            raise ProjectError(specs.file, None, problem) from None
        answers = self._core.evaluate({})
        if unread := _unread(specs, answers):
            self.close()
            problem = f"config specs that Statsig's core leaves out as faulty: {unread}"
            raise ProjectError(specs.file, None, problem)
        if unsupported := _unsupported(answers):
            problem = f"{specs.file}: conditions that Statsig's core does not support, in "
            warnings.warn(problem + unsupported, stacklevel=3)

    def evaluate(self, user: JsonObject) -> "UserEvaluations":
        """Evaluate the project for a user in the form of the wire."""
        return UserEvaluations(self._specs, self._core.evaluate(user))

    def close(self) -> None:
        """Stop the core."""
        self._core.close()


@frozen
class UserEvaluations:
    """A project, evaluated for one user."""

    _specs: ConfigSpecs
    _answers: Answers

    def gate(self, name: str) -> Evaluation | None:
        """What a gate says; None if there is no such gate."""
        return _evaluation(name, self._answers["feature_gates"], self._specs.gate_groups)

    def config(self, name: str) -> Evaluation | None:
        """What a dynamic config or experiment gives; None if there is no such thing."""
        return _evaluation(name, self._answers["dynamic_configs"], self._specs.config_groups)

    def layer(self, name: str) -> Evaluation | None:
        """What a layer gives; None if there is no such layer."""
        return _evaluation(name, self._answers["layer_configs"], {})


def _evaluation(
    name: str, answers: Mapping[str, Answer], groups: Mapping[tuple[str, str], str]
) -> Evaluation | None:
    answer = answers.get(name)
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


def _with_inner_gates(specs: ConfigSpecs) -> JsonObject:
    # The core's answer for everything leaves out what is called a holdout or a segment, although
    # the HTTP API can be asked for it by name like any gate.
    gates: JsonObject = {
        name: {**gate, "entity": "feature_gate"} if name in specs.inner_gates else gate
        for name, gate in specs.gate_specs.items()
    }
    return {**specs.document, "feature_gates": gates}


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
