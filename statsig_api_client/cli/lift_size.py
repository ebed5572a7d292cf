"""Command that computes the size of an experiment."""

import sys
from typing import TYPE_CHECKING, TypedDict, Unpack

import attrs
import click

from .exit_codes import ExitCode
from .extras import require_extra
from .lift_errors import problems_as_messages
from .options import examples, json_option
from .output import print_json

if TYPE_CHECKING:
    from ..lift.statistics import Side


class _SizeOptions(TypedDict):
    deviation: float | None
    alpha: float
    power: float
    side: "Side"
    test_groups: int
    control_share: float | None
    units_per_day: float | None


@click.command(
    epilog=examples(
        "statsig-api lift size --baseline 0.12 --effect 5% --units-per-day 2000",
        "statsig-api lift size --baseline 31.2 --deviation 80 --effect 1.5 --absolute",
    )
)
@click.option(
    "--baseline",
    type=float,
    required=True,
    metavar="MEAN",
    help="Mean of the control group, such as the share of users who purchase.",
)
@click.option(
    "--effect",
    required=True,
    metavar="EFFECT",
    help="Smallest effect to detect, relative to the baseline: 5% or 0.05.",
)
@click.option("--absolute", is_flag=True, help="The effect is a difference of means.")
@click.option(
    "--deviation",
    type=float,
    metavar="S",
    help="Standard deviation of the values of units; not for a share of users.",
)
@click.option("--alpha", type=float, default=0.05, show_default=True, help="Significance level.")
@click.option("--power", type=float, default=0.8, show_default=True, help="Probability to detect.")
@click.option(
    "--side",
    type=click.Choice(["two", "greater", "less"]),
    default="two",
    show_default=True,
    help="Alternative.",
)
@click.option(
    "--test-groups", type=click.IntRange(1), default=1, show_default=True, help="Test groups."
)
@click.option(
    "--control-share",
    type=float,
    metavar="SHARE",
    help="Share of units in the control group.  [default: equal groups]",
)
@click.option("--units-per-day", type=float, metavar="N", help="New units per day, in all groups.")
@json_option
def size(
    *, baseline: float, effect: str, absolute: bool, as_json: bool, **given: Unpack[_SizeOptions]
) -> int:
    """Compute how many units, and days, an experiment needs to detect an effect."""
    require_extra("lift", "lift", "lift")
    from ..lift import sample_size

    with problems_as_messages():
        found = sample_size(baseline, _fraction(effect), relative=not absolute, **given)
    if as_json or not sys.stdout.isatty():
        print_json(attrs.asdict(found))
        return ExitCode.OK
    click.echo(f"{found.control_units:,} units in the control group")
    click.echo(f"{found.test_units:,} units in each test group")
    days = "" if found.days is None else f", {found.days:,} days"
    click.echo(f"{found.units:,} units in all{days}")
    alpha = f"alpha {given['alpha']:g} ({given['side']}-sided)"
    click.echo(f"{found.method}, {alpha}, power {given['power']:g}")
    return ExitCode.OK


def _fraction(text: str) -> float:
    try:
        return float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise click.UsageError(f"--effect: expected 5% or 0.05, got {text!r}") from None
