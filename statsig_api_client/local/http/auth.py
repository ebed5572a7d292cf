"""Who may call what."""

import hmac
from typing import Literal, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..project.model import Keys

Role: TypeAlias = Literal["secret", "client"]


def require_key(request: Request, keys: Keys) -> None:
    """Let a request pass that has one of the project's keys.

    Raises:
        HTTPException: 401 for any other.
    """
    _role(request, keys)


def require_secret_key(request: Request, keys: Keys) -> None:
    """Let a request pass that has the project's server secret key.

    Raises:
        HTTPException: 403 for the client SDK key, 401 for any other.
    """
    if _role(request, keys) == "client":
        raise HTTPException(
            403, "expected the server secret key: a client SDK key does not reach specs or ID lists"
        )


def _role(request: Request, keys: Keys) -> Role:
    # Server SDKs have the key in a header, and in the path too; JavaScript in browsers, where a
    # header of one's own costs another request, has it in the query.
    header, query = request.headers.get("statsig-api-key"), request.query_params.get("k")
    path = str(request.path_params.get("key", "")).removesuffix(".json")
    key = (header or path or query or "").encode()
    # Both, and not one after the other, so that the time tells nothing.
    secret = hmac.compare_digest(key, keys.secret.encode())
    client = hmac.compare_digest(key, keys.client.encode())
    if secret:
        return "secret"
    if client:
        return "client"
    raise HTTPException(401, "expected one of the project's keys in header statsig-api-key")
