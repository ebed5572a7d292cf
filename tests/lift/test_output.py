"""Reports as tables, HTML, JSON and plots."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.lift import (
    EventCount,
    Experiment,
    LiftError,
    LiftOptions,
    LiftReport,
    Mean,
    Metric,
    Users,
    analyze,
    plot_report,
    save_plot,
)
from tests.lift.records import DAY, T0, event, exposure, groups, source

PNG = b"\x89PNG"


def report(directory: Path, options: LiftOptions | None = None, planned: int = 1) -> LiftReport:
    """Return a report on 200 units, half of whom are exposed on the second day."""
    experiment = Experiment(
        name="logo_test", groups={"Control": 50, "Square": 50}, planned_units=planned
    )
    records: list[dict[str, Any]] = []
    for number in range(200):
        unit, day = f"u{number}", T0 + DAY * (number // 2 % 2)
        records.append(exposure(unit, "Control" if number % 2 else "Square", day))
        if number % 10 in {0, 2, 3, 4}:
            records.append(event(unit, time=day + 1, value=number % 7))
    metrics: list[Metric] = [Users("purchase"), Mean("purchase"), EventCount("search")]
    return analyze(source(directory, records), experiment, metrics, options)


def test_table_shows_intervals(tmp_path: Path) -> None:
    lines = str(report(tmp_path)).splitlines()
    assert lines[0] == "logo_test: 100 Control, 100 Square; control group Control"
    assert lines[2].split() == [
        *("metric", "group", "units", "mean", "control", "lift", "p", "-405%", "+405%")
    ]
    assert lines[3].startswith("purchase:users  Square    100    0.6      0.2  +200.0% (+105.7% to")
    assert " * " in lines[3]
    assert "●" in lines[3]
    assert "│" in lines[3]
    assert "─●─" in lines[4]
    assert lines[5].split() == ["search:count", "Square", "100", "0", "0", "-", "-"]
    assert lines[7] == "95% intervals, fixed horizon, fieller; * significant"
    assert "warning: metric: no events named 'search'; there are purchase" in lines
    assert lines[-1] == "280 records: 200 exposures, 80 events"


def test_table_of_running_experiment_is_sequential(tmp_path: Path) -> None:
    found = report(tmp_path, planned=10_000)
    assert "95% intervals, sequential (mSPRT), fieller" in str(found)


@pytest.mark.parametrize(("side", "bound"), [("greater", "to ∞)"), ("less", "(-∞ to")])
def test_one_sided_table_is_unbounded(tmp_path: Path, side: Any, bound: str) -> None:
    found = report(tmp_path, LiftOptions(side=side, by_day=True))
    assert bound in str(found)
    save_plot(found, tmp_path / "lift.png")


def test_table_without_interval_shows_point(tmp_path: Path) -> None:
    records = groups([[1], [], []], [[1], [1], []])
    experiment = Experiment(name="logo_test", groups={"Control": 1, "Square": 1}, planned_units=1)
    found = analyze(source(tmp_path, records), experiment, [Users("purchase")])
    assert "+100.0%  0.52" in str(found)
    plot_report(found)


def test_notebook_shows_html(tmp_path: Path) -> None:
    html = report(tmp_path)._repr_html_()
    assert html.startswith("<p>logo_test: 100 Control")
    assert "<td>purchase:users</td><td>Square</td><td>100</td><td>0.6</td>" in html
    assert repr(report(tmp_path)) == str(report(tmp_path))


def test_json_has_columns_of_pulse_summary(tmp_path: Path) -> None:
    found = json.loads(json.dumps(report(tmp_path).to_dict(), allow_nan=False))
    first = found["results"][0]
    assert first["test_mean"] == pytest.approx(0.6)
    assert first["abs_delta"] / first["abs_stderr"] == first["z_score"]
    assert first["rel_interval"][0] < first["rel_delta"] < first["rel_interval"][1]
    assert found["results"][2]["z_score"] is None
    assert found["health"]["sample_ratio"] == {"chi_squared": 0.0, "p_value": 1.0, "level": "ok"}
    assert found["health"]["account"]["events"] == 80


@pytest.mark.parametrize("by_day", [False, True])
def test_plot_is_image(tmp_path: Path, *, by_day: bool) -> None:
    file = tmp_path / "lift.png"
    save_plot(report(tmp_path, LiftOptions(by_day=by_day)), file)
    assert file.read_bytes().startswith(PNG)


def test_plot_names_groups(tmp_path: Path) -> None:
    experiment = Experiment(name="logo_test", groups={"A": 1, "B": 1, "C": 1})
    records = [exposure(f"{group}{n}", group) for group in "ABC" for n in range(3)]
    found = analyze(source(tmp_path, records), experiment, [Users("purchase")])
    (axes,) = plot_report(found).axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["purchase:users, C", "purchase:users, B"]


def test_plot_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    for name in ("absent/lift.png", "lift.xyz"):
        with pytest.raises(LiftError, match="cannot be written"):
            save_plot(report(tmp_path), tmp_path / name)


def test_plot_without_matplotlib_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(LiftError, match="plots need matplotlib: pip install matplotlib"):
        plot_report(report(tmp_path))
