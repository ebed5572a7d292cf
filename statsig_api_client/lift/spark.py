"""Sources in Spark. The module does not import PySpark; a DataFrame provides its session."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, cast

from attrs import field, frozen

from .definition import Definition
from .engines import NUMBER, Engine, Row
from .errors import LiftError
from .sources import ReadCounts
from .tables import check_columns, records_of_tables


class SparkCatalog(Protocol):
    """The part of `pyspark.sql.catalog.Catalog` that an analysis uses."""

    def dropTempView(self, view: str, /) -> bool:  # noqa: N802
        """Remove a view."""
        ...


class SparkSession(Protocol):
    """The part of `pyspark.sql.SparkSession` that an analysis uses."""

    @property
    def catalog(self) -> SparkCatalog:
        """The views."""
        ...

    def sql(self, query: str, /) -> "DataFrame":
        """Return the result of a query."""
        ...


class DataFrame(Protocol):
    """The part of `pyspark.sql.DataFrame` that an analysis uses."""

    @property
    def sparkSession(self) -> SparkSession:  # noqa: N802
        """The session."""
        ...

    @property
    def dtypes(self) -> list[tuple[str, str]]:
        """The type of each column."""
        ...

    def createOrReplaceTempView(self, name: str, /) -> None:  # noqa: N802
        """Create or replace a view."""
        ...

    def persist(self) -> "DataFrame":
        """Cache the rows between queries."""
        ...

    def unpersist(self) -> "DataFrame":
        """Release the rows."""
        ...

    def collect(self) -> Sequence[object]:
        """Return the rows."""
        ...


class SparkEngine:
    """Spark, on the session of the caller."""

    def __init__(self, session: SparkSession) -> None:
        self._session: Final = session
        self._views: dict[str, DataFrame | None] = {}

    def create_table(self, name: str, query: str) -> None:
        """Cache the rows of a query in the executors, or replace them."""
        self._forget(name)
        frame = self._session.sql(query).persist()
        frame.createOrReplaceTempView(name)
        self._views[name] = frame

    def create_view(self, name: str, query: str) -> None:
        """Create or replace a temporary view."""
        self.add(name, self._session.sql(query))

    def add(self, name: str, frame: DataFrame) -> None:
        """Create or replace the view of a DataFrame."""
        frame.createOrReplaceTempView(name)
        self._views.setdefault(name, None)

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query."""
        return [tuple(cast("Row", row)) for row in self._session.sql(query).collect()]

    def types(self, relation: str) -> Mapping[str, str]:
        """Return the type of each column of a view."""
        found = self._session.sql(f"TABLE {relation}").dtypes
        return {name: kind.lower() for name, kind in found}

    def literal(self, text: str) -> str:
        """Return a string literal."""
        escaped = text.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"

    def quote(self, column: str) -> str:
        """Return a quoted column name."""
        return f"`{column}`"

    def json(self, column: str, *path: str) -> str:
        """Return an expression for a member of a JSON document, as a string."""
        members = "".join(f"['{key}']" for key in path)
        return f"get_json_object({column}, {self.literal(f'${members}')})"

    def number(self, text: str) -> str:
        """Return an expression for the number in a string; NULL without one."""
        return f"CASE WHEN {text} RLIKE {self.literal(NUMBER)} THEN CAST({text} AS DOUBLE) END"

    def milliseconds(self, text: str) -> str:
        """Return an expression for a time as milliseconds since 1970; NULL for other strings."""
        moment = f"unix_millis(try_cast({text} AS TIMESTAMP))"
        return f"coalesce(try_cast({text} AS BIGINT), {moment})"

    def instant(self, column: str) -> str:
        """Return an expression for a timestamp as milliseconds since 1970."""
        return f"unix_millis({column})"

    def close(self) -> None:
        """Remove the views."""
        for name in [*self._views]:
            self._forget(name)
            self._session.catalog.dropTempView(name)

    def _forget(self, name: str) -> None:
        frame = self._views.get(name)
        if frame is not None:
            frame.unpersist()


@frozen
class SparkTables:
    """DataFrames of exposures and events with the columns of `DuckDBTables`.

    Args:
        exposures: Units, their groups, and the times of exposures.
        events: Events.
    """

    exposures: DataFrame = field(repr=False)
    events: DataFrame = field(repr=False)

    def connect(self) -> Engine:
        """Return the engine."""
        return SparkEngine(self.exposures.sparkSession)

    def define_records(self, definition: Definition) -> ReadCounts:
        """Create the relation of records.

        Raises:
            LiftError: A DataFrame lacks a column.
        """
        engine = definition.engine
        assert isinstance(engine, SparkEngine)
        engine.add("lift_exposures", self.exposures)
        engine.add("lift_events", self.events)
        query = records_of_tables(definition, engine, "lift_exposures", "lift_events")
        engine.create_view("lift_records", query)
        return ReadCounts(read=_count(engine))


@frozen
class SparkEvents:
    """A DataFrame of events and exposures in the format of the HTTP API.

    Args:
        events: A DataFrame with the columns `eventName`, `user`, `time`, and optionally `value`
            and `metadata`, or with one column `event` of JSON documents.
    """

    events: DataFrame = field(repr=False)

    def connect(self) -> Engine:
        """Return the engine."""
        return SparkEngine(self.events.sparkSession)

    def define_records(self, definition: Definition) -> ReadCounts:
        """Create the relation of records.

        Raises:
            LiftError: The DataFrame lacks a column.
        """
        engine = definition.engine
        assert isinstance(engine, SparkEngine)
        engine.add("lift_events", self.events)
        types = engine.types("lift_events")
        if "event" in types:
            relation = "lift_events"
        else:
            check_columns("events", types, ("eventName", "user", "time"))
            relation = "(SELECT to_json(struct(*)) AS event FROM lift_events)"
            if types["time"].startswith("timestamp"):
                raise LiftError("events: time: expected milliseconds since 1970, got a timestamp")
        engine.create_table("lift_records", definition.records(relation))
        return ReadCounts(read=_count(engine))


def _count(engine: SparkEngine) -> int:
    ((count,),) = engine.rows("SELECT count(*) AS records FROM lift_records")
    assert isinstance(count, int)
    return count
