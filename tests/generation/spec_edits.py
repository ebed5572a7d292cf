"""Edited copies of the spec."""

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

ROOT = Path(__file__).parents[2]
SPEC = ROOT / "openapi.yaml"

Json: TypeAlias = Any
Edit: TypeAlias = Callable[[Json], None]

DROP = object()
"""As a value: remove the key."""

STRING: Json = {"type": "string"}
NULLABLE_STRING: Json = {"type": ["string", "null"]}
USER = "#/components/schemas/StatsigUser"
GATE = "#/components/schemas/FeatureGate"
LAYER = "#/paths/~1get_layer/post"


def edited(*edits: Edit) -> Json:
    """Return a copy of the spec with some edits."""
    spec = copy.deepcopy(_original())
    for edit in edits:
        edit(spec)
    return spec


def write(path: Path, spec: Json) -> Path:
    """Write a spec as JSON, which is also YAML and much faster to write."""
    path.write_text(json.dumps(spec, indent=1), encoding="utf-8")
    return path


@cache
def _original() -> Json:
    return yaml.safe_load(SPEC.read_text(encoding="utf-8"))


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


# ---- Schemas ----


def schema(name: str, /, **keys: Json) -> Edit:
    """Add a schema, or change some of its keys."""

    def edit(spec: Json) -> None:
        _update(spec["components"]["schemas"].setdefault(name, {}), keys)

    return edit


def new_object(name: str, /, *, required: list[str] | None = None, **fields: Json) -> Edit:
    """Add a schema of an object with fields."""
    return schema(
        name,
        type="object",
        description=f"A {name}.",
        required=required or [],
        properties={
            field: {"description": f"The {field}.", "example": "a"} | keys
            for field, keys in fields.items()
        },
        additionalProperties=ref("JsonValue"),
        example=dict.fromkeys(required or [], "a"),
    )


def no_schema(name: str) -> Edit:
    return lambda spec: spec["components"]["schemas"].pop(name)


def renamed_schema(old: str, new: str) -> Edit:
    def edit(spec: Json) -> None:
        text = json.dumps(spec).replace(f'schemas/{old}"', f'schemas/{new}"')
        spec |= json.loads(text.replace(f'"{old}": {{', f'"{new}": {{'))

    return edit


def field(model: str, name: str, /, *, required: bool | None = None, **keys: Json) -> Edit:
    """Add a field to an object, or change some of its keys, or whether it is required."""

    def edit(spec: Json) -> None:
        owner = spec["components"]["schemas"][model]
        fields = owner["properties"]
        _update(fields.setdefault(name, {"description": "A field.", "example": "a"}), keys)
        others = [other for other in owner.get("required", []) if other != name]
        if required is not None:
            owner["required"] = [*others, name] if required else others

    return edit


def no_field(model: str, name: str) -> Edit:
    def edit(spec: Json) -> None:
        owner = spec["components"]["schemas"][model]
        del owner["properties"][name]
        owner["required"] = [other for other in owner.get("required", []) if other != name]

    return edit


def renamed_field(model: str, old: str, new: str) -> Edit:
    def edit(spec: Json) -> None:
        fields = spec["components"]["schemas"][model]["properties"]
        fields[new] = fields.pop(old)

    return edit


# ---- Operations ----


def operation(path: str, **keys: Json) -> Edit:
    return lambda spec: _update(spec["paths"][path]["post"], keys)


def new_operation(path: str, like: str) -> Edit:
    """Copy an operation to another path; edit its methods next."""

    def edit(spec: Json) -> None:
        spec["paths"][path] = copy.deepcopy(spec["paths"][like])
        spec["paths"][path]["post"]["operationId"] = path.strip("/")

    return edit


def body_schemas(path: str, *, request: str | None = None, response: str | None = None) -> Edit:
    """Set the schemas of an operation's request body and successful response."""

    def edit(spec: Json) -> None:
        post = spec["paths"][path]["post"]
        if request:
            post["requestBody"] = {"content": {"application/json": {"schema": ref(request)}}}
        if response:
            content = {"application/json": {"schema": ref(response)}}
            post["responses"]["200"] = {"description": "Done.", "content": content}

    return edit


def moved_operation(old: str, new: str) -> Edit:
    def edit(spec: Json) -> None:
        spec["paths"][new] = spec["paths"].pop(old)

    return edit


def no_operation(path: str) -> Edit:
    return lambda spec: spec["paths"].pop(path)


def method(path: str, index: int = 0, /, **keys: Json) -> Edit:
    """Change some keys of a client method; underscores stand for hyphens."""
    keys = {key.replace("_", "-"): value for key, value in keys.items()}
    return lambda spec: _update(spec["paths"][path]["post"]["x-client-methods"][index], keys)


def _update(node: Json, keys: dict[str, Json]) -> None:
    for key, value in keys.items():
        if value is DROP:
            del node[key]
        else:
            node[key] = value
