"""Criteria and operators of conditions, and their equivalents in config specs.

The reader, the JSON Schema and the reference in the documentation follow these tables.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from attrs import frozen


class Operand(Enum):
    """The kind of value that an operator accepts."""

    VALUES = "a value or a list"  # Strings, numbers and booleans, compared as strings.
    VALUE = "a value"  # A string, number or boolean, compared by type.
    NUMBER = "a number"
    VERSION = "a version"
    PATTERN = "a regular expression"
    TIME = "a time"
    PRESENCE = "true or false"
    ID_LIST = "an ID list"


@frozen
class Operator:
    """A comparison with the user's value."""

    operator: str
    """The name of the operator in config specs."""
    operand: Operand
    meaning: str
    """The condition on the user's value, as the end of "true if it ..."."""


_MEMBERSHIP: Final = {
    "is": Operator("any", Operand.VALUES, "equals one of the values, ignoring case"),
    "is not": Operator(
        "none", Operand.VALUES, "equals none of the values, ignoring case, or is missing"
    ),
    "is one of": Operator("any", Operand.VALUES, "equals one of the values; same as `is`"),
    "is not one of": Operator(
        "none", Operand.VALUES, "equals none of the values, or is missing; same as `is not`"
    ),
    "is exactly": Operator(
        "any_case_sensitive", Operand.VALUES, "equals one of the values; case-sensitive"
    ),
    "is not exactly": Operator(
        "none_case_sensitive",
        Operand.VALUES,
        "equals none of the values, or is missing; case-sensitive",
    ),
}
_STRING: Final = {
    "starts with": Operator(
        "str_starts_with_any", Operand.VALUES, "starts with one of the values, ignoring case"
    ),
    "ends with": Operator(
        "str_ends_with_any", Operand.VALUES, "ends with one of the values, ignoring case"
    ),
    "contains": Operator(
        "str_contains_any", Operand.VALUES, "contains one of the values, ignoring case"
    ),
    "does not contain": Operator(
        "str_contains_none",
        Operand.VALUES,
        "contains none of the values, ignoring case, or is missing",
    ),
    "matches": Operator(
        "str_matches",
        Operand.PATTERN,
        "contains a match of the regular expression; case-sensitive",
    ),
}
_PRESENCE: Final = {
    "is set": Operator("neq", Operand.PRESENCE, "is present, if `true`, or missing, if `false`"),
}
_VERSION: Final = {
    "version is": Operator("version_eq", Operand.VERSION, "is this version; 2 equals 2.0"),
    "version is not": Operator("version_neq", Operand.VERSION, "is another version"),
    "version at least": Operator("version_gte", Operand.VERSION, "is this version or later"),
    "version at most": Operator("version_lte", Operand.VERSION, "is this version or earlier"),
    "version above": Operator("version_gt", Operand.VERSION, "is a later version"),
    "version below": Operator("version_lt", Operand.VERSION, "is an earlier version"),
}
_NUMBER: Final = {
    "equals": Operator(
        "eq", Operand.VALUE, "equals this number, boolean or string; case-sensitive"
    ),
    "does not equal": Operator("neq", Operand.VALUE, "differs from this value, or is missing"),
    "at least": Operator("gte", Operand.NUMBER, "is this number or greater"),
    "at most": Operator("lte", Operand.NUMBER, "is this number or less"),
    "above": Operator("gt", Operand.NUMBER, "is greater than this number"),
    "below": Operator("lt", Operand.NUMBER, "is less than this number"),
}
_TIME: Final = {
    "before": Operator("before", Operand.TIME, "is earlier than this time"),
    "after": Operator("after", Operand.TIME, "is later than this time"),
    "on the day of": Operator("on", Operand.TIME, "is on the same day, in UTC"),
}
_ARRAY: Final = {
    "has any of": Operator(
        "array_contains_any", Operand.VALUES, "is a list with one of the values; case-sensitive"
    ),
    "has none of": Operator(
        "array_contains_none", Operand.VALUES, "is a list with none of the values; case-sensitive"
    ),
    "has all of": Operator(
        "array_contains_all", Operand.VALUES, "is a list with all of the values; case-sensitive"
    ),
    "does not have all of": Operator(
        "not_array_contains_all",
        Operand.VALUES,
        "is a list that lacks one of the values; case-sensitive",
    ),
}
_ID_LIST: Final = {
    "in list": Operator("in_segment_list", Operand.ID_LIST, "is in the ID list"),
    "not in list": Operator("not_in_segment_list", Operand.ID_LIST, "is not in the ID list"),
}

