"""Sources whose records are loaded into SQLite: a local server, its database, event files."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from attrs import define, field, frozen

from .definition import Definition
from .engines import Engine, SqliteEngine
from .errors import LiftError
from .experiment import Experiment

if TYPE_CHECKING:
    from ..bulk import Constant, EventMapping, TimeFormat
    from ..bulk.options import InputFormat

_MAX_ERRORS: Final = 10
_BATCH: Final = 1000
_STEPS: Final = 10_000
"""The number of instructions of SQLite between checks, which take less than a millisecond."""
_COUNT: Final = Template("SELECT count(*) FROM $relation")


@define(kw_only=True)
class ReadCounts:
    """The number of records that were read, before the analysis."""

    read: int = 0
    """Lines, rows and recorded events."""
    invalid: int = 0
    """Lines that are not events."""
    blank: int = 0
    """Lines without content."""
    errors: list[str] = field(factory=list[str])
    """The first errors, each with file, line and field."""


@runtime_checkable
class TableSource(Protocol):
    """A source that provides its own SQL engine."""

    def connect(self) -> Engine:
        """Return the engine."""
        ...

    def define_records(self, definition: Definition) -> ReadCounts:
        """Create the relation of records."""
        ...


class RecordSource(Protocol):
    """A source of events in the format of the HTTP API."""

    def load(self, records: "RecordTable", experiment: Experiment) -> None:
        """Add all records to a table."""
        ...


class RecordTable:
    """The records of sources, in a temporary SQLite database."""

    def __init__(self, engine: SqliteEngine) -> None:
        self._connection = engine.connection
        self.counts: Final = ReadCounts()
        self._connection.execute("CREATE TABLE lift_documents (event TEXT NOT NULL)")
        self._queries = ["lift_documents"]

    @property
    def relations(self) -> Sequence[str]:
        """The relations with JSON documents."""
        return self._queries

    def add(self, documents: Iterable[bytes]) -> None:
        """Add events in the format of the HTTP API."""
        rows = [(document.decode(),) for document in documents]
        self._connection.executemany("INSERT INTO lift_documents VALUES (?)", rows)
        self.counts.read += len(rows)

    def stop_when(self, condition: Callable[[], bool]) -> None:
        """Let the analysis end with `sqlite3.OperationalError` once a condition is met."""
        self._connection.set_progress_handler(condition, _STEPS)

    def attach(self, file: Path) -> None:
        """Add the events in the database of a local server, without copying them.

        Raises:
            LiftError: The file is not such a database.
        """
        name = f"local{len(self._queries)}"
        uri = f"{file.absolute().as_uri()}?mode=ro"
        try:
            self._connection.commit()
            self._connection.execute(f"ATTACH ? AS {name}", (uri,))
            ((tables,),) = self._connection.execute(
                "SELECT count(*) FROM pragma_table_info('documents', ?) WHERE name = 'event'",
                (name,),
            )
        except sqlite3.Error as error:
            raise LiftError(f"{file}: cannot be read: {error}") from None
        if not tables:
            raise LiftError(f"{file}: expected the database of a local server")
        relation = f"{name}.documents"
        ((count,),) = self._connection.execute(_COUNT.substitute(relation=relation))
        self.counts.read += count
        self._queries.append(relation)


@frozen
class LocalDatabase:
    """The database of a local server, which may be running: `statsig-api serve --db FILE`.

    Args:
        file: The database.
    """

    file: str | Path

    def load(self, records: RecordTable, experiment: Experiment) -> None:
        """Add all recorded events and exposures.

        Raises:
            LiftError: The file does not exist, or is not such a database.
        """
        del experiment
        path = Path(self.file)
        if not path.is_file():
            raise LiftError(f"{path}: no such file")
        records.attach(path)


@frozen
class LocalServerEvents:
    """The events and exposures that a running local server has recorded.

    Args:
        url: The server's URL, with or without `/v1`.
    """

    url: str

    def load(self, records: RecordTable, experiment: Experiment) -> None:
        """Add all recorded events and exposures.

        Raises:
            LiftError: The server cannot be reached.
        """
        import orjson

        from ..local.control_connection import ControlConnection, ControlError

        del experiment
        connection = ControlConnection(self.url)
        try:
            for path in ("/events", "/exposures"):
                events = connection.recorded_events(path, {})
                for batch in _batches(orjson.dumps(event) for event in events):
                    records.add(batch)
        except ControlError as error:
            raise LiftError(f"{self.url}: {error}") from None
        finally:
            connection.close()


@frozen
class EventFiles:
    """Files of events and exposures, as bulk imports read them: JSON lines, CSV or Parquet.

    Exposures are events with the name `statsig::config_exposure`, and the experiment and the rule
    ID or group in the keys `config` and `ruleID` of the metadata. It needs the extra `bulk`.

    Example:
        >>> EventFiles(
        ...     "assignments.csv",
        ...     mapping=read_mapping(
        ...         [
        ...             "eventName:=statsig::config_exposure",
        ...             "metadata.config:=logo_test",
        ...             "metadata.ruleID=variant,user.userID=uid,time=assigned_at",
        ...         ]
        ...     ),
        ... )

    Args:
        files: Files and patterns.
        mapping: The mapping of columns to event fields; None for events in the format of the HTTP
            API.
        format: The format; by default chosen by file name.
    """

    files: str | Path | Sequence[str | Path]
    mapping: "EventMapping | None" = field(default=None, kw_only=True)
    format: "InputFormat | None" = field(default=None, kw_only=True)

    def load(self, records: RecordTable, experiment: Experiment) -> None:
        """Add the events of all files.

        Raises:
            LiftError: A file cannot be read, or its columns do not fit the mapping.
        """
        from ..bulk.batches import BatchReader
        from ..bulk.errors import SourceError
        from ..bulk.input import open_input
        from ..bulk.options import ImportOptions
        from ..bulk.readers.records import InputPosition

        del experiment
        counts = records.counts
        options = ImportOptions(mapping=self.mapping, format=self.format, allow_truncation=True)
        try:
            opened = open_input(self.files, options, None)
            reader = BatchReader(opened.sources, opened.build_event, options, opened.standard_input)
            for batch in reader.read(0, InputPosition(), []):
                records.add(batch.events)
                counts.read += len(batch.invalid) + len(batch.blank)
                counts.invalid += len(batch.invalid)
                counts.blank += len(batch.blank)
                for numbered, reason in batch.invalid[: _MAX_ERRORS - len(counts.errors)]:
                    name = opened.sources[numbered.file].name
                    counts.errors.append(f"{name}:{numbered.record.line}: {reason}")
        except SourceError as error:
            raise LiftError(str(error)) from None


def export_files(
    first_exposures: str | Path, user_metrics: str | Path | None, experiment: Experiment
) -> Iterator[EventFiles]:
    """Yield the files of an export of Statsig with their columns mapped to event fields."""
    from ..bulk import Constant, TimeFormat

    unit = (
        "user.userID" if experiment.id_type == "userID" else f"user.customIDs.{experiment.id_type}"
    )
    yield _mapped(
        first_exposures,
        {
            "eventName": Constant("statsig::config_exposure"),
            "metadata.config": "name",
            "metadata.ruleID": "experiment_group",
            "time": "first_exposure_utc",
            unit: "unit_id",
        },
        TimeFormat(zone="UTC"),
    )
    if user_metrics is not None:
        names = ("metric_type", "metric_dimension", "numerator", "denominator")
        yield _mapped(
            user_metrics,
            {
                "eventName": "metric_name",
                "value": "metric_value",
                "time": "pst_ds",
                unit: "unit_id",
                **{f"metadata.{name}": name for name in names},
            },
            TimeFormat(zone="-08:00"),
        )


def _mapped(
    file: str | Path, fields: "Mapping[str, str | Constant]", times: "TimeFormat"
) -> EventFiles:
    from ..bulk import EventMapping

    return EventFiles(file, mapping=EventMapping(fields, times), format="csv")


def _batches(documents: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    for document in documents:
        batch.append(document)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
