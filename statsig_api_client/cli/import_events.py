"""The command that imports files of events."""

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypedDict, Unpack

import click
from attrs import asdict

from .._errors import ConfigurationError, StatsigError
from .exit_codes import ExitCode, exit_code_for
from .options import (
    ConnectionOptions,
    combine,
    connection_options,
    examples,
    json_option,
    make_client,
)

if TYPE_CHECKING:
    from ..bulk import (
        EventMapping,
        Examination,
        ImportOptions,
        ImportProgress,
        ImportSummary,
    )
    from ..bulk.settings import Format
    from ..bulk.times import Unit

_LOG_EVERY: Final = 5.0

_input_options = combine(
    click.option(
        "--format",
        type=click.Choice(["jsonl", "csv", "parquet"]),
        help="The form of the input, packed or not; else the names of the files tell it.",
    ),
    click.option(
        "--map",
        "fields",
        multiple=True,
        metavar="FIELD=COLUMN,…",
        help="Which column is which field: eventName=event,user.userID=uid,time=ts,metadata.*=*. "
        "FIELD:=TEXT is the same for all. Without it, events are as on the wire.",
    ),
    click.option(
        "--map-file", type=click.Path(), metavar="FILE", help="The same in YAML: fields, time."
    ),
    click.option(
        "--time-unit",
        type=click.Choice(["s", "ms", "us", "ns"]),
        help="The unit of times that are numbers.",
    ),
    click.option(
        "--time-zone",
        metavar="ZONE",
        help="The zone of times that name none: UTC, +02:00, Europe/Berlin.",
    ),
    click.option("--allow-cut", is_flag=True, help="Send what Statsig may cut or drop in part."),
    click.option(
        "--allow-no-time", is_flag=True, help="Send events without a time: they happen on arrival."
    ),
)
_resume_options = combine(
    click.option(
        "--checkpoint",
        type=click.Path(),
        metavar="FILE",
        help="Remembers how far the import is.  [default: beside the first file]",
    ),
    click.option(
        "--dead-letters",
        type=click.Path(),
        metavar="FILE",
        help="Gets what was not delivered, with the reason.  [default: beside the first file]",
    ),
    click.option("--force", is_flag=True, help="Go on although the input has changed."),
    click.option("--restart", is_flag=True, help="Forget the checkpoint, and send everything."),
    click.option(
        "--resend-ambiguous",
        is_flag=True,
        help="Send events again whose reply was lost; they may be counted twice.",
    ),
)
_speed_options = combine(
    click.option(
        "--max-rate",
        type=click.FloatRange(0, min_open=True),
        metavar="N",
        help="The most events per second.",
    ),
    click.option(
        "--max-concurrency",
        type=click.IntRange(1),
        metavar="N",
        default=8,
        show_default=True,
        help="The most requests at once; it begins with one.",
    ),
    click.option(
        "--max-refused",
        type=click.IntRange(1),
        metavar="N",
        default=100,
        show_default=True,
        help="The most events that Statsig may refuse before it has accepted any; then the import "
        "ends.",
    ),
    click.option(
        "--give-up-after",
        type=click.FloatRange(0, min_open=True),
        default=300.0,
        metavar="SECONDS",
        help="How long nothing may succeed before the import ends.  [default: 300]",
    ),
)


class _InputOptions(TypedDict):
    format: "Format | None"
    fields: tuple[str, ...]
    map_file: str | None
    time_unit: "Unit | None"
    time_zone: str | None
    allow_cut: bool
    allow_no_time: bool


class _ImportingOptions(_InputOptions, ConnectionOptions):
    checkpoint: str | None
    dead_letters: str | None
    force: bool
    restart: bool
    resend_ambiguous: bool
    max_rate: float | None
    max_concurrency: int
    max_refused: int
    give_up_after: float


@click.command(
    epilog=examples(
        "statsig-api import-events events.jsonl.gz",
        "statsig-api import-events 'events/*.jsonl' --dry-run",
        "statsig-api import-events sales.csv --map eventName:=purchase,... --time-zone UTC",
        "statsig-api import-events sales.parquet \\",
        "    --map eventName=event,user.userID=uid,time=ts,value=amount,'metadata.*=*' \\",
        "    --time-unit s --max-rate 5000",
        "zcat events.gz | statsig-api import-events -",
    )
)
@click.argument("files", nargs=-1, required=True, type=click.Path(), metavar="FILE…")
@click.option("--dry-run", is_flag=True, help="Read and check everything, and send nothing.")
@_input_options
@_resume_options
@_speed_options
@json_option
@connection_options
def import_events(
    files: tuple[str, ...], *, dry_run: bool, as_json: bool, **given: Unpack[_ImportingOptions]
) -> int:
    """Send files of past events: JSON lines, CSV or Parquet, plain or packed by gzip or zstd.

    Every line is accounted for. After Ctrl-C, a crash or an outage, the same command goes on where
    it was. What was not delivered is in the file of dead letters.
    """
    try:
        from ..bulk import (  # noqa: PLC0415  (an extra)
            ImportStoppedError,
            examine_events,
        )
        from ..bulk import import_events as run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"import-events needs what the extra `bulk` installs ({error.name} is missing): "
            "pip install 'statsig-api-client[bulk]'"
        ) from None
    chosen = _options(given)
    if dry_run:
        found = examine_events([*files], environment=given["environment"], **chosen)
        _show_examination(found, as_json=as_json)
        return ExitCode.INCOMPLETE_IMPORT if found.bad else ExitCode.OK
    with make_client(given) as statsig, _stopping() as stop, _progress() as show:
        chosen["stop"], chosen["on_progress"] = stop, show
        try:
            summary, problem = run(statsig, [*files], **chosen), None
        except ImportStoppedError as error:
            summary, problem = error.summary, error
    _show_summary(summary, as_json=as_json)
    if problem is not None:
        how = _how_to_go_on(problem, files, restart=given["restart"])
        click.echo(f"error: {problem}; {how}", err=True)
        cause, nothing_done = problem.__cause__, not (summary.delivered or summary.skipped)
        if nothing_done and isinstance(cause, StatsigError):
            return exit_code_for(cause)
        return ExitCode.INCOMPLETE_IMPORT
    return ExitCode.OK if summary.complete else ExitCode.INCOMPLETE_IMPORT


