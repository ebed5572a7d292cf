"""Command-line options derived from a class of options."""

from typing import Literal

import attrs
import click

from statsig_api_client.cli.derived_options import (
    add_help,
    attribute_docstrings,
    derived_options,
)


@attrs.frozen
class Example:
    """Options."""

    quick: bool = False
    """Skip checks."""
    checked: bool = True
    mode: Literal["a", "b"] | None = None
    """Mode; by default
    none."""
    size: int = 8
    ratio: float | None = None
    internal: object = None


def test_options_follow_fields() -> None:
    options = {option.name: option for option in derived_options(Example, ("internal",))}
    assert list(options) == ["quick", "checked", "mode", "size", "ratio"]
    assert options["quick"].help == "Skip checks."
    assert options["checked"].secondary_opts == ["--no-checked"]
    assert options["mode"].help == "Mode; by default none."
    assert isinstance(options["mode"].type, click.Choice)
    assert isinstance(options["size"].type, click.IntRange)
    assert (options["size"].default, options["ratio"].default) == (8, None)


def test_class_without_source_has_no_docstrings() -> None:
    assert attribute_docstrings(attrs.make_class("NoSource", ["size"])) == {}


def test_help_is_read_from_source() -> None:
    def callback() -> None:
        """Say nothing.

        At all.
        """

    group = click.Group("g", commands={"a": click.Command("a", callback=callback)})
    group.add_command(click.Command("b", callback=print))
    group.add_command(click.Command("c", callback=callback, help="Other."))
    add_help(group)
    assert [group.commands[name].help for name in "abc"] == [
        "Say nothing.\n\nAt all.",
        None,
        "Other.",
    ]
