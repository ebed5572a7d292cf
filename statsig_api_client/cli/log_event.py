"""The command that logs one event."""

import json
import sys
import warnings
from datetime import datetime
from typing import Unpack, cast

import click

from .._errors import EventWarning
from .connection import ConnectionOptions, client, connection_options
from .exits import Exit
from .help import examples, json_option
from .output import print_json
from .users import UserOptions, pair, user_of, user_options


class LogEventOptions(UserOptions, ConnectionOptions):
    """What the options of users and connections give this command."""


@click.command(
    epilog=examples(
        "statsig-api log-event purchase --user-id 42 --value 9.99 --metadata sku=A1",
        "statsig-api log-event signup --user-id 42 --time 2026-01-31T12:00:00Z",
        "statsig-api log-event deployment --custom-id serviceID=web --value '\"1.10\"'",
    )
)
@click.argument("event_name")
@click.option(
    "--value",
    metavar="NUMBER|TEXT",
    help="What metrics add up or count by. What reads as a number is one, unless it is a JSON "
    "string, in double quotes.",
)
@click.option(
    "--metadata", multiple=True, metavar="KEY=TEXT", help="A detail, such as sku=A1. Repeatable."
)
@click.option(
    "--time",
    metavar="TIME",
    help="When it happened: milliseconds since 1970, or RFC 3339.  [default: now]",
)
@user_options
@json_option
@connection_options
def log_event(
    event_name: str,
    *,
    value: str | None,
    metadata: tuple[str, ...],
    time: str | None,
    as_json: bool,
    **given: Unpack[LogEventOptions],
) -> int:
    """Log one event. For files of events there is import-events."""
    user = user_of(given)
    details = dict(pair("--metadata", word) for word in metadata)
    when = None if time is None else _milliseconds(time)
    with client(given) as statsig, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EventWarning)
        result = statsig.log_event(user, event_name, _value(value), details or None, when)
    for warning in caught:
        click.echo(f"warning: {warning.message}", err=True)
    if as_json or not sys.stdout.isatty():
        print_json(result.to_dict())
    else:
        click.echo(f"Statsig accepted {event_name}.")
    return Exit.OK


def _milliseconds(word: str) -> int:
    """A moment: milliseconds as they are, or text that names a zone."""
    if word.isdecimal():
        return int(word)
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise click.UsageError(
            f"--time: expected milliseconds since 1970, or a time with its zone such as "
            f"2026-01-31T12:00:00Z, got {word!r}"
        )
    return round(moment.timestamp() * 1000)


def _value(word: str | None) -> str | float | None:
    """A number, a JSON string, or any other text as it is."""
    try:
        value = cast("object", json.loads(word or ""))
    except ValueError:
        return word
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else word
