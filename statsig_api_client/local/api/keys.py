"""Who may call what."""

import hmac

from starlette.exceptions import HTTPException
from starlette.requests import Request

from ..project.model import Keys


def require_key(request: Request, keys: Keys) -> None:
    """Let a request pass that has one of the project's keys.

    Raises:
        HTTPException: 401 for any other.
    """
    key = request.headers.get("statsig-api-key", "").encode()
    # Not `or`, which would tell by the time it takes which of the two a guess resembles.
    known = [hmac.compare_digest(key, k.encode()) for k in (keys.secret, keys.client)]
    if not any(known):
        raise HTTPException(401, "expected one of the project's keys in header statsig-api-key")
