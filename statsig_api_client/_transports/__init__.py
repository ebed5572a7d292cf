"""Transports, imported when a client is created.

httpx takes longer to import than all of this package, and not every program that imports the
package creates a client.
"""

from contextlib import suppress
from functools import cache
from typing import Literal, TypeAlias

from .._errors import ConfigurationError
from .base import AsyncHTTPClient, AsyncTransport, HTTPClient, Transport

EngineName: TypeAlias = Literal["httpx", "fast"]


def create_transport(name: EngineName, http_client: HTTPClient | None) -> Transport:
    """Return the transport of a blocking client.

    Raises:
        ConfigurationError: The name is unknown, the transport is not installed, or it does not
            accept an HTTP client.
        TypeError: The HTTP client has the wrong type.
    """
    if _is_fast(name, http_client):
        try:
            from .pyreqwest import PyreqwestTransport
        except ImportError as error:
            raise _not_installed(error) from error
        _initialize_resolver()
        return PyreqwestTransport()
    from .httpx import HttpxTransport

    return HttpxTransport(http_client)


def create_async_transport(name: EngineName, http_client: AsyncHTTPClient | None) -> AsyncTransport:
    """Return the transport of an asynchronous client; see `create_transport`."""
    if _is_fast(name, http_client):
        try:
            from .pyreqwest import AsyncPyreqwestTransport
        except ImportError as error:
            raise _not_installed(error) from error
        _initialize_resolver()
        return AsyncPyreqwestTransport()
    from .httpx_asyncio import AsyncHttpxTransport

    _initialize_resolver()
    return AsyncHttpxTransport(http_client)


@cache
def _initialize_resolver() -> None:
    """Let the C library read its configuration before a fork can copy the lock of doing so.

    `HttpxTransport` delays forks during each lookup instead.
    """
    # `socket` has further imports, and a host as a string would import the codec `idna`.
    import _socket

    with suppress(OSError):
        _socket.getaddrinfo(b"localhost", None)


def _is_fast(name: object, http_client: object) -> bool:
    if name not in ("httpx", "fast"):
        raise ConfigurationError(f"engine: expected 'httpx' or 'fast', got {name!r}")
    if name == "fast" and http_client is not None:
        raise ConfigurationError("engine: 'fast' does not use http_client=; remove one of them")
    return name == "fast"


def _not_installed(error: ImportError) -> ConfigurationError:
    return ConfigurationError(
        f"engine: 'fast' is not installed ({error}); pip install 'statsig-api-client[fast]'"
    )
