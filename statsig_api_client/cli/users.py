"""The options by which a command is told of a user."""

import json
from collections.abc import Mapping
from typing import TextIO, TypedDict, cast

import click

from .._runtime.parsers import JsonValue, SchemaError
from ..generated import StatsigUser
from .help import Options, options

user_options: Options = options(
    click.option("--user-id", metavar="ID", help="The user's ID."),
    click.option("--email", metavar="ADDRESS", help="The user's e-mail address."),
    click.option(
        "--custom",
        multiple=True,
        metavar="KEY=TEXT",
        help="An attribute, such as plan=pro, or with := any JSON, such as level:=3. Repeatable.",
    ),
    click.option(
        "--custom-id",
        multiple=True,
        metavar="KEY=ID",
        help="The ID of another unit, such as companyID=c1. Repeatable.",
    ),
    click.option(
        "--user",
        "user_file",
        type=click.File(encoding="utf-8"),
        metavar="FILE|-",
        help='A file with the user as the API spells it, {"userID": "42"}; - is standard input. '
        "The options above come on top.",
    ),
)


class UserOptions(TypedDict):
    """What `user_options` give a command."""

    user_id: str | None
    email: str | None
    custom: tuple[str, ...]
    custom_id: tuple[str, ...]
    user_file: TextIO | None


def user_of(given: UserOptions) -> StatsigUser:
    """The user of whom the options tell.

    Raises:
        click.UsageError: They tell of none, or make no sense.
    """
    fields = {} if given["user_file"] is None else _read(given["user_file"])
    if given["user_id"] is not None:
        fields["userID"] = given["user_id"]
    if given["email"] is not None:
        fields["email"] = given["email"]
    _add(fields, "custom", dict(attribute("--custom", word) for word in given["custom"]))
    _add(fields, "customIDs", dict(pair("--custom-id", word) for word in given["custom_id"]))
    if not fields:
        raise click.UsageError("which user? Give --user-id, --custom-id, --email or --user")
    try:
        return StatsigUser.from_dict(fields, "user")
    except SchemaError as error:
        raise click.UsageError(str(error)) from None


def pair(option: str, word: str) -> tuple[str, str]:
    """The key and the text of `key=text`.

    Raises:
        click.UsageError: It has another form.
    """
    key, equals, text = word.partition("=")
    if not key or not equals:
        raise click.UsageError(f"{option}: expected KEY=TEXT, got {word!r}")
    return key, text


def attribute(option: str, word: str) -> tuple[str, JsonValue]:
    """The key and the value of `key=text` or `key:=json`.

    Raises:
        click.UsageError: It has another form.
    """
    key, text = pair(option, word)
    if not key.endswith(":"):
        return key, text
    if key == ":":
        raise click.UsageError(f"{option}: expected KEY:=JSON, got {word!r}")
    try:
        return key[:-1], cast("JsonValue", json.loads(text))
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{option}: {word!r} is not KEY:=JSON: {error}") from None


def _read(file: TextIO) -> dict[str, JsonValue]:
    try:
        data = cast("object", json.loads(file.read()))
    except (ValueError, RecursionError) as error:  # JSON, or UTF-8
        raise click.UsageError(f"--user {file.name}: not JSON in UTF-8: {error}") from None
    if not isinstance(data, dict):
        raise click.UsageError(f"--user {file.name}: expected one JSON object")
    return cast("dict[str, JsonValue]", data)


def _add(fields: dict[str, JsonValue], name: str, members: Mapping[str, JsonValue]) -> None:
    """Put members into a map of the user, which may be in the file already."""
    if members:
        known = fields.get(name)
        fields[name] = {**(known if isinstance(known, Mapping) else {}), **members}
