"""Tables of exposures and events with documented columns, in DuckDB or Spark."""

from collections.abc import Mapping, Sequence
from string import Template
from typing import Final, Protocol

from attrs import field, frozen

from .definition import Definition
from .engines import DuckDBConnection, DuckDBEngine, Engine
from .errors import LiftError
from .sources import ReadCounts

_RECORDS: Final = Template("""
    SELECT
        'exposure' AS kind, $exposure_name AS name, CAST(group_name AS STRING) AS rule,
        nullif(CAST(unit_id AS STRING), '') AS unit_id, $exposure_time AS time,
        $exposure_environment AS environment,
        CAST(NULL AS DOUBLE) AS number, CAST(NULL AS STRING) AS text $no_fields
    FROM $exposures AS exposures
    UNION ALL
    SELECT
        'event' AS kind, CAST(event_name AS STRING) AS name, CAST(NULL AS STRING) AS rule,
        nullif(CAST(unit_id AS STRING), '') AS unit_id, $event_time AS time,
        $event_environment AS environment, $number AS number, $text AS text $fields
    FROM $events AS events
""")

_NUMERIC: Final = (
    *("tinyint", "smallint", "int", "integer", "bigint", "hugeint", "float", "double", "decimal"),
    *("utinyint", "usmallint", "uinteger", "ubigint", "uhugeint", "real"),
)


class TableEngine(Engine, Protocol):
    """An engine with typed columns."""

    def types(self, relation: str) -> Mapping[str, str]:
        """Return the type of each column of a relation."""
        ...

    def quote(self, column: str) -> str:
        """Return a quoted column name."""
        ...

    def instant(self, column: str) -> str:
        """Return an expression for a timestamp as milliseconds since 1970."""
        ...


@frozen
class DuckDBTables:
    """Exposures and events in DuckDB: tables, views, or files that DuckDB reads.

    Exposures have the columns `unit_id`, `group_name` (or the rule ID) and `time` (a timestamp, or
    milliseconds since 1970), and optionally `experiment` and `environment`. Events have `unit_id`,
    `event_name` and `time`, and optionally `value`, `environment` and `metadata` (JSON). Any other
    column of events can be a field of metrics and conditions.

    Example:
        >>> DuckDBTables(duckdb.connect(), "'exposures.parquet'", "'events/*.parquet'")

    Args:
        connection: A connection of `duckdb`. The analysis creates temporary tables with the prefix
            `lift_` and removes them.
        exposures: The name of a table, or another relation as it follows FROM.
        events: The events.
    """

    connection: DuckDBConnection = field(repr=False)
    exposures: str
    events: str

    def connect(self) -> Engine:
        """Return the engine."""
        return DuckDBEngine(self.connection)

    def define_records(self, definition: Definition) -> ReadCounts:
        """Create the relation of records.

        Raises:
            LiftError: A table does not exist, or lacks a column.
        """
        assert isinstance(definition.engine, DuckDBEngine)
        query = records_of_tables(definition, definition.engine, self.exposures, self.events)
        definition.engine.create_view("lift_records", query)
        return ReadCounts(read=_count(definition.engine))


@frozen
class DuckDBEvents:
    """Events and exposures in the format of the HTTP API, in DuckDB.

    Example:
        >>> DuckDBEvents(
        ...     duckdb.connect(), "(SELECT json AS event FROM read_json_objects('events.jsonl'))"
        ... )

    Args:
        connection: A connection of `duckdb`.
        events: A relation with the column `event`, a JSON document per row.
    """

    connection: DuckDBConnection = field(repr=False)
    events: str

    def connect(self) -> Engine:
        """Return the engine."""
        return DuckDBEngine(self.connection)

    def define_records(self, definition: Definition) -> ReadCounts:
        """Create the relation of records.

        Raises:
            LiftError: The relation does not exist, or has no column `event`.
        """
        assert isinstance(definition.engine, DuckDBEngine)
        check_columns(self.events, definition.engine.types(self.events), ("event",))
        # A table: documents are parsed once, and read several times.
        definition.engine.create_table("lift_records", definition.records(self.events))
        return ReadCounts(read=_count(definition.engine))


def records_of_tables(
    definition: Definition, engine: TableEngine, exposures: str, events: str
) -> str:
    """Return a query for the records in two tables.

    Raises:
        LiftError: A column is missing, or has the wrong type.
    """
    of_exposures, of_events = engine.types(exposures), engine.types(events)
    check_columns(exposures, of_exposures, ("unit_id", "group_name", "time"))
    check_columns(events, of_events, ("unit_id", "event_name", "time"))
    name = engine.literal(definition.experiment.name)
    count = len(definition.fields)
    return _RECORDS.substitute(
        exposure_name="CAST(experiment AS STRING)" if "experiment" in of_exposures else name,
        exposure_time=_time(engine, exposures, of_exposures["time"]),
        exposure_environment=_string("environment", of_exposures),
        no_fields="".join(f", CAST(NULL AS STRING) AS f{index}" for index in range(count)),
        exposures=exposures,
        event_time=_time(engine, events, of_events["time"]),
        event_environment=_string("environment", of_events),
        number=_number(engine, of_events),
        text=_string("value", of_events),
        fields="".join(
            f", {_field(engine, events, name, of_events)} AS f{index}"
            for index, name in enumerate(definition.fields)
        ),
        events=events,
    )


def check_columns(relation: str, types: Mapping[str, str], names: Sequence[str]) -> None:
    """Check that a relation has columns.

    Raises:
        LiftError: A column is missing.
    """
    if missing := [name for name in names if name not in types]:
        raise LiftError(
            f"{relation}: missing columns {', '.join(missing)}; the columns are {', '.join(types)}"
        )


def _time(engine: TableEngine, relation: str, kind: str) -> str:
    if kind in {"bigint", "int", "integer"}:
        return "CAST(time AS BIGINT)"
    if kind.startswith("timestamp") and "ntz" not in kind:
        return engine.instant("time")
    raise LiftError(
        f"{relation}: time: expected a timestamp or milliseconds since 1970, got {kind}"
    )


def _string(column: str, types: Mapping[str, str]) -> str:
    return f"CAST({column if column in types else 'NULL'} AS STRING)"


def _number(engine: TableEngine, types: Mapping[str, str]) -> str:
    kind = types.get("value", "double").partition("(")[0]
    if kind in _NUMERIC:
        return f"CAST({'value' if 'value' in types else 'NULL'} AS DOUBLE)"
    return engine.number("CAST(value AS STRING)")


def _field(engine: TableEngine, relation: str, name: str, types: Mapping[str, str]) -> str:
    if name in types:
        return f"CAST({engine.quote(name)} AS STRING)"
    if "metadata" in types:
        is_nested = types["metadata"].startswith(("map", "struct"))
        return engine.json("to_json(metadata)" if is_nested else "metadata", name)
    raise LiftError(
        f"{relation}: expected a column {name} or metadata; the columns are {', '.join(types)}"
    )


def _count(engine: DuckDBEngine) -> int:
    ((count,),) = engine.rows("SELECT count(*) AS records FROM lift_records")
    assert isinstance(count, int)
    return count
