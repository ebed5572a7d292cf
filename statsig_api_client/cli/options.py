"""Options shared by several commands: the user, the connection and the output format."""

import json
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Protocol, TextIO, TypedDict, TypeVar, cast

import click

from .._client import Statsig
from .._errors import ConfigurationError
from .._runtime.parsers import JsonValue, SchemaError
from ..generated import StatsigUser

if TYPE_CHECKING:
    import os

C = TypeVar("C", bound=Callable[..., object])

_OPTION_OF_ARGUMENT: Final = {
    "api_key=": "--api-key-file FILE",
    "allow_http=True": "--allow-http",
    "base_url:": "--base-url:",
}


class OptionDecorator(Protocol):
    """A decorator that adds options to a command."""

    def __call__(self, command: C, /) -> C:
        """Add the options."""
        ...


def combine(*decorators: OptionDecorator) -> OptionDecorator:
    """Return one decorator that adds the options of several, in the order of the help text."""

    def decorate(command: C) -> C:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def examples(*lines: str) -> str:
    """Return the epilog of a command's help with example lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


json_option: OptionDecorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one line of JSON per result, even on a terminal."
)


# ---- Connection ----

key_option: OptionDecorator = click.option(
    "--api-key-file",
    type=click.Path(),
    metavar="FILE",
    help="Read the API key from a file instead of STATSIG_API_KEY. No option accepts the key "
    "itself: other users of the machine can read command lines, and shells store them.",
)
connection_options: OptionDecorator = combine(
    key_option,
    click.option(
        "--base-url",
        metavar="URL",
        help="Server to send requests to.  [default: STATSIG_BASE_URL, or Statsig's server]",
    ),
    click.option("--environment", metavar="TIER", help="Environment of users without one."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=10.0,
        metavar="SECONDS",
        help="Maximum duration of one attempt.  [default: 10]",
    ),
    click.option(
        "--allow-http",
        is_flag=True,
        help="Allow http:// to other machines, which exposes the API key to the network.",
    ),
)


class ConnectionOptions(TypedDict):
    """Values of `connection_options`."""

    api_key_file: str | None
    base_url: str | None
    environment: str | None
    timeout: float
    allow_http: bool


def make_client(given: ConnectionOptions, *, log_exposures: bool = True) -> Statsig:
    """Return a client with the given connection options.

    Raises:
        ConfigurationError: The key is missing, or the key, a URL or an option is invalid.
    """
    with option_names():
        return Statsig(
            read_key(given["api_key_file"]),
            base_url=given["base_url"],
            allow_http=given["allow_http"],
            environment=given["environment"],
            timeout=given["timeout"],
            deadline=max(30.0, given["timeout"]),
            log_exposures=log_exposures,
        )


@contextmanager
def option_names() -> Generator[None]:
    """Replace names of client arguments in errors with command-line options."""
    try:
        yield
    except ConfigurationError as error:
        message = str(error)
        for argument, option in _OPTION_OF_ARGUMENT.items():
            message = message.replace(argument, option)
        raise ConfigurationError(message) from None


def read_key(file: str | None) -> str | None:
    """Return the key in a file; None, without a file, selects the key of the environment."""
    if file is None:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"--api-key-file: cannot read the API key: {error}") from None


# ---- User ----


class InputFile(click.File):
    """A file to read, or `-` for standard input."""

    def convert(
        self,
        value: "str | os.PathLike[str] | IO[Any]",
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> IO[Any]:
        """Open the file."""
        # Python has no sys.stdin if its parent process closed it.
        if value == "-" and cast("object", sys.stdin) is None:
            self.fail("standard input is closed", param, ctx)
        return super().convert(value, param, ctx)


user_options: OptionDecorator = combine(
    click.option("--user-id", metavar="ID", help="User ID."),
    click.option("--email", metavar="ADDRESS", help="Email address of the user."),
    click.option("--country", metavar="CODE", help="Two-letter country code, such as NO."),
    click.option("--ip", metavar="ADDRESS", help="IP address; sets the country by default."),
    click.option("--locale", metavar="LOCALE", help="Locale, such as en_US."),
    click.option("--app-version", metavar="VERSION", help="Version of the user's app."),
    click.option(
        "--user-agent", metavar="STRING", help="User agent; sets the browser and operating system."
    ),
    click.option("--os-name", metavar="NAME", help="Operating system, such as Android."),
    click.option("--os-version", metavar="VERSION", help="Version of the operating system."),
    click.option("--browser-name", metavar="NAME", help="Browser, such as Firefox."),
    click.option("--browser-version", metavar="VERSION", help="Version of the browser."),
    click.option(
        "--custom",
        multiple=True,
        metavar="KEY=VALUE",
        help="Custom attribute: plan=pro is a string, level:=3 is JSON. Repeatable.",
    ),
    click.option(
        "--private",
        multiple=True,
        metavar="KEY=VALUE",
        help="Private attribute, used in evaluations and never recorded. Repeatable.",
    ),
    click.option(
        "--custom-id",
        multiple=True,
        metavar="KEY=ID",
        help="ID of another unit, such as companyID=c1. Repeatable.",
    ),
    click.option(
        "--user",
        "user_file",
        type=InputFile(encoding="utf-8"),
        metavar="FILE|-",
        help='File with the user in the API\'s spelling, {"userID": "42"}; - is standard input. '
        "The options above override its fields.",
    ),
)


class UserOptions(TypedDict):
    """Values of `user_options`."""

    user_id: str | None
    email: str | None
    country: str | None
    ip: str | None
    locale: str | None
    app_version: str | None
    user_agent: str | None
    os_name: str | None
    os_version: str | None
    browser_name: str | None
    browser_version: str | None
    custom: tuple[str, ...]
    private: tuple[str, ...]
    custom_id: tuple[str, ...]
    user_file: TextIO | None


def make_user(given: UserOptions) -> StatsigUser:
    """Return the user with the given options.

    Raises:
        click.UsageError: No option is given, or one is invalid.
    """
    fields = {} if given["user_file"] is None else _read_user(given["user_file"])
    attributes: dict[str, JsonValue] = {
        "userID": given["user_id"],
        "email": given["email"],
        "country": given["country"],
        "ip": given["ip"],
        "locale": given["locale"],
        "appVersion": given["app_version"],
        "userAgent": given["user_agent"],
        "os_name": given["os_name"],
        "os_version": given["os_version"],
        "browser_name": given["browser_name"],
        "browser_version": given["browser_version"],
    }
    fields |= {field: value for field, value in attributes.items() if value is not None}
    _merge(fields, "custom", dict(parse_attribute("--custom", pair) for pair in given["custom"]))
    private = dict(parse_attribute("--private", pair) for pair in given["private"])
    _merge(fields, "privateAttributes", private)
    _merge(fields, "customIDs", dict(parse_pair("--custom-id", p) for p in given["custom_id"]))
    if not fields:
        raise click.UsageError("no user: pass --user-id, --custom-id, --email or --user")
    return parse_user(fields)


def parse_user(fields: Mapping[str, JsonValue]) -> StatsigUser:
    """Return the user with these fields, in the API's spelling.

    Raises:
        click.UsageError: A field is invalid.
    """
    try:
        return StatsigUser.from_dict(fields, "user")
    except SchemaError as error:
        raise click.UsageError(str(error)) from None


def parse_pair(option: str, argument: str) -> tuple[str, str]:
    """Return the key and the value of `key=value`.

    Raises:
        click.UsageError: The argument has another form.
    """
    key, equals, value = argument.partition("=")
    if not key or not equals:
        raise click.UsageError(f"{option}: expected KEY=VALUE, got {argument!r}")
    return key, value


def parse_attribute(option: str, argument: str) -> tuple[str, JsonValue]:
    """Return the key and the value of `key=string` or `key:=json`.

    Raises:
        click.UsageError: The argument has another form.
    """
    key, value = parse_pair(option, argument)
    if not key.endswith(":"):
        return key, value
    if key == ":":
        raise click.UsageError(f"{option}: expected KEY:=JSON, got {argument!r}")
    try:
        return key[:-1], cast("JsonValue", json.loads(value))
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{option}: expected KEY:=JSON, got {argument!r}: {error}") from None


def _read_user(file: TextIO) -> dict[str, JsonValue]:
    try:
        data = cast("object", json.loads(file.read()))
    except (ValueError, RecursionError) as error:  # JSON, or UTF-8
        raise click.UsageError(f"--user {file.name}: not JSON in UTF-8: {error}") from None
    if not isinstance(data, dict):
        raise click.UsageError(f"--user {file.name}: expected one JSON object")
    return cast("dict[str, JsonValue]", data)


def _merge(fields: dict[str, JsonValue], name: str, members: Mapping[str, JsonValue]) -> None:
    """Add members to a map of the user, which may already exist in the file."""
    if members:
        known = fields.get(name)
        fields[name] = {**(known if isinstance(known, Mapping) else {}), **members}
