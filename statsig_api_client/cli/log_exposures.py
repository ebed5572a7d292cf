"""Command that logs exposures."""

import json
import sys
from collections.abc import Iterator
from typing import TextIO, Unpack, cast

import click

from .._runtime.parsers import SchemaError
from ..generated import ExperimentExposure, GateExposure
from .exit_codes import ExitCode
from .options import (
    ConnectionOptions,
    InputFile,
    connection_options,
    examples,
    json_option,
    make_client,
)
from .output import print_json


@click.command(
    epilog=examples(
        "statsig-api log-exposures exposures.jsonl",
        """echo '{"experimentName": "logo_test", "group": "Test", "user": {"userID": "42"}}' \\""",
        "    | statsig-api log-exposures -",
    )
)
@click.argument("file", type=InputFile(encoding="utf-8"), metavar="FILE|-")
@json_option
@connection_options
def log_exposures(file: TextIO, *, as_json: bool, **given: Unpack[ConnectionOptions]) -> int:
    """Log exposures from another system, one JSON object per line, in one request.

    Each line has an experimentName or a gateName, the user, and a group or a ruleID, in the API's
    spelling. All lines are checked before any is sent.
    """
    exposures = [*_read_exposures(file)]
    if not exposures:
        raise click.UsageError(f"{file.name}: expected at least one exposure, got none")
    with make_client(given) as statsig:
        result = statsig.log_custom_exposures(exposures)
    if as_json or not sys.stdout.isatty():
        print_json(result.to_dict())
    else:
        click.echo(f"Statsig accepted {len(exposures):,} exposures.")
    return ExitCode.OK


def _read_exposures(file: TextIO) -> Iterator[ExperimentExposure | GateExposure]:
    try:
        lines = file.read().removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").split("\n")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file.name}: not UTF-8: {error}") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = cast("object", json.loads(line))
            model = GateExposure if _is_gate(data) else ExperimentExposure
            yield model.from_dict(data, "exposure")
        except (ValueError, RecursionError) as error:
            reason = error if isinstance(error, SchemaError) else f"not JSON: {error}"
            raise click.UsageError(f"{file.name}:{number}: {reason}") from None


def _is_gate(data: object) -> bool:
    return isinstance(data, dict) and "gateName" in data
