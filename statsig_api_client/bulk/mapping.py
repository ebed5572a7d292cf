"""Which column of a file is which field of an event."""

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, cast, get_args

from attrs import field, frozen

from .._runtime.parsers import JsonValue
from .cells import Conversion, Unreadable, conversion, identifier, is_empty, text
from .errors import Fault, SourceError
from .exact_json import parse_exactly, with_whole_numbers
from .times import Times, Unit

_TARGET: Final = re.compile(
    r"eventName|time|value|user|metadata"
    r"|user\.(userID|email|ip|userAgent|country|locale|appVersion)"
    r"|user\.(custom|customIDs)\..+|user\.statsigEnvironment\.tier|metadata\..+"
)
_OF_USER: Final = ("custom", "customIDs", "statsigEnvironment")
"""Maps of an event that are in its user."""

Row = Mapping[str, object]

Parts = dict[str, dict[str, object]]
"""The maps of an event by their names; that of the event itself has none."""


@frozen
class Constant:
    """A value that is the same for all events."""

    value: JsonValue


@frozen
class EventMapping:
    """Which column is which field.

    Args:
        fields: From a field, such as `eventName`, `user.userID`, `user.custom.plan` or
            `metadata.*`, to the name of a column, a pattern of names (for `.*`), or a `Constant`.
            In JSON lines a name may be a path, such as `context.user`.
        times: How times are to be read.
    """

    fields: Mapping[str, str | Constant]
    times: Times = field(factory=Times)

    def __attrs_post_init__(self) -> None:
        for target, source in self.fields.items():
            if not _TARGET.fullmatch(target):
                raise SourceError(
                    f"mapping: {target!r} is no field of an event: expected eventName, time, "
                    "value, metadata.KEY, user.userID, user.email, user.custom.KEY, "
                    "user.customIDs.KEY, …"
                )
            # What the type promises does not bind a program that no type checker has seen.
            if not isinstance(cast("object", source), str | Constant):
                raise SourceError(f"mapping: {target}: expected the name of a column or a Constant")
            if target.endswith(".*") and not isinstance(source, str):
                raise SourceError(f"mapping: {target}: expected a pattern of columns, no constant")
        if "eventName" not in self.fields:
            raise SourceError("mapping: eventName is missing")

    def unknown(self, columns: Collection[str]) -> list[str]:
        """The columns that it names and that are not there."""
        return [
            source
            for target, source in self.fields.items()
            if isinstance(source, str)
            and not target.endswith(".*")
            and source not in columns
            and source.split(".")[0] not in columns
        ]

    def to_dict(self) -> dict[str, object]:
        """A form by which it can be compared with another."""
        fields = {
            target: source.value if isinstance(source, Constant) else [source]
            for target, source in self.fields.items()
        }
        return {"fields": fields, "unit": self.times.unit, "zone": self.times.zone}


def of_columns(columns: Iterable[str], times: Times) -> EventMapping:
    """The mapping of a table whose columns are named like fields.

    Raises:
        SourceError: One is not.
    """
    return EventMapping({column: column for column in columns}, times)


def read_mapping(words: Iterable[str], times: Times | None = None) -> EventMapping:
    """Read `field=column` and `field:=constant`, several in a word with commas between.

    Raises:
        SourceError: It has another form.
    """
    fields: dict[str, str | Constant] = {}
    for word in words:
        # A constant may be JSON with commas in it, so it ends its word.
        for part in [word] if ":=" in word else word.split(","):
            target, equals, source = part.partition("=")
            if not equals or not target or not source:
                raise SourceError(f"mapping: expected FIELD=COLUMN, got {part!r}")
            name = target.removesuffix(":").strip()
            if name in fields:
                raise SourceError(f"mapping: {name} is there twice")
            fields[name] = Constant(_constant(source)) if target[-1] == ":" else source.strip()
    return EventMapping(fields, times or Times())


def read_mapping_file(path: str | Path, times: Times | None = None) -> EventMapping:
    """Read a mapping from YAML: `fields`, and `time: {unit: s, zone: UTC}`.

    Args:
        path: The file.
        times: What holds as far as the file says nothing of times.

    Raises:
        SourceError: It has another form.
    """
    import yaml  # noqa: PLC0415  (few imports need it)

    class ExactLoader(yaml.SafeLoader):
        """YAML whose fractions keep their digits."""

    def fraction(loader: ExactLoader, node: yaml.ScalarNode) -> float | Decimal:
        written = node.value
        is_plain = re.fullmatch(r"[-+]?(\d+\.\d*|\.\d+)", written)
        return Decimal(written) if is_plain else loader.construct_yaml_float(node)

    ExactLoader.add_constructor("tag:yaml.org,2002:float", fraction)
    try:
        text = Path(path).read_text(encoding="utf-8")
        data = cast("object", yaml.load(text, ExactLoader))  # noqa: S506  (a safe loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SourceError(f"{path}: cannot be read: {error}") from None
    file = cast("dict[str, object]", data) if isinstance(data, dict) else {}
    fields = file.pop("fields", None)
    time: object = file.pop("time", None) or {}
    if file or not isinstance(fields, dict) or not isinstance(time, dict):
        raise SourceError(f"{path}: expected `fields:` and, if need be, `time:`, and no more")
    try:
        return EventMapping(
            {
                str(target): _source_of(target, source)
                for target, source in cast("dict[object, object]", fields).items()
            },
            _times_of(cast("dict[str, object]", time), times or Times()),
        )
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from None


