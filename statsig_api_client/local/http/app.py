"""The application: all routes, and how it refuses."""

import sqlite3

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from ..state import Service
from .control_api import LocalApi
from .cors import BrowserAccess, OwnHosts
from .fault_injection import FaultInjection
from .sdk_api import SdkApi
from .statsig_api import HttpApi
from .validation import ContractError, http_contract


def create_app(service: Service, *, only_this_machine: bool) -> Starlette:
    """Make an ASGI application that serves a project.

    Args:
        service: The project.
        only_this_machine: Whether it listens to this machine alone, and `/local` is only for who
            calls it by a name of this machine.
    """
    app = Starlette(
        routes=[
            *SdkApi(service=service).routes(),  # First: it takes what SDKs send to /v1/log_event.
            *HttpApi(service=service, contract=http_contract()).routes(),
            *LocalApi(service).routes(),
        ],
        middleware=[
            Middleware(BrowserAccess),
            Middleware(FaultInjection, service.faults),
            *([Middleware(OwnHosts)] if only_this_machine else []),
        ],
        exception_handlers=dict.fromkeys(
            (HTTPException, ContractError, sqlite3.Error, ClientDisconnect, Exception), _refuse
        ),
    )
    app.router.redirect_slashes = False
    return app


def _refuse(_request: Request, error: Exception) -> Response:
    if isinstance(error, ContractError):
        message = f"{error.path}: {error.problem}"
        reply = {"status": 400, "message": message, "path": error.path}
        return JSONResponse(reply, 400)
    if isinstance(error, HTTPException):
        reply = {"status": error.status_code, "message": error.detail}
        return JSONResponse(reply, error.status_code, error.headers)
    if isinstance(error, sqlite3.Error):
        reply = {"status": 503, "message": f"could not be stored: {error}", "success": False}
        return JSONResponse(reply, 503)
    if isinstance(error, ClientDisconnect):
        return Response(status_code=400)  # The client has gone, and will not read it.
    # What it was is in the server's log, where uvicorn writes it.
    return JSONResponse({"status": 500, "message": "an error of the local server itself"}, 500)
