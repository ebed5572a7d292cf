"""The command that imports files of events."""

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypedDict, Unpack

import attrs
import click

from .._errors import ConfigurationError, StatsigError
from .derived_options import derived_options
from .exit_codes import ExitCode, exit_code_for
from .extras import require_extra
from .options import (
    ConnectionOptions,
    OptionDecorator,
    combine,
    connection_options,
    examples,
    json_option,
    make_client,
)
from .output import make_console, print_error

if TYPE_CHECKING:
    from ..bulk import (
        DryRunResult,
        EventMapping,
        ImportProgress,
        ImportSummary,
        RejectionReason,
    )
    from ..bulk.mapping.times import TimeUnit

_LOG_EVERY: Final = 5.0
_NOT_ON_COMMAND_LINE: Final = ("mapping", "on_progress", "stop")

mapping_options: OptionDecorator = combine(
    click.option(
        "--map",
        "fields",
        multiple=True,
        metavar="FIELD=COLUMN,…",
        help="Mapping of columns to event fields, separated by commas: eventName=event,"
        "user.userID=uid,time=ts,metadata.*=*. FIELD:=CONSTANT sets a constant: eventName:=sale. "
        "Quote names and constants with a comma in double quotes. Repeatable. By default, events "
        "have the format of the HTTP API.",
    ),
    click.option(
        "--map-file", type=click.Path(), metavar="FILE", help="Mapping in YAML: fields, time."
    ),
    click.option(
        "--time-unit",
        type=click.Choice(["s", "ms", "us", "ns"]),
        help="Unit of numeric times.",
    ),
    click.option(
        "--time-zone",
        metavar="ZONE",
        help="Zone of times without one: UTC, +02:00, Europe/Berlin.",
    ),
)


class MappingOptions(TypedDict):
    """Values of `mapping_options`."""

    fields: tuple[str, ...]
    map_file: str | None
    time_unit: "TimeUnit | None"
    time_zone: str | None


class _CommandOptions(MappingOptions, ConnectionOptions):
    restart: bool


class _ImportCommand(click.Command):
    """A command with the options of `ImportOptions`, which are loaded on use."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return all parameters; import options follow those of the mapping.

        Raises:
            ConfigurationError: The extra is not installed.
        """
        require_extra("import-events", "bulk", "bulk")
        from ..bulk import ImportOptions

        own = super().get_params(ctx)
        names = [parameter.name for parameter in own]
        index = names.index("time_zone") + 1
        return [*own[:index], *derived_options(ImportOptions, _NOT_ON_COMMAND_LINE), *own[index:]]


@click.command(
    cls=_ImportCommand,
    epilog=examples(
        "statsig-api import-events events.jsonl.gz",
        "statsig-api import-events 'events/*.jsonl' --dry-run",
        "statsig-api import-events sales.csv --map eventName:=sale,user.userID=uid,time=at \\",
        "    --time-zone UTC --delimiter semicolon",
        "statsig-api import-events sales.parquet \\",
        "    --map eventName=event,user.userID=uid,time=ts,value=amount,'metadata.*=*' \\",
        "    --time-unit s --max-rate 5000",
        "zcat events.gz | statsig-api import-events -",
    ),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(), metavar="FILE…")
@click.option("--dry-run", is_flag=True, help="Read and check the input without sending it.")
@mapping_options
@json_option
@connection_options
def import_events(
    files: tuple[str, ...], *, dry_run: bool, as_json: bool, **given: Unpack[_CommandOptions]
) -> int:
    """Send files of past events: JSON lines, CSV or Parquet, optionally compressed.

    Every line is accounted for. After Ctrl-C, a crash or an outage, the same command resumes the
    import. Undelivered events are written to a file of dead letters.
    """
    from ..bulk import ImportOptions, ImportStoppedError, dry_run_import
    from ..bulk import import_events as run

    names = [field.name for field in attrs.fields(ImportOptions)]
    chosen: dict[str, Any] = {name: value for name, value in given.items() if name in names}
    options = ImportOptions(mapping=make_mapping(given), **chosen)
    if dry_run:
        found = dry_run_import([*files], options, environment=given["environment"])
        _show_dry_run(found, as_json=as_json)
        return ExitCode.INCOMPLETE_IMPORT if found.invalid else ExitCode.OK
    with make_client(given) as statsig, _stopping() as stop, _progress() as show:
        options = attrs.evolve(options, stop=stop, on_progress=show)
        try:
            summary, problem = run(statsig, [*files], options), None
        except ImportStoppedError as error:
            summary, problem = error.summary, error
    _show_summary(summary, as_json=as_json)
    if problem is not None:
        hint = _how_to_resume(problem, files, restart=given["restart"])
        print_error(f"{problem}; {hint}")
    if stop.interrupted and summary.stopped:
        return ExitCode.INTERRUPTED
    if problem is not None:
        cause, nothing_done = problem.__cause__, not (summary.delivered or summary.skipped)
        if nothing_done and isinstance(cause, StatsigError):
            return exit_code_for(cause)
        return ExitCode.INCOMPLETE_IMPORT
    return ExitCode.OK if summary.complete else ExitCode.INCOMPLETE_IMPORT


