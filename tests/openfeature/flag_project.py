"""The flags of the specification's examples as a project of the local server."""

import json
import re
from pathlib import Path
from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

FLAGS: Final = Path(__file__).parent / "spec" / "test-flags.json"

_EXPRESSION: Final = re.compile(r"(?P<conditions>.+) \? '(?P<variant>[\w-]+)' : ''")
_CONDITIONS: Final = {
    r"email == '(.+)'": lambda value: {"email": {"is exactly": value}},
    r"!(\w+)": lambda name: {f"custom.{name}": {"equals": False}},
    r"age > (\d+)": lambda value: {"custom.age": {"above": int(value)}},
}


def flag_project(text: str) -> Json:
    """Return a project: a gate for each boolean flag, a dynamic config for each other one.

    Variants are the names of rules. A config of a scalar flag has one parameter, `value`.
    """
    project: Json = {"gates": {}, "configs": {}}
    for name, flag in json.loads(text).items():
        is_gate = all(isinstance(value, bool) for value in flag["variants"].values())
        project["gates" if is_gate else "configs"][name] = (_gate if is_gate else _config)(flag)
    return project


def _gate(flag: Json) -> Json:
    rules = [
        {"name": variant, "if": conditions, "rollout": 100 if flag["variants"][variant] else 0}
        for variant, conditions in _rules(flag)
    ]
    return {"enabled": not flag.get("disabled"), "rules": rules}


def _config(flag: Json) -> Json:
    values = {
        variant: value if isinstance(value, dict) else {"value": value}
        for variant, value in flag["variants"].items()
    }
    rules = [
        {"name": variant, "if": conditions, "value": values[variant]}
        for variant, conditions in _rules(flag)
    ]
    default = values.get(flag.get("defaultVariant"), {})
    return {"enabled": not flag.get("disabled"), "default": default, "rules": rules}


def _rules(flag: Json) -> list[tuple[str, Any]]:
    if "contextEvaluator" in flag:
        found = _EXPRESSION.fullmatch(flag["contextEvaluator"])
        assert found
        conditions: Json = {}
        for condition in found["conditions"].split(" && "):
            conditions |= _condition(condition)
        # A gate is closed by default.
        assert flag["variants"][flag["defaultVariant"]] is not True
        return [(found["variant"], conditions)]
    return [(flag["defaultVariant"], "everyone")] if flag.get("defaultVariant") else []


def _condition(text: str) -> Json:
    for pattern, condition in _CONDITIONS.items():
        if found := re.fullmatch(pattern, text):
            return condition(found[1])
    raise AssertionError(text)
