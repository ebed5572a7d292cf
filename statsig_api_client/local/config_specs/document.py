"""Config specs: a project in the form that Statsig delivers to its SDKs."""

import gc
import warnings
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import TypedDict, cast

from attrs import frozen

from ..._runtime.parsers import JsonObject
from ..project.compiler import compile_project
from ..project.model import ENVIRONMENTS, Keys, ProjectError
from ..project.reader import read_project
from ..strict_json import read_json
from .formats import GATES, SECTIONS, SpecsFormatError, as_list, as_object, to_v2
from .id_lists import referenced_lists


@frozen(kw_only=True)
class ConfigSpecs:
    """The config specs of a project with an index of their entities, and its keys and ID lists."""

    file: Path
    files: tuple[Path, ...]
    """The files of the project: `file`, then those of ID lists."""
    keys: Keys
    document: JsonObject
    """The config specs in v2."""
    gates: tuple[str, ...]
    """The names of the gates, without `inner_gates`."""
    configs: tuple[str, ...]
    experiments: tuple[str, ...]
    layers: tuple[str, ...]
    inner_gates: frozenset[str]
    """The names of the segments and holdouts, which are gates for use in rules."""
    gate_specs: Mapping[str, JsonObject]
    gate_groups: Mapping[tuple[str, str], str]
    """The group names of gates by gate and rule ID, which the core does not return."""
    config_groups: Mapping[tuple[str, str], str]
    """The group names of configs by config and rule ID, which the core does not return."""
    id_lists: Mapping[str, tuple[str, ...]]
    """The members of ID lists by name."""
    environments: tuple[str, ...]

    @property
    def time(self) -> int:
        """The time of the last change, in milliseconds since 1970."""
        return cast("int", self.document["time"])


def load_specs(file: Path) -> ConfigSpecs:
    """Load a project from a YAML project file, or from downloaded config specs in JSON.

    Raises:
        ProjectError: The file cannot be read or is invalid.
    """
    with paused_collector():
        return _load_specs(file)


@contextmanager
def paused_collector() -> Generator[None]:
    """Pause the garbage collector, which takes 3/4 of the time of loading 10,000 gates."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def _load_specs(file: Path) -> ConfigSpecs:
    try:
        data = file.read_bytes()
        changed = max(1, int(file.stat().st_mtime * 1000))  # Some build tools set the time to 0.
    except OSError as error:
        raise ProjectError(file, None, f"cannot be read: {error.strerror}") from None
    if file.suffix == ".json":
        specs = ConfigSpecs(
            file=file,
            files=(file,),
            keys=Keys(),
            id_lists={},
            environments=ENVIRONMENTS,
            **_contents(file, _parse_specs(file, data)),
        )
        if lists := referenced_lists(as_object(specs.document["condition_map"], "condition_map")):
            problem = f"{file}: ID lists without members in the config specs, treated as empty: "
            warnings.warn(problem + ", ".join(sorted(lists)), stacklevel=3)
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
    raise ProjectError(file, None, "expected a .yaml, .yml or .json file")


def _decode(file: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProjectError(file, line, "expected UTF-8") from None


def _parse_specs(file: Path, data: bytes) -> JsonObject:
    try:
        document = read_json(data)
    except JSONDecodeError as error:
        raise ProjectError(file, error.lineno, f"invalid JSON: {error.msg}") from None
    except ValueError as error:
        raise ProjectError(file, None, f"invalid JSON: {error}") from None
    if not isinstance(document, dict) or GATES not in document:
        raise ProjectError(
            file, None, "expected config specs, as downloaded from /v2/download_config_specs"
        )
    if document.get("has_updates") is False:
        problem = "expected config specs, got a response without updates; omit sinceTime"
        raise ProjectError(file, None, problem)
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
        gate_groups, config_groups = group_names(gates), group_names(configs)
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
    # SDKs reject specs that were made for another key or whose checksum differs.
    return {k: v for k, v in document.items() if k not in {"hashed_sdk_key_used", "checksum"}}


def group_names(specs: Mapping[str, JsonObject]) -> dict[tuple[str, str], str]:
    """Return the group names of specs by name and rule ID."""
    names: dict[tuple[str, str], str] = {}
    for name, spec in specs.items():
        for item in as_list(spec["rules"], name):
            rule = as_object(item, name)
            rule_id, group = rule.get("id"), rule.get("groupName")
            if isinstance(rule_id, str) and isinstance(group, str):
                names[name, rule_id] = group
    return names
