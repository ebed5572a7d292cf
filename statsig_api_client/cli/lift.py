"""Command that computes the lift of an experiment, and the group of the lift commands."""

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

import attrs
import click

from .derived_options import derived_options
from .exit_codes import ExitCode
from .extras import require_extra
from .import_events import MappingOptions, make_mapping, mapping_options
from .lift_errors import problems_as_messages
from .lift_size import size
from .options import combine, examples, json_option
from .output import print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..lift import BenjaminiHochberg, Bonferroni, Experiment, LiftReport, Metric
    from ..lift.sources import RecordSource

_NOT_DERIVED: Final = ("environment", "by_day", "correction", "start", "end")

_source_options = combine(
    click.option("--db", metavar="FILE", help="Database of a local server (serve --db FILE)."),
    click.option("--server", metavar="URL", help="A running local server."),
    click.option(
        "--events",
        multiple=True,
        metavar="FILE",
        help="Files of events and exposures: JSON lines, CSV or Parquet. Repeatable.",
    ),
    click.option(
        "--exposures",
        multiple=True,
        metavar="FILE",
        help="Files of exposures, with columns named by --exposure-map. Repeatable.",
    ),
    click.option(
        "--exposure-map",
        metavar="FIELD=COLUMN,…",
        help="Mapping of --exposures: user.userID=uid,metadata.ruleID=variant,time=ts.",
    ),
    click.option(
        "--first-exposures", metavar="FILE", help="First exposures of an export of Statsig."
    ),
    click.option(
        "--user-metrics",
        metavar="FILE",
        help="User metrics of an export of Statsig. Metrics are then NAME:TYPE, or "
        "NAME:TYPE:ratio, by the columns metric_name and metric_type.",
    ),
)

_experiment_options = combine(
    click.option(
        "--project",
        metavar="FILE",
        help="Project file, config specs or URL of a local server with the groups.",
    ),
    click.option(
        "--group",
        "groups",
        multiple=True,
        metavar="NAME[=SHARE]",
        help="A group and its planned share, instead of --project. Repeatable.",
    ),
    click.option(
        "--control", metavar="NAME", help="Control group.  [default: Control, or the first group]"
    ),
    click.option("--id-type", default="userID", show_default=True, metavar="TYPE", help="Unit ID."),
    click.option(
        "--planned-units",
        type=click.IntRange(1),
        metavar="N",
        help="Units after which the interval without correction for peeking decides.",
    ),
)

_metric_options = combine(
    click.option(
        "--metric",
        "metrics",
        multiple=True,
        required=True,
        metavar="EVENT:KIND",
        help="A metric: purchase:count, purchase:users, purchase:sum, purchase:mean:price, "
        "'purchase[sku=A1]:count', purchase:sum/view:count. Repeatable.",
    ),
    click.option(
        "--window", type=float, metavar="DAYS", help="Days after the exposure.  [default: all]"
    ),
    click.option(
        "--winsorize/--no-winsorize",
        default=True,
        show_default=True,
        help="Limit counts and sums to the 99.9th percentile of values that are not zero.",
    ),
)


class _SourceOptions(MappingOptions):
    db: str | None
    server: str | None
    events: tuple[str, ...]
    exposures: tuple[str, ...]
    exposure_map: str | None
    first_exposures: str | None
    user_metrics: str | None


class _ExperimentOptions(TypedDict):
    project: str | None
    groups: tuple[str, ...]
    control: str | None
    id_type: str
    planned_units: int | None


class _MetricOptions(TypedDict):
    metrics: tuple[str, ...]
    window: float | None
    winsorize: bool


class _AnalyzeOptions(_SourceOptions, _ExperimentOptions, _MetricOptions):
    environment: str
    correction: str | None
    start: str | None
    end: str | None


class _LiftGroup(click.Group):
    """A group whose default command analyzes an experiment."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the name of the default command."""
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["analyze", *args]
        return super().parse_args(ctx, args)


class _AnalyzeCommand(click.Command):
    """A command with the options of `LiftOptions`, which are loaded when it is used."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return all parameters; options of the analysis are behind those of metrics.

        Raises:
            ConfigurationError: The extra is not installed.
        """
        require_extra("lift", "lift", "lift")
        from ..lift import LiftOptions

        own = super().get_params(ctx)
        index = [parameter.name for parameter in own].index("winsorize") + 1
        return [*own[:index], *derived_options(LiftOptions, _NOT_DERIVED), *own[index:]]


@click.group(
    cls=_LiftGroup,
    epilog=examples(
        "statsig-api lift logo_test --db events.db --project project.yaml --metric purchase:users",
        "statsig-api lift size --baseline 0.12 --effect 5%",
    ),
)
def lift() -> None:
    """Compute the lift of an experiment, or the size that an experiment needs.

    `lift EXPERIMENT` is short for `lift analyze EXPERIMENT`.
    """


lift.add_command(size)


