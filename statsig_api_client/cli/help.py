"""Parts of the help that all commands have."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import click

C = TypeVar("C", bound=Callable[..., object])


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


class Options(Protocol):
    """A decorator that gives options to a command."""

    def __call__(self, command: C, /) -> C:
        """Give the options."""
        ...


def options(*decorators: Options) -> Options:
    """Several options as one decorator, in the order in which the help shows them."""

    def decorate(command: C) -> C:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


json_option: Options = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON on a terminal, too: one line per result."
)
