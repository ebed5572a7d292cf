"""Experiments: the groups, the control group and the planned split."""

import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Self, cast

from attrs import Factory, evolve, field, frozen

from .._runtime.parsers import JsonObject
from .errors import LiftError

OVERRIDE: Final = "override"
"""The rule ID of overrides in SDKs and in the local server."""

_BUCKETS: Final = 1000
"""The number of buckets into which an experiment divides units."""


def _default_control(experiment: "Experiment") -> str:
    names = (*experiment.groups, "")
    return next((name for name in names if name.lower() == "control"), names[0])


@frozen(kw_only=True)
class Experiment:
    """An experiment to analyze.

    Example:
        >>> Experiment(name="logo_test", groups={"Control": 50, "Square": 50}, control="Control")

    Raises:
        LiftError: The experiment has fewer than two groups, or the control group is not among them.
    """

    name: str
    groups: Mapping[str, float | None]
    """The planned share of units of each group; None where it is unknown."""
    control: str = field(default=Factory(_default_control, takes_self=True))
    """The name of the control group; by default `Control`, or the first group."""
    id_type: str = "userID"
    """The type of the unit ID: `userID`, `stableID` or a key of `customIDs`."""
    rules: Mapping[str, str] = field(factory=dict[str, str])
    """The group of each rule ID. The name of a group is its rule ID, too."""
    planned_units: int | None = None
    """The number of units after which the interval without correction for peeking decides."""

    def __attrs_post_init__(self) -> None:
        if len(self.groups) < 2:
            raise LiftError(f"experiment {self.name}: expected at least 2 groups")
        if self.control not in self.groups:
            expected = ", ".join(self.groups)
            raise LiftError(
                f"experiment {self.name}: expected a control group among {expected}, "
                f"got {self.control!r}"
            )
        if unknown := sorted(set(self.rules.values()) - set(self.groups)):
            raise LiftError(f"experiment {self.name}: rules of unknown groups {', '.join(unknown)}")
        if any(share is not None and not share > 0 for share in self.groups.values()):
            raise LiftError(f"experiment {self.name}: expected positive shares of groups")

    @property
    def group_by_rule(self) -> dict[str, str]:
        """The group of each rule ID."""
        return {**{name: name for name in self.groups}, **self.rules}

    @property
    def test_groups(self) -> list[str]:
        """The names of the groups other than the control group."""
        return [name for name in self.groups if name != self.control]

    @classmethod
    def from_project(cls, project: str | Path, name: str, *, control: str | None = None) -> Self:
        """Read an experiment from a project; requires the extra `local`.

        Args:
            project: A project file (.yaml) or a config specs file (.json), or the URL of a local
                server.
            name: The name of the experiment.
            control: The control group; by default the group named Control, or the first one.

        Raises:
            LiftError: The project cannot be read, or does not contain the experiment.
        """
        from ..local import ControlError, ProjectError
        from ..local.config_specs.document import load_specs
        from ..local.config_specs.download import download_specs
        from ..local.project.model import suggestion

        try:
            with warnings.catch_warnings(action="ignore"):  # about members of ID lists
                is_url = str(project).startswith(("http://", "https://"))
                specs = download_specs(str(project)) if is_url else load_specs(Path(project))
        except (ControlError, ProjectError) as error:
            raise LiftError(f"experiment {name}: {error}") from None
        if name not in specs.experiments:
            raise LiftError(
                f"experiment {name!r} does not exist{suggestion(name, specs.experiments)}"
            )
        return cls.from_specs(specs.document, name).with_control(control)

    @classmethod
    def from_specs(cls, specs: JsonObject, name: str) -> Self:
        """Read an experiment from config specs in the form of `/v2/download_config_specs`.

        Raises:
            LiftError: The experiment has no groups.
        """
        spec = cast("dict[str, JsonObject]", specs["dynamic_configs"])[name]
        conditions = cast("dict[str, JsonObject]", specs["condition_map"])
        groups: dict[str, float | None] = {}
        rules: dict[str, str] = {}
        before: float | None = 0.0
        for rule in cast("list[JsonObject]", spec["rules"]):
            # A local server marks its overrides as groups, too, so that SDKs report them.
            if not rule.get("isExperimentGroup") or rule["id"] == OVERRIDE:
                continue
            group = str(rule.get("groupName") or rule["id"])
            rules[str(rule["id"])] = group
            end = next(_last_buckets(rule, conditions), None)
            # Each group ends at a bucket, and the next begins there.
            share = None if end is None or before is None else end - before
            groups[group] = share if share and share > 0 else None
            before = end
        if not groups:
            raise LiftError(f"experiment {name}: has no groups; it has not started")
        id_type = str(spec.get("idType") or "userID")
        return cls(name=name, groups=groups, id_type=id_type, rules=rules)

    def with_control(self, name: str | None) -> Self:
        """Return a copy with a different control group; None keeps the current one.

        Raises:
            LiftError: The group does not exist.
        """
        return self if name is None else evolve(self, control=name)

    def with_planned_units(self, units: int | None) -> Self:
        """Return a copy with a different number of planned units."""
        return evolve(self, planned_units=units)


def _last_buckets(rule: JsonObject, conditions: Mapping[str, JsonObject]) -> Iterator[float]:
    """Yield the end of the buckets of a rule, as a percentage."""
    for key in cast("list[str]", rule.get("conditions") or []):
        condition = conditions[key]
        target = condition.get("targetValue")
        if (
            condition.get("type") == "user_bucket"
            and condition.get("operator") == "lt"
            and isinstance(target, int | float)
        ):
            yield target * 100 / _BUCKETS
