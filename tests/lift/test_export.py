"""Exports of Statsig, made from their documented columns."""

import csv
import random
import statistics
from datetime import date, timedelta
from pathlib import Path

import pytest

from statsig_api_client.lift import (
    Experiment,
    LiftError,
    LiftOptions,
    StatsigExport,
    Users,
    analyze,
    export_metric,
    read_pulse_summary,
)
from tests.lift.records import LOGO_TEST, event, source

FIRST = date(2025, 12, 1)
EXPOSURE_COLUMNS = (
    *("unit_id", "name", "rule", "experiment_group", "first_exposure_utc"),
    *("first_exposure_pst_date", "as_of_pst_date", "user_dimensions"),
)
METRIC_COLUMNS = (
    *("pst_ds", "unit_id", "metric_type", "metric_name", "metric_dimension", "metric_value"),
    *("numerator", "denominator"),
)
SUMMARY_COLUMNS = (
    *("name", "rule", "experiment_group", "metric_type", "metric_name", "metric_dimension"),
    *("start_date", "end_date", "units", "mean", "stderr"),
)


def write(file: Path, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> Path:
    with file.open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerows([columns, *rows])
    return file


@pytest.fixture
def export(tmp_path: Path) -> tuple[StatsigExport, Path]:
    """An export of 120 units over five days, and its Pulse Summary."""
    chance = random.Random(8)
    exposures: list[tuple[object, ...]] = []
    metrics: list[tuple[object, ...]] = []
    counts: dict[str, list[float]] = {"Control": [], "Square": []}
    ratios: dict[str, list[tuple[float, float]]] = {"Control": [], "Square": []}
    for number in range(120):
        unit, group = f"u{number}", "Control" if number % 2 else "Square"
        day = FIRST + timedelta(chance.randrange(3))
        # In the evening of UTC-8, which is the next day of UTC.
        moment = f"{day + timedelta(1)} 03:00:00"
        exposures.append((unit, "logo_test", "", group, moment, day, "2025-12-06", "{}"))
        total = clicks = views = 0
        while day < FIRST + timedelta(5):
            count, seen = chance.randrange(4), chance.randrange(1, 5)
            clicked = chance.randrange(seen + 1)
            total, clicks, views = total + count, clicks + clicked, views + seen
            for dimension, value in (("!statsig_topline", count), ("mobile", 99)):
                metrics.append((day, unit, "event_count", "purchase", dimension, value, "", ""))
            metrics.append(
                (day, unit, "ratio", "ctr", "!statsig_topline", clicked / seen, clicked, seen)
            )
            day += timedelta(1)
        counts[group].append(total)
        ratios[group].append((clicks, views))
    summary: list[tuple[object, ...]] = []
    for group, values in counts.items():
        error = statistics.stdev(values) / len(values) ** 0.5
        head = ("logo_test", "", group)
        dates = ("2025-12-01", "2025-12-05")
        kind = ("event_count", "purchase", "!statsig_topline")
        summary.append((*head, *kind, *dates, len(values), statistics.mean(values), error))
        pairs = ratios[group]
        ratio = sum(x for x, _ in pairs) / sum(y for _, y in pairs)
        mean = statistics.mean(y for _, y in pairs)
        error = statistics.stdev([(x - ratio * y) / mean for x, y in pairs]) / len(pairs) ** 0.5
        kind = ("ratio", "ctr", "!statsig_topline")
        summary.append((*head, *kind, *dates, len(pairs), ratio, error))
    return StatsigExport(
        write(tmp_path / "logo_test_first_exposures.csv", EXPOSURE_COLUMNS, exposures),
        write(tmp_path / "logo_test_user_metrics.csv", METRIC_COLUMNS, metrics),
    ), write(tmp_path / "logo_test_pulse_summary.csv", SUMMARY_COLUMNS, summary)


@pytest.mark.parametrize("id_type", ["userID", "companyID"])
def test_recomputed_results_equal_pulse_summary(
    export: tuple[StatsigExport, Path], id_type: str
) -> None:
    files, summary = export
    experiment = Experiment(name="logo_test", groups={"Control": 50, "Square": 50}, id_type=id_type)
    metrics = [
        export_metric("purchase", "event_count"),
        export_metric("ctr", "ratio", is_ratio=True),
    ]
    report = analyze(files, experiment, metrics, LiftOptions(join="date"))
    assert report.health.account.before_exposure == 0
    rows = read_pulse_summary(summary)
    assert len(rows) == 4
    for row in rows:
        (result,) = [one for one in report.results if one.metric.startswith(row.metric_name)]
        estimate = result.control if row.experiment_group == "Control" else result.test
        assert estimate is not None
        assert estimate.units == row.units
        assert estimate.mean == pytest.approx(row.mean, rel=1e-12)
        assert estimate.standard_error == pytest.approx(row.standard_error, rel=1e-10)


def test_exposures_are_combined_with_events(
    export: tuple[StatsigExport, Path], tmp_path: Path
) -> None:
    exposures = StatsigExport(export[0].first_exposures)
    events = source(tmp_path, [event("u1", time=1_764_950_000_000)])
    report = analyze([exposures, events], LOGO_TEST, [Users("purchase")])
    assert report.health.account.events == 1


def test_export_without_column_is_reported(tmp_path: Path) -> None:
    file = write(tmp_path / "exposures.csv", ("unit_id", "name"), [])
    with pytest.raises(LiftError, match=r"exposures\.csv: the mapping names columns that do not"):
        analyze(StatsigExport(file), LOGO_TEST, [Users("purchase")])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        pytest.param([SUMMARY_COLUMNS[:-1]], "missing columns stderr", id="column"),
        pytest.param([], "missing columns experiment_group", id="empty"),
        pytest.param([SUMMARY_COLUMNS, ("x",) * 11], "cannot be read: could not", id="number"),
        pytest.param([SUMMARY_COLUMNS, ("x",)], "cannot be read: ", id="short row"),
    ],
)
def test_damaged_summary_is_reported(
    tmp_path: Path, rows: list[tuple[str, ...]], message: str
) -> None:
    file = tmp_path / "summary.csv"
    file.write_text("".join(",".join(row) + "\n" for row in rows))
    with pytest.raises(LiftError, match=message):
        read_pulse_summary(file)


def test_absent_summary_is_reported(tmp_path: Path) -> None:
    with pytest.raises(LiftError, match="cannot be read"):
        read_pulse_summary(tmp_path / "absent.csv")
