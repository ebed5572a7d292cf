"""Reading the body of a request: no larger than allowed, unpacked, and JSON."""

import zlib
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from zstandard import ZstdDecompressor, ZstdError

from ..._runtime.parsers import JsonValue
from ..strict_json import read_json
from .validation import ContractError

MAX_BODY: Final = 10 * 1024 * 1024
"""The most bytes that a body may have, as sent and as unpacked: Statsig drops larger ones."""

MAX_MEMBERS: Final = 100
"""The most pieces that a body may have, each packed by itself; all common clients send one."""

_GZIP: Final = 16 + zlib.MAX_WBITS
"""What tells zlib to expect gzip."""

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
        return _unpack_gzip(data)
    if encoding == "zstd":
        return _unpack_zstd(data)
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


def _unpack_gzip(data: bytes) -> bytes:
    # Not `gzip.decompress`, which would unpack a bomb to its end, nor `gzip.GzipFile`, which would
    # spend seconds on ten megabytes of empty members.
    plain = b""
    for _ in range(MAX_MEMBERS):
        unpacker = zlib.decompressobj(wbits=_GZIP)
        try:
            plain += unpacker.decompress(data, MAX_BODY + 1 - len(plain))
        except zlib.error:
            break
        _check_size(plain)
        data = unpacker.unused_data
        if not unpacker.eof:
            break
        if not data:
            return plain
    raise ContractError("$", "expected gzip, as the header content-encoding says")


def _unpack_zstd(data: bytes) -> bytes:
    try:
        with ZstdDecompressor(max_window_size=_WINDOW).stream_reader(data) as packed:
            plain = packed.read(MAX_BODY + 1)
    except ZstdError:
        raise ContractError("$", "expected zstd, as the header content-encoding says") from None
    _check_size(plain)
    return plain


def _check_size(plain: bytes) -> None:
    if len(plain) > MAX_BODY:
        raise HTTPException(413, f"the body, unpacked, is larger than {MAX_BODY} bytes")
