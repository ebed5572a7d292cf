"""httpx and its successor httpx2, for clients that the user supplies."""

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

from .httpcore_library import HttpcoreLibrary

if TYPE_CHECKING:
    import httpx


class HttpxLibrary(HttpcoreLibrary):
    """The names of httpx or httpx2, and of the httpcore below it.

    Args:
        name: The name of the module.
    """

    def __init__(self, name: str) -> None:
        module: Any = importlib.import_module(name)
        super().__init__(name.replace("httpx", "httpcore"))
        self.client: type[httpx.Client] = module.Client
        self.async_client: type[httpx.AsyncClient] = module.AsyncClient
        self.decoding_error: type[Exception] = module.DecodingError
        self.connect_timeouts += (module.ConnectTimeout,)
        self.timeouts += (module.TimeoutException,)
        self.unsent += (
            module.ConnectError,
            module.ConnectTimeout,
            module.InvalidURL,
            module.PoolTimeout,
            module.ProxyError,
            module.UnsupportedProtocol,
        )


_library = cache(HttpxLibrary)


def library_of(client: object) -> HttpxLibrary:
    """Return the library that a client belongs to.

    Raises:
        TypeError: The client belongs to neither.
    """
    for base in type(client).__mro__:
        name = base.__module__.partition(".")[0]
        if name in ("httpx", "httpx2"):
            return _library(name)
    raise TypeError(
        f"http_client: expected a client of httpx or httpx2, got {type(client).__name__}"
    )
