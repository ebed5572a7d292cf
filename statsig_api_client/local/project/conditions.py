"""The words in which a project file says whom a rule is for.

    if: everyone                                  also if there is no `if`
    if:                                           all of these hold
      email: { ends with: "@example.com" }        userID, email, ip, locale, userAgent, appVersion
      country: [DE, FR]                           short for { is one of: [DE, FR] }
      browser version: { version at least: 120 }  browser, browser version, os, os version
      custom.level: { at least: 3, below: 5 }     any attribute, public or private
      customIDs.companyID: acme                   any other ID than userID
      environment: staging
      time: { after: 2026-01-31T12:00:00Z }
      passes gate: staff                          or `fails gate`, and a gate or a list of them

The operators stand in the tables below. A list means any of its values, and texts are compared
without regard to case, unless the operator says otherwise.
"""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from ..wire import JsonValue
from .model import EVERYONE, Condition, suggestion
from .yaml_file import Entry

_MEMBERSHIP: Final = {
    "is": "any",
    "is not": "none",
    "is one of": "any",
    "is not one of": "none",
    "is exactly": "any_case_sensitive",
    "is not exactly": "none_case_sensitive",
}
_TEXT: Final = {
    "starts with": "str_starts_with_any",
    "ends with": "str_ends_with_any",
    "contains": "str_contains_any",
    "does not contain": "str_contains_none",
    "matches": "str_matches",
}
_VERSION: Final = {
    "version is": "version_eq",
    "version is not": "version_neq",
    "version at least": "version_gte",
    "version at most": "version_lte",
    "version above": "version_gt",
    "version below": "version_lt",
}
_NUMBER: Final = {
    "equals": "eq",
    "does not equal": "neq",
    "at least": "gte",
    "at most": "lte",
    "above": "gt",
    "below": "lt",
}
_TIME: Final = {"before": "before", "after": "after", "on the day of": "on"}
_LIST: Final = {
    "has any of": "array_contains_any",
    "has none of": "array_contains_none",
    "has all of": "array_contains_all",
    "does not have all of": "not_array_contains_all",
}


@frozen
class _Subject:
    """What a condition tests, and the operators that make sense for it."""

    type: str
    field: str | None
    operators: Mapping[str, str]
    id_type: str | None = None


_SUBJECTS: Final = {
    **{
        name: _Subject("user_field", name, _MEMBERSHIP | _TEXT)
        for name in ("userID", "email", "ip", "locale", "userAgent")
    },
    "appVersion": _Subject("user_field", "appVersion", _MEMBERSHIP | _TEXT | _VERSION),
    # Unlike a user field of that name, it also knows the country of the user's ip.
    "country": _Subject("ip_based", "country", _MEMBERSHIP),
    "browser": _Subject("ua_based", "browser_name", _MEMBERSHIP | _TEXT),
    "browser version": _Subject("ua_based", "browser_version", _MEMBERSHIP | _VERSION),
    "os": _Subject("ua_based", "os_name", _MEMBERSHIP | _TEXT),
    "os version": _Subject("ua_based", "os_version", _MEMBERSHIP | _VERSION),
    "environment": _Subject("environment_field", "tier", _MEMBERSHIP),
    "time": _Subject("current_time", None, _TIME),
}
_GATES: Final = {"passes gate": "pass_gate", "fails gate": "fail_gate"}
_CUSTOM: Final = "custom."
_CUSTOM_IDS: Final = "customIDs."


@frozen(kw_only=True)
class Known:
    """The names that conditions may refer to."""

    gates: Collection[str]
    environments: Collection[str]


def read_conditions(entry: Entry, known: Known) -> tuple[Condition, ...]:
    """Read conditions that hold together: `everyone`, or a mapping of what is tested to how.

    Raises:
        ProjectError: An unknown word, a value of the wrong type, or a name that does not exist.
    """
    if not entry.is_mapping():
        if entry.text() != "everyone":
            entry.fail(f"expected everyone or a mapping of conditions, got {entry.text()!r}")
        return (EVERYONE,)
    conditions: list[Condition] = []
    for name, test in entry.mapping().items():
        if name in _GATES:
            conditions += _gate_conditions(_GATES[name], test, known)
        else:
            conditions += _field_conditions(_subject(name, test), test, known)
    return tuple(conditions) or (EVERYONE,)


