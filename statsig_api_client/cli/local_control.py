"""Commands that inspect and control a running local server."""

import json
import sys
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

import click

from .._runtime.parsers import JsonObject, JsonValue
from .exit_codes import ExitCode
from .local_connection import local_control, url_option
from .local_events import events, exposures
from .options import combine, examples, json_option, parse_pair
from .output import print_json, print_table

if TYPE_CHECKING:
    from ..local import InjectedFault, LocalOverride
    from ..local.config_specs.overrides import OverrideKind

_KINDS = ("gate", "config", "experiment", "layer")

_unit_options = combine(
    click.option("--user-id", metavar="ID", help="Apply only to this user."),
    click.option(
        "--unit-id", metavar="TYPE=ID", help="Apply only to this unit, such as companyID=acme."
    ),
)
_output_options = combine(json_option, url_option)


class _Unit(TypedDict):
    user_id: str | None
    unit_id: str | None


class _Output(TypedDict):
    as_json: bool
    url: str | None


@click.group(
    epilog=examples(
        "statsig-api local overrides set gate new_checkout pass --user-id 42",
        "statsig-api local overrides set experiment logo_test Square",
        "statsig-api local exposures new_checkout --follow",
        "statsig-api local faults add --status 429 --retry-after 1 --times 3",
        "statsig-api local reset",
    )
)
def local() -> None:
    """Inspect and control a running local server."""


local.add_command(exposures)
local.add_command(events)

# ---- Overrides ----


@local.group("overrides", invoke_without_command=True)
@_output_options
@click.pass_context
def overrides(context: click.Context, **given: Unpack[_Output]) -> int:
    """Print, set or remove overrides."""
    if context.invoked_subcommand is None:
        with local_control(given["url"]) as control:
            _print_overrides(control.overrides(), as_json=given["as_json"])
    return ExitCode.OK


class _SetArguments(_Unit):
    kind: "OverrideKind"
    name: str
    value: str
    url: str | None


@overrides.command(
    "set",
    epilog=examples(
        "statsig-api local overrides set gate new_checkout fail",
        "statsig-api local overrides set experiment logo_test Square --unit-id companyID=acme",
        'statsig-api local overrides set config homepage \'{"headline": "Hi"}\' --user-id 42',
    ),
)
@click.argument("kind", type=click.Choice(_KINDS))
@click.argument("name")
@click.argument("value")
@_unit_options
@url_option
def set_override(**given: Unpack[_SetArguments]) -> int:
    """Override an entity for all users, or for one unit.

    VALUE is pass or fail for a gate, the group or a JSON object for an experiment, and a JSON
    object for a config or layer.
    """
    kind, name, text = given["kind"], given["name"], given["value"]
    unit = _unit(given)
    with local_control(given["url"]) as control:
        if kind == "gate":
            if text not in {"pass", "fail"}:
                raise click.UsageError(f"VALUE: expected pass or fail, got {text!r}")
            control.override_gate(name, text == "pass", unit_id=unit)
        elif kind == "experiment" and not text.lstrip().startswith("{"):
            control.override_experiment(name, group=text, unit_id=unit)
        elif kind == "experiment":
            control.override_experiment(name, _parameters(text), unit_id=unit)
        elif kind == "config":
            control.override_config(name, _parameters(text), unit_id=unit)
        else:
            control.override_layer(name, _parameters(text), unit_id=unit)
    return ExitCode.OK


class _RemoveArguments(_Unit):
    kind: "OverrideKind | None"
    name: str | None
    url: str | None


@overrides.command("remove")
@click.argument("kind", type=click.Choice(_KINDS), required=False)
@click.argument("name", required=False)
@_unit_options
@url_option
def remove_overrides(**given: Unpack[_RemoveArguments]) -> int:
    """Remove all overrides, or those of an entity or for a unit."""
    with local_control(given["url"]) as control:
        control.remove_overrides(given["kind"], given["name"], unit_id=_unit(given))
    return ExitCode.OK


def _unit(given: _Unit) -> tuple[str, str] | None:
    if given["user_id"] is not None and given["unit_id"] is not None:
        raise click.UsageError("expected at most one of --user-id and --unit-id")
    if given["user_id"] is not None:
        return "userID", given["user_id"]
    return None if given["unit_id"] is None else parse_pair("--unit-id", given["unit_id"])


def _parameters(text: str) -> JsonObject:
    try:
        value = cast("object", json.loads(text))
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"VALUE: expected a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise click.UsageError(f"VALUE: expected a JSON object, got {text!r}")
    return cast("JsonObject", value)


