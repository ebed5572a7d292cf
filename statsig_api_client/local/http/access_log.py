"""Access log: one line per request, with evaluation results and without keys."""

import logging
import re
import time
from typing import Final, cast
from urllib.parse import quote

from attrs import frozen
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..state import ServerState
from .auth import key_kind, sent_key
from .summaries import request_summary

_logger = logging.getLogger("statsig_api_client.local")

_KEY_IN_PATH: Final = re.compile(r"(?<=/)(secret|client|console)-[^/]*?(?=\.json$|/|$)")
"""Matches an API key as a path segment, where some SDKs send it."""


@frozen
class AccessLog:
    """ASGI middleware that logs method, path, status, duration, kind of key and result.

    Args:
        app: The application that serves the requests.
        state: The server's state, which has the keys.
    """

    app: ASGIApp
    state: ServerState

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request and log it."""
        begin = time.perf_counter()
        status = "no response"

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            request = Request(scope)
            path = cast("str", scope["path"])
            _logger.info(
                "%s %s %s, %.1f ms, %s%s",
                request.method,
                # Percent-encoded, so that a path cannot break the line.
                quote(_KEY_IN_PATH.sub(r"\1-...", path), safe="/:@!$&'()*+,;=~"),
                status,
                (time.perf_counter() - begin) * 1000,
                self._key_kind(request, path),
                request_summary(request),
            )

    def _key_kind(self, request: Request, path: str) -> str:
        in_path = _KEY_IN_PATH.search(path)
        key = sent_key(request) or (in_path[0] if in_path else "")
        kind = key_kind(key, self.state.specs.keys) or ("unknown" if key else "no")
        return f"{kind} key"
