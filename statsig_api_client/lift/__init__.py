"""Lift: exposures and events become the result of an experiment.

    from statsig_api_client.lift import Experiment, LocalDatabase, Users, analyze

    experiment = Experiment.from_project("project.yaml", "logo_test")
    print(analyze(LocalDatabase("events.db"), experiment, [Users("purchase")]))

The formulas are those that Statsig documents. See `docs/lift.md`. It needs the extra `lift`.
"""

try:
    from .analysis import Source, analyze
    from .corrections import (
        BenjaminiHochberg,
        Bonferroni,
        benjamini_hochberg_alpha,
        bonferroni_alpha,
    )
    from .errors import LiftError
    from .experiment import Experiment
    from .export import (
        PulseSummaryRow,
        StatsigExport,
        export_metric,
        read_pulse_summary,
    )
    from .health import Account, Health, SampleRatio, sample_ratio
    from .metrics import (
        EventCount,
        Mean,
        Metric,
        Ratio,
        Sum,
        Users,
        Where,
        parse_metric,
    )
    from .moments import Moments, moments_of
    from .options import LiftOptions
    from .plot import plot_report, save_plot
    from .power import SampleSize, detectable_effect, sample_size
    from .results import DailyResults, LiftReport, LiftResult
    from .sources import EventFiles, LocalDatabase, LocalServerEvents
    from .spark import SparkEvents, SparkTables
    from .statistics import (
        Difference,
        Estimate,
        Interval,
        compare,
        compare_to_value,
        estimate_mean,
        estimate_ratio,
        topline_impact,
    )
    from .tables import DuckDBEvents, DuckDBTables
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        f"lift needs {_missing.name}: pip install 'statsig-api-client[lift]'",
        name=_missing.name,
    ) from None

__all__ = [
    "Account",
    "BenjaminiHochberg",
    "Bonferroni",
    "DailyResults",
    "Difference",
    "DuckDBEvents",
    "DuckDBTables",
    "Estimate",
    "EventCount",
    "EventFiles",
    "Experiment",
    "Health",
    "Interval",
    "LiftError",
    "LiftOptions",
    "LiftReport",
    "LiftResult",
    "LocalDatabase",
    "LocalServerEvents",
    "Mean",
    "Metric",
    "Moments",
    "PulseSummaryRow",
    "Ratio",
    "SampleRatio",
    "SampleSize",
    "Source",
    "SparkEvents",
    "SparkTables",
    "StatsigExport",
    "Sum",
    "Users",
    "Where",
    "analyze",
    "benjamini_hochberg_alpha",
    "bonferroni_alpha",
    "compare",
    "compare_to_value",
    "detectable_effect",
    "estimate_mean",
    "estimate_ratio",
    "export_metric",
    "moments_of",
    "parse_metric",
    "plot_report",
    "read_pulse_summary",
    "sample_ratio",
    "sample_size",
    "save_plot",
    "topline_impact",
]
