"""Reading the words in which a project file says whom a rule is for.

    if: everyone                                  also if there is no `if`
    if:                                           all of these hold
      email: { ends with: "@example.com" }
      country: [DE, FR]                           short for { is: [DE, FR] }
      custom.level: { at least: 3, below: 5 }     any attribute, public or private
      customIDs.companyID: { in list: partners }  any other ID than userID
      in segment: staff
      share of users: { named: spring, to: 20 }   the same users wherever it is named

All words stand in `operators.py`. A list means any of its values.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from ..._runtime.parsers import JsonValue
from .buckets import bucket, salt
from .model import EVERYONE, Condition, segment_spec, suggestion
from .operators import CUSTOM, CUSTOM_IDS, QUESTIONS, SHARE, SUBJECTS, Operand, Subject, subject
from .percentages import thousandths
from .schema import NAMED_SHARE
from .yaml_reader import Entry


@frozen(kw_only=True)
class Known:
    """The names that conditions may refer to."""

    gates: Collection[str]
    segments: Collection[str]
    id_lists: Collection[str]
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
    for word, test in entry.mapping().items():
        if word in QUESTIONS:
            conditions += _questions(word, test, known)
        elif word == SHARE:
            conditions += _share(test)
        else:
            conditions += _tests(word, test, known)
    return tuple(conditions) or (EVERYONE,)


def _questions(word: str, entry: Entry, known: Known) -> list[Condition]:
    question = QUESTIONS[word]
    if question.of == "gate":
        targets = [_known(item, "gate", known.gates, known.segments) for item in _several(entry)]
    else:
        names = [_known(item, "segment", known.segments, known.gates) for item in _several(entry)]
        targets = [segment_spec(name) for name in names]
    return [Condition(type=question.type, target=target) for target in targets]


def _share(entry: Entry) -> list[Condition]:
    fields = entry.fields(NAMED_SHARE)
    if "named" not in fields or len(fields) == 1:
        entry.fail("expected named: a name of the share, and to: a percentage, or from, or both")
    first = bucket(thousandths(fields.get("from"), 0))
    end = bucket(thousandths(fields.get("to"), 100))
    if first >= end:
        entry.fail("expected from below to")
    divided_by = salt("share", fields["named"].text())
    return [
        Condition(type="user_bucket", operator=operator, target=target, salt=divided_by)
        for operator, target in (("gte", first), ("lt", end))
    ]


def _tests(word: str, entry: Entry, known: Known) -> list[Condition]:
    tested = subject(word)
    if tested is None:
        words = [*SUBJECTS, *QUESTIONS, SHARE, f"{CUSTOM}{word}", f"{CUSTOM_IDS}<type>"]
        entry.fail(f"no condition {word!r}" + suggestion(word, words))
    if entry.is_mapping():
        tests = entry.fields(tested.operators)
    else:  # `country: DE` is short for `country: {is: DE}`.
        tests = {"is": entry} if "is" in tested.operators else {}
    if not tests:
        entry.fail(f"expected an operator: {', '.join(tested.operators)}")
    return [_test(tested, operator, operand, known) for operator, operand in tests.items()]


def _test(tested: Subject, word: str, entry: Entry, known: Known) -> Condition:
    operator = tested.operators[word]
    if operator.operand is Operand.PRESENCE:
        # What is missing equals null in Statsig's core, and nothing else does.
        name = "neq" if entry.boolean() else "eq"
        return _condition(tested, name, None)
    if operator.operand is Operand.ID_LIST:
        name = _known(entry, "id list", known.id_lists)
        return Condition(
            type="unit_id", operator=operator.operator, target=name, id_type=tested.id_type
        )
    if tested.type == "environment_field":
        for item in _several(entry):
            _known(item, "environment", known.environments)
    return _condition(tested, operator.operator, _OPERANDS[operator.operand](entry))


def _condition(tested: Subject, operator: str, target: JsonValue) -> Condition:
    return Condition(
        type=tested.type,
        operator=operator,
        field=tested.field,
        target=target,
        id_type=tested.id_type,
    )


def _several(entry: Entry) -> list[Entry]:
    if not entry.is_list():
        return [entry]
    items = entry.items()
    if not items:
        entry.fail("expected at least one value, got an empty list")
    return items


def _known(
    entry: Entry, kind: str, names: Collection[str], confused_with: Collection[str] = ()
) -> str:
    name = entry.text()
    if name in confused_with:
        other = (
            "`in segment` or `not in segment`"
            if kind == "gate"
            else "`passes gate` or `fails gate`"
        )
        entry.fail(f"{name!r} is no {kind}; it is asked by {other}")
    if name not in names:
        entry.fail(f"no {kind} {name!r}" + suggestion(name, names))
    return name


def _values(entry: Entry) -> JsonValue:
    return [_value_as_written(item) for item in _several(entry)]


def _value_as_written(entry: Entry) -> JsonValue:
    value = _value(entry)
    # Statsig compares as text, so what is written is what counts: 1.10 stays 1.10.
    return value if isinstance(value, bool) else entry.written()


def _value(entry: Entry) -> JsonValue:
    value = entry.scalar()
    if value is None:
        entry.fail(
            "expected text, a number, true or false, got nothing; "
            "what has no value is found by `is set: false`"
        )
    return value


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


def _moment(entry: Entry) -> int:
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


_OPERANDS: Final[Mapping[Operand, Callable[[Entry], JsonValue]]] = {
    Operand.VALUES: _values,
    Operand.VALUE: _value,
    Operand.NUMBER: Entry.number,
    Operand.VERSION: _version,
    Operand.PATTERN: _pattern,
    Operand.MOMENT: _moment,
}