def _how_to_resume(problem: Exception, files: tuple[str, ...], *, restart: bool) -> str:
    if "-" in files:
        return "standard input cannot be resumed; send the rest of it again"
    command = "the same command without --restart" if restart else "the same command"
    if isinstance(problem.__cause__, ConfigurationError):
        command = f"after a repair, {command}{' and' if restart else ''} with --force"
    return f"{command} resumes the import"


def make_mapping(given: MappingOptions) -> "EventMapping | None":
    """Return the mapping of the given options, or None.

    Raises:
        click.UsageError: Two options cannot be combined, or one requires another.
    """
    from ..bulk import TimeFormat, read_mapping, read_mapping_file

    times = TimeFormat(given["time_unit"], given["time_zone"])
    if given["map_file"] is not None:
        if given["fields"]:
            raise click.UsageError("--map and --map-file cannot be combined")
        return read_mapping_file(given["map_file"], times)
    if given["fields"]:
        return read_mapping(given["fields"], times)
    if given["time_unit"] or given["time_zone"]:
        raise click.UsageError("--time-unit and --time-zone require --map")
    return None


class _Stop(threading.Event):
    """An event that is set at the end of an import, or earlier by a signal."""

    interrupted = False


@contextmanager
def _stopping() -> Generator[_Stop]:
    """Yield an event that Ctrl-C sets; a second Ctrl-C raises immediately."""
    stop = _Stop()

    def interrupt(*_: object) -> None:
        if stop.interrupted:
            raise KeyboardInterrupt
        stop.interrupted = True  # first, since a second signal may arrive in this handler
        stop.set()
        click.echo("stopping after the requests in progress", err=True)

    before = {name: signal.signal(name, interrupt) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@contextmanager
def _progress() -> "Generator[Callable[[ImportProgress], None]]":
    """Yield a function that draws a bar on a terminal, and prints lines elsewhere."""
    logging.getLogger("statsig_api_client").addHandler(logging.NullHandler())
    if not sys.stderr.isatty():
        last = time.monotonic()

        def print_line(progress: "ImportProgress") -> None:
            nonlocal last
            if time.monotonic() - last >= _LOG_EVERY:
                last = time.monotonic()
                click.echo(_line(progress), err=True)

        yield print_line
        return
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"))
    with Progress(*columns, console=make_console(sys.stderr)) as bar:
        task = bar.add_task("", total=None)

        def draw(progress: "ImportProgress") -> None:
            bar.update(
                task,
                total=progress.bytes_total,
                completed=progress.bytes_read,
                description=_line(progress),
            )

        yield draw


def _line(progress: "ImportProgress") -> str:
    summary, left = progress.summary, progress.seconds_left
    of_total = f" of {progress.bytes_total / 1e6:,.1f}" if progress.bytes_total else ""
    return (
        f"{summary.delivered:,} delivered, {summary.rejected + summary.ambiguous:,} not, "
        f"{progress.bytes_read / 1e6:,.1f}{of_total} MB, "
        f"{summary.delivered / max(summary.seconds, 0.001):,.0f} events/s"
        + ("" if left is None else f", {left:,.0f} s left")
    )


def _show_summary(summary: "ImportSummary", *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(attrs.asdict(summary), default=str))
        return
    for name in ("read", "delivered", "rejected", "ambiguous", "blank", "skipped", "unsent"):
        click.echo(f"{name:12}{getattr(summary, name):15,}")
    click.echo(
        f"{summary.retried:,} retried, of which {summary.resent:,} may be counted twice; "
        f"{summary.bytes_sent / 1e6:,.1f} MB in {summary.seconds:,.1f} s"
    )
    _show_reasons(summary.reasons)
    if summary.dead_letters is not None:
        click.echo(f"dead letters: {summary.dead_letters}")


def _show_reasons(reasons: "tuple[RejectionReason, ...]") -> None:
    for one in reasons:
        click.echo(str(one))


def _show_dry_run(found: "DryRunResult", *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(attrs.asdict(found)))
        return
    click.echo(
        f"{found.read:,} lines: {found.valid:,} valid, {found.invalid:,} invalid, "
        f"{found.blank:,} blank"
    )
    for error in found.errors:
        click.echo(f"  {error}")
    if found.invalid > len(found.errors):
        _show_reasons(found.reasons)
    click.echo(
        f"{found.requests:,} requests of {found.bytes / 1e6:,.1f} MB, "
        f"{found.compressed_bytes / 1e6:,.1f} MB compressed, at least {found.seconds:,.1f} s"
    )
