"""One line in the log for each request."""

import hmac
import logging
import re
import time
from typing import Final, cast
from urllib.parse import quote

from attrs import frozen
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..state import Service

_logger = logging.getLogger("statsig_api_client.local")

_KEY_IN_PATH: Final = re.compile(r"(?<=/)(secret|client|console)-[^/]*?(?=\.json$|/|$)")
"""Some SDKs send their key as a part of the path."""


@frozen
class RequestLog:
    """An application that logs what another one answers: method, path, status, time, kind of key.

    Args:
        app: The other one.
        service: The project, which has the keys.
    """

    app: ASGIApp
    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a request answered, and log it."""
        begin = time.perf_counter()
        status = "no answer"

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            request = Request(scope)
            path = cast("str", scope["path"])
            _logger.info(
                "%s %s %s, %.1f ms, %s",
                request.method,
                # In the form of URLs, so that a path cannot break the line.
                quote(_KEY_IN_PATH.sub(r"\1-...", path), safe="/:@!$&'()*+,;=~"),
                status,
                (time.perf_counter() - begin) * 1000,
                self._kind_of_key(request, path),
            )

    def _kind_of_key(self, request: Request, path: str) -> str:
        found = _KEY_IN_PATH.search(path)
        sent = (
            request.headers.get("statsig-api-key")
            or request.query_params.get("k")
            or (found[0] if found else "")
        )
        keys = self.service.specs.keys
        for kind, key in (("secret", keys.secret), ("client", keys.client)):
            if hmac.compare_digest(sent.encode(), key.encode()):
                return f"{kind} key"
        return "unknown key" if sent else "no key"
