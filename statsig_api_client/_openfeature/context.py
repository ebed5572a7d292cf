"""Conversion of an evaluation context to a Statsig user."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, cast

from .._runtime.parsers import JsonObject, JsonValue, json_type
from ..generated.typed_dicts import StatsigUserDict
from .errors import ResolutionError

_OBJECTS: Final = frozenset(("custom", "customIDs", "privateAttributes", "statsigEnvironment"))
_FIELDS: Final = {
    **{name: name for name in _OBJECTS},
    "custom_ids": "customIDs",
    "private_attributes": "privateAttributes",
    "statsig_environment": "statsigEnvironment",
    "userID": "userID",
    "user_id": "userID",
    "email": "email",
    "ip": "ip",
    "userAgent": "userAgent",
    "user_agent": "userAgent",
    "country": "country",
    "locale": "locale",
    "appVersion": "appVersion",
    "app_version": "appVersion",
}
"""The fields of a user that attributes set, by Statsig's spelling and in snake case."""

_TARGETING_KEY: Final = "targetingKey"
_SCALARS: Final = frozenset((str, int, float, bool))


def user_of_context(
    targeting_key: str | None, attributes: Mapping[str, object], *, needs_id: bool
) -> StatsigUserDict:
    """Return the user that an evaluation context describes.

    Args:
        targeting_key: The targeting key; the attributes `targetingKey` and `userID` take its place
            if it is None or empty.
        attributes: The attributes. Those without a field in a Statsig user become `custom`.
        needs_id: Whether a user without an ID is an error.

    Raises:
        ResolutionError: INVALID_CONTEXT if an attribute has the wrong type, TARGETING_KEY_MISSING
            if the user has neither a user ID nor a custom ID.
    """
    try:
        user = _user_of_attributes(attributes)
        if key := targeting_key or attributes.get(_TARGETING_KEY):
            user["userID"] = _string(_TARGETING_KEY, key)
    except RecursionError:
        problem = (
            "context: expected JSON values, got one that contains itself or is nested too deep"
        )
        raise ResolutionError("INVALID_CONTEXT", problem) from None
    if needs_id and not user.get("userID") and not user.get("customIDs"):
        problem = (
            "context: expected a targeting key; pass one, or set customIDs, so that the user has "
            "a separate bucket"
        )
        raise ResolutionError("TARGETING_KEY_MISSING", problem)
    return cast("StatsigUserDict", user)


def _user_of_attributes(attributes: Mapping[str, object]) -> JsonObject:
    user: JsonObject = {}
    custom: JsonObject = {}
    for name, value in attributes.items():
        field = _FIELDS.get(name)
        if field is None:
            if type(value) in _SCALARS:
                custom[name] = cast("JsonValue", value)
            elif value is not None and name != _TARGETING_KEY:
                custom[name] = json_of(f"context.{name}", value)
        elif value is not None and (name == field or field not in user):
            # Statsig's spelling takes precedence.
            user[field] = (_object if field in _OBJECTS else _string)(name, value)
    custom.pop(_TARGETING_KEY, None)
    if custom:
        user["custom"] = cast("JsonObject", user.get("custom", {})) | custom
    return user


def json_of(path: str, value: object) -> JsonValue:
    """Return the JSON form of an attribute: dates become strings in ISO 8601 and UTC.

    Args:
        path: The name of the attribute, for messages.
        value: The value of the attribute.

    Raises:
        ResolutionError: INVALID_CONTEXT if the value has a type that JSON does not have.
        RecursionError: The value contains itself or is nested too deep.
    """
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        members = cast("Mapping[object, object]", value)
        return {
            _member(path, name): json_of(f"{path}.{name}", member)
            for name, member in members.items()
        }
    if isinstance(value, list | tuple):
        items = cast("Sequence[object]", value)
        return [json_of(f"{path}[{index}]", item) for index, item in enumerate(items)]
    raise _invalid(path, "a JSON value or a datetime", value)


def _string(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    # IDs and versions are often numbers in programs, and always strings in Statsig.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise _invalid(f"context.{name}", "a string", value)


def _object(name: str, value: object) -> JsonObject:
    if not isinstance(value, Mapping):
        raise _invalid(f"context.{name}", "an object", value)
    members = cast("Mapping[object, object]", value)
    if _FIELDS[name] == "customIDs":
        return {
            _member(f"context.{name}", key): _string(f"{name}.{key}", member)
            for key, member in members.items()
            if member is not None
        }
    converted = cast("JsonObject", json_of(f"context.{name}", members))
    if _FIELDS[name] == "statsigEnvironment" and converted.get("tier") is not None:
        converted["tier"] = _string(f"{name}.tier", converted["tier"])
    return converted


def _member(path: str, name: object) -> str:
    if isinstance(name, str):
        return name
    raise _invalid(path, "strings as keys", name)


def _invalid(path: str, expected: str, value: object) -> ResolutionError:
    problem = f"{path[:200]}: expected {expected}, got {json_type(value)}"
    return ResolutionError("INVALID_CONTEXT", problem)
