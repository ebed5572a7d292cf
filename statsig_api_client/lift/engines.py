"""SQL engines: the differences between SQLite, DuckDB and Spark."""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Protocol, TypeAlias, cast

from .._timestamps import parse_timestamp
from .errors import LiftError

Cell: TypeAlias = str | float | None
Row: TypeAlias = tuple[Cell, ...]

NUMBER: Final = r"^-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,2})?$"
"""Strings that are numbers, as a regular expression of all engines."""

_MILLISECONDS: Final = re.compile(r"-?\d{1,16}(\.\d{1,16})?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Engine(Protocol):
    """A connection to a SQL engine, and the few expressions that differ between engines."""

    def create_table(self, name: str, query: str) -> None:
        """Store the rows of a query in a temporary table, or replace it."""
        ...

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query."""
        ...

    def literal(self, text: str) -> str:
        """Return a string literal."""
        ...

    def json(self, column: str, *path: str) -> str:
        """Return an expression for a member of a JSON document, as a string."""
        ...

    def number(self, text: str) -> str:
        """Return an expression for the number in a string; NULL without one."""
        ...

    def milliseconds(self, text: str) -> str:
        """Return an expression for a time as milliseconds since 1970; NULL for other strings."""
        ...

    def close(self) -> None:
        """Remove the temporary tables and views."""
        ...


def sql_literal(text: str) -> str:
    """Return a string literal of standard SQL."""
    return "'" + text.replace("'", "''") + "'"


def sql_double(number: float) -> str:
    """Return a literal of a double; one without an exponent is a decimal in DuckDB and Spark."""
    text = repr(number)
    return text if "e" in text else f"{text}e0"


def json_path(path: Sequence[str]) -> str:
    """Return the path of a JSON member, whose keys contain neither quotes nor backslashes."""
    return sql_literal("$" + "".join(f'."{key}"' for key in path))


class SqliteEngine:
    """SQLite, on a temporary database that attaches others for reading."""

    def __init__(self) -> None:
        # An empty name is a temporary file: the records may not fit into memory.
        self.connection: Final = sqlite3.connect("", uri=True)
        self.connection.create_function("to_number", 1, _to_number, deterministic=True)
        self.connection.create_function("to_milliseconds", 1, _to_milliseconds, deterministic=True)

    def create_table(self, name: str, query: str) -> None:
        """Store the rows of a query in a temporary table, or replace it."""
        self.connection.execute(f"DROP TABLE IF EXISTS {name}")
        self.connection.execute(f"CREATE TABLE {name} AS {query}")

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query."""
        return cast("list[Row]", self.connection.execute(query).fetchall())

    def literal(self, text: str) -> str:
        """Return a string literal."""
        return sql_literal(text)

    def json(self, column: str, *path: str) -> str:
        """Return an expression for a member of a JSON document, as a string."""
        return f"CAST(json_extract({column}, {json_path(path)}) AS TEXT)"

    def number(self, text: str) -> str:
        """Return an expression for the number in a string; NULL without one."""
        return f"to_number({text})"

    def milliseconds(self, text: str) -> str:
        """Return an expression for a time as milliseconds since 1970; NULL for other strings."""
        return f"to_milliseconds({text})"

    def close(self) -> None:
        """Close the temporary database."""
        self.connection.close()


class DuckDBConnection(Protocol):
    """The part of `duckdb.DuckDBPyConnection` that an analysis uses."""

    def execute(self, query: str, /) -> "DuckDBConnection":
        """Execute a query."""
        ...

    def fetchall(self) -> list[object]:
        """Return the rows of the last query."""
        ...


class DuckDBEngine:
    """DuckDB, on a connection of the caller."""

    def __init__(self, connection: DuckDBConnection) -> None:
        self._connection = connection
        self._created: dict[str, str] = {}

    def create_table(self, name: str, query: str) -> None:
        """Store the rows of a query in a temporary table, or replace it."""
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
        self._created[name] = "TABLE"

    def create_view(self, name: str, query: str) -> None:
        """Create or replace a temporary view."""
        self._connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {query}")
        self._created[name] = "VIEW"

    def rows(self, query: str) -> list[Row]:
        """Return the rows of a query."""
        return cast("list[Row]", self._connection.execute(query).fetchall())

    def types(self, relation: str) -> Mapping[str, str]:
        """Return the type of each column of a relation.

        Raises:
            LiftError: The relation does not exist.
        """
        try:
            rows = self.rows(f"DESCRIBE FROM {relation}")
        except Exception as error:  # noqa: BLE001  (DuckDB is not imported here)
            raise LiftError(f"{relation}: cannot be read by DuckDB: {error}") from None
        return {str(row[0]): str(row[1]).lower() for row in rows}

    def literal(self, text: str) -> str:
        """Return a string literal."""
        return sql_literal(text)

    def json(self, column: str, *path: str) -> str:
        """Return an expression for a member of a JSON document, as a string."""
        return f"json_extract_string({column}, {json_path(path)})"

    def number(self, text: str) -> str:
        """Return an expression for the number in a string; NULL without one."""
        is_number = f"regexp_matches({text}, {sql_literal(NUMBER)})"
        return f"CASE WHEN {is_number} THEN CAST({text} AS DOUBLE) END"

    def milliseconds(self, text: str) -> str:
        """Return an expression for a time as milliseconds since 1970; NULL for other strings."""
        moment = f"epoch_ms(TRY_CAST({text} AS TIMESTAMPTZ))"
        return f"coalesce(TRY_CAST({text} AS BIGINT), {moment})"

    def quote(self, column: str) -> str:
        """Return a quoted column name."""
        return f'"{column}"'

    def instant(self, column: str) -> str:
        """Return an expression for a timestamp as milliseconds since 1970."""
        return f"epoch_ms({column})"

    def close(self) -> None:
        """Remove the temporary tables and views."""
        for name, kind in reversed(self._created.items()):
            self._connection.execute(f"DROP {kind} IF EXISTS {name}")


def number_of(cell: Cell) -> float:
    """Return a cell as a number; 0.0 for NULL."""
    return 0.0 if cell is None else float(cell)


def _to_number(text: str | None) -> float | None:
    return float(text) if text is not None and re.match(NUMBER, text) else None


def _to_milliseconds(text: str | None) -> int | None:
    if text is None:
        return None
    if _MILLISECONDS.fullmatch(text):
        return round(Decimal(text))
    try:
        moment = parse_timestamp(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else (moment - _EPOCH) // timedelta(milliseconds=1)
