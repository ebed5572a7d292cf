"""Command `explain`: evaluations for a user, with the deciding conditions."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

import click

from .._runtime.parsers import JsonValue
from ..generated import StatsigEnvironment, StatsigUser
from .exit_codes import ExitCode
from .extras import require_extra
from .local_connection import local_control, url_option
from .options import UserOptions, examples, json_option, make_user, parse_user, user_options
from .output import print_json, print_table

if TYPE_CHECKING:
    from ..local import EntityExplanation, LocalControl

_KINDS = ("gate", "config", "experiment", "layer", "segment", "holdout")


class ExplainOptions(TypedDict):
    """Values of the other options of `explain`."""

    project: Path | None
    kind: str | None
    name: tuple[str, ...]
    environment: str | None
    compare: str | None
    everything: bool
    url: str | None
    as_json: bool


class _Arguments(UserOptions, ExplainOptions):
    """Values of all options."""


@click.command(
    epilog=examples(
        "statsig-api explain --user-id 42 --country NO",
        "statsig-api explain --project project.yaml --user user.json --kind gate",
        'statsig-api explain --user-id 42 --compare \'{"userID": "43"}\'',
        "statsig-api explain --user-id 42 | jq -r 'select(.value == true) | .name'",
    )
)
@click.option(
    "--project",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Project file or config specs to evaluate, instead of a running local server.",
)
@click.option("--kind", type=click.Choice(_KINDS), help="Show only entities of this kind.")
@click.option("--name", multiple=True, metavar="NAME", help="Show only this entity. Repeatable.")
@click.option("--environment", metavar="TIER", help="Environment of the user.")
@click.option(
    "--compare",
    metavar="USER",
    help="Print only differences to a second user: a JSON object, or a file with one.",
)
@click.option("--all", "everything", is_flag=True, help="With --compare, print all entities.")
@user_options
@json_option
@url_option
def explain(**given: Unpack[_Arguments]) -> int:
    """Explain evaluations for a user: each entity with value, rule and deciding condition.

    The entities are those of a running local server, or of --project. Statsig's own core
    evaluates them; no exposures are recorded.
    """
    user = _in_environment(make_user(given), given["environment"])
    other = None if given["compare"] is None else _second_user(given["compare"])
    as_json = given["as_json"] or not sys.stdout.isatty()
    with _control(given) as control:
        first = _explanations(control, user, given)
        second = None if other is None else _explanations(control, other, given)
    if second is None:
        _print_one(first, as_json=as_json)
    else:
        pairs = list(zip(first, second, strict=True))
        differing = [pair for pair in pairs if given["everything"] or _differ(*pair)]
        _print_pairs(differing, as_json=as_json)
    return ExitCode.OK


def _in_environment(user: StatsigUser, tier: str | None) -> StatsigUser:
    if tier is None:
        return user
    return user.__replace__(statsig_environment=StatsigEnvironment(tier=tier))


def _second_user(argument: str) -> StatsigUser:
    text = argument
    if not argument.lstrip().startswith("{"):
        try:
            text = Path(argument).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise click.UsageError(
                f"--compare: expected a JSON object or a file: {error}"
            ) from None
    try:
        fields = cast("object", json.loads(text))
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"--compare: not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise click.UsageError("--compare: expected one JSON object")
    return parse_user(cast("dict[str, JsonValue]", fields))


@contextmanager
def _control(given: ExplainOptions) -> Generator["LocalControl"]:
    project = given["project"]
    if project is None:
        with local_control(given["url"]) as control:
            yield control
        return
    require_extra("explain", "local", "local")
    from ..local import LocalServer, ProjectError

    try:
        with LocalServer(project) as server:
            yield server
    except ProjectError as error:
        raise click.ClickException(str(error)) from None


def _explanations(
    control: "LocalControl", user: StatsigUser, given: ExplainOptions
) -> list["EntityExplanation"]:
    found = [
        each
        for each in control.explain(user)
        if given["kind"] in {None, each.kind} and (not given["name"] or each.name in given["name"])
    ]
    if missing := set(given["name"]) - {each.name for each in found}:
        raise click.UsageError(f"--name: the project has no entity {', '.join(sorted(missing))}")
    return found


def _differ(first: "EntityExplanation", second: "EntityExplanation") -> bool:
    return first.value != second.value


def _print_one(explanations: list["EntityExplanation"], *, as_json: bool) -> None:
    if as_json:
        for each in explanations:
            print_json({"kind": each.kind, "name": each.name, **_result(each)})
        return
    print_table(
        ("kind", "name", "value", "rule", "why"),
        [(each.kind, each.name, _value(each), _rule(each), each.why) for each in explanations],
    )


def _print_pairs(
    pairs: list[tuple["EntityExplanation", "EntityExplanation"]], *, as_json: bool
) -> None:
    if as_json:
        for first, second in pairs:
            results: dict[str, JsonValue] = {"first": _result(first), "second": _result(second)}
            print_json({"kind": first.kind, "name": first.name, **results})
        return
    if not pairs:
        click.echo("Both users get the same results.")
        return
    print_table(
        ("kind", "name", "first user", "why", "second user", "why"),
        [(a.kind, a.name, _value(a), a.why, _value(b), b.why) for a, b in pairs],
    )


def _result(explanation: "EntityExplanation") -> dict[str, JsonValue]:
    return {
        "value": explanation.value,
        "rule_id": explanation.rule_id,
        "group": explanation.group,
        "experiment": explanation.experiment,
        "reason": explanation.reason,
        "why": explanation.why,
    }


def _rule(explanation: "EntityExplanation") -> str:
    name = explanation.group or explanation.rule_id
    return f"{explanation.experiment}: {name}" if explanation.experiment else name


def _value(explanation: "EntityExplanation") -> str:
    value = explanation.value
    if isinstance(value, bool):
        return "pass" if value else "fail"
    return json.dumps(value, ensure_ascii=False)
