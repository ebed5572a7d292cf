"""Warnings about times of users that Statsig's core cannot read."""

import logging
import re
from typing import Final

from ..._runtime.parsers import JsonObject, JsonValue
from .formats import as_object

_logger = logging.getLogger("statsig_api_client.local")

_OPERATORS: Final = ("after", "before", "on")
_READABLE: Final = re.compile(r"-?\d+|\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ| \d\d:\d\d:\d\dZ?)")


class UnreadableTimes:
    """Logger of times in a form that the core does not read, once per field.

    Args:
        document: The config specs in v2.
    """

    def __init__(self, document: JsonObject) -> None:
        conditions = (
            as_object(condition, name)
            for name, condition in as_object(document["condition_map"], "condition_map").items()
        )
        self._fields = {
            field
            for condition in conditions
            if condition.get("operator") in _OPERATORS
            and condition.get("type") == "user_field"
            and isinstance(field := condition.get("field"), str)
        }

    def check(self, user: JsonObject) -> None:
        """Log the fields of a user with a time that the core cannot read."""
        for field in tuple(self._fields):
            if not _is_readable(_value(user, field)):
                self._fields.discard(field)
                _logger.warning(
                    "user field %s: expected milliseconds since 1970 or a time such as "
                    "2026-01-31T12:00:00Z; Statsig's core reads no other form, and conditions on "
                    "it fail",
                    field,
                )


def _value(user: JsonObject, field: str) -> JsonValue:
    for holder in (user, user.get("custom"), user.get("privateAttributes")):
        if isinstance(holder, dict) and field in holder:
            return holder[field]
    return None


def _is_readable(value: JsonValue) -> bool:
    return not isinstance(value, str) or _READABLE.fullmatch(value) is not None
