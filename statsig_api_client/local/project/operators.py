"""The words of conditions: what can be tested of a user, how, and what it is in config specs.

Reading a project file, its JSON Schema and the reference in the documentation all go by these
tables.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from attrs import frozen


class Operand(Enum):
    """What stands behind an operator."""

    VALUES = "a value or a list"  # Texts, numbers, true or false; they are compared as text.
    VALUE = "a value"  # A text, number, true or false, compared with its type.
    NUMBER = "a number"
    VERSION = "a version"
    PATTERN = "a regular expression"
    MOMENT = "a time"
    PRESENCE = "true or false"
    ID_LIST = "an ID list"


@frozen
class Operator:
    """How a value of the user is compared."""

    operator: str
    """Its name in config specs."""
    operand: Operand
    meaning: str


_MEMBERSHIP: Final = {
    "is": Operator("any", Operand.VALUES, "the same text, in any case"),
    "is not": Operator("none", Operand.VALUES, "another text, or nothing"),
    "is one of": Operator("any", Operand.VALUES, "as `is`, to be read before a list"),
    "is not one of": Operator("none", Operand.VALUES, "as `is not`, to be read before a list"),
    "is exactly": Operator("any_case_sensitive", Operand.VALUES, "the same text, in this case"),
    "is not exactly": Operator(
        "none_case_sensitive", Operand.VALUES, "another text, be it in case only, or nothing"
    ),
}
_TEXT: Final = {
    "starts with": Operator("str_starts_with_any", Operand.VALUES, "begins so, in any case"),
    "ends with": Operator("str_ends_with_any", Operand.VALUES, "ends so, in any case"),
    "contains": Operator("str_contains_any", Operand.VALUES, "has it somewhere, in any case"),
    "does not contain": Operator(
        "str_contains_none", Operand.VALUES, "has it nowhere, or there is nothing"
    ),
    "matches": Operator(
        "str_matches", Operand.PATTERN, "the regular expression fits somewhere; case counts"
    ),
}
_PRESENCE: Final = {
    "is set": Operator("neq", Operand.PRESENCE, "`true`: it has a value; `false`: it has none"),
}
_VERSION: Final = {
    "version is": Operator("version_eq", Operand.VERSION, "this version; 2 is 2.0"),
    "version is not": Operator("version_neq", Operand.VERSION, "another version"),
    "version at least": Operator("version_gte", Operand.VERSION, "this version or a later one"),
    "version at most": Operator("version_lte", Operand.VERSION, "this version or an earlier one"),
    "version above": Operator("version_gt", Operand.VERSION, "a later version"),
    "version below": Operator("version_lt", Operand.VERSION, "an earlier version"),
}
_NUMBER: Final = {
    "equals": Operator("eq", Operand.VALUE, "the same number, truth value, or text in this case"),
    "does not equal": Operator("neq", Operand.VALUE, "another value, or nothing"),
    "at least": Operator("gte", Operand.NUMBER, "this number or a greater one"),
    "at most": Operator("lte", Operand.NUMBER, "this number or a smaller one"),
    "above": Operator("gt", Operand.NUMBER, "a greater number"),
    "below": Operator("lt", Operand.NUMBER, "a smaller number"),
}
_TIME: Final = {
    "before": Operator("before", Operand.MOMENT, "an earlier moment"),
    "after": Operator("after", Operand.MOMENT, "a later moment"),
    "on the day of": Operator("on", Operand.MOMENT, "a moment of the same day, in UTC"),
}
_ARRAY: Final = {
    "has any of": Operator(
        "array_contains_any", Operand.VALUES, "a list with one of them; case counts"
    ),
    "has none of": Operator(
        "array_contains_none", Operand.VALUES, "a list with none of them; case counts"
    ),
    "has all of": Operator(
        "array_contains_all", Operand.VALUES, "a list with each of them; case counts"
    ),
    "does not have all of": Operator(
        "not_array_contains_all", Operand.VALUES, "a list that lacks one of them; case counts"
    ),
}
_ID_LIST: Final = {
    "in list": Operator("in_segment_list", Operand.ID_LIST, "one of the IDs in this ID list"),
    "not in list": Operator("not_in_segment_list", Operand.ID_LIST, "none of those IDs"),
}

OPERATORS: Final = _MEMBERSHIP | _TEXT | _PRESENCE | _NUMBER | _VERSION | _TIME | _ARRAY | _ID_LIST
"""Every operator, by the word for it."""


@frozen
class Subject:
    """What of a user a condition tests, and the operators that make sense for it."""

    type: str
    field: str | None
    operators: Mapping[str, Operator]
    meaning: str
    id_type: str | None = None


_FIELD: Final = _MEMBERSHIP | _TEXT | _PRESENCE

SUBJECTS: Final = {
    "userID": Subject("user_field", "userID", _FIELD | _ID_LIST, "the user's ID", "userID"),
    "email": Subject("user_field", "email", _FIELD, "the e-mail address"),
    "ip": Subject("user_field", "ip", _FIELD, "the IP address"),
    "locale": Subject("user_field", "locale", _FIELD, "language and region, such as en_US"),
    "userAgent": Subject("user_field", "userAgent", _FIELD, "what the browser says it is"),
    "appVersion": Subject(
        "user_field", "appVersion", _FIELD | _VERSION, "the version of the user's app"
    ),
    # Unlike a user field of that name, it also knows the country of the user's ip.
    "country": Subject(
        "ip_based", "country", _MEMBERSHIP, "two letters, such as NO; if not given, that of the ip"
    ),
    "browser": Subject(
        "ua_based", "browser_name", _MEMBERSHIP | _TEXT, "such as Chrome, from the userAgent"
    ),
    "browser version": Subject(
        "ua_based", "browser_version", _MEMBERSHIP | _VERSION, "from the userAgent"
    ),
    "os": Subject("ua_based", "os_name", _MEMBERSHIP | _TEXT, "such as Windows, iOS, Android"),
    "os version": Subject("ua_based", "os_version", _MEMBERSHIP | _VERSION, "from the userAgent"),
    "environment": Subject(
        "environment_field", "tier", _MEMBERSHIP, "the tier; production if the user has none"
    ),
    "time": Subject("current_time", None, _TIME, "now, when the rule is asked"),
}
"""What can be tested of any user, by the word for it."""

CUSTOM: Final = "custom."
CUSTOM_OPERATORS: Final = _FIELD | _NUMBER | _VERSION | _TIME | _ARRAY
CUSTOM_IDS: Final = "customIDs."
CUSTOM_ID_OPERATORS: Final = _FIELD | _ID_LIST


def subject(word: str) -> Subject | None:
    """What a word tests; None if it is no word for anything."""
    if word.startswith(CUSTOM) and word != CUSTOM:
        field = word.removeprefix(CUSTOM)
        return Subject("user_field", field, CUSTOM_OPERATORS, "an attribute, public or private")
    if word.startswith(CUSTOM_IDS) and word != CUSTOM_IDS:
        id_type = word.removeprefix(CUSTOM_IDS)
        return Subject("unit_id", None, CUSTOM_ID_OPERATORS, "another ID than userID", id_type)
    return SUBJECTS.get(word)


@frozen
class Question:
    """A condition that asks a gate or a segment."""

    type: str
    of: str
    """`gate` or `segment`."""
    meaning: str


QUESTIONS: Final = {
    "passes gate": Question("pass_gate", "gate", "the gate passes, or each gate of a list"),
    "fails gate": Question("fail_gate", "gate", "the gate does not pass, nor any of a list"),
    "in segment": Question("pass_gate", "segment", "in the segment, or in each one of a list"),
    "not in segment": Question("fail_gate", "segment", "not in the segment, nor in any of a list"),
}
"""What can be asked, by the word for it."""

SHARE: Final = "share of users"