OPERATORS: Final = (
    _MEMBERSHIP | _STRING | _PRESENCE | _NUMBER | _VERSION | _TIME | _ARRAY | _ID_LIST
)
"""All operators by their name in project files."""


@frozen
class Criterion:
    """A user attribute that conditions can test, and the operators that apply to it."""

    type: str
    field: str | None
    operators: Mapping[str, Operator]
    meaning: str
    id_type: str | None = None


_ATTRIBUTE: Final = _MEMBERSHIP | _STRING | _PRESENCE

CRITERIA: Final = {
    "userID": Criterion("user_field", "userID", _ATTRIBUTE | _ID_LIST, "user ID", "userID"),
    "email": Criterion("user_field", "email", _ATTRIBUTE, "email address"),
    "ip": Criterion("user_field", "ip", _ATTRIBUTE, "IP address"),
    "locale": Criterion("user_field", "locale", _ATTRIBUTE, "locale, such as en_US"),
    "userAgent": Criterion("user_field", "userAgent", _ATTRIBUTE, "user agent of the browser"),
    "appVersion": Criterion(
        "user_field", "appVersion", _ATTRIBUTE | _VERSION, "version of the user's app"
    ),
    # A user field of this name would not fall back to the country of the IP address.
    "country": Criterion(
        "ip_based",
        "country",
        _MEMBERSHIP,
        "two-letter country code, such as NO; by default from the IP address",
    ),
    "browser": Criterion(
        "ua_based",
        "browser_name",
        _MEMBERSHIP | _STRING,
        "browser, such as Chrome, from the user agent",
    ),
    "browser version": Criterion(
        "ua_based",
        "browser_version",
        _MEMBERSHIP | _VERSION,
        "browser version from the user agent",
    ),
    "os": Criterion(
        "ua_based",
        "os_name",
        _MEMBERSHIP | _STRING,
        "operating system, such as Windows, iOS or Android, from the user agent",
    ),
    "os version": Criterion(
        "ua_based",
        "os_version",
        _MEMBERSHIP | _VERSION,
        "operating system version from the user agent",
    ),
    "environment": Criterion(
        "environment_field", "tier", _MEMBERSHIP, "environment; by default production"
    ),
    "time": Criterion("current_time", None, _TIME, "time of the evaluation"),
}
"""The criteria that exist for every user, by their name in project files."""

CUSTOM: Final = "custom."
CUSTOM_OPERATORS: Final = _ATTRIBUTE | _NUMBER | _VERSION | _TIME | _ARRAY
CUSTOM_MEANING: Final = "custom or private attribute"
CUSTOM_IDS: Final = "customIDs."
CUSTOM_ID_OPERATORS: Final = _ATTRIBUTE | _ID_LIST
CUSTOM_ID_MEANING: Final = "custom ID"


def find_criterion(name: str) -> Criterion | None:
    """Return the criterion with a name, including those of custom attributes and IDs, or None."""
    if name.startswith(CUSTOM) and name != CUSTOM:
        field = name.removeprefix(CUSTOM)
        return Criterion("user_field", field, CUSTOM_OPERATORS, CUSTOM_MEANING)
    if name.startswith(CUSTOM_IDS) and name != CUSTOM_IDS:
        id_type = name.removeprefix(CUSTOM_IDS)
        return Criterion("unit_id", None, CUSTOM_ID_OPERATORS, CUSTOM_ID_MEANING, id_type)
    return CRITERIA.get(name)


@frozen
class GateCriterion:
    """A condition on the evaluation of a gate or segment."""

    type: str
    kind: str
    """`gate` or `segment`."""
    meaning: str


GATE_CRITERIA: Final = {
    "passes gate": GateCriterion("pass_gate", "gate", "the gate passes, or all gates of a list"),
    "fails gate": GateCriterion("fail_gate", "gate", "the gate fails, or all gates of a list"),
    "in segment": GateCriterion(
        "pass_gate", "segment", "the user is in the segment, or in all segments of a list"
    ),
    "not in segment": GateCriterion(
        "fail_gate", "segment", "the user is in neither the segment nor any segment of a list"
    ),
}
"""The criteria on gates and segments, by their name in project files."""

SHARE: Final = "share of users"