def _print_overrides(found: "list[LocalOverride]", *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        for each in found:
            unit: JsonValue = None
            if each.unit_id is not None:
                unit = dict(zip(("type", "id"), each.unit_id, strict=True))
            result = {"value": each.value, "group": each.group, "unit": unit}
            print_json({"kind": each.kind, "name": each.name, **result})
        return
    rows = [
        (
            each.kind,
            each.name,
            "everyone" if each.unit_id is None else " ".join(each.unit_id),
            each.group or _value_text(each.value),
        )
        for each in found
    ]
    print_table(("kind", "name", "for", "value"), rows)


def _value_text(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "pass" if value else "fail"
    return "" if value is None else json.dumps(value, ensure_ascii=False)


# ---- Faults ----


@local.group("faults", invoke_without_command=True)
@_output_options
@click.pass_context
def faults(context: click.Context, **given: Unpack[_Output]) -> int:
    """Print, add or remove faults."""
    if context.invoked_subcommand is None:
        with local_control(given["url"]) as control:
            _print_faults(control.faults(), as_json=given["as_json"])
    return ExitCode.OK


class _FaultArguments(TypedDict):
    status: int | None
    retry_after: float | None
    delay: float | None
    drop: bool
    garbage: bool
    call: tuple[str, ...]
    times: int
    forever: bool
    url: str | None


@faults.command(
    "add",
    epilog=examples(
        "statsig-api local faults add --status 503",
        "statsig-api local faults add --delay 2 --call check_gate --forever",
        "statsig-api local faults add --drop --times 3",
    ),
)
@click.option("--status", type=click.IntRange(200, 599), help="Status of the response.")
@click.option(
    "--retry-after",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Header Retry-After; the status is 503 by default.",
)
@click.option(
    "--delay",
    type=click.FloatRange(0, 600),
    metavar="SECONDS",
    help="Delay of the response. Without a status, the real response follows.",
)
@click.option("--drop", is_flag=True, help="Close the connection without a response.")
@click.option("--garbage", is_flag=True, help="Respond with a body that is not JSON.")
@click.option("--call", multiple=True, metavar="CALL", help="Apply only to this call. Repeatable.")
@click.option(
    "--times",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="NUMBER",
    help="Number of calls that fail.",
)
@click.option("--forever", is_flag=True, help="Fail all calls until the fault is removed.")
@url_option
def add_fault(**given: Unpack[_FaultArguments]) -> int:
    """Inject a fault into the next calls; by default, status 503."""
    if given["drop"] + given["garbage"] + (given["status"] is not None) > 1:
        raise click.UsageError("expected at most one of --status, --drop and --garbage")
    status = given["status"]
    if status is None and (given["delay"] is None or given["retry_after"] is not None):
        status = 503
    with local_control(given["url"]) as control:
        control.fail_next(
            times=None if given["forever"] else given["times"],
            call=given["call"] or None,
            status=status,
            retry_after=given["retry_after"],
            delay=given["delay"],
            drop=given["drop"],
            garbage=given["garbage"],
        )
    return ExitCode.OK


@faults.command("remove")
@url_option
def remove_faults(*, url: str | None) -> int:
    """Remove all faults."""
    with local_control(url) as control:
        control.remove_faults()
    return ExitCode.OK


def _print_faults(found: "list[InjectedFault]", *, as_json: bool) -> None:
    if as_json or not sys.stdout.isatty():
        for each in found:
            print_json(
                {
                    "calls": None if each.calls is None else [*sorted(each.calls)],
                    "times": each.times,
                    "status": each.status,
                    "retry_after": each.retry_after,
                    "delay": each.delay,
                    "drop": each.drop,
                    "garbage": each.garbage,
                }
            )
        return
    rows = [
        (
            "all" if each.calls is None else ", ".join(sorted(each.calls)),
            _effect(each),
            "until removed" if each.times is None else str(each.times),
        )
        for each in found
    ]
    print_table(("calls", "effect", "left"), rows)


def _effect(fault: "InjectedFault") -> str:
    texts = [f"delayed by {fault.delay / 1000:g} s"] if fault.delay else []
    if fault.drop:
        texts.append("connection dropped")
    elif fault.garbage:
        texts.append("body that is not JSON")
    elif fault.status is not None:
        texts.append(f"status {fault.status}")
    if fault.retry_after is not None:
        texts.append(f"retry after {fault.retry_after:g} s")
    return ", ".join(texts)


# ---- Reset ----


@local.command()
@click.option("--recorded", is_flag=True, help="Discard recorded events and exposures.")
@click.option("--overrides", is_flag=True, help="Remove all overrides.")
@click.option("--faults", is_flag=True, help="Remove all faults.")
@url_option
def reset(*, recorded: bool, overrides: bool, faults: bool, url: str | None) -> int:
    """Discard recorded events, overrides and faults, or only those selected by options."""
    everything = not (recorded or overrides or faults)
    with local_control(url) as control:
        control.reset(
            recorded=recorded or everything,
            overrides=overrides or everything,
            faults=faults or everything,
        )
    return ExitCode.OK
