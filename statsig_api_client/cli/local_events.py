"""Commands that print the recorded events and exposures of a running local server."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

import click
from attrs import field, frozen

from .._runtime.parsers import JsonObject, JsonValue
from .exit_codes import ExitCode
from .local_connection import local_control, url_option
from .options import combine, examples, json_option
from .output import print_json

if TYPE_CHECKING:
    from ..local import LocalControl, RecordedEvent
    from ..local.inspection import ExposureKind

_recorded_options = combine(
    click.argument("name", required=False),
    click.option("--user-id", metavar="ID", help="Print only those of users with this ID."),
    click.option(
        "-n",
        "--limit",
        type=click.IntRange(min=0),
        default=20,
        show_default=True,
        metavar="NUMBER",
        help="Maximum number to print; the newest are kept.",
    ),
    click.option("--follow", is_flag=True, help="Print new ones as they arrive, until Ctrl-C."),
    json_option,
    url_option,
)


class _RecordedArguments(TypedDict):
    as_json: bool
    url: str | None
    name: str | None
    user_id: str | None
    limit: int
    follow: bool


@frozen
class _Filter:
    """The conditions of the options, for events that arrive later."""

    name: str | None
    user_id: str | None
    kind: "ExposureKind | None"
    exposures: bool = field(kw_only=True)

    def matches(self, event: "RecordedEvent") -> bool:
        """Return whether an event meets the conditions."""
        from ..local import RecordedExposure

        is_exposure = isinstance(event, RecordedExposure)
        name = event.name if isinstance(event, RecordedExposure) else event.event_name
        kind = event.kind if isinstance(event, RecordedExposure) else None
        return (
            is_exposure == self.exposures
            and self.name in {None, name}
            and self.kind in {None, kind}
            and (self.user_id is None or self.user_id in map(str, _user_ids(event)))
        )


@click.command(
    epilog=examples(
        "statsig-api local exposures",
        "statsig-api local exposures new_checkout --user-id 42",
        "statsig-api local exposures --follow | jq .metadata",
    )
)
@click.option(
    "--kind",
    type=click.Choice(("gate", "config", "layer")),
    help="Print only exposures to gates, to configs and experiments, or to layers.",
)
@_recorded_options
def exposures(*, kind: "ExposureKind | None", **given: Unpack[_RecordedArguments]) -> int:
    """Print the exposures that clients or the server logged, oldest first.

    NAME is a gate, config, experiment or layer; by default, all are printed.
    """
    with local_control(given["url"]) as control:
        wanted = _Filter(given["name"], given["user_id"], kind, exposures=True)
        found = control.exposures(
            given["name"],
            kind=kind,
            user_id=given["user_id"],
            order="newest",
            limit=given["limit"],
        )
        _print_recorded(control, found, wanted, given)
    return ExitCode.OK


@click.command(
    epilog=examples(
        "statsig-api local events",
        "statsig-api local events purchase --follow",
    )
)
@_recorded_options
def events(**given: Unpack[_RecordedArguments]) -> int:
    """Print the recorded events without exposures, oldest first.

    NAME is the name of an event; by default, all are printed.
    """
    with local_control(given["url"]) as control:
        wanted = _Filter(given["name"], given["user_id"], None, exposures=False)
        found = control.events(
            given["name"], user_id=given["user_id"], order="newest", limit=given["limit"]
        )
        _print_recorded(control, found, wanted, given)
    return ExitCode.OK


def _print_recorded(
    control: "LocalControl",
    found: Sequence["RecordedEvent"],
    recorded_filter: _Filter,
    given: _RecordedArguments,
) -> None:
    as_json = given["as_json"] or not sys.stdout.isatty()
    for event in reversed(found):
        _print_event(event, as_json=as_json)
    if given["follow"]:
        for event in control.stream(after=found[0].id if found else 0):
            if recorded_filter.matches(event):
                _print_event(event, as_json=as_json)


def _print_event(event: "RecordedEvent", *, as_json: bool) -> None:
    if as_json:
        print_json(cast("JsonObject", event.to_dict()))
        return
    from ..local import RecordedExposure

    time = datetime.fromtimestamp(event.received_time / 1000).astimezone()
    user = ", ".join(str(unit_id) for unit_id in _user_ids(event)) or "no ID"
    if isinstance(event, RecordedExposure):
        result = {"true": "pass", "false": "fail"}.get(event.metadata.get("gateValue", ""), "")
        columns = (event.kind, event.name or "", user, result, event.rule_id or "")
    else:
        metadata = json.dumps(event.metadata, ensure_ascii=False) if event.metadata else ""
        value = "" if event.value is None else str(event.value)
        columns = ("event", event.event_name, user, value, metadata)
    # Without control characters, which could alter the terminal.
    texts = ("".join(c if c.isprintable() else "?" for c in column) for column in columns)
    click.echo("  ".join(filter(None, [f"{time:%H:%M:%S}", *texts])))


def _user_ids(event: "RecordedEvent") -> list[JsonValue]:
    custom_ids = event.user.get("customIDs")
    others = custom_ids.values() if isinstance(custom_ids, dict) else ()
    return [unit_id for unit_id in (event.user.get("userID"), *others) if unit_id]
