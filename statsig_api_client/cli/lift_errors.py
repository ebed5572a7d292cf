"""Errors of the commands that require the extra `lift`."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module

import click

from .._errors import ConfigurationError


def require_lift() -> None:
    """Check that the extra is installed.

    Raises:
        ConfigurationError: It is not installed.
    """
    try:
        import_module("statsig_api_client.lift")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"lift requires the extra `lift` ({error.name} is missing): "
            "pip install 'statsig-api-client[lift]'"
        ) from None


@contextmanager
def problems_as_messages() -> Generator[None]:
    """Convert errors of lift to those of the command line.

    Raises:
        click.UsageError: An argument is invalid, or a file that it names cannot be read.
        ConfigurationError: An optional dependency is not installed.
    """
    from ..lift import LiftError

    try:
        yield
    except LiftError as error:
        raise click.UsageError(str(error)) from None
    except ModuleNotFoundError as error:
        raise ConfigurationError(str(error)) from None
