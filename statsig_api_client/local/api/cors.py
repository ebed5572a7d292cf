"""Pages of other origins, in browsers: they may call `/v1`, as they may call Statsig."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send


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
