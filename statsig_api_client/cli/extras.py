"""Extras that commands require."""

from importlib import import_module

from .._errors import ConfigurationError


def require_extra(command: str, extra: str, module: str) -> None:
    """Import a module that needs an extra; late, since it takes longer than most commands.

    Args:
        command: The command, for the message.
        extra: The extra.
        module: The module, below `statsig_api_client`.

    Raises:
        ConfigurationError: The extra is not installed.
    """
    try:
        import_module(f"statsig_api_client.{module}")
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{command} requires the extra `{extra}` ({error.name} is missing): "
            f"pip install 'statsig-api-client[{extra}]'"
        ) from None
