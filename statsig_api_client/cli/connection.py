"""The options by which commands find Statsig: key, URL, timeout."""

from pathlib import Path
from typing import TypedDict

import click

from .._client import Statsig
from .._errors import ConfigurationError
from .help import Options, options

connection_options: Options = options(
    click.option(
        "--api-key-file",
        type=click.Path(),
        metavar="FILE",
        help="The file with the API key; else it is in the environment variable STATSIG_API_KEY. "
        "No option takes the key itself: all users of a machine can see each other's command "
        "lines, and shells keep them.",
    ),
    click.option(
        "--base-url",
        metavar="URL",
        help="The server, if it is not Statsig's; else it is in STATSIG_BASE_URL.",
    ),
    click.option("--environment", metavar="TIER", help="The environment of users who have none."),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=10.0,
        metavar="SECONDS",
        help="The most that one attempt may take.  [default: 10]",
    ),
    click.option(
        "--allow-http",
        is_flag=True,
        help="Allow plain http to other machines, although the key can be read on the way.",
    ),
)


class ConnectionOptions(TypedDict):
    """What `connection_options` give a command."""

    api_key_file: str | None
    base_url: str | None
    environment: str | None
    timeout: float
    allow_http: bool


def client(given: ConnectionOptions, *, log_exposures: bool = True) -> Statsig:
    """The client of which the options tell.

    Raises:
        ConfigurationError: There is no key, or it, a URL or an option makes no sense.
    """
    return Statsig(
        _key(given["api_key_file"]),
        base_url=given["base_url"],
        allow_http=given["allow_http"],
        environment=given["environment"],
        timeout=given["timeout"],
        deadline=max(30.0, given["timeout"]),
        log_exposures=log_exposures,
    )


def _key(file: str | None) -> str | None:
    """The key in a file; None leaves it to the environment."""
    if file is None:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the file of the API key cannot be read: {error}") from None