@lift.command(
    cls=_AnalyzeCommand,
    epilog=examples(
        "statsig-api lift logo_test --server http://127.0.0.1:8765 --metric purchase:users",
        "statsig-api lift logo_test --db events.db --project project.yaml \\",
        "    --metric purchase:sum --metric purchase:sum/view:count --plot lift.png",
        "statsig-api lift logo_test --group Control=50 --group Square=50 --events events.jsonl \\",
        "    --exposures assignments.csv --time-zone UTC --metric purchase:count \\",
        "    --exposure-map user.userID=uid,metadata.ruleID=variant,time=assigned_at",
        "statsig-api lift logo_test --group Control --group Square \\",
        "    --first-exposures first_exposures.csv --user-metrics user_metrics.csv \\",
        "    --metric purchase:event_count",
    ),
)
@click.argument("experiment")
@_metric_options
@click.option(
    "--correction",
    type=click.Choice(["bonferroni", "benjamini-hochberg"]),
    help="Correction of alpha for several test groups (bonferroni) or all comparisons.",
)
@click.option(
    "--environment",
    default="production",
    show_default=True,
    metavar="TIER",
    help="Environment; records without one count as production. `all` for every one.",
)
@click.option("--start", metavar="TIME", help="Earliest time, as 2026-11-01T00:00:00Z.")
@click.option("--end", metavar="TIME", help="Records from this time on are ignored.")
@_source_options
@mapping_options
@_experiment_options
@click.option(
    "--plot", type=click.Path(), metavar="FILE", help="Draw the intervals, and the lift by day."
)
@json_option
def analyze(
    experiment: str, *, plot: str | None, as_json: bool, **given: Unpack[_AnalyzeOptions]
) -> int:
    """Compute the lift of EXPERIMENT by Statsig's documented formulas.

    The difference is significant if its row ends with *. Until --planned-units are exposed, this
    and the interval are valid however often results are read.
    """
    from ..lift import LiftOptions, analyze, save_plot

    with problems_as_messages():
        names = [field.name for field in attrs.fields(LiftOptions)]
        chosen: dict[str, Any] = {name: value for name, value in given.items() if name in names}
        chosen |= {
            "environment": None if given["environment"] == "all" else given["environment"],
            "correction": _correction(given["correction"]),
            "start": _moment("--start", given["start"]),
            "end": _moment("--end", given["end"]),
        }
        if given["user_metrics"] is not None:
            chosen["join"] = "date"
        if plot is not None:
            chosen["by_day"] = True
        report = analyze(
            [*_sources(given, experiment)],
            _experiment(given, experiment),
            [*_metrics(given, is_export=given["user_metrics"] is not None)],
            LiftOptions(**chosen),
        )
        if plot is not None:
            save_plot(report, plot)
    _print_report(report, as_json=as_json)
    return ExitCode.OK


def _sources(given: _SourceOptions, name: str) -> "Iterator[RecordSource]":
    from ..lift import EventFiles, LocalDatabase, LocalServerEvents, StatsigExport

    if given["user_metrics"] is not None and given["first_exposures"] is None:
        raise click.UsageError("--user-metrics needs --first-exposures")
    if (given["exposure_map"] is None) != (not given["exposures"]):
        raise click.UsageError("--exposures and --exposure-map need each other")
    chosen = (given["db"], given["server"], given["events"], given["exposures"])
    if not any((*chosen, given["first_exposures"])):
        raise click.UsageError("expected a source: --db, --server, --events or --first-exposures")
    if given["db"] is not None:
        yield LocalDatabase(given["db"])
    if given["server"] is not None:
        yield LocalServerEvents(given["server"])
    if given["events"]:
        yield EventFiles(given["events"], mapping=make_mapping(given))
    if given["exposures"]:
        yield _exposure_files(given, name)
    if given["first_exposures"] is not None:
        yield StatsigExport(given["first_exposures"], given["user_metrics"])


def _exposure_files(given: _SourceOptions, name: str) -> "RecordSource":
    from ..bulk import Constant, EventMapping, TimeFormat, read_mapping
    from ..lift import EventFiles

    times = TimeFormat(given["time_unit"], given["time_zone"])
    found = read_mapping(["eventName:=statsig::config_exposure", str(given["exposure_map"])], times)
    fields = {"metadata.config": Constant(name), **found.fields}
    return EventFiles(given["exposures"], mapping=EventMapping(fields, times))


def _experiment(given: _AnalyzeOptions, name: str) -> "Experiment":
    from ..lift import Experiment

    planned_units, control = given["planned_units"], given["control"]
    project = given["project"] or given["server"]
    if given["groups"]:
        return Experiment(
            name=name,
            groups=dict(map(_group, given["groups"])),
            id_type=given["id_type"],
            planned_units=planned_units,
        ).with_control(control)
    if project is None:
        raise click.UsageError("expected the groups of the experiment: --project or --group")
    found = Experiment.from_project(project, name, control=control)
    return found.with_planned_units(planned_units)


def _group(argument: str) -> tuple[str, float | None]:
    name, equals, share = argument.rpartition("=")
    if not equals:
        return argument, None
    try:
        return name, float(share)
    except ValueError:
        raise click.UsageError(f"--group: expected NAME or NAME=SHARE, got {argument!r}") from None


def _metrics(given: _MetricOptions, *, is_export: bool) -> "Iterator[Metric]":
    from ..lift import export_metric, parse_metric
    from ..lift.metrics import WINSORIZE

    winsorize = WINSORIZE if given["winsorize"] else None
    for text in given["metrics"]:
        if not is_export:
            yield parse_metric(text, window=given["window"], winsorize=winsorize)
            continue
        is_ratio = text.endswith(":ratio")
        name, colon, kind = text.removesuffix(":ratio").rpartition(":")
        if not (name and colon and kind):
            raise click.UsageError(f"--metric: expected NAME:TYPE, got {text!r}")
        yield export_metric(name, kind, is_ratio=is_ratio, winsorize=winsorize)


def _correction(name: str | None) -> "Bonferroni | BenjaminiHochberg | None":
    from ..lift import BenjaminiHochberg, Bonferroni

    if name is None:
        return None
    return Bonferroni() if name == "bonferroni" else BenjaminiHochberg()


def _moment(option: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"{option}: expected 2026-11-01T00:00:00Z, got {text!r}") from None


def _print_report(report: "LiftReport", *, as_json: bool) -> None:
    if not as_json and sys.stdout.isatty():
        click.echo(str(report))
        return
    for result in report.results:
        print_json(result.to_dict())
    print_json({"health": report.to_dict()["health"]})
