"""Connection of the commands to a running local server."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Final

import click

from .._errors import ConfigurationError
from .exit_codes import ExitCode
from .options import OptionDecorator

if TYPE_CHECKING:
    from ..local import LocalControl

DEFAULT_URL: Final = "http://127.0.0.1:8765"
"""The default address of `statsig-api serve`."""

url_option: OptionDecorator = click.option(
    "--url",
    metavar="URL",
    help=f"Local server.  [default: STATSIG_BASE_URL, or {DEFAULT_URL}]",
)


class LocalServerError(click.ClickException):
    """Unreachable local server, or a request that it rejects."""

    exit_code: ClassVar[int] = ExitCode.API


@contextmanager
def local_control(url: str | None) -> Generator["LocalControl"]:
    """Yield a client of a running local server.

    Args:
        url: The server's URL; None for the default.

    Raises:
        ConfigurationError: The extra is not installed.
        LocalServerError: The server cannot be reached, or rejects a request.
    """
    require_local()
    from ..local import ControlError, LocalControl

    with LocalControl(url or os.environ.get("STATSIG_BASE_URL") or DEFAULT_URL) as control:
        try:
            yield control
        except ControlError as error:
            hint = "; start one with statsig-api serve" if error.status is None else ""
            raise LocalServerError(f"{error}{hint}") from None


def require_local() -> None:
    """Check that the extra `local` is installed.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        # Imported late: it requires the extra, and takes longer than most commands.
        import_module("statsig_api_client.local")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"this command requires the extra `local` ({error.name} is missing): "
            "pip install 'statsig-api-client[local]'"
        ) from None
