"""The console: a page at `/` that calls the control API."""

import base64
import hashlib
import re
from importlib.resources import files
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..._version import __version__
from ..state import ServerState

_MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
}
_IMPORT_MAP: Final = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)

_HARDENED: Final = re.compile("/$|/console/|/local(/|$)")
"""The paths whose responses have security headers."""

_TEXT: Final = """\
Local Statsig server {version}, serving {file}

  HTTP API     {base}v1            POST {base}v1/check_gate
  console      {base}              open it in a browser
  control API  {base}local/openapi.json
"""


def _files() -> dict[str, bytes]:
    folder = files("statsig_api_client.local").joinpath("console")
    found = [*folder.iterdir(), *folder.joinpath("vendor").iterdir()]
    return {
        file.name: file.read_bytes() for file in found if file.name.endswith(tuple(_MEDIA_TYPES))
    }


class ConsolePages:
    """The files of the console.

    Args:
        state: The server's state.
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._files = _files()

    def routes(self) -> list[Route]:
        """Return the routes of the page and its files."""
        return [
            Route("/", self.page),
            Route("/v1", self.api),
            Route("/console/{name}", self.file),
        ]

    async def page(self, request: Request) -> Response:
        """Return the page to a browser, and a short text to other clients."""
        if not accepts_html(request):
            text = _TEXT.format(
                version=__version__, file=self._state.specs.file, base=request.base_url
            )
            return PlainTextResponse(text)
        return self._response("index.html")

    async def api(self, request: Request) -> Response:
        """Return where the calls of the HTTP API are."""
        text = f"This is the base URL of the HTTP API, for clients: POST {request.url}/check_gate\n"
        return PlainTextResponse(text)

    async def file(self, request: Request) -> Response:
        """Return a file of the page."""
        return self._response(request.path_params["name"])

    def _response(self, name: str) -> Response:
        content = self._files.get(name)
        if content is None:
            raise HTTPException(404, "no such file")
        media_type = _MEDIA_TYPES["." + name.rpartition(".")[2]]
        return Response(content, headers={"cache-control": "no-cache"}, media_type=media_type)


def accepts_html(request: Request) -> bool:
    """Return whether a request is the navigation of a browser."""
    return "text/html" in request.headers.get("accept", "")


def content_security_policy() -> str:
    """Return the policy of the page: only its own files, and its import map by hash."""
    page = files("statsig_api_client.local").joinpath("console/index.html").read_text("utf-8")
    digests = (hashlib.sha256(text.encode()).digest() for text in _IMPORT_MAP.findall(page))
    scripts = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


class SecurityHeaders:
    """ASGI middleware that adds security headers to the page, its files and the control API."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._headers = [
            (b"content-security-policy", content_security_policy().encode()),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-content-type-options", b"nosniff"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http" or not _HARDENED.match(scope["path"]):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        await self._app(scope, receive, send_with_headers)
