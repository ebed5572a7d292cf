"""Command that logs one event."""

import json
import sys
from typing import Unpack, cast

import click

from .._timestamps import parse_timestamp
from .exit_codes import ExitCode
from .options import (
    ConnectionOptions,
    UserOptions,
    connection_options,
    examples,
    json_option,
    make_client,
    make_user,
    parse_pair,
    user_options,
)
from .output import print_json


class LogEventOptions(UserOptions, ConnectionOptions):
    """Values of the options for users and connections."""


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
    metavar="NUMBER|STRING",
    help="Value to sum or to group by. A number is sent as such, unless it is a JSON string in "
    "double quotes.",
)
@click.option(
    "--metadata", multiple=True, metavar="KEY=VALUE", help="Detail, such as sku=A1. Repeatable."
)
@click.option(
    "--time",
    metavar="TIME",
    help="Time of the event: milliseconds since 1970, or RFC 3339.  [default: now]",
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
    """Log one event. Use import-events for files of events."""
    user = make_user(given)
    details = dict(parse_pair("--metadata", argument) for argument in metadata)
    milliseconds = None if time is None else _parse_time(time)
    with make_client(given) as statsig:
        result = statsig.log_event(
            user, event_name, _parse_value(value), details or None, milliseconds
        )
    if as_json or not sys.stdout.isatty():
        print_json(result.to_dict())
    else:
        click.echo(f"Statsig accepted {event_name}.")
    return ExitCode.OK


def _parse_time(argument: str) -> int:
    """Parse milliseconds since 1970, or a time with a zone."""
    if argument.isdecimal():
        return int(argument)
    try:
        moment = parse_timestamp(argument)
    except ValueError as error:
        raise _invalid_time(str(error)) from None
    if moment.tzinfo is None:
        raise _invalid_time(f"{argument!r} has no zone")
    return round(moment.timestamp() * 1000)


def _invalid_time(reason: str) -> click.UsageError:
    return click.UsageError(
        f"--time: {reason}; pass milliseconds since 1970, or a time with its zone such as "
        "2026-01-31T12:00:00Z"
    )


def _parse_value(argument: str | None) -> str | float | None:
    """Parse a number or a JSON string; return any other string unchanged."""
    try:
        value = cast("object", json.loads(argument or ""))
    except ValueError:
        return argument
    is_value = isinstance(value, str | int | float) and not isinstance(value, bool)
    return cast("str | float", value) if is_value else argument
