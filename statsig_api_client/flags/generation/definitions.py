"""Definitions of a project's flags, independent of their source."""

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from attrs import evolve, field, frozen

from ..._runtime.parsers import JsonObject, JsonValue
from .errors import FlagsError

_CONTROL: Final = "Control"

Kind: TypeAlias = Literal["gate", "config", "experiment", "layer"]


@frozen(kw_only=True)
class Parameter:
    """One parameter of a config, experiment or layer."""

    name: str
    values: tuple[JsonValue, ...]
    """All known values: the default and those of rules and groups."""
    default: JsonValue = None
    default_source: str | None = None
    """Origin of a guessed default; None for the project's own default."""
    declared_type: str | None = None
    """Type declared in the console: `string`, `number`, `boolean`, `object` or `array`."""
    schema: JsonObject | None = None
    """JSON Schema of the parameter."""


@frozen(kw_only=True)
class Gate:
    """A feature gate."""

    name: str
    description: str = ""
    stale: str | None = None
    """Reason why Statsig considers the gate stale, or None."""


@frozen(kw_only=True)
class Config:
    """A dynamic config or a layer."""

    name: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()


@frozen(kw_only=True)
class Experiment:
    """An experiment; the parameters of a layered experiment belong to its layer."""

    name: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    groups: tuple[str, ...] = ()
    layer: str | None = None


@frozen(kw_only=True)
class Project:
    """The flags of a project, sorted by name."""

    source: str
    """Description of the source, without secrets and times."""
    gates: tuple[Gate, ...] = ()
    configs: tuple[Config, ...] = ()
    experiments: tuple[Experiment, ...] = ()
    layers: tuple[Config, ...] = ()
    warnings: tuple[str, ...] = field(default=(), eq=False)

    def without(self, names: Iterable[str]) -> "Project":
        """Return a copy without some flags.

        Raises:
            FlagsError: No flag has such a name.
        """
        removed = frozenset(names)
        known = {f.name for flags in self.by_kind.values() for f in flags}
        if unknown := sorted(removed - known):
            raise FlagsError(f"--without: no gate, config, experiment or layer {unknown[0]!r}")
        return evolve(
            self,
            gates=tuple(flag for flag in self.gates if flag.name not in removed),
            configs=tuple(flag for flag in self.configs if flag.name not in removed),
            experiments=tuple(flag for flag in self.experiments if flag.name not in removed),
            layers=tuple(flag for flag in self.layers if flag.name not in removed),
        )

    @property
    def by_kind(self) -> Mapping[Kind, tuple[Gate | Config | Experiment, ...]]:
        """Flags by kind."""
        return {
            "gate": self.gates,
            "config": self.configs,
            "experiment": self.experiments,
            "layer": self.layers,
        }


def merge_parameters(
    default: JsonObject, groups: Iterable[tuple[str | None, JsonObject]]
) -> tuple[Parameter, ...]:
    """Return the parameters of a default and of named or unnamed groups of values.

    A parameter without a default gets the value of the group Control, or else the zero value of its
    type.
    """
    known: dict[str, list[JsonValue]] = {name: [value] for name, value in default.items()}
    control: JsonObject = {}
    for group, values in groups:
        if group == _CONTROL:
            control = {**values, **control}
        for name, value in values.items():
            known.setdefault(name, []).append(value)
    return tuple(
        Parameter(
            name=name,
            values=tuple(known[name]),
            default=default.get(name, control.get(name)),
            default_source=_default_source(name, default, control),
        )
        for name in sorted(known)
    )


def _default_source(name: str, default: JsonObject, control: JsonObject) -> str | None:
    if name in default:
        return None
    if name in control:
        return f"value of the group {_CONTROL}; the project has no default"
    return "zero value; the project has no default"
