"""The engine that a client asks for, imported when a client asks for it.

httpx takes longer to import than all of this package, and not every program that imports this
package makes a client.
"""

from typing import Literal, TypeAlias

from .._errors import ConfigurationError
from .base import AsyncEngine, AsyncHTTPClient, Engine, HTTPClient

EngineName: TypeAlias = Literal["httpx", "fast"]


def engine_of(name: EngineName, http_client: HTTPClient | None) -> Engine:
    """The engine of a blocking client.

    Raises:
        ConfigurationError: There is none of that name, or it is not installed, or it does not use
            a client of the user's.
        TypeError: The client is of the wrong type.
    """
    if _is_fast(name, http_client):
        try:
            from .pyreqwest import FastEngine  # noqa: PLC0415
        except ImportError as error:
            raise _not_installed(error) from error
        return FastEngine()
    from .httpx import HttpxEngine  # noqa: PLC0415

    return HttpxEngine(http_client)


def async_engine_of(name: EngineName, http_client: AsyncHTTPClient | None) -> AsyncEngine:
    """The engine of an asynchronous client; as `engine_of`."""
    if _is_fast(name, http_client):
        try:
            from .pyreqwest import AsyncFastEngine  # noqa: PLC0415
        except ImportError as error:
            raise _not_installed(error) from error
        return AsyncFastEngine()
    from .httpx import AsyncHttpxEngine  # noqa: PLC0415

    return AsyncHttpxEngine(http_client)


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