def _source_of(target: object, source: object) -> str | Constant:
    if isinstance(source, str):
        return source
    if isinstance(source, dict):
        stated = cast("dict[str, JsonValue]", source)
        if [*stated] == ["constant"]:
            return Constant(stated["constant"])
    raise SourceError(
        f"fields.{target}: expected the name of a column, in quotes unless it is a word, or "
        "{constant: ...}"
    )


def _times_of(stated: dict[str, object], default: Times) -> Times:
    unit = stated.pop("unit", default.unit)
    zone = stated.pop("zone", default.zone)
    if unit is not None and unit not in get_args(Unit):
        raise SourceError(f"time.unit: expected one of {', '.join(get_args(Unit))}, got {unit}")
    if not (zone is None or isinstance(zone, str)):
        raise SourceError(f"time.zone: expected a text, in quotes, got {zone}")
    if stated:
        raise SourceError(f"time: expected unit and zone, got {', '.join(map(str, stated))}")
    return Times(cast("Unit | None", unit), zone)


def _constant(text: str) -> JsonValue:
    try:
        (value,) = cast("list[JsonValue]", parse_exactly(b"[%b]" % text.encode()))
    except (ValueError, ArithmeticError, RecursionError):
        return text
    return value


class RowReader:
    """Makes events of rows."""

    def __init__(self, mapping: EventMapping) -> None:
        """Prepare for the rows of one mapping.

        Raises:
            SourceError: A constant is not what its field needs.
        """
        self._times = mapping.times
        self._fields: dict[str, list[tuple[str, str, Conversion, str]]] = {"": []}
        """By the map of an event in which they are: key, column, conversion, name."""
        self._constants: Parts = {"": {}}
        self._patterns: list[tuple[str, str]] = []
        for target, source in mapping.fields.items():
            section, key = _place(target)
            if target.endswith(".*"):
                assert isinstance(source, str)  # noqa: S101  (the mapping has seen to it)
                self._patterns.append((section, source))
                continue
            convert = conversion(section, key, mapping.times)
            fields = self._fields.setdefault(section, [])
            constants = self._constants.setdefault(section, {})
            if isinstance(source, str):
                fields.append((key, source, convert, target))
            elif source.value is not None:
                constants[key] = _constant_of(target, source.value, convert)
        self._taken = {
            source
            for target, source in mapping.fields.items()
            if isinstance(source, str) and not target.endswith(".*")
        }
        self._sections: dict[str, str | None] = {}
        """The map of the event to which a column belongs that only a pattern names."""

    def event(self, row: Row) -> dict[str, object]:
        """The event of a row.

        Raises:
            Fault: There is none in it.
        """
        parts: Parts = {}
        for section, fields in self._fields.items():
            part = parts[section] = self._constants[section].copy()
            for key, column, convert, target in fields:
                value = row.get(column)
                # Most cells are text.
                if type(value) is str and value and (convert is text or convert is identifier):
                    part[key] = value
                    continue
                if value is None and "." in column:
                    value = _cell(row, column)
                if not is_empty(value):
                    part[key] = _converted(target, value, convert)
        if self._patterns:
            self._put_patterns(parts, row)
        return _joined(parts)

    def _put_patterns(self, parts: Parts, row: Row) -> None:
        for column, value in row.items():
            section = self._section(column)
            if section is not None and not is_empty(value):
                convert = conversion(section, column, self._times)
                part = parts.setdefault(section, {})
                part[column] = _converted(f"{section}.{column}", value, convert)

    def _section(self, column: str) -> str | None:
        try:
            return self._sections[column]
        except KeyError:
            found = None
            if column not in self._taken:
                matching = (s for s, pattern in self._patterns if fnmatchcase(column, pattern))
                found = next(matching, None)
            if len(self._sections) < 10_000:  # a file may have other names in every line
                self._sections[column] = found
            return found


def _place(target: str) -> tuple[str, str]:
    """The map of an event in which a field is, and its key there."""
    head, _, key = target.partition(".")
    if head == "user" and "." in key:
        head, _, key = key.partition(".")
    return (head, key) if key else ("", head)


def _cell(row: Row, column: str) -> object:
    """What a path leads to, unless a column has that very name."""
    if column in row:
        return row[column]
    value = cast("object", row)
    for name in column.split("."):
        if isinstance(value, Unreadable):
            break
        value = cast("Row", value).get(name) if isinstance(value, Mapping) else None
    return value


def _converted(target: str, value: object, convert: Conversion) -> object:
    if isinstance(value, Unreadable):
        raise Fault(f"{target}: {value}")
    try:
        return convert(value)
    except Fault as fault:
        raise Fault(f"{target}: {fault}") from None


def _constant_of(target: str, value: object, convert: Conversion) -> object:
    try:
        return _converted(target, with_whole_numbers(value), convert)
    except Fault as fault:
        raise SourceError(f"mapping: {fault}") from None


def _joined(parts: Parts) -> dict[str, object]:
    """The event whose maps these are."""
    event = parts.pop("")
    for section in _OF_USER:
        if part := parts.pop(section, None):
            _join(parts.setdefault("user", {}), section, part)
    for section, part in parts.items():
        if part:
            _join(event, section, part)
    return event


def _join(whole: dict[str, object], name: str, part: dict[str, object]) -> None:
    known = whole.get(name)
    whole[name] = {**known, **part} if isinstance(known, dict) else part
