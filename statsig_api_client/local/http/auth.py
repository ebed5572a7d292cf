"""Access control: API keys, cross-origin requests of browsers, and host names."""

import hmac
import re
from typing import Final, Literal, TypeAlias

from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ..._transports.base import LOOPBACK
from ..project.model import Keys

_KeyKind: TypeAlias = Literal["secret", "client"]

_BROWSER_PATHS: Final = frozenset(
    f"/v1/{call}"
    for call in (
        "check_gate",
        "get_config",
        "get_experiment",
        "get_layer",
        "get_ranked_list",
        "initialize",
        "log_custom_exposure",
        "log_event",
        "log_event_beacon",
        "rgstr",
        "sdk_exception",
    )
)
"""The paths of Statsig that web pages may call with a client key."""

OFREP: Final = "/ofrep/v1/"
"""The root path of OpenFeature's remote evaluation protocol, which web pages may call, too."""


def _is_for_browsers(path: str) -> bool:
    return path in _BROWSER_PATHS or path.startswith(OFREP)


_CLIENT_SPECS: Final = re.compile(r"/v[12]/download_config_specs(/client-.*|\?(.*&)?k=client-.*)")
"""Downloads of config specs with the client key, for SDKs that evaluate in a browser."""


def _allows_other_origins(scope: Scope) -> bool:
    target = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
    return _is_for_browsers(scope["path"]) or _CLIENT_SPECS.fullmatch(target) is not None


def sent_key(request: Request) -> str:
    """Return the API key of a request, or an empty string."""
    if request.url.path.startswith(OFREP):
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return request.headers.get("x-api-key") or (token if scheme.lower() == "bearer" else "")
    # Server SDKs send the key in a header and in the path; JavaScript sends it in the query, since
    # a custom header would cost a preflight request.
    return (
        request.headers.get("statsig-api-key")
        or str(request.path_params.get("key", "")).removesuffix(".json")
        or request.query_params.get("k", "")
    )


def key_kind(key: str, keys: Keys) -> _KeyKind | None:
    """Return the kind of a key, or None if it does not belong to the project."""
    # Compare with both keys, so that the time does not depend on the key.
    is_secret = hmac.compare_digest(key.encode(), keys.secret.encode())
    is_client = hmac.compare_digest(key.encode(), keys.client.encode())
    return "secret" if is_secret else "client" if is_client else None


def require_key(request: Request, keys: Keys) -> None:
    """Require one of the project's keys.

    Raises:
        HTTPException: 401 for any other key, 403 for the secret key in a web page.
    """
    _require_kind(request, keys)


def require_secret_key(request: Request, keys: Keys) -> None:
    """Require the project's server secret key.

    Raises:
        HTTPException: 403 for the client SDK key or in a web page, 401 for any other key.
    """
    if _require_kind(request, keys) == "client":
        raise HTTPException(403, "expected the server secret key, got the client SDK key")


def require_specs_key(request: Request, keys: Keys) -> None:
    """Require a key that may download config specs.

    Raises:
        HTTPException: 403 for the client SDK key, unless the project allows it, or for the secret
            key in a web page; 401 for any other key.
    """
    if _require_kind(request, keys) == "client" and not keys.client_reads_specs:
        raise HTTPException(
            403,
            "expected the server secret key, got the client SDK key; set `client reads specs: "
            "true` under `keys` in the project file for SDKs that evaluate on a device",
        )


def _require_kind(request: Request, keys: Keys) -> _KeyKind:
    kind = key_kind(sent_key(request), keys)
    if kind is None:
        is_ofrep = request.url.path.startswith(OFREP)
        header = "x-api-key, or as a bearer token" if is_ofrep else "statsig-api-key"
        raise HTTPException(401, f"expected one of the project's keys in header {header}")
    # The default secret is public knowledge, and browsers add this header to cross-origin requests.
    if kind == "secret" and "origin" in request.headers:
        raise HTTPException(403, "expected the client SDK key in a browser, got the secret key")
    return kind


class CrossOriginAccess:
    """ASGI middleware that allows cross-origin requests to the endpoints for browsers only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._open = CORSMiddleware(
            app,
            allow_origins=["*"],
            allow_methods=["GET", "POST"],
            allow_headers=["*"],
            expose_headers=["etag"],  # OFREP clients send it back.
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        is_open = scope["type"] == "http" and _allows_other_origins(scope)
        await (self._open if is_open else self._app)(scope, receive, send)


class LoopbackHosts:
    """ASGI middleware that requires a loopback host name, except for the endpoints for browsers.

    A web page can resolve its own domain to the loopback address (DNS rebinding) and then has the
    same origin, but its requests still contain its own host name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or reject it."""
        if scope["type"] == "http" and not _is_for_browsers(scope["path"]):
            host = Request(scope).headers.get("host", "")
            if not re.fullmatch(LOOPBACK, host):
                message = f"expected a loopback name as the host, got {host[:100]!r}"
                response = JSONResponse({"status": 421, "message": message}, 421)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)
