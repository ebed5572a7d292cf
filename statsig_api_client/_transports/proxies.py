"""Proxies that the environment configures."""

import re
import urllib.request
from typing import NamedTuple

from .base import LOOPBACK


class Origin(NamedTuple):
    """A server."""

    scheme: str
    host: str
    """With the port, unless it is the default."""

    def proxy(self) -> str | None:
        """Return the URL of the proxy for this server, if the environment configures one."""
        if re.fullmatch(LOOPBACK, self.host):  # a proxy would connect to its own machine
            return None
        proxies = urllib.request.getproxies()
        proxy = proxies.get(self.scheme) or proxies.get("all")
        if not proxy or urllib.request.proxy_bypass(self.host):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"
