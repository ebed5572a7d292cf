"""Definitions from Statsig's Console API.

The calls and fields are those of Statsig's OpenAPI document of the Console API, version 20240601.
"""

import json
import os
from collections.abc import Iterator
from typing import Final, TypeVar, cast

import httpx

from ..._runtime.parsers import JsonObject, JsonValue
from .definitions import Config, Experiment, Gate, Parameter, Project, merge_parameters
from .errors import FlagsError

F = TypeVar("F", Gate, Config, Experiment)

KEY_VARIABLE: Final = "STATSIG_CONSOLE_KEY"
URL_VARIABLE: Final = "STATSIG_CONSOLE_URL"
_URL: Final = "https://statsigapi.net"
_VERSION: Final = "20240601"
_PAGE_SIZE: Final = 100
_TIMEOUT: Final = 30.0


def read_console() -> Project:
    """Return the definitions of the project that a console key belongs to.

    Archived flags and templates are excluded; disabled ones are included.

    Raises:
        FlagsError: The key is missing or rejected, or the API cannot be reached.
    """
    key = os.environ.get(KEY_VARIABLE, "")
    if not key.startswith("console-"):
        raise FlagsError(f"{KEY_VARIABLE}: expected a console key (console-…)")
    url = os.environ.get(URL_VARIABLE, _URL).rstrip("/")
    headers = {"STATSIG-API-KEY": key, "STATSIG-API-VERSION": _VERSION}
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT) as client:
        layers = {_name(layer): layer for layer in _list(client, "layers")}
        experiments = [e for e in _list(client, "experiments") if _is_live(e)]
        warnings: list[str] = []
        return Project(
            source="the Statsig console",
            gates=_sorted(_gate(gate) for gate in _list(client, "gates") if _is_live(gate)),
            configs=_sorted(
                _config(config, warnings)
                for config in _list(client, "dynamic_configs")
                if _is_live(config)
            ),
            experiments=_sorted(_experiment(e, layers) for e in experiments),
            layers=_sorted(
                _layer(layer, experiments)
                for layer in layers.values()
                if not layer.get("isImplicitLayer")
            ),
            warnings=tuple(warnings),
        )


def _list(client: httpx.Client, path: str) -> Iterator[JsonObject]:
    """Yield the items of all pages of a list."""
    page = 1
    while True:
        document = _get(client, path, page)
        items, pagination = document.get("data"), document.get("pagination")
        if not isinstance(items, list) or not isinstance(pagination, dict | None):
            raise FlagsError(f"console: GET {path}: expected a page of items")
        yield from _objects(items)
        if pagination is None or pagination.get("nextPage") is None:
            return
        page += 1


def _get(client: httpx.Client, path: str, page: int) -> JsonObject:
    call = f"console: GET /console/v1/{path}"
    try:
        response = client.get(f"/console/v1/{path}", params={"limit": _PAGE_SIZE, "page": page})
    except httpx.HTTPError as error:
        raise FlagsError(f"{call}: no response: {type(error).__name__}") from None
    if response.status_code in (401, 403):
        raise FlagsError(f"{call}: the key in {KEY_VARIABLE} is rejected")
    if not response.is_success:
        raise FlagsError(f"{call}: expected HTTP 200, got {response.status_code}")
    try:
        document = cast("object", response.json())
    except ValueError:
        raise FlagsError(f"{call}: expected JSON") from None
    if not isinstance(document, dict):
        raise FlagsError(f"{call}: expected a JSON object")
    return cast("JsonObject", document)


def _is_live(flag: JsonObject) -> bool:
    return (
        str(flag.get("status", "")).lower() != "archived"
        and flag.get("type") != "TEMPLATE"
        and not flag.get("isTemplate")
    )


def _name(flag: JsonObject) -> str:
    name = flag.get("id")
    if not isinstance(name, str) or not name:
        raise FlagsError("console: expected an `id` in every item")
    return name


