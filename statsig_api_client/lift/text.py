"""Reports as tables, in plain text and in HTML."""

from html import escape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .results import LiftReport, LiftResult
    from .statistics import Interval

_CHART: Final = 31
"""Characters of the chart of an interval."""
_HEADER: Final = ("metric", "group", "units", "mean", "control", "lift", "p", "")


def report_text(report: "LiftReport", *, width: int = _CHART) -> str:
    """Return a report as a table with a chart of the intervals.

    Args:
        report: The report.
        width: The number of characters of the chart.
    """
    results = report.results
    limit = _limit(results)
    header = (*_HEADER, f"{-limit:+.0%}".ljust(width - 5) + f"{limit:+.0%}".rjust(5))
    rows = [header, *((*_cells(one), _chart(one, limit, width)) for one in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = [f"{report.experiment.name}: {_summary(report)}", ""]
    for row in rows:
        cells = [
            cell.rjust(size) if 1 < column < len(widths) - 2 else cell.ljust(size)
            for column, (cell, size) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    lines += ["", *_footnotes(report)]
    return "\n".join(lines)


def report_html(report: "LiftReport") -> str:
    """Return a report as an HTML table for notebooks."""
    header = "".join(f"<th>{escape(name)}</th>" for name in (*_HEADER[:-1], "significant"))
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell or 'no')}</td>" for cell in _cells(one)) + "</tr>"
        for one in report.results
    )
    notes = "<br>".join(map(escape, _footnotes(report)))
    title = escape(f"{report.experiment.name}: {_summary(report)}")
    return f"<p>{title}</p><table><tr>{header}</tr>{body}</table><p>{notes}</p>"


def _summary(report: "LiftReport") -> str:
    groups = ", ".join(f"{units:,} {name}" for name, units in report.health.units.items())
    return f"{groups}; control group {report.experiment.control}"


def _cells(result: "LiftResult") -> tuple[str, ...]:
    test, control, difference = result.test, result.control, result.difference
    interval = displayed_interval(result)
    lift = "-"
    if difference is not None and difference.relative_delta is not None:
        lift = f"{difference.relative_delta:+.1%}"
        if interval is not None:
            lift += f" ({_bound(interval.low, '-∞')} to {_bound(interval.high, '∞')})"
    p_value = None
    if difference is not None:
        is_complete = result.is_complete
        p_value = difference.p_value if is_complete else difference.sequential_p_value
    return (
        result.metric,
        result.group,
        "0" if test is None else f"{test.units:,}",
        "-" if test is None else f"{test.mean:.4g}",
        "-" if control is None else f"{control.mean:.4g}",
        lift,
        "-" if p_value is None else f"{p_value:.2g}",
        "*" if result.is_significant else "",
    )


def displayed_interval(result: "LiftResult") -> "Interval | None":
    """Return the relative interval that decides: the sequential one until the planned size."""
    if result.difference is None:
        return None
    if result.is_complete:
        return result.difference.relative_interval
    return result.difference.sequential_relative_interval


def _bound(value: float | None, unbounded: str) -> str:
    return unbounded if value is None else f"{value:+.1%}"


def _limit(results: "Sequence[LiftResult]") -> float:
    bounds = [
        abs(bound)
        for result in results
        if (interval := displayed_interval(result)) is not None
        for bound in (interval.low, interval.high)
        if bound is not None
    ]
    return min(max([0.01, *bounds]), 10.0)


def _chart(result: "LiftResult", limit: float, width: int) -> str:
    interval = displayed_interval(result)
    difference = result.difference
    if interval is None or difference is None or difference.relative_delta is None:
        return ""

    def column(value: float) -> int:
        inside = min(max(value, -limit), limit)
        return round((inside / limit + 1) / 2 * (width - 1))

    low = column(-limit if interval.low is None else interval.low)
    high = column(limit if interval.high is None else interval.high)
    cells = ["─" if low <= position <= high else " " for position in range(width)]
    cells[column(0.0)] = "┼" if low <= column(0.0) <= high else "│"
    cells[column(difference.relative_delta)] = "●"
    return "".join(cells)


def _footnotes(report: "LiftReport") -> list[str]:
    options, results = report.options, report.results
    is_complete = all(one.is_complete for one in results)
    method = "fixed horizon" if is_complete else "sequential (mSPRT)"
    lines = [
        f"{(1 - options.alpha) * 100:.3g}% intervals, {method}, {options.relative}; * significant"
    ]
    if any(one.cuped for one in results):
        lines.append("variance reduced with CUPED")
    for one in results:
        lines += [f"{one.metric}, {one.group}: {note}" for note in one.notes]
    lines += [f"warning: {warning}" for warning in report.health.warnings]
    counts = report.health.account.to_dict()
    fates = ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in counts.items() if n)
    lines.append(f"{report.health.read:,} records: {fates}")
    return lines
