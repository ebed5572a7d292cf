"""Reading the body of a request: no larger than allowed, unpacked, and JSON."""

import gzip
import io
import zlib
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from zstandard import ZstdDecompressionReader, ZstdDecompressor, ZstdError

from ..wire import JsonValue, read_json
from .contract import ContractError

MAX_BODY: Final = 10 * 1024 * 1024
"""The most bytes that a body may have, as sent and as unpacked: Statsig drops larger ones."""

_WINDOW: Final = 16 * 1024 * 1024
"""The most memory that a body packed with zstd may ask for; level 12, that of SDKs, needs less."""


async def read_body(request: Request) -> JsonValue:
    """Read the JSON of a request.

    Raises:
        HTTPException: 413 for a body that is too large, 415 for one that is packed otherwise than
            with gzip or zstd.
        ContractError: The body is not what its headers say, or not JSON.
    """
    data = await read_bytes(request)
    try:
        return read_json(data)
    except ValueError as error:
        raise ContractError("$", f"expected JSON: {error}") from None


async def read_bytes(request: Request, *, packed: bool = False) -> bytes:
    """Read the body of a request, and unpack it.

    Args:
        request: The request.
        packed: Whether it is packed with gzip, even if no header says so.

    Raises:
        HTTPException: 413 for a body that is too large, 415 for one that is packed otherwise than
            with gzip or zstd.
        ContractError: The body is not what its headers say.
    """
    data = await _read(request)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "gzip" or packed:
        return _unpack(gzip.GzipFile(fileobj=io.BytesIO(data)), "gzip")
    if encoding == "zstd":
        return _unpack(ZstdDecompressor(max_window_size=_WINDOW).stream_reader(data), "zstd")
    if encoding != "identity":
        raise HTTPException(415, "expected a body that is plain, or packed with gzip or zstd")
    return data


async def _read(request: Request) -> bytes:
    size = 0
    chunks: list[bytes] = []
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            # Read to its end all the same: a client that still sends would not see the answer.
            chunks.clear()
        else:
            chunks.append(chunk)
    if size > MAX_BODY:
        raise HTTPException(413, f"the body is larger than {MAX_BODY} bytes")
    return b"".join(chunks)


def _unpack(packed: gzip.GzipFile | ZstdDecompressionReader, encoding: str) -> bytes:
    try:
        with packed:
            plain = packed.read(MAX_BODY + 1)
    except (OSError, EOFError, zlib.error, ZstdError):
        problem = f"expected {encoding}, as the header content-encoding says"
        raise ContractError("$", problem) from None
    if len(plain) > MAX_BODY:
        raise HTTPException(413, f"the body, unpacked, is larger than {MAX_BODY} bytes")
    return plain