def _gate_conditions(kind: str, entry: Entry, known: Known) -> list[Condition]:
    conditions: list[Condition] = []
    for item in entry.items() if entry.is_list() else [entry]:
        gate = item.text()
        if gate not in known.gates:
            item.fail(f"no gate {gate!r}" + suggestion(gate, known.gates))
        conditions.append(Condition(type=kind, target=gate))
    return conditions


def _subject(name: str, entry: Entry) -> _Subject:
    if name.startswith(_CUSTOM) and name != _CUSTOM:
        operators = _MEMBERSHIP | _TEXT | _VERSION | _NUMBER | _TIME | _LIST
        return _Subject("user_field", name.removeprefix(_CUSTOM), operators)
    if name.startswith(_CUSTOM_IDS) and name != _CUSTOM_IDS:
        id_type = name.removeprefix(_CUSTOM_IDS)
        return _Subject("unit_id", None, _MEMBERSHIP | _TEXT, id_type)
    if name not in _SUBJECTS:
        words = [*_SUBJECTS, *_GATES, f"{_CUSTOM}{name}", f"{_CUSTOM_IDS}<type>"]
        entry.fail(f"no condition {name!r}" + suggestion(name, words))
    return _SUBJECTS[name]


def _field_conditions(subject: _Subject, entry: Entry, known: Known) -> list[Condition]:
    if entry.is_mapping():
        tests = entry.fields(subject.operators)
    else:  # `country: DE` is short for `country: {is: DE}`.
        tests = {"is": entry} if "is" in subject.operators else {}
    if not tests:
        entry.fail(f"expected an operator: {', '.join(subject.operators)}")
    conditions: list[Condition] = []
    for word, operand in tests.items():
        target = _operand(word, operand)
        if subject.type == "environment_field":
            _check_environments(operand, known)
        conditions.append(
            Condition(
                type=subject.type,
                operator=subject.operators[word],
                field=subject.field,
                target=target,
                id_type=subject.id_type,
            )
        )
    return conditions


def _operand(word: str, entry: Entry) -> JsonValue:
    if word in _NUMBER:
        return entry.number()
    if word in _TIME:
        return _milliseconds(entry)
    if word == "matches":
        return _pattern(entry)
    if word in _VERSION:
        return _version(entry)
    return [_member(item) for item in (entry.items() if entry.is_list() else [entry])]


def _member(entry: Entry) -> JsonValue:
    value = entry.scalar()
    if value is None:
        entry.fail("expected text, a number, true or false, got nothing")
    # Statsig compares as text, so what is written is what counts: 1.10 stays 1.10.
    return value if isinstance(value, bool) else entry.written()


def _version(entry: Entry) -> str:
    if isinstance(entry.scalar(), bool | None) or not re.fullmatch(r"\d.*", entry.written()):
        entry.fail(f"expected a version such as 1.2.3, got {entry.written()!r}")
    return entry.written()


def _pattern(entry: Entry) -> str:
    pattern = entry.text()
    try:
        re.compile(pattern)
    except re.error as error:
        entry.fail(f"expected a regular expression, got {pattern!r}: {error}")
    return pattern


def _milliseconds(entry: Entry) -> int:
    value = entry.scalar()
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        moment = datetime.fromisoformat(entry.written())
    except ValueError:
        entry.fail(
            "expected a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970, "
            f"got {entry.written()!r}"
        )
    # Without an offset it is UTC, so that a project means the same wherever it runs.
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def _check_environments(entry: Entry, known: Known) -> None:
    for item in entry.items() if entry.is_list() else [entry]:
        if item.written() not in known.environments:
            item.fail(
                f"no environment {item.written()!r}"
                + suggestion(item.written(), known.environments)
            )
