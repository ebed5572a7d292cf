"""Exports of Statsig: the files of a Raw Data report, and the Pulse Summary to compare with."""

import csv
from pathlib import Path
from typing import Final

from attrs import frozen

from .errors import LiftError
from .experiment import Experiment
from .metrics import Ratio, Sum, Where
from .sources import RecordTable, export_files

TOPLINE: Final = "!statsig_topline"
"""The dimension of the metric as a whole."""


@frozen
class StatsigExport:
    """The files of a Raw Data report of Statsig. It needs the extra `bulk`.

    Metrics of the export are read with `export_metric`. An analysis must join by date, since the
    values are those of days.

    Args:
        first_exposures: The file `<experiment>_first_exposures.csv`.
        user_metrics: The file `<experiment>_user_metrics.csv`; None to combine the exposures with
            events of another source.
    """

    first_exposures: str | Path
    user_metrics: str | Path | None = None

    def load(self, records: RecordTable, experiment: Experiment) -> None:
        """Add the exposures and the values of the metrics.

        Raises:
            LiftError: A file cannot be read, or lacks a column.
        """
        for files in export_files(self.first_exposures, self.user_metrics, experiment):
            files.load(records, experiment)


def export_metric(
    name: str, metric_type: str, *, is_ratio: bool = False, winsorize: float | None = None
) -> Sum | Ratio:
    """Return the metric for a name and a type of the column `metric_type` of an export.

    Args:
        name: The name of the metric.
        metric_type: Its type.
        is_ratio: Whether it has a numerator and a denominator.
        winsorize: The percentile of non-zero unit values to which higher ones are set.
    """
    where = (Where("metric_type", "=", metric_type), Where("metric_dimension", "=", TOPLINE))
    if is_ratio:
        return Ratio(
            Sum(name, "numerator", where=where, winsorize=winsorize),
            Sum(name, "denominator", where=where, winsorize=winsorize),
        )
    return Sum(name, where=where, winsorize=winsorize)


@frozen(kw_only=True)
class PulseSummaryRow:
    """A row of `<experiment>_pulse_summary.csv`: a metric of one group."""

    experiment_group: str
    metric_type: str
    metric_name: str
    metric_dimension: str
    units: int
    mean: float
    standard_error: float


def read_pulse_summary(file: str | Path) -> list[PulseSummaryRow]:
    """Read the Pulse Summary of an experiment.

    Raises:
        LiftError: The file cannot be read, lacks a column, or a cell is not a number.
    """
    strings = ("experiment_group", "metric_type", "metric_name", "metric_dimension")
    try:
        with Path(file).open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            columns = set(reader.fieldnames or ())
            if missing := {*strings, "units", "mean", "stderr"} - columns:
                raise LiftError(f"{file}: missing columns {', '.join(sorted(missing))}")
            return [
                PulseSummaryRow(
                    **{name: row[name] for name in strings},
                    units=int(float(row["units"])),
                    mean=float(row["mean"]),
                    standard_error=float(row["stderr"]),
                )
                for row in reader
            ]
    except (OSError, TypeError, ValueError, csv.Error) as error:
        raise LiftError(f"{file}: cannot be read: {error}") from None
