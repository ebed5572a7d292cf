"""Proxies from environment variables."""

import os
import re
import sys
from typing import Final, NamedTuple

from .._fork import hold_forks
from .base import LOOPBACK

_HAS_SETTINGS: Final = sys.platform in ("darwin", "win32")


class Origin(NamedTuple):
    """A server."""

    scheme: str
    host: str
    """With the port, unless it is the default."""

    def proxy(self) -> str | None:
        """Return the URL of the proxy for this server from the environment, or None."""
        if re.fullmatch(LOOPBACK, self.host):  # a proxy would connect to its own machine
            return None
        if not _may_have_proxies():
            return None
        with hold_forks():
            import urllib.request

        proxies = urllib.request.getproxies()
        proxy = proxies.get(self.scheme) or proxies.get("all")
        if not proxy or urllib.request.proxy_bypass(self.host):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"


def _may_have_proxies() -> bool:
    """Return whether to import `urllib.request`, which takes as long as importing the package."""
    return _HAS_SETTINGS or any(name.lower().endswith("_proxy") for name in os.environ)
