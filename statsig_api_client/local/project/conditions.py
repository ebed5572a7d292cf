"""Parsing of the conditions in a project file.

    if: everyone                                  same as no `if`
    if:                                           all of these hold
      email: { ends with: "@example.com" }
      country: [DE, FR]                           short for { is: [DE, FR] }
      custom.level: { at least: 3, below: 5 }     a custom or private attribute
      customIDs.companyID: { in list: partners }  a custom ID
      in segment: staff
      share of users: { named: spring, to: 20 }   the same users wherever it is named

`operators.py` defines the names. A list matches any of its values.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from ..._runtime.parsers import JsonValue
from .model import EVERYONE, Condition, bucket, salt, segment_spec, suggestion
from .operators import (
    CRITERIA,
    CUSTOM,
    CUSTOM_IDS,
    GATE_CRITERIA,
    SHARE,
    Criterion,
    Operand,
    find_criterion,
)
from .schema import NAMED_SHARE
from .yaml_reader import Entry


@frozen(kw_only=True)
class KnownNames:
    """The names that conditions can reference."""

    gates: Collection[str]
    segments: Collection[str]
    id_lists: Collection[str]
    environments: Collection[str]


def read_conditions(entry: Entry, known: KnownNames) -> tuple[Condition, ...]:
    """Parse `everyone`, or a mapping of conditions that must all hold.

    Raises:
        ProjectError: A condition or name is unknown, or a value is invalid.
    """
    if not entry.is_mapping():
        if entry.string() != "everyone":
            entry.fail(f"expected everyone or a mapping of conditions, got {entry.string()!r}")
        return (EVERYONE,)
    conditions: list[Condition] = []
    for name, operators in entry.mapping().items():
        if name in GATE_CRITERIA:
            conditions += _gate_conditions(name, operators, known)
        elif name == SHARE:
            conditions += _share_conditions(operators)
        else:
            conditions += _user_conditions(name, operators, known)
    return tuple(conditions) or (EVERYONE,)


def _gate_conditions(name: str, entry: Entry, known: KnownNames) -> list[Condition]:
    criterion = GATE_CRITERIA[name]
    if criterion.kind == "gate":
        targets = [_known_name(item, "gate", known.gates, known.segments) for item in _list(entry)]
    else:
        names = [_known_name(item, "segment", known.segments, known.gates) for item in _list(entry)]
        targets = [segment_spec(name) for name in names]
    return [Condition(type=criterion.type, target=target) for target in targets]


def _share_conditions(entry: Entry) -> list[Condition]:
    fields = entry.fields(NAMED_SHARE)
    if "named" not in fields or len(fields) == 1:
        entry.fail("expected `named`, and at least one of `from` and `to`")
    first = bucket(fields["from"].bucketed_percentage() if "from" in fields else 0)
    end = bucket(fields["to"].bucketed_percentage() if "to" in fields else 100)
    if first >= end:
        entry.fail("expected `from` to be less than `to`")
    bucket_salt = salt("share", fields["named"].string())
    return [
        Condition(type="user_bucket", operator=operator, target=target, salt=bucket_salt)
        for operator, target in (("gte", first), ("lt", end))
    ]


def _user_conditions(name: str, entry: Entry, known: KnownNames) -> list[Condition]:
    criterion = find_criterion(name)
    if criterion is None:
        names = [*CRITERIA, *GATE_CRITERIA, SHARE, f"{CUSTOM}{name}", f"{CUSTOM_IDS}<type>"]
        entry.fail(f"unknown condition {name!r}" + suggestion(name, names))
    if entry.is_mapping():
        operands = entry.fields(criterion.operators)
    else:  # `country: DE` is short for `country: {is: DE}`.
        operands = {"is": entry} if "is" in criterion.operators else {}
    if not operands:
        entry.fail(f"expected an operator: {', '.join(criterion.operators)}")
    return [
        _user_condition(criterion, operator, operand, known)
        for operator, operand in operands.items()
    ]


def _user_condition(
    criterion: Criterion, operator_name: str, entry: Entry, known: KnownNames
) -> Condition:
    operator = criterion.operators[operator_name]
    if operator.operand is Operand.PRESENCE:
        # In Statsig's core only a missing value equals null.
        return _condition(criterion, "neq" if entry.boolean() else "eq", None)
    if operator.operand is Operand.ID_LIST:
        name = _known_name(entry, "ID list", known.id_lists)
        return Condition(
            type="unit_id", operator=operator.operator, target=name, id_type=criterion.id_type
        )
    if criterion.type == "environment_field":
        for item in _list(entry):
            _known_name(item, "environment", known.environments)
    return _condition(criterion, operator.operator, _OPERANDS[operator.operand](entry))


def _condition(criterion: Criterion, operator: str, target: JsonValue) -> Condition:
    return Condition(
        type=criterion.type,
        operator=operator,
        field=criterion.field,
        target=target,
        id_type=criterion.id_type,
    )


def _list(entry: Entry) -> list[Entry]:
    if not entry.is_list():
        return [entry]
    items = entry.items()
    if not items:
        entry.fail("expected at least one value, got an empty list")
    return items


def _known_name(
    entry: Entry, kind: str, names: Collection[str], confused_with: Collection[str] = ()
) -> str:
    name = entry.string()
    if name in confused_with:
        other, hint = (
            ("segment", "`in segment` or `not in segment`")
            if kind == "gate"
            else ("gate", "`passes gate` or `fails gate`")
        )
        entry.fail(f"expected a {kind}, got the {other} {name!r}; use {hint}")
    if name not in names:
        entry.fail(f"unknown {kind} {name!r}" + suggestion(name, names))
    return name


def _values(entry: Entry) -> JsonValue:
    return [_value_as_written(item) for item in _list(entry)]


def _value_as_written(entry: Entry) -> JsonValue:
    value = _value(entry)
    # Statsig compares strings, so 1.10 must stay 1.10.
    return value if isinstance(value, bool) else entry.written()


def _value(entry: Entry) -> JsonValue:
    value = entry.scalar()
    if value is None:
        entry.fail(
            "expected a string, number or boolean, got nothing; "
            "use `is set: false` for a missing value"
        )
    return value


def _version(entry: Entry) -> str:
    if isinstance(entry.scalar(), bool | None) or not re.fullmatch(r"\d.*", entry.written()):
        entry.fail(f"expected a version such as 1.2.3, got {entry.written()!r}")
    return entry.written()


def _pattern(entry: Entry) -> str:
    pattern = entry.string()
    try:
        re.compile(pattern)
    except re.error as error:
        entry.fail(f"expected a regular expression, got {pattern!r}: {error}")
    return pattern


def _time(entry: Entry) -> int:
    value = entry.scalar()
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        time = datetime.fromisoformat(entry.written())
    except ValueError:
        entry.fail(
            "expected a time such as 2026-01-31T12:00:00Z, or milliseconds since 1970, "
            f"got {entry.written()!r}"
        )
    # UTC by default, so that a project does not depend on the machine's time zone.
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


_OPERANDS: Final[Mapping[Operand, Callable[[Entry], JsonValue]]] = {
    Operand.VALUES: _values,
    Operand.VALUE: _value,
    Operand.NUMBER: Entry.number,
    Operand.VERSION: _version,
    Operand.PATTERN: _pattern,
    Operand.TIME: _time,
}