def _description(flag: JsonObject) -> str:
    description = flag.get("description") or flag.get("hypothesis")
    return description if isinstance(description, str) else ""


def _gate(gate: JsonObject) -> Gate:
    reason = gate.get("typeReason")
    is_stale = gate.get("type") == "STALE"
    return Gate(
        name=_name(gate),
        description=_description(gate),
        stale=str(reason or "STALE") if is_stale else None,
    )


def _config(config: JsonObject, warnings: list[str]) -> Config:
    name = _name(config)
    values = [
        (None, value)
        for rule in _objects(config.get("rules"))
        for value in (rule, *_objects(rule.get("variants")))
    ]
    parameters = merge_parameters(
        _object(config.get("defaultValue")),
        [(group, _object(value.get("returnValue"))) for group, value in values],
    )
    schema = _schema(name, config, warnings)
    members = _object(schema.get("properties")) if schema else {}
    return Config(
        name=name,
        description=_description(config),
        parameters=tuple(
            _with_schema(parameter, members.get(parameter.name)) for parameter in parameters
        ),
    )


def _schema(name: str, config: JsonObject, warnings: list[str]) -> JsonObject | None:
    """Return the JSON Schema of a config, which the console stores as a string of JSON5."""
    text = config.get("schema") or config.get("schemaJson5")
    if not isinstance(text, str):
        return None
    try:
        document = cast("object", json.loads(text))
    except ValueError:
        try:
            # A separate extra: only the console writes JSON5.
            import json5

            document = cast("object", json5.loads(text))
        except (ImportError, ValueError) as error:
            warnings.append(f"config.{name}: schema: {error}; using the known values")
            return None
    return cast("JsonObject", document) if isinstance(document, dict) else None


def _with_schema(parameter: Parameter, schema: JsonValue) -> Parameter:
    if not isinstance(schema, dict):
        return parameter
    return Parameter(
        name=parameter.name,
        values=parameter.values,
        default=parameter.default,
        default_source=parameter.default_source,
        schema=schema,
    )


def _experiment(experiment: JsonObject, layers: dict[str, JsonObject]) -> Experiment:
    values = _group_values(experiment)
    layer = layers.get(str(experiment.get("layerID")), {})
    is_layered = bool(layer) and not layer.get("isImplicitLayer")
    return Experiment(
        name=_name(experiment),
        description=_description(experiment),
        parameters=() if is_layered else _declared(layer, values),
        groups=tuple(name for name, _ in values if name is not None),
        layer=_name(layer) if is_layered else None,
    )


def _layer(layer: JsonObject, experiments: list[JsonObject]) -> Config:
    name = _name(layer)
    values = [
        value
        for experiment in experiments
        if experiment.get("layerID") == name
        for value in _group_values(experiment)
    ]
    return Config(name=name, description=_description(layer), parameters=_declared(layer, values))


def _group_values(experiment: JsonObject) -> list[tuple[str | None, JsonObject]]:
    return [
        (_text(group.get("name")), _object(group.get("parameterValues")))
        for group in _objects(experiment.get("groups"))
    ]


def _declared(
    layer: JsonObject, values: list[tuple[str | None, JsonObject]]
) -> tuple[Parameter, ...]:
    declared = {
        _text(p.get("name")): p for p in _objects(layer.get("parameters")) if _text(p.get("name"))
    }
    defaults = {
        name: p["defaultValue"] for name, p in declared.items() if name and "defaultValue" in p
    }
    return tuple(
        Parameter(
            name=parameter.name,
            values=parameter.values,
            default=parameter.default,
            default_source=parameter.default_source,
            declared_type=_text(declared.get(parameter.name, {}).get("type")),
        )
        for parameter in merge_parameters(defaults, values)
    )


def _sorted(flags: Iterator[F]) -> tuple[F, ...]:
    return tuple(sorted(flags, key=lambda flag: flag.name))


def _objects(value: JsonValue) -> list[JsonObject]:
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None
