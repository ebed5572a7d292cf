"""What a project is: gates, configs, experiments, layers and the rest, before compilation."""

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from ..._runtime.parsers import JsonObject, JsonValue


class ProjectError(Exception):
    """A project that cannot be used: its file is missing, broken, or says something impossible.

    Attributes:
        file: The project's file.
        line: The line that is wrong, counted from 1; None when the fault is not in one line.
        problem: What is wrong there: the key, what was expected, and what was found.
    """

    def __init__(self, file: Path, line: int | None, problem: str) -> None:
        super().__init__(file, line, problem)
        self.file = file
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        """Say `file:line: problem`."""
        place = f"{self.file}" if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.problem}"


def suggestion(word: str, known: Iterable[str]) -> str:
    """Say which known word was probably meant, or which there are, for the end of a message."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(names)}" if names else "; there are none"


@frozen(kw_only=True)
class Keys:
    """The API keys that the server accepts."""

    secret: str = "secret-local"  # noqa: S105  (made up, for a server without secrets)
    client: str = "client-local"


@frozen(kw_only=True)
class Condition:
    """One test of a user, in the terms of config specs."""

    type: str
    operator: str | None = None
    field: str | None = None
    target: JsonValue = None
    id_type: str | None = None
    """The type of ID that is tested; that of the rule if None."""
    salt: str | None = None
    """What divides users into buckets, for a condition that tests their bucket."""


ENVIRONMENTS: Final = ("development", "staging", "production")
"""The tiers of a project that does not say its own."""

EVERYONE: Final = Condition(type="public")


def segment_spec(name: str) -> str:
    """The name of a segment in config specs; by its beginning, exposures leave segments out."""
    return f"segment:{name}"


HELD_OUT_RULE: Final = "holdout:"
"""How the names of rules begin by which a holdout takes hold."""


@frozen(kw_only=True)
class Rule:
    """Whom a rule is for (all conditions hold), for what part of them, and what they get."""

    name: str
    conditions: tuple[Condition, ...]
    rollout: float
    """Percent of those for whom the conditions hold."""
    value: JsonObject
    """The parameters; empty in a gate."""


@frozen(kw_only=True)
class Gate:
    """A feature gate, or a segment, which is a gate that only conditions ask."""

    name: str
    id_type: str
    enabled: bool
    rules: tuple[Rule, ...]


@frozen(kw_only=True)
class Holdout:
    """A share of users who are kept out: gates do not pass, all else stays at its default."""

    name: str
    id_type: str
    conditions: tuple[Condition, ...]
    """Who can be held out."""
    share: float
    """Percent of those who are held out."""
    gates: frozenset[str]
    """The gates that do not pass for them."""
    configs: frozenset[str]
    experiments: frozenset[str]
    layers: frozenset[str]


@frozen(kw_only=True)
class DynamicConfig:
    """A dynamic config."""

    name: str
    id_type: str
    enabled: bool
    default: JsonObject
    rules: tuple[Rule, ...]


@frozen(kw_only=True)
class Group:
    """A group of an experiment."""

    name: str
    share: float
    """Percent of the experiment's users."""
    value: JsonObject


@frozen(kw_only=True)
class Experiment:
    """An experiment."""

    name: str
    id_type: str
    active: bool
    layer: str | None
    allocation: float
    """Percent of all users, or of the layer's, who may be in it."""
    targeting: tuple[Condition, ...]
    default: JsonObject
    groups: tuple[Group, ...]


@frozen(kw_only=True)
class Layer:
    """A layer: parameters that its experiments share."""

    name: str
    id_type: str
    default: JsonObject


@frozen(kw_only=True)
class Project:
    """All that a project file says."""

    keys: Keys
    environments: tuple[str, ...]
    gates: tuple[Gate, ...]
    segments: tuple[Gate, ...]
    holdouts: tuple[Holdout, ...]
    configs: tuple[DynamicConfig, ...]
    experiments: tuple[Experiment, ...]
    layers: tuple[Layer, ...]
    id_lists: Mapping[str, tuple[str, ...]]
    """The members of ID lists, by name."""
    files: tuple[Path, ...]
    """The files that it was read from: the project's own, then those of ID lists."""
