"""Command-line options derived from a class of options."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Container
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import attrs
import click


def derived_options(
    options: type[attrs.AttrsInstance], exclude: Container[str] = ()
) -> list[click.Option]:
    """Return a command-line option for each field of a class.

    Names, defaults and help texts come from the fields and their docstrings.

    Args:
        options: The class.
        exclude: Fields without a command-line option.
    """
    docstrings = attribute_docstrings(options)
    return [
        _option(field, docstrings.get(field.name, ""))
        for field in attrs.fields(options)
        if field.name not in exclude
    ]


def attribute_docstrings(cls: type) -> dict[str, str]:
    """Return the docstrings of the attributes of a class; an empty dict without source code."""
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except OSError:
        return {}
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, following in zip(definition.body, definition.body[1:], strict=False):
        match statement, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = inspect.cleandoc(text).replace("\n", " ")
            case _:
                continue
    return found


def add_help(command: click.Command) -> None:
    """Add help texts from the source code where Python has removed docstrings (`-OO`)."""
    if command.help is None and command.callback is not None:
        command.help = _function_docstring(command.callback)
    if isinstance(command, click.Group):
        for subcommand in command.commands.values():
            add_help(subcommand)


def _function_docstring(function: Callable[..., object]) -> str | None:
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        return None
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.FunctionDef)
    return ast.get_docstring(definition)


def _option(field: "attrs.Attribute[Any]", docstring: str) -> click.Option:
    name = f"--{field.name.replace('_', '-')}"
    if field.type is bool:
        names = f"{name}/--no-{name[2:]}" if field.default else name
        return click.Option([names], is_flag=True, default=field.default, help=docstring)
    kind, metavar = _type(field.type)
    return click.Option(
        [name],
        type=kind,
        default=field.default,
        show_default=field.default is not None,
        metavar=metavar,
        help=docstring,
    )


def _type(annotation: Any) -> "tuple[click.ParamType[Any], str | None]":  # generic since click 8.4
    """Return the type of a command-line option, and the name of its argument."""
    is_literal = get_origin(annotation) is Literal
    types = (
        {annotation} if is_literal else set(get_args(annotation) or (annotation,)) - {type(None)}
    )
    if literal := next((one for one in types if get_origin(one) is Literal), None):
        return click.Choice(get_args(literal)), None
    if Path in types:
        return click.Path(), "FILE"
    if types == {int}:
        return click.IntRange(1), "N"
    return click.FloatRange(0, min_open=True), "N"
