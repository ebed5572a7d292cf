"""A server, and the proxy by which it is reached."""

import re
import urllib.request
from typing import NamedTuple

from .base import LOOPBACK


class Origin(NamedTuple):
    """A server."""

    scheme: str
    host: str
    """With its port, if it is not the usual one."""

    def proxy(self) -> str | None:
        """The URL of its proxy, if the environment names one."""
        if re.fullmatch(LOOPBACK, self.host):  # which a proxy would take for itself
            return None
        proxies = urllib.request.getproxies()
        proxy = proxies.get(self.scheme) or proxies.get("all")
        if not proxy or urllib.request.proxy_bypass(self.host):
            return None
        return proxy if "://" in proxy else f"http://{proxy}"
