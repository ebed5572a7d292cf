"""Request bodies: size limit, decompression, JSON parsing."""

import base64
import binascii
import zlib
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from zstandard import ZstdDecompressor, ZstdError

from ..._runtime.parsers import JsonObject, JsonValue, SchemaError
from ..strict_json import read_json

MAX_BODY: Final = 10 * 1024 * 1024
"""The maximum size of a body in bytes, compressed and decompressed; Statsig drops larger ones."""

MAX_MEMBERS: Final = 100
"""The maximum number of gzip members in a body; all common clients send one."""

_GZIP: Final = 16 + zlib.MAX_WBITS

_ZSTD_WINDOW: Final = 16 * 1024 * 1024
"""The maximum window of zstd in bytes; SDKs compress with level 12, which needs less."""


async def read_body(request: Request) -> JsonValue:
    """Parse the JSON body of a request.

    Raises:
        HTTPException: 413 for a body that is too large, 415 for an unsupported encoding.
        SchemaError: The body is not JSON, or its compression does not match the header.
    """
    return _parse(await read_bytes(request))


async def read_sdk_body(request: Request) -> JsonObject:
    """Parse the JSON object of a request from an SDK; an absent body is an empty object.

    In browsers, the JavaScript SDK sends no custom headers. Its query parameters indicate a body
    compressed with gzip (`gz=1`) or encoded as reversed base64 (`se=1`). The older statsig-js
    indicates the latter with the header `STATSIG-ENCODED: 1`.

    Raises:
        HTTPException: 413 for a body that is too large, 415 for an unsupported encoding.
        SchemaError: The body does not match its encoding, or is not a JSON object.
    """
    query = request.query_params
    data = await read_bytes(request, is_gzip=query.get("gz") == "1")
    if query.get("se") == "1" or request.headers.get("statsig-encoded") == "1":
        data = _decode_reversed_base64(data)
    body: JsonValue = _parse(data) if data else {}
    if not isinstance(body, dict):
        raise SchemaError("$", "expected an object")
    return body


async def read_bytes(request: Request, *, is_gzip: bool = False) -> bytes:
    """Read the body of a request and decompress it.

    Args:
        request: The request.
        is_gzip: Whether the body is compressed with gzip, although no header indicates it.

    Raises:
        HTTPException: 413 for a body that is too large, 415 for an unsupported encoding.
        SchemaError: The compression of the body does not match the header.
    """
    data = await _read(request)
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding == "gzip" or is_gzip:
        return _decompress_gzip(data)
    if encoding == "zstd":
        return _decompress_zstd(data)
    if encoding != "identity":
        raise HTTPException(415, "expected content-encoding gzip, zstd or identity")
    return data


def _parse(data: bytes) -> JsonValue:
    try:
        return read_json(data)
    except ValueError as error:
        raise SchemaError("$", f"expected JSON: {error}") from None


async def _read(request: Request) -> bytes:
    size = 0
    chunks: list[bytes] = []
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            # Keep reading: a client that is still sending would not read the response.
            chunks.clear()
        else:
            chunks.append(chunk)
    if size > MAX_BODY:
        raise HTTPException(413, f"the body is larger than {MAX_BODY} bytes")
    return b"".join(chunks)


def _decompress_gzip(data: bytes) -> bytes:
    # Neither `gzip.decompress`, which has no limit, nor `gzip.GzipFile`, which takes seconds for
    # 10 MB of empty members, nor the client's inflater, which accepts truncated bodies.
    plain = b""
    for _ in range(MAX_MEMBERS):
        decompressor = zlib.decompressobj(wbits=_GZIP)
        try:
            plain += decompressor.decompress(data, MAX_BODY + 1 - len(plain))
        except zlib.error:
            break
        _check_size(plain)
        data = decompressor.unused_data
        if not decompressor.eof:
            break
        if not data:
            return plain
    raise SchemaError("$", "expected gzip, as in the header content-encoding")


def _decompress_zstd(data: bytes) -> bytes:
    try:
        with ZstdDecompressor(max_window_size=_ZSTD_WINDOW).stream_reader(data) as reader:
            plain = reader.read(MAX_BODY + 1)
    except ZstdError:
        raise SchemaError("$", "expected zstd, as in the header content-encoding") from None
    _check_size(plain)
    return plain


def _check_size(plain: bytes) -> None:
    if len(plain) > MAX_BODY:
        raise HTTPException(413, f"the decompressed body is larger than {MAX_BODY} bytes")


def _decode_reversed_base64(data: bytes) -> bytes:
    try:
        # Browsers encode each character as one byte, and do not encode larger characters at all.
        return base64.b64decode(data[::-1], validate=True).decode("latin-1").encode()
    except binascii.Error:
        raise SchemaError("$", "expected reversed base64, as declared in the request") from None
