"""Sources: databases, servers, files and exports."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from statsig_api_client import Statsig, StatsigEvent, StatsigUser
from statsig_api_client.bulk import read_mapping
from statsig_api_client.bulk.mapping.times import TimeFormat
from statsig_api_client.lift import (
    EventCount,
    EventFiles,
    Experiment,
    LiftError,
    LocalDatabase,
    LocalServerEvents,
    Sum,
    Users,
    analyze,
)
from statsig_api_client.lift.sources import RecordTable
from statsig_api_client.local import LocalServer
from tests.lift.records import LOGO_TEST, T0, event, exposure, source
from tests.lift.test_experiment import PROJECT


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[tuple[LocalServer, Path]]:
    """A server with the records of ten users."""
    db = tmp_path / "events.db"
    with (
        LocalServer(PROJECT, db=db) as server,
        Statsig(server.secret_key, base_url=server.url) as statsig,
    ):
        users = [StatsigUser(user_id=f"user-{number}") for number in range(10)]
        for user in users:
            statsig.get_experiment(user, "logo_test")
        statsig.check_gate(users[0], "new_checkout")
        statsig.log_events(
            [StatsigEvent(event_name="purchase", user=user, value=2) for user in users]
        )
        yield server, db


def test_server_and_its_database_give_same_report(recorded: tuple[LocalServer, Path]) -> None:
    server, db = recorded
    experiment = Experiment.from_project(server.url, "logo_test")
    metrics = [Sum("purchase"), Users("purchase")]
    reports = [
        analyze(one, experiment, metrics)
        for one in (LocalServerEvents(server.url), LocalDatabase(db), LocalDatabase(str(db)))
    ]
    for report in reports:
        assert report.results == reports[0].results
        account = report.health.account
        assert (account.exposures, account.events, account.other_exposures) == (10, 10, 1)
        assert report.health.read == account.total == 21
    assert sum(reports[0].health.units.values()) == 10


def test_database_is_not_changed(recorded: tuple[LocalServer, Path]) -> None:
    server, db = recorded
    server.close()
    before = db.read_bytes()
    analyze(LocalDatabase(db), LOGO_TEST, [Users("purchase")])
    assert db.read_bytes() == before


def test_files_that_are_not_databases_are_rejected(tmp_path: Path) -> None:
    text, other = tmp_path / "text.db", tmp_path / "other.db"
    text.write_text("no database" * 100)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE documents (id INTEGER)")
    connection.close()
    for file, message in (
        (tmp_path / "absent.db", "absent.db: no such file"),
        (text, "text.db: cannot be read: file is not a database"),
        (other, "other.db: expected the database of a local server"),
    ):
        with pytest.raises(LiftError, match=message):
            analyze(LocalDatabase(file), LOGO_TEST, [Users("purchase")])


def test_server_that_does_not_run_is_reported() -> None:
    with pytest.raises(LiftError, match=r"http://127\.0\.0\.1:9: "):
        analyze(LocalServerEvents("http://127.0.0.1:9"), LOGO_TEST, [Users("purchase")])


def test_server_with_many_events_is_read_in_batches() -> None:
    with (
        LocalServer(PROJECT) as server,
        Statsig(server.secret_key, base_url=server.url) as statsig,
    ):
        user = StatsigUser(user_id="user-1")
        statsig.get_experiment(user, "logo_test")
        for count in (1000, 200):
            statsig.log_events([StatsigEvent(event_name="view", user=user)] * count)
        report = analyze(LocalServerEvents(server.url), LOGO_TEST, [EventCount("view")])
    assert report.health.account.events == 1200


def test_mapped_files_are_joined(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    assigned, sold = tmp_path / "assigned.csv", tmp_path / "sold.parquet"
    assigned.write_text(
        "uid,variant,at\n"
        "a,Control,2025-12-01 10:00\nb,Square,2025-12-01 10:00\nc,Square,2025-12-01 10:00\n"
    )
    parquet.write_table(
        pa.table({"who": ["a", "b", "b"], "amount": [1.5, 2.5, 4.0], "ts": [1764590400] * 3}), sold
    )
    exposures = EventFiles(
        assigned,
        mapping=read_mapping(
            [
                "eventName:=statsig::config_exposure",
                "metadata.config:=logo_test",
                "metadata.ruleID=variant,user.userID=uid,time=at",
            ],
            TimeFormat(zone="UTC"),
        ),
    )
    events = EventFiles(
        [sold],
        mapping=read_mapping(
            ["eventName:=purchase", "user.userID=who,value=amount,time=ts"], TimeFormat("s")
        ),
    )
    report = analyze([exposures, events], LOGO_TEST, [Sum("purchase", winsorize=None)])
    (result,) = report.results
    assert result.control is not None
    assert result.test is not None
    assert (result.control.mean, result.test.mean) == (1.5, 3.25)
    assert report.health.read == report.health.account.total == 6


def test_times_may_be_rfc_3339(tmp_path: Path) -> None:
    records = [
        exposure("c", "Control", time="2025-12-01T00:00:00Z"),  # type: ignore[arg-type]
        exposure("t", "Square"),
        event("c", time="2025-12-01T01:00:00+02:00"),  # type: ignore[arg-type]
    ]
    account = analyze(source(tmp_path, records), LOGO_TEST, [Users("purchase")]).health.account
    assert (account.exposures, account.before_exposure) == (2, 1)


def test_invalid_lines_are_counted(tmp_path: Path) -> None:
    files = source(tmp_path, [exposure("c", "Control"), exposure("t", "Square"), event("")])
    file = Path(str(files.files))
    file.write_text(file.read_text() + "\n" + "{}\n" * 12 + "nothing\n")
    report = analyze(files, LOGO_TEST, [Users("purchase")])
    account = report.health.account
    assert (account.invalid, account.blank, account.without_unit_id) == (13, 1, 1)
    assert report.health.read == account.total == 17
    assert len(report.health.errors) == 10
    assert (
        report.health.errors[0] == f"{file}:5: time: missing; Statsig would use the time of arrival"
    )
    assert report.health.warnings[-1] == "files: 13 lines are not events; see errors"


def test_local_time_that_is_no_time_is_counted(tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    with LocalServer(PROJECT, db=db):
        pass
    with sqlite3.connect(db) as connection:
        for number, time in enumerate(("soon", 1, 10**15, None)):
            text = f'"{time}"' if isinstance(time, str) else "null" if time is None else time
            connection.execute(
                "INSERT INTO documents VALUES (?, ?)",
                (number, f'{{"eventName": "purchase", "user": {{"userID": "a"}}, "time": {text}}}'),
            )
    connection.close()
    exposures = source(tmp_path, [exposure("a", "Control", T0), exposure("b", "Square", T0)])
    report = analyze([LocalDatabase(db), exposures], LOGO_TEST, [Users("purchase")])
    assert report.health.account.implausible_time == 4


def test_missing_file_is_reported() -> None:
    with pytest.raises(LiftError, match=r"nowhere\.csv: no such file"):
        analyze(EventFiles("nowhere.csv"), LOGO_TEST, [Users("purchase")])


class StoppedSource:
    """A source whose analysis is stopped before it begins."""

    def load(self, records: RecordTable, experiment: Experiment) -> None:
        del experiment
        records.add([b'{"eventName": "purchase", "time": "2026-01-01T00:00:00Z"}'] * 2000)
        records.stop_when(lambda: True)


def test_stopped_analysis_raises_error() -> None:
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        analyze(StoppedSource(), LOGO_TEST, [Users("purchase")])
