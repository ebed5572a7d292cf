"""The command that hands its words to another module: `spool`."""

import io
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from typing import Final

import click

from .options import examples

_AS_THEY_ARE: Final = {"ignore_unknown_options": True, "allow_interspersed_args": False}

Program = Callable[[list[str]], int]


class _Delegated(click.Command):
    """A command whose options are those of another program, which its help shows, too."""

    program: Program | None = None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of the other program, as its own help tells them."""
        super().format_options(ctx, formatter)
        assert self.program is not None  # noqa: S101  (set below)
        text = io.StringIO()
        with redirect_stdout(text), suppress(SystemExit):
            self.program(["--help"])
        usage_and_more = text.getvalue().split("\n\n", 1)
        formatter.write_paragraph()
        formatter.write(usage_and_more[-1].rstrip() + "\n")


@click.command(
    cls=_Delegated,
    context_settings=_AS_THEY_ARE,
    options_metavar="[OPTIONS] SPOOL [VERB]",
    epilog=examples(
        "statsig-api spool events.db",
        "statsig-api spool events.db export | jq .event",
        "statsig-api spool events.db drain --timeout 300",
    ),
)
@click.argument("words", nargs=-1, type=click.Path(), metavar="")
def spool(words: tuple[str, ...]) -> int:
    """Look after the spool of an event logger: list, export, requeue, discard, drain."""
    return _spool([*words])


def _spool(words: list[str]) -> int:
    from ..events.__main__ import main  # noqa: PLC0415  (imports SQLite)

    return main(words, name="statsig-api spool")


spool.program = _spool
