"""ID lists: long lists of IDs that conditions name, and that are kept apart from the specs."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Final

from ..._runtime.parsers import JsonObject, JsonValue

_EQUAL: Final = {
    "in_segment_list": "any_case_sensitive",
    "not_in_segment_list": "none_case_sensitive",
}
"""The operators that name an ID list, each with the one that says the same of its members."""


def hashed_id(unit_id: str) -> str:
    """The form in which ID lists have an ID."""
    return base64.b64encode(hashlib.sha256(unit_id.encode()).digest()).decode()[:8]


def named_lists(conditions: JsonObject) -> set[str]:
    """The names of the ID lists that conditions name."""
    return {
        str(condition.get("targetValue"))
        for condition in conditions.values()
        if isinstance(condition, dict) and condition.get("operator") in _EQUAL
    }


def with_members(conditions: JsonObject, id_lists: Mapping[str, tuple[str, ...]]) -> JsonObject:
    """The same conditions, with the members of ID lists in place of their names.

    The core would download the lists; here nothing has to be downloaded.
    """
    return {
        condition_id: _with_members(condition, id_lists)
        for condition_id, condition in conditions.items()
    }


def _with_members(condition: JsonValue, id_lists: Mapping[str, tuple[str, ...]]) -> JsonValue:
    operator = condition.get("operator") if isinstance(condition, dict) else None
    if not isinstance(condition, dict) or operator not in _EQUAL:
        return condition
    members: list[JsonValue] = list(id_lists.get(str(condition.get("targetValue")), ()))
    return {**condition, "operator": _EQUAL[str(operator)], "targetValue": members}
