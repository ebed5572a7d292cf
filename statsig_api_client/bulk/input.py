"""Preparation of an input, with all checks that precede sending."""

import stat
from collections.abc import Collection, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from attrs import frozen

from .errors import RowError, SourceError
from .event_builder import EventBuilder, check_mapping, parse_object
from .mapping.exact_json import serialize, with_serializable_integers
from .mapping.fields import EventMapping, mapping_by_name
from .mapping.rows import RowMapper
from .mapping.times import TimeFormat
from .options import ImportOptions
from .readers.files import InputSource, find_sources
from .readers.records import InputPosition
from .readers.source_reader import SourceReader

_SAMPLED_LINES: Final = 1000
"""Number of lines of a JSON file in which each column of a mapping must occur."""


@frozen
class ImportInput:
    """Sources of an import, its output files, and the conversion of records."""

    sources: list[InputSource]
    standard_input: SourceReader | None
    """Reader of standard input, which has read the header; None for files."""
    build_event: EventBuilder
    checkpoint: Path | None
    dead_letters: Path
    identity: dict[str, object]
    """Properties of the input and the mapping, to detect changes."""

    @property
    def mode(self) -> int:
        """The permissions of output files: those of the input, since they contain parts of it."""
        path = self.sources[0].path
        return 0o600 if path is None else stat.S_IMODE(path.stat().st_mode) & 0o666


def open_input(
    source: str | Path | Sequence[str | Path], options: ImportOptions, environment: str | None
) -> ImportInput:
    """Find the files of an import, and check their formats and columns.

    Raises:
        SourceError: A file cannot be used, or its columns do not match the mapping.
    """
    sources = find_sources(
        source, options.format, (options.checkpoint, options.dead_letters), options.delimiter
    )
    first = sources[0].path
    if first is None and options.checkpoint is not None:
        raise SourceError("standard input cannot be resumed; `checkpoint` is not supported")
    standard_input = SourceReader(sources[0]) if first is None else None
    mapping = _checked_mapping(sources, standard_input, options)
    mapper = None if mapping is None else RowMapper(mapping)
    base = first or Path("standard-input")
    return ImportInput(
        sources=sources,
        standard_input=standard_input,
        build_event=EventBuilder(options, environment, mapper),
        checkpoint=None if first is None else Path(options.checkpoint or f"{base}.checkpoint"),
        dead_letters=Path(options.dead_letters or f"{base}.dead-letters.jsonl"),
        identity={}
        if first is None
        else {
            "files": [found.fingerprint() for found in sources],
            "mapping": _digest(mapping, environment, options),
        },
    )


def _digest(mapping: EventMapping | None, environment: str | None, options: ImportOptions) -> str:
    properties = [mapping.to_dict() if mapping else None, environment]
    if options.delimiter is not None:
        properties.append(options.delimiter)
    return sha256(serialize(with_serializable_integers(properties))).hexdigest()


def _checked_mapping(
    sources: list[InputSource], standard_input: SourceReader | None, options: ImportOptions
) -> EventMapping | None:
    """Return the mapping of the options or, for tables without one, the mapping by column name."""
    mapping = options.mapping
    columns: list[str] | None = None
    for source in sources:
        reader = standard_input or SourceReader(source)
        try:
            reader.check_format()
            found = reader.columns
            if found is None:
                # Standard input cannot be read twice.
                if source.path is not None and mapping is not None and (names := _names(reader)):
                    _check_columns(source, mapping, names)
                continue
        finally:
            reader.close()
        if columns is not None and set(found) != set(columns):
            different = ", ".join(sorted(set(found) ^ set(columns)))
            raise SourceError(
                f"{source.name}: expected the columns of the previous file; different: {different}"
            )
        columns = found
        if options.mapping is not None:
            _check_columns(source, options.mapping, found)
            _check_time_unit(source, options.mapping, reader.number_columns)
        elif "eventName" in found:
            mapping = mapping_by_name(found, TimeFormat("ms"))
        else:
            raise SourceError(
                f"{source.name}: no column eventName; pass a mapping of the columns "
                f"{_column_list(found, source)}"
            )
    if mapping is not None:
        check_mapping(mapping, options)
    if options.mapping is None and len({source.format == "jsonl" for source in sources}) > 1:
        raise SourceError("JSON lines and tables need a mapping when they are read together")
    return mapping


def _names(reader: SourceReader) -> list[str]:
    """Return the field names in the first objects of a JSON file."""
    names: set[str] = set()
    for record in islice(reader.records(InputPosition()), _SAMPLED_LINES):
        assert isinstance(record.content, bytes)
        with suppress(RowError):  # reported when the line is sent
            names.update(parse_object(record.content))
    return sorted(names)


def _check_columns(source: InputSource, mapping: EventMapping, columns: list[str]) -> None:
    if missing := mapping.missing(columns):
        raise SourceError(
            f"{source.name}: the mapping names columns that do not exist: {', '.join(missing)}; "
            f"the columns are {_column_list(columns, source)}"
        )


def _check_time_unit(
    source: InputSource, mapping: EventMapping, number_columns: Collection[str]
) -> None:
    column = mapping.fields.get("time")
    if column in number_columns and mapping.times.unit is None:
        raise SourceError(
            f"{source.name}: column {column}, for time, is a number without a unit; set the time "
            "unit"
        )


def _column_list(columns: list[str], source: InputSource) -> str:
    hint = " (line 1 of CSV must be its header)" if source.format == "csv" else ""
    return (", ".join(columns) or "none") + hint
