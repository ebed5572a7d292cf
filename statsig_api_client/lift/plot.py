"""Plots of reports, with matplotlib."""

# The types of matplotlib's keyword arguments are unknown.
# pyright: reportUnknownMemberType=false

from pathlib import Path
from typing import TYPE_CHECKING, Final

from .errors import LiftError
from .results import LiftReport, LiftResult
from .text import displayed_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


_MAX_LINES: Final = 3
"""Results whose cumulative lift is drawn; the bands of more would cover each other."""


def plot_report(report: LiftReport) -> "Figure":
    """Return a figure with the interval of each result and, by day, the cumulative lift.

    Raises:
        LiftError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise LiftError("plots need matplotlib: pip install matplotlib") from None
    columns = 2 if report.days else 1
    height = max(2.2, 1.2 + 0.5 * len(report.results))
    figure = Figure(figsize=(6.4 * columns, max(height, 3.2 * (columns - 1))), layout="constrained")
    _plot_intervals(report, figure.add_subplot(1, columns, 1))
    if report.days:
        _plot_days(report, figure.add_subplot(1, columns, 2))
    return figure


def save_plot(report: LiftReport, file: str | Path) -> None:
    """Write the figure of a report; the format follows from the name of the file.

    Raises:
        LiftError: matplotlib is not installed, or the file cannot be written.
    """
    figure = plot_report(report)
    try:
        figure.savefig(file, dpi=150)
    except (OSError, ValueError) as error:
        raise LiftError(f"{file}: cannot be written: {error}") from None


def _plot_intervals(report: LiftReport, axes: "Axes") -> None:
    axes.axvline(0, color="0.6", linewidth=1)
    for position, result in enumerate(reversed(report.results)):
        point, low, high = _percentages(result)
        if point is None:
            continue
        color = "tab:blue" if result.is_significant else "0.4"
        if low is not None and high is not None:
            axes.plot([low, high], [position, position], color=color, linewidth=2)
        axes.plot([point], [position], "o", color=color)
    axes.set_yticks(
        range(len(report.results)), [_label(report, result) for result in reversed(report.results)]
    )
    axes.set_ylim(-0.6, len(report.results) - 0.4)
    axes.set_xlabel("lift, %")
    axes.set_title(f"{report.experiment.name}: {(1 - report.options.alpha) * 100:.3g}% intervals")


def _plot_days(report: LiftReport, axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    axes.axhline(0, color="0.6", linewidth=1)
    for number, first in enumerate(report.results[:_MAX_LINES]):
        days: list[float] = []
        points: list[float] = []
        lows: list[float] = []
        highs: list[float] = []
        for day, daily in enumerate(report.days, 1):
            point, low, high = _percentages(daily.results[number])
            if point is not None and low is not None and high is not None:
                days.append(day)
                points.append(point)
                lows.append(low)
                highs.append(high)
        (line,) = axes.plot(days, points, marker=".", label=_label(report, first))
        axes.fill_between(days, lows, highs, color=line.get_color(), alpha=0.15)
    axes.set_ylim(*_visible_range(report))
    axes.set_xlabel("day")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("cumulative lift, %")
    axes.legend(loc="best", fontsize="small")
    axes.set_title("by day")


def _visible_range(report: LiftReport) -> tuple[float, float]:
    """Return the range of the intervals of the second half; those of the first days are wide."""
    later = report.days[len(report.days) // 2 :]
    bounds = [
        bound
        for day in later
        for result in day.results[:_MAX_LINES]
        for bound in _percentages(result)
        if bound is not None
    ]
    low, high = min([0.0, *bounds]), max([0.0, *bounds])
    margin = (high - low) / 2 or 1.0
    return low - margin, high + margin


def _percentages(result: LiftResult) -> tuple[float | None, float | None, float | None]:
    difference, interval = result.difference, displayed_interval(result)
    if difference is None or difference.relative_delta is None:
        return None, None, None
    point = difference.relative_delta * 100
    if interval is None:
        return point, None, None
    low = None if interval.low is None else interval.low * 100
    return point, low, None if interval.high is None else interval.high * 100


def _label(report: LiftReport, result: LiftResult) -> str:
    if len(report.experiment.test_groups) == 1:
        return result.metric
    return f"{result.metric}, {result.group}"
