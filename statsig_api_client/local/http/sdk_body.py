"""The bodies of requests from Statsig's SDKs, which say in several ways how they are packed."""

import base64
import binascii

from starlette.requests import Request

from ..._runtime.parsers import JsonObject, JsonValue
from ..strict_json import read_json
from .body import read_bytes
from .validation import ContractError


async def read_sdk_body(request: Request) -> JsonObject:
    """Read the JSON of a request from an SDK; a request without a body has an empty object.

    The JavaScript client, which in a browser must not send headers of its own, says in the query
    that a body is packed with gzip (`gz=1`), or is base64 written backwards (`se=1`).

    Raises:
        HTTPException: 413 for a body that is too large, 415 for one that is packed otherwise.
        ContractError: The body is not what the request says, or no JSON object.
    """
    query = request.query_params
    data = await read_bytes(request, packed=query.get("gz") == "1")
    if query.get("se") == "1":
        data = _decoded(data)
    try:
        body: JsonValue = read_json(data) if data else {}
    except ValueError as error:
        raise ContractError("$", f"expected JSON: {error}") from None
    if not isinstance(body, dict):
        raise ContractError("$", "expected an object")
    return body


def _decoded(data: bytes) -> bytes:
    try:
        # Browsers encode a character as one byte, and leave a text plain that has larger ones.
        return base64.b64decode(data[::-1], validate=True).decode("latin-1").encode()
    except binascii.Error:
        raise ContractError("$", "expected base64, backwards, as se=1 says") from None
