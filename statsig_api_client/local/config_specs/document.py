"""Config specs: a project in the form in which Statsig delivers it to its SDKs."""

import warnings
from collections.abc import Iterator, Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import TypedDict, cast

from attrs import evolve, frozen

from ..._runtime.parsers import JsonObject
from ..project.compiler import compile_project
from ..project.model import ENVIRONMENTS, Keys, ProjectError
from ..project.reader import read_project
from ..strict_json import read_json
from .formats import GATES, SECTIONS, SpecsFormatError, as_list, as_object, to_v2
from .id_lists import referenced_lists


@frozen(kw_only=True)
class ConfigSpecs:
    """The config specs of a project, what is in them, and the keys that give access to it."""

    file: Path
    files: tuple[Path, ...]
    """The files that it was read from: that one, and those of ID lists."""
    keys: Keys
    document: JsonObject
    """The specs in the newer form: maps by name, conditions apart from the rules that use them."""
    gates: tuple[str, ...]
    """The gates by name; without segments and holdouts, which are gates that only rules ask."""
    configs: tuple[str, ...]
    experiments: tuple[str, ...]
    layers: tuple[str, ...]
    inner_gates: frozenset[str]
    """The segments and holdouts."""
    gate_specs: Mapping[str, JsonObject]
    gate_groups: Mapping[tuple[str, str], str]
    """The names of the groups of gates, by gate and rule ID: the core does not tell them."""
    config_groups: Mapping[tuple[str, str], str]
    """The names of the groups of configs, by config and rule ID: nor does it tell these."""
    id_lists: Mapping[str, tuple[str, ...]]
    """The members of ID lists, which specs name only."""
    environments: tuple[str, ...]
    """The tiers that users may be in."""

    @property
    def time(self) -> int:
        """When the specs were last changed, in milliseconds since 1970."""
        return cast("int", self.document["time"])

    def with_document(self, document: JsonObject) -> "ConfigSpecs":
        """The same project with other specs.

        Raises:
            ProjectError: The specs do not have the form that all specs have.
        """
        return evolve(self, **_contents(self.file, document))


def load_specs(file: Path) -> ConfigSpecs:
    """Load a project from a YAML project file, or from a JSON file of a real project's specs.

    Raises:
        ProjectError: The file cannot be read, or does not hold what its name promises.
    """
    try:
        data = file.read_bytes()
        changed = max(1, int(file.stat().st_mtime * 1000))  # Some builds put all files at 0.
    except OSError as error:
        raise ProjectError(file, None, f"cannot be read: {error.strerror}") from None
    if file.suffix == ".json":
        specs = ConfigSpecs(
            file=file,
            files=(file,),
            keys=Keys(),
            id_lists={},
            environments=ENVIRONMENTS,
            **_contents(file, _read_specs(file, data)),
        )
        if lists := referenced_lists(as_object(specs.document["condition_map"], "condition_map")):
            problem = f"{file}: ID lists whose members no specs have, and which are empty here: "
            warnings.warn(problem + ", ".join(sorted(lists)), stacklevel=2)
        return specs
    if file.suffix in {".yaml", ".yml"}:
        project = read_project(file, _decode(file, data))
        return ConfigSpecs(
            file=file,
            files=project.files,
            keys=project.keys,
            id_lists=project.id_lists,
            environments=project.environments,
            **_contents(file, compile_project(project, changed)),
        )
    raise ProjectError(file, None, "expected a file named .yaml, .yml or .json")


def _decode(file: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProjectError(file, line, "expected UTF-8 text") from None


def _read_specs(file: Path, data: bytes) -> JsonObject:
    try:
        document = read_json(data)
    except JSONDecodeError as error:
        raise ProjectError(file, error.lineno, f"not JSON: {error.msg}") from None
    except ValueError as error:
        raise ProjectError(file, None, f"not JSON: {error}") from None
    if not isinstance(document, dict) or GATES not in document:
        raise ProjectError(
            file, None, "expected config specs, as downloaded from /v2/download_config_specs"
        )
    if document.get("has_updates") is False:
        raise ProjectError(file, None, "the specs say that nothing has changed, and hold nothing")
    return document


class _Contents(TypedDict):
    document: JsonObject
    gates: tuple[str, ...]
    configs: tuple[str, ...]
    experiments: tuple[str, ...]
    layers: tuple[str, ...]
    inner_gates: frozenset[str]
    gate_specs: Mapping[str, JsonObject]
    gate_groups: Mapping[tuple[str, str], str]
    config_groups: Mapping[tuple[str, str], str]


def _contents(file: Path, document: JsonObject) -> _Contents:
    try:
        document = _for_any_key(to_v2(document))
        gates, configs, layers = (
            {
                name: as_object(spec, name)
                for name, spec in as_object(document[section], section).items()
            }
            for section in SECTIONS
        )
        gate_groups, config_groups = dict(_groups(gates)), dict(_groups(configs))
    except SpecsFormatError as error:
        raise ProjectError(file, None, str(error)) from None
    inner = {name for name, gate in gates.items() if gate.get("entity") in {"segment", "holdout"}}
    experiments = {name for name, spec in configs.items() if spec.get("entity") == "experiment"}
    return _Contents(
        document=document,
        gates=tuple(sorted(gates.keys() - inner)),
        configs=tuple(sorted(configs.keys() - experiments)),
        experiments=tuple(sorted(experiments)),
        layers=tuple(sorted(layers)),
        inner_gates=frozenset(inner),
        gate_specs=gates,
        gate_groups=gate_groups,
        config_groups=config_groups,
    )


def _for_any_key(document: JsonObject) -> JsonObject:
    # SDKs refuse specs that were made for another key, or that do not have their checksum.
    return {k: v for k, v in document.items() if k not in {"hashed_sdk_key_used", "checksum"}}


def _groups(specs: Mapping[str, JsonObject]) -> Iterator[tuple[tuple[str, str], str]]:
    for name, spec in specs.items():
        for rule in as_list(spec["rules"], name):
            rule_id, group = as_object(rule, name).get("id"), as_object(rule, name).get("groupName")
            if isinstance(rule_id, str) and isinstance(group, str):
                yield (name, rule_id), group
