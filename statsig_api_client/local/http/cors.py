"""Pages in browsers: any of them may call `/v1`, as they may call Statsig, and none `/local`."""

import re
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_OWN_HOST: Final = re.compile(r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]+)?")


class BrowserAccess:
    """Answers CORS for `/v1`, and for nothing else that the application serves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app, allow_origins=["*"], allow_methods=["GET", "POST"], allow_headers=["*"]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        is_open = scope["type"] == "http" and scope["path"].startswith("/v1/")
        await (self._open if is_open else self._app)(scope, receive, send)


class OwnHosts:
    """Keeps `/local` for requests that call the server by a name of this machine.

    A page can give its own name the address of this machine, and is then of the same origin; but
    the name stays in its requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] == "http" and scope["path"].startswith("/local"):
            host = Request(scope).headers.get("host", "")
            if not _OWN_HOST.fullmatch(host.lower()):
                message = f"expected a name of this machine as the host, got {host[:100]!r}"
                answer = JSONResponse({"status": 421, "message": message}, 421)
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)
