"""Opens the input of an import: all that can be found wrong before anything is sent."""

from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Final

from attrs import frozen

from .errors import Fault, SourceError
from .exact_json import dump, with_whole_numbers
from .mapping import EventMapping, RowReader, of_columns
from .outgoing import Outgoing, decoded
from .settings import Settings
from .sources import Place, Reader, Source, find_sources
from .times import Times

_LOOK_AT: Final = 1000
"""Lines of JSON in which every column of a mapping should have been seen."""


@frozen
class Input:
    """What is read, and what is beside it."""

    sources: list[Source]
    begun: Reader | None
    """Reads standard input, of which the header is gone by now; None: the input is files."""
    outgoing: Outgoing
    checkpoint: Path | None
    dead_letters: Path
    identity: dict[str, object]


def open_input(
    source: str | Path | Sequence[str | Path], settings: Settings, environment: str | None
) -> Input:
    """Find the files, and see that their columns are what the mapping says.

    Raises:
        SourceError: Something is not as it should be.
    """
    sources = find_sources(source, settings.format, (settings.checkpoint, settings.dead_letters))
    first = sources[0].path
    if first is None and settings.checkpoint is not None:
        raise SourceError("standard input cannot be gone on with, so it has no checkpoint")
    begun = Reader(sources[0]) if first is None else None
    mapping = _mapping(sources, begun, settings)
    beside = Path("standard-input") if first is None else first
    checkpoint = None
    if first is not None:
        checkpoint = Path(settings.checkpoint or f"{beside}.checkpoint")
    return Input(
        sources=sources,
        begun=begun,
        outgoing=Outgoing(settings, environment, None if mapping is None else RowReader(mapping)),
        checkpoint=checkpoint,
        dead_letters=Path(settings.dead_letters or f"{beside}.dead-letters.jsonl"),
        identity={}
        if first is None
        else {
            "files": [found.identity() for found in sources],
            "mapping": _digest(mapping, environment),
        },
    )


def _digest(mapping: EventMapping | None, environment: str | None) -> str:
    told = [mapping.to_dict() if mapping else None, environment]
    return sha256(dump(with_whole_numbers(told))).hexdigest()


def _mapping(
    sources: list[Source], begun: Reader | None, settings: Settings
) -> EventMapping | None:
    mapping = settings.mapping
    columns: list[str] | None = None
    for source in sources:
        reader = begun or Reader(source)
        try:
            reader.check_form()
            found = reader.columns
            if found is None:
                # Of standard input, what is read to find names would be gone.
                if source.path is not None and mapping is not None and (names := _names(reader)):
                    _see_columns(source, mapping, names)
                continue
        finally:
            reader.close()
        if columns is not None and set(found) != set(columns):
            raise SourceError(
                f"{source.name}: its columns differ from those of the file before: "
                f"{', '.join(sorted(set(found) ^ set(columns)))}"
            )
        columns = found
        if settings.mapping is None:
            if "eventName" not in found:
                raise SourceError(
                    f"{source.name}: there is no column eventName; state a mapping. There are "
                    f"{_told(found, source)}"
                )
            mapping = of_columns(found, Times("ms"))
        else:
            _see_columns(source, settings.mapping, found)
    if settings.mapping is None and len({source.format == "jsonl" for source in sources}) > 1:
        raise SourceError(
            "JSON lines, whose events are as on the wire, and tables are read together only with a "
            "mapping for both"
        )
    return mapping


def _names(reader: Reader) -> list[str]:
    names: set[str] = set()
    for record in islice(reader.records(Place()), _LOOK_AT):
        assert isinstance(record.content, bytes)  # noqa: S101  (lines are)
        with suppress(Fault):  # told with its line, when it is read to be sent
            names.update(decoded(record.content))
    return sorted(names)


def _see_columns(source: Source, mapping: EventMapping, columns: list[str]) -> None:
    if unknown := mapping.unknown(columns):
        raise SourceError(
            f"{source.name}: the mapping names columns that are not there: {', '.join(unknown)}; "
            f"there are {_told(columns, source)}"
        )


def _told(columns: list[str], source: Source) -> str:
    where = " (line 1 of CSV has to be its header)" if source.format == "csv" else ""
    return (", ".join(columns) or "none") + where
