"""Conversion of rows into events."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final, cast

from ..errors import RowError, SourceError
from .cells import CellConverter, Unreadable, converter_for, identifier, is_empty, string
from .exact_json import with_serializable_integers
from .fields import EventMapping

_USER_SECTIONS: Final = ("custom", "customIDs", "statsigEnvironment")
"""Sections that belong to the user of an event."""
_MAX_KNOWN_COLUMNS: Final = 10_000

Row = Mapping[str, object]

Sections = dict[str, dict[str, object]]
"""The objects of an event by name; the name of the event itself is empty."""


class RowMapper:
    """Conversion of rows with one mapping.

    Raises:
        SourceError: A constant has the wrong type for its field.
    """

    def __init__(self, mapping: EventMapping) -> None:
        self._times = mapping.times
        self._fields: dict[str, list[tuple[str, str, CellConverter, str]]] = {"": []}
        """Key, column, converter and full name of the fields of each section."""
        self._constants: Sections = {"": {}}
        self._patterns: list[tuple[str, str]] = []
        self._mapped: set[str] = set()
        """Columns named in the mapping."""
        self._pattern_sections: dict[str, str | None] = {}
        """The section of each column that is not named in the mapping."""
        for target, source in mapping.fields.items():
            section, key = _section_and_key(target)
            if target.endswith(".*"):
                assert isinstance(source, str)
                self._patterns.append((section, source))
                continue
            convert = converter_for(section, key, mapping.times)
            fields = self._fields.setdefault(section, [])
            constants = self._constants.setdefault(section, {})
            if isinstance(source, str):
                self._mapped.add(source)
                fields.append((key, source, convert, target))
            elif source.value is not None:
                constants[key] = _converted_constant(target, source.value, convert)

    def event(self, row: Row) -> dict[str, object]:
        """Convert a row into an event.

        Raises:
            RowError: A cell has the wrong type for its field.
        """
        sections: Sections = {}
        for name, fields in self._fields.items():
            section = sections[name] = self._constants[name].copy()
            for key, column, convert, target in fields:
                value = row.get(column)
                # Most cells are strings that need no conversion.
                if type(value) is str and value and (convert is string or convert is identifier):
                    section[key] = value
                    continue
                if value is None and "." in column:
                    value = _cell(row, column)
                if not is_empty(value):
                    section[key] = _converted(target, value, convert)
        if self._patterns:
            self._add_pattern_columns(sections, row)
        return _joined(sections)

    def _add_pattern_columns(self, sections: Sections, row: Row) -> None:
        for column, value in row.items():
            name = self._pattern_section(column)
            if name is not None and not is_empty(value):
                convert = converter_for(name, column, self._times)
                section = sections.setdefault(name, {})
                section[column] = _converted(f"{name}.{column}", value, convert)

    def _pattern_section(self, column: str) -> str | None:
        try:
            return self._pattern_sections[column]
        except KeyError:
            found = None
            if column not in self._mapped:
                matching = (
                    name for name, pattern in self._patterns if fnmatchcase(column, pattern)
                )
                found = next(matching, None)
            # JSON lines may have different names in every line.
            if len(self._pattern_sections) < _MAX_KNOWN_COLUMNS:
                self._pattern_sections[column] = found
            return found


def _section_and_key(target: str) -> tuple[str, str]:
    head, _, key = target.partition(".")
    if head == "user" and "." in key:
        head, _, key = key.partition(".")
    return (head, key) if key else ("", head)


def _cell(row: Row, column: str) -> object:
    """Return the cell of a column, or else the value at a path."""
    if column in row:
        return row[column]
    value = cast("object", row)
    for name in column.split("."):
        if isinstance(value, Unreadable):
            break
        value = cast("Row", value).get(name) if isinstance(value, Mapping) else None
    return value


def _converted(target: str, value: object, convert: CellConverter) -> object:
    if isinstance(value, Unreadable):
        raise RowError(f"{target}: {value}")
    try:
        return convert(value)
    except RowError as error:
        raise RowError(f"{target}: {error}") from None


def _converted_constant(target: str, value: object, convert: CellConverter) -> object:
    try:
        return _converted(target, with_serializable_integers(value), convert)
    except RowError as error:
        raise SourceError(f"mapping: {error}") from None


def _joined(sections: Sections) -> dict[str, object]:
    """Combine sections into an event."""
    event = sections.pop("")
    for name in _USER_SECTIONS:
        if section := sections.pop(name, None):
            _add_section(sections.setdefault("user", {}), name, section)
    for name, section in sections.items():
        if section:
            _add_section(event, name, section)
    return event


def _add_section(parent: dict[str, object], name: str, section: dict[str, object]) -> None:
    existing = parent.get(name)
    parent[name] = {**existing, **section} if isinstance(existing, dict) else section
