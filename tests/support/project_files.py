"""A project file with every key and condition, and access to its parts."""

from collections.abc import Iterator
from typing import Any, TypeAlias

Steps: TypeAlias = tuple[str | int, ...]

CONDITIONS: dict[str, Any] = {
    "userID": {"in list": "vips", "not in list": "vips"},
    "email": {"is": "a", "is not": ["b"], "is one of": ["a"], "is not one of": ["b"]},
    "ip": {"is exactly": "a", "is not exactly": "b", "is set": True},
    "locale": "en_US",
    "userAgent": {"starts with": "a", "ends with": "b", "contains": "c", "matches": "d"},
    "appVersion": {"version is": 1, "version is not": "2.0", "version at least": "1.0"},
    "country": ["DE", "FR"],
    "browser": {"does not contain": "IE"},
    "browser version": {"version at most": "1.0", "version above": "1", "version below": 3},
    "os": "Windows",
    "os version": "10.1",
    "environment": ["staging"],
    "time": {"before": "2026-01-01", "after": 5, "on the day of": "2026-01-01T00:00:00Z"},
    "custom.tags": {"has any of": "a", "has none of": ["b"], "has all of": ["a", "c"]},
    "custom.level": {"equals": 3, "does not equal": "x", "at least": 1, "at most": 2.5},
    "custom.other": {"above": 3, "below": 4, "does not have all of": ["a"]},
    "customIDs.companyID": {"in list": "vips"},
    "passes gate": ["two"],
    "fails gate": "two",
    "in segment": ["staff"],
    "not in segment": "staff",
    "share of users": {"named": "spring", "from": 10, "to": 20.5},
}
ENTITY = {"description": "What for.", "idType": "companyID"}
RULES: Any = [{"name": "r", "if": CONDITIONS, "rollout": 12.25}, {"name": "s", "if": "everyone"}]
COMPLETE_PROJECT: dict[str, Any] = {
    "description": "Every key and condition.",
    "keys": {"secret": "secret-x", "client": "client-x", "client reads specs": True},
    "environments": ["staging", "live"],
    "id lists": {"vips": ["a", 7]},
    "gates": {
        "one": {**ENTITY, "enabled": True, "rules": RULES},
        "two": {"rules": [{"name": "r"}]},
    },
    "segments": {"staff": {**ENTITY, "rules": [{"name": "r", "rollout": 5}]}},
    "holdouts": {
        "some": {
            **ENTITY,
            "share": 1.25,
            "if": {"country": "DE"},
            "from": {"gates": ["one"], "configs": "all", "experiments": ["ex"], "layers": "all"},
        },
        "all of it": {"share": 1, "from": "everything"},
    },
    "configs": {
        "config": {
            **ENTITY,
            "enabled": False,
            "default": {"a": 1},
            "rules": [{"name": "r", "if": CONDITIONS, "rollout": 1, "value": {"a": 2}}],
        }
    },
    "experiments": {
        "ex": {
            **ENTITY,
            "active": True,
            "allocation": 50,
            "targeting": {"email": "a"},
            "default": {"a": 1},
            "groups": {"A": {"description": "It.", "share": 100, "value": {"a": 2}}},
        },
        "inside": {"layer": "page", "groups": {"A": {"value": {"b": 2}}}},
    },
    "layers": {"page": {**ENTITY, "default": {"b": 1}}},
}


def mappings(value: object, steps: Steps = ()) -> Iterator[Steps]:
    """Yield the path of each mapping in a document."""
    if isinstance(value, dict):
        yield steps
        for key, inner in value.items():
            yield from mappings(inner, (*steps, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from mappings(inner, (*steps, index))


def at(document: Any, steps: Steps) -> Any:
    """Return the value at a path of a document."""
    for step in steps:
        document = document[step]
    return document
