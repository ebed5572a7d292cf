"""Tables in DuckDB give the results of SQLite."""

import json
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.lift import (
    DuckDBEvents,
    DuckDBTables,
    EventCount,
    Experiment,
    LiftError,
    LiftOptions,
    LiftReport,
    Sum,
    Users,
    Where,
    analyze,
)
from tests.lift.records import LOGO_TEST, T0, event, exposure, source
from tests.lift.simulated import METRICS, simulated_records

DOCUMENTS = "(SELECT json AS event FROM read_json_objects('FILE'))"
TABLES = (
    """CREATE TABLE records AS SELECT json AS r FROM read_json_objects('FILE')""",
    """CREATE TABLE e AS
        SELECT r->>'$.user.userID' AS unit_id, r->>'$.metadata.ruleID' AS group_name,
            epoch_ms(CAST(r->>'$.time' AS BIGINT)) AS time
        FROM records WHERE r->>'$.eventName' LIKE 'statsig::%'""",
    """CREATE TABLE l AS
        SELECT r->>'$.user.userID' AS unit_id, r->>'$.eventName' AS event_name,
            CAST(r->>'$.time' AS BIGINT) AS time, r->>'$.value' AS value,
            r->>'$.metadata.page' AS page,
            CAST(r->'$.metadata' AS MAP(VARCHAR, VARCHAR)) AS metadata
        FROM records WHERE r->>'$.eventName' NOT LIKE 'statsig::%'""",
)
"""Tables with the records of a file."""
NUMBERS = (
    """CREATE TABLE e AS
        SELECT i AS unit_id, CASE WHEN i % 2 = 0 THEN 'Control' ELSE 'Square' END AS group_name,
            CAST(T0 AS BIGINT) AS time, 'logo_test' AS experiment, 'production' AS environment
        FROM range(10) AS r(i)""",
    """CREATE TABLE l AS
        SELECT i AS unit_id, 'purchase' AS event_name, CAST(T0 AS BIGINT) AS time,
            CAST(i AS DECIMAL(9, 2)) AS value
        FROM range(10) AS r(i)""",
)

duckdb = pytest.importorskip("duckdb")


def check_equal(first: LiftReport, second: LiftReport) -> None:
    assert first.health.account == second.health.account
    assert first.health.units == second.health.units
    for one, other in zip(first.results, second.results, strict=True):
        for left, right in ((one.test, other.test), (one.control, other.control)):
            assert left is not None
            assert right is not None
            assert left.units == right.units
            assert left.mean == pytest.approx(right.mean, rel=1e-12)
            assert left.variance == pytest.approx(right.variance, rel=1e-12)


@pytest.mark.parametrize("cuped", [False, True])
def test_documents_in_duckdb_equal_sqlite(tmp_path: Path, *, cuped: bool) -> None:
    files = source(tmp_path, simulated_records(1500))
    options = LiftOptions(cuped=cuped)
    relation = DOCUMENTS.replace("FILE", str(files.files))
    with duckdb.connect() as connection:
        found = analyze(DuckDBEvents(connection, relation), LOGO_TEST, METRICS, options)
        assert connection.execute("SHOW ALL TABLES").fetchall() == []
    check_equal(found, analyze(files, LOGO_TEST, METRICS, options))


def test_tables_in_duckdb_equal_sqlite(tmp_path: Path) -> None:
    files = source(tmp_path, simulated_records(1500))
    with duckdb.connect() as connection:
        for statement in TABLES:
            connection.execute(statement.replace("FILE", str(files.files)))
        found = analyze(DuckDBTables(connection, "e", "l"), LOGO_TEST, METRICS)
    check_equal(found, analyze(files, LOGO_TEST, METRICS))


def test_numbers_and_experiments_are_columns() -> None:
    with duckdb.connect() as connection:
        for statement in NUMBERS:
            connection.execute(statement.replace("T0", str(T0)))
        tables = DuckDBTables(connection, "e", "l")
        (result,) = analyze(tables, LOGO_TEST, [Sum("purchase", winsorize=None)]).results
        assert result.test is not None
        assert result.test.mean == 5
        other = Experiment(name="other", groups={"Control": 1, "Square": 1})
        with pytest.raises(LiftError, match="expected exposures, got none"):
            analyze(tables, other, [Users("purchase")])


def test_events_without_value_count(tmp_path: Path) -> None:
    exposures, events = tmp_path / "exposures.csv", tmp_path / "events.csv"
    exposures.write_text(f"unit_id,group_name,time\na,Control,{T0}\nb,Square,{T0}\n")
    events.write_text(f"unit_id,event_name,time\nb,purchase,{T0}\n")
    with duckdb.connect() as connection:
        tables = DuckDBTables(connection, f"'{exposures}'", f"'{events}'")
        (result,) = analyze(tables, LOGO_TEST, [EventCount("purchase")]).results
    assert result.test is not None
    assert result.test.mean == 1


def test_documents_without_time_zone_are_implausible(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    records: list[dict[str, Any]] = [
        exposure("a", "Control"),
        exposure("b", "Square", time="2025-12-01T00:00:00Z"),  # type: ignore[arg-type]
        event("b", time="soon"),  # type: ignore[arg-type]
    ]
    file.write_text("".join(map(json.dumps, records)))
    with duckdb.connect() as connection:
        relation = DOCUMENTS.replace("FILE", str(file))
        found = analyze(DuckDBEvents(connection, relation), LOGO_TEST, [Users("purchase")])
    assert found.health.account.implausible_time == 1
    assert found.health.units == {"Control": 1, "Square": 1}


@pytest.mark.parametrize(
    ("exposures", "events", "message"),
    [
        ("nothing", "l", "nothing: cannot be read by DuckDB: "),
        ("l", "l", "l: missing columns group_name; the columns are unit_id, event_name, time"),
        ("e", "e", "e: missing columns event_name"),
        ("d", "l", "d: time: expected a timestamp or milliseconds since 1970, got date"),
        ("e", "l", "l: expected a column sku or metadata; the columns are unit_id, event_name"),
    ],
)
def test_unsuitable_table_is_reported(exposures: str, events: str, message: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE e (unit_id VARCHAR, group_name VARCHAR, time BIGINT)")
        connection.execute("CREATE TABLE l (unit_id VARCHAR, event_name VARCHAR, time BIGINT)")
        connection.execute("CREATE TABLE d (unit_id VARCHAR, group_name VARCHAR, time DATE)")
        metric = EventCount("purchase", where=Where("sku", "=", "A"))
        with pytest.raises(LiftError, match=message):
            analyze(DuckDBTables(connection, exposures, events), LOGO_TEST, [metric])
        with pytest.raises(LiftError, match="missing columns event;"):
            analyze(DuckDBEvents(connection, "e"), LOGO_TEST, [metric])
