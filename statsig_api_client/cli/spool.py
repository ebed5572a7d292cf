"""Commands for the spool of an event logger."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import click

from .._client import Statsig
from .._errors import ConfigurationError, StatsigError
from .._runtime.parsers import JsonValue
from .exit_codes import ExitCode
from .options import examples, key_option, option_names, read_key
from .output import print_error, print_json

if TYPE_CHECKING:
    from ..events.queue.dead_letters import SpooledEvent
    from ..events.queue.maintenance import SpoolMaintenance

_FAILED: Final = 1
_COUNTS: Final = ("accepted", "delivered", "rejected", "ambiguous", "dropped", "pending")
_EFFORT: Final = re.compile(r" from \S+ after \d+ attempts? in \S+ s")
"""Matches the part in which otherwise equal errors differ."""

_file = click.argument("file", type=click.Path(path_type=Path))


class _SpoolGroup(click.Group):
    """A group whose commands exit with 1 if the spool cannot be used."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return cast("object", super().invoke(ctx))
        except ConfigurationError:
            raise
        except StatsigError as error:
            print_error(str(error))
            return _FAILED


@click.group(
    cls=_SpoolGroup,
    epilog=examples(
        "statsig-api spool list events.db",
        "statsig-api spool export events.db | jq .event",
        "statsig-api spool drain events.db --timeout 300",
    ),
)
def spool() -> None:
    """Inspect, repair and drain the spool of an event logger.

    FILE is the logger's option `spool`. Loggers may use it at the same time.
    """


@spool.command("list")
@_file
def list_(file: Path) -> int:
    """Print the counts of a spool, and the reasons for its dead letters."""
    with _open(file) as maintenance:
        stats, children = maintenance.stats(), maintenance.children()
        reasons = Counter[str]()
        for (state, why), events in maintenance.reasons().items():
            reasons[f"{state}: {_EFFORT.sub('', why)}"] += events
    for name in _COUNTS:
        click.echo(f"{name:10} {getattr(stats, name):10,}")
    click.echo(f"{'bytes':10} {stats.spooled_bytes:10,}")
    if stats.pending:
        click.echo(f"the oldest pending event was logged {stats.oldest_age:,.0f} s ago")
    for reason, events in reasons.most_common():
        click.echo(f"{events:,} {reason}")
    for child in children:
        click.echo(f"{child.name} was left by a forked process; drain moves its events")
    return ExitCode.OK


@spool.command()
@_file
def export(file: Path) -> int:
    """Print pending events and dead letters as JSON lines."""
    with _open(file) as maintenance:
        for event in maintenance.events():
            print_json(_line(event))
    return ExitCode.OK


def _line(event: "SpooledEvent") -> dict[str, JsonValue]:
    return {
        "state": event.state,
        "why": event.why or None,
        "logged": event.logged,
        "event": cast("JsonValue", json.loads(event.event)),
    }


@spool.command()
@_file
def retry(file: Path) -> int:
    """Make the dead letters of a spool pending again."""
    with _open(file) as maintenance:
        click.echo(f"{maintenance.retry():,} dead letters are pending again")
    return ExitCode.OK


@spool.command()
@_file
def discard(file: Path) -> int:
    """Delete the dead letters of a spool."""
    with _open(file) as maintenance:
        click.echo(f"{maintenance.discard():,} dead letters are deleted")
    return ExitCode.OK


@spool.command()
@_file
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Maximum duration. Events that a process was sending when it died can be resent "
    "about 20 seconds after its death.",
)
@key_option
def drain(file: Path, timeout: float, api_key_file: str | None) -> int:
    """Send the pending events of a spool.

    The API key is read from STATSIG_API_KEY or --api-key-file, the server from STATSIG_BASE_URL.
    """
    with _open(file):  # a logger would make a new spool
        pass
    with option_names():
        client = Statsig(read_key(api_key_file))
    with client as statsig:
        events = statsig.events(spool=file)
        try:
            result = events.flush(timeout)
        finally:
            events.close(0)
    click.echo(
        f"{result.delivered:,} delivered, {result.rejected:,} rejected, {result.pending:,} pending"
    )
    return _FAILED if result.pending else ExitCode.OK


def _open(file: Path) -> "SpoolMaintenance":
    from ..events.queue.maintenance import SpoolMaintenance

    return SpoolMaintenance(file)
