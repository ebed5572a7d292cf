"""Definitions from a project file, from config specs or from a running local server."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, cast

import yaml

from ..._runtime.parsers import JsonObject
from ...local.config_specs.document import ConfigSpecs, load_specs
from ...local.config_specs.download import download_specs
from ...local.control_connection import ControlError
from ...local.project.model import ProjectError
from .definitions import Config, Experiment, Gate, Parameter, Project, merge_parameters
from .errors import FlagsError

_SECTIONS: Final = ("gates", "configs", "experiments", "layers")


def read_source(source: str) -> Project:
    """Return the definitions of a source.

    Args:
        source: A project file (.yaml, .yml), a config specs file (.json), the URL of a local
            server, or `console` for Statsig's Console API.

    Raises:
        FlagsError: The source cannot be read or is invalid.
    """
    if source == "console":
        # Imported here: the other sources do not require this extra.
        from .console import read_console

        return read_console()
    if source.startswith(("http://", "https://")):
        return read_server(source)
    return read_file(Path(source))


def read_file(file: Path) -> Project:
    """Return the definitions of a project file or a config specs file.

    Raises:
        FlagsError: The file cannot be read or is invalid.
    """
    try:
        # Ignore warnings about ID lists, which do not affect flags.
        with warnings.catch_warnings(action="ignore"):
            specs = load_specs(file)
    except ProjectError as error:
        raise FlagsError(str(error)) from None
    if file.suffix == ".json":
        return read_specs(specs, f"the config specs {file.name}", {})
    return read_specs(specs, f"the project file {file.name}", _descriptions(file))


def read_server(url: str) -> Project:
    """Return the definitions of a running local server.

    Raises:
        FlagsError: The server cannot be reached or is not a local server.
    """
    try:
        # Ignore warnings about ID lists, which do not affect flags.
        with warnings.catch_warnings(action="ignore"):
            return read_specs(download_specs(url), "a local server", {})
    except ControlError as error:
        raise FlagsError(str(error)) from None


def read_specs(specs: ConfigSpecs, source: str, descriptions: Mapping[str, str]) -> Project:
    """Return the definitions of config specs.

    Args:
        specs: The config specs.
        source: Description of the source.
        descriptions: Descriptions by `section.name`.
    """
    document = specs.document
    configs = cast("dict[str, JsonObject]", document["dynamic_configs"])
    layers = cast("dict[str, JsonObject]", document["layer_configs"])
    layered = {
        experiment: str(layer)
        for experiment, layer in cast(
            "JsonObject", document.get("experiment_to_layer") or {}
        ).items()
    }
    return Project(
        source=source,
        gates=tuple(
            Gate(name=name, description=descriptions.get(f"gates.{name}", ""))
            for name in sorted(specs.gates)
        ),
        configs=tuple(
            Config(
                name=name,
                description=descriptions.get(f"configs.{name}", ""),
                parameters=_parameters(configs[name]),
            )
            for name in sorted(specs.configs)
        ),
        experiments=tuple(
            Experiment(
                name=name,
                description=descriptions.get(f"experiments.{name}", ""),
                parameters=() if name in layered else _parameters(configs[name]),
                groups=tuple(dict.fromkeys(_groups(configs[name]))),
                layer=layered.get(name),
            )
            for name in sorted(specs.experiments)
        ),
        layers=tuple(
            Config(
                name=name,
                description=descriptions.get(f"layers.{name}", ""),
                parameters=_parameters(
                    layers[name],
                    [configs[e] for e, layer in sorted(layered.items()) if layer == name],
                ),
            )
            for name in sorted(specs.layers)
        ),
    )


def _parameters(spec: JsonObject, delegates: Iterable[JsonObject] = ()) -> tuple[Parameter, ...]:
    default = spec.get("defaultValue")
    rules = [rule for one in (spec, *delegates) for rule in _rules(one)]
    return merge_parameters(
        default if isinstance(default, dict) else {},
        [
            (cast("str | None", rule.get("groupName")), cast("JsonObject", rule["returnValue"]))
            for rule in rules
            if isinstance(rule.get("returnValue"), dict)
        ],
    )


def _groups(spec: JsonObject) -> Iterator[str]:
    for rule in _rules(spec):
        group = rule.get("groupName")
        if rule.get("isExperimentGroup") and isinstance(group, str):
            yield group


def _rules(spec: JsonObject) -> list[JsonObject]:
    return cast("list[JsonObject]", spec.get("rules") or [])


def _descriptions(file: Path) -> dict[str, str]:
    """Return the descriptions of a project file, which its config specs lack."""
    document = cast("object", yaml.safe_load(file.read_text(encoding="utf-8-sig")))
    found: dict[str, str] = {}
    for section in _SECTIONS:
        for name, entry in _mapping(_mapping(document).get(section)).items():
            description = _mapping(entry).get("description")
            if isinstance(description, str):
                found[f"{section}.{name}"] = description
    return found


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