def _how_to_go_on(problem: Exception, files: tuple[str, ...], *, restart: bool) -> str:
    if "-" in files:
        return "standard input cannot be gone on with: give what was not sent again"
    again = "the same command without --restart" if restart else "the same command"
    if isinstance(problem.__cause__, ConfigurationError):
        again = f"when that is mended, {again}{' and' if restart else ''} with --force"
    return f"{again} goes on where it was"


def _options(given: _ImportingOptions) -> "ImportOptions":
    return {
        "format": given["format"],
        "mapping": _mapping(given),
        "allow_cut": given["allow_cut"],
        "allow_no_time": given["allow_no_time"],
        "checkpoint": given["checkpoint"],
        "dead_letters": given["dead_letters"],
        "force": given["force"],
        "restart": given["restart"],
        "resend_ambiguous": given["resend_ambiguous"],
        "max_rate": given["max_rate"],
        "max_concurrency": given["max_concurrency"],
        "max_refused": given["max_refused"],
        "give_up_after": given["give_up_after"],
    }


def _mapping(given: _InputOptions) -> "EventMapping | None":
    from ..bulk import Times, read_mapping, read_mapping_file  # noqa: PLC0415

    times = Times(given["time_unit"], given["time_zone"])
    if given["map_file"] is not None:
        if given["fields"]:
            raise click.UsageError("--map and --map-file exclude each other")
        return read_mapping_file(given["map_file"], times)
    if given["fields"]:
        return read_mapping(given["fields"], times)
    if given["time_unit"] or given["time_zone"]:
        raise click.UsageError("--time-unit and --time-zone belong to a mapping: give --map, too")
    return None


@contextmanager
def _stopping() -> Generator[threading.Event]:
    """An event that Ctrl-C sets; a second Ctrl-C does not wait."""
    stop, interrupted = threading.Event(), False

    def asked(*_: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True  # before all else: the second may come while the first is answered
        stop.set()
        click.echo("stopping when what is on its way has come back", err=True)

    before = {name: signal.signal(name, asked) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@contextmanager
def _progress() -> "Generator[Callable[[ImportProgress], None]]":
    """A bar on a terminal, a line every few seconds elsewhere."""
    logging.getLogger("statsig_api_client").addHandler(logging.NullHandler())
    if not sys.stderr.isatty():
        last = time.monotonic()

        def say(progress: "ImportProgress") -> None:
            nonlocal last
            if time.monotonic() - last >= _LOG_EVERY:
                last = time.monotonic()
                click.echo(_line(progress), err=True)

        yield say
        return
    from rich.console import Console  # noqa: PLC0415  (for terminals alone)
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (BarColumn(bar_width=24), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(file=sys.stderr)) as bar:
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
    of_all = f" of {progress.bytes_total / 1e6:,.1f}" if progress.bytes_total else ""
    return (
        f"{summary.delivered:,} delivered, {summary.rejected + summary.ambiguous:,} not, "
        f"{progress.bytes_read / 1e6:,.1f}{of_all} MB, "
        f"{summary.delivered / max(summary.seconds, 0.001):,.0f} events/s"
        + ("" if left is None else f", {left:,.0f} s left")
    )


def _show_summary(summary: "ImportSummary", *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(asdict(summary), default=str))
        return
    for name in ("read", "delivered", "rejected", "ambiguous", "blank", "skipped", "unsent"):
        click.echo(f"{name:12}{getattr(summary, name):15,}")
    click.echo(
        f"{summary.retried:,} sent again, of which {summary.resent:,} may be counted twice; "
        f"{summary.bytes_sent / 1e6:,.1f} MB in {summary.seconds:,.1f} s"
    )
    if summary.dead_letters is not None:
        click.echo(f"not delivered: {summary.dead_letters}")


def _show_examination(found: "Examination", *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        click.echo(json.dumps(asdict(found)))
        return
    click.echo(
        f"{found.read:,} lines: {found.good:,} good, {found.bad:,} bad, {found.blank:,} blank"
    )
    for fault in found.faults:
        click.echo(f"  {fault}")
    click.echo(
        f"{found.requests:,} requests of {found.bytes / 1e6:,.1f} MB, "
        f"{found.compressed_bytes / 1e6:,.1f} MB on the wire, {found.seconds:,.1f} s or more"
    )
