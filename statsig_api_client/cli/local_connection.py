"""Connection of the commands to a running local server."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final

import click

from .exit_codes import ExitCode
from .extras import require_extra
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
    require_extra("local", "local", "local")
    from ..local import ControlError, LocalControl

    with LocalControl(url or os.environ.get("STATSIG_BASE_URL") or DEFAULT_URL) as control:
        try:
            yield control
        except ControlError as error:
            hint = "; start one with statsig-api serve" if error.status is None else ""
            raise LocalServerError(f"{error}{hint}") from None
