"""The engine that a client asks for, imported when a client asks for it.

httpx takes longer to import than all of this package, and not every program that imports this
package makes a client.
"""

from typing import Literal, TypeAlias

from .._errors import ConfigurationError
from .base import AsyncHTTPClient, AsyncTransport, HTTPClient, Transport

EngineName: TypeAlias = Literal["httpx", "fast"]


def create_transport(name: EngineName, http_client: HTTPClient | None) -> Transport:
    """The engine of a blocking client.

    Raises:
        ConfigurationError: There is none of that name, or it is not installed, or it does not use
            a client of the user's.
        TypeError: The client is of the wrong type.
    """
    if _is_fast(name, http_client):
        try:
            from .pyreqwest import PyreqwestTransport  # noqa: PLC0415
        except ImportError as error:
            raise _not_installed(error) from error
        return PyreqwestTransport()
    from .httpx import HttpxTransport  # noqa: PLC0415

    return HttpxTransport(http_client)


def create_async_transport(name: EngineName, http_client: AsyncHTTPClient | None) -> AsyncTransport:
    """The engine of an asynchronous client; as `transport`."""
    if _is_fast(name, http_client):
        try:
            from .pyreqwest import AsyncPyreqwestTransport  # noqa: PLC0415
        except ImportError as error:
            raise _not_installed(error) from error
        return AsyncPyreqwestTransport()
    from .httpx import AsyncHttpxTransport  # noqa: PLC0415

    return AsyncHttpxTransport(http_client)


def _is_fast(name: object, http_client: object) -> bool:
    if name not in ("httpx", "fast"):
        raise ConfigurationError(f"engine: expected 'httpx' or 'fast', got {name!r}")
    if name == "fast" and http_client is not None:
        raise ConfigurationError(
            "engine: 'fast' makes its own connections; leave out http_client=, or the engine"
        )
    return name == "fast"


def _not_installed(error: ImportError) -> ConfigurationError:
    return ConfigurationError(
        f"engine: 'fast' is not installed ({error}); pip install 'statsig-api-client[fast]'"
    )
