"""The ASGI application: routes, middleware and error responses."""

import sqlite3
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ..._runtime.parsers import SchemaError
from ..faults import FaultInjection
from ..state import ServerState
from .auth import CrossOriginAccess, LoopbackHosts
from .console_pages import ConsolePages, SecurityHeaders
from .control_api import ControlApi
from .ofrep import Ofrep
from .sdk_api import SdkApi
from .statsig_api import StatsigApi
from .validation import statsig_api_validator

_API_PATHS: Final = frozenset(
    f"/v1/{call}"
    for call in (
        *("check_gate", "get_config", "get_layer", "get_ranked_list", "log_event"),
        *("log_custom_exposure", "initialize", "rgstr", "download_config_specs", "get_id_lists"),
    )
)
"""The paths of calls, which are not found if the client's base URL lacks `/v1`."""


def create_app(state: ServerState, *, loopback_only: bool) -> Starlette:
    """Create the ASGI application of a server.

    Args:
        state: The server's state.
        loopback_only: Whether the server listens on a loopback address, so that it may require a
            loopback host name.
    """
    app = Starlette(
        routes=[
            *SdkApi(state=state).routes(),  # First, because it matches /v1/log_event of SDKs.
            *StatsigApi(state=state, validator=statsig_api_validator()).routes(),
            *Ofrep(state=state).routes(),
            *ConsolePages(state).routes(),
            *ControlApi(state, loopback_only=loopback_only).routes(),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(CrossOriginAccess),
            Middleware(FaultInjection, state.faults),
            *([Middleware(LoopbackHosts)] if loopback_only else []),
        ],
        exception_handlers=dict.fromkeys(
            (HTTPException, SchemaError, sqlite3.Error, ClientDisconnect, Exception),
            _error_response,
        ),
    )
    app.router.redirect_slashes = False
    return app


def _error_response(request: Request, error: Exception) -> Response:
    if isinstance(error, SchemaError):
        body = {"status": 400, "message": f"{error.path}: {error.problem}", "path": error.path}
        return JSONResponse(body, 400)
    if isinstance(error, HTTPException):
        hint = _path_hint(request) if error.status_code == 404 else ""
        body = {"status": error.status_code, "message": f"{error.detail}{hint}"}
        return JSONResponse(body, error.status_code, error.headers)
    if isinstance(error, sqlite3.Error):
        body = {"status": 503, "message": f"could not be stored: {error}", "success": False}
        return JSONResponse(body, 503)
    if isinstance(error, ClientDisconnect):  # pragma: no cover  (depends on when a client leaves)
        return Response(status_code=400)  # The client does not read it.
    # uvicorn logs the traceback.
    return JSONResponse({"status": 500, "message": "internal error of the local server"}, 500)


def _path_hint(request: Request) -> str:
    call = request.url.path.strip("/")
    return f"; did you mean /v1/{call}?" if f"/v1/{call}" in _API_PATHS else ""
