"""The model of a project, and the error for invalid projects."""

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from ..._runtime.parsers import JsonObject, JsonValue


class ProjectError(Exception):
    """A project file that cannot be read or is invalid.

    Attributes:
        file: The file.
        line: The invalid line, counted from 1; None if the problem is not in one line.
        problem: The invalid key and the expected value.
    """

    def __init__(self, file: Path, line: int | None, problem: str) -> None:
        super().__init__(file, line, problem)
        self.file = file
        self.line = line
        self.problem = problem

    def __str__(self) -> str:
        """Return `file:line: problem`."""
        place = f"{self.file}" if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.problem}"


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return a hint for an error message: the known name closest to `name`, or all known names."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; expected one of {', '.join(names)}" if names else "; the project defines none"


@frozen(kw_only=True)
class Keys:
    """The API keys that the server accepts."""

    secret: str = "secret-local"  # noqa: S105  (a local server has no secrets)
    client: str = "client-local"
    client_reads_specs: bool = False
    """Whether SDKs with the client key may download the rules, to evaluate on their devices."""


@frozen(kw_only=True)
class Condition:
    """A condition of a rule, in the terms of config specs."""

    type: str
    operator: str | None = None
    field: str | None = None
    target: JsonValue = None
    id_type: str | None = None
    """The ID type to test; None for that of the entity."""
    salt: str | None = None
    """The salt of the buckets, in a condition on buckets."""


ENVIRONMENTS: Final = ("development", "staging", "production")
"""The default environments of a project."""

EVERYONE: Final = Condition(type="public")

HOLDOUT_RULE_PREFIX: Final = "holdout:"
"""The prefix of the IDs of rules that apply a holdout."""


def segment_spec(name: str) -> str:
    """Return the name of a segment in config specs; exposures omit names with its prefix."""
    return f"segment:{name}"


BUCKETS: Final = 1000
"""The number of buckets into which experiments, layers and shares divide users."""


def bucket(percent: float) -> int:
    """Return the first bucket above a percentage of users."""
    return round(percent * BUCKETS / 100)


def salt(*names: str) -> str:
    """Return a salt that depends only on names, so that every run assigns users identically."""
    return hashlib.sha256("/".join(names).encode()).hexdigest()[:32]


@frozen(kw_only=True)
class Rule:
    """A rule of a gate, segment or config."""

    name: str
    conditions: tuple[Condition, ...]
    """The conditions, all of which must hold."""
    rollout: float
    """The percentage of matching users for whom the rule passes."""
    value: JsonObject
    """The parameters; empty in a gate."""


@frozen(kw_only=True)
class Gate:
    """A feature gate, or a segment, which is a gate for use in conditions."""

    name: str
    id_type: str
    enabled: bool
    rules: tuple[Rule, ...]


@frozen(kw_only=True)
class Holdout:
    """A share of users for whom gates fail and other entities have their default."""

    name: str
    id_type: str
    conditions: tuple[Condition, ...]
    """The conditions on users who can be held out."""
    share: float
    """The percentage of those users who are held out."""
    gates: frozenset[str]
    """The gates that fail for them."""
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
    """The percentage of the experiment's users."""
    value: JsonObject
    """The parameters that differ from the default."""


@frozen(kw_only=True)
class Experiment:
    """An experiment."""

    name: str
    id_type: str
    active: bool
    layer: str | None
    allocation: float
    """The percentage of users, or of the layer's users, who can be in the experiment."""
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
    """The contents of a project file."""

    keys: Keys
    environments: tuple[str, ...]
    gates: tuple[Gate, ...]
    segments: tuple[Gate, ...]
    holdouts: tuple[Holdout, ...]
    configs: tuple[DynamicConfig, ...]
    experiments: tuple[Experiment, ...]
    layers: tuple[Layer, ...]
    id_lists: Mapping[str, tuple[str, ...]]
    """The members of ID lists by name."""
    files: tuple[Path, ...]
    """The project file, then those of its ID lists."""
