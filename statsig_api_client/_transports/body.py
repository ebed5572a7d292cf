"""Response bodies: size limit, decompression and read errors."""

import zlib
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final, Self

from .base import Headers, TransportResponse
from .interruptions import raise_interruption

MAX_BODY_SIZE: Final = 10 * 1024 * 1024
"""Maximum bytes of a decompressed body. A config of Statsig has at most 100 kB."""

_PIECE_SIZE: Final = 256 * 1024
"""Bytes that are decompressed between two checks of the size."""

_ZLIB: Final = zlib.MAX_WBITS
_GZIP: Final = zlib.MAX_WBITS + 16
_RAW: Final = -zlib.MAX_WBITS


class InvalidBodyError(Exception):
    """A body that is too large or has an encoding that was not requested.

    The rest of it is not read.
    """


class ResponseReader:
    """A response whose body has not been read yet.

    As a context manager around the reading, it catches the errors after which the response can
    still be used: its status and the first part of the body.

    Args:
        status_code: The HTTP status.
        headers: The headers.
        encodings: The values of `Content-Encoding`, normally at most one.
        decoding_error: The class of the exceptions that decompression raises.
    """

    def __init__(
        self,
        status_code: int,
        headers: Headers,
        encodings: list[str],
        decoding_error: type[Exception] = zlib.error,
    ) -> None:
        self._status_code = status_code
        self._headers = headers
        self._encodings = encodings
        self._decoding_error = decoding_error
        self._chunks: list[bytes] = []
        self._size = 0
        self._problem: str | None = None

    @classmethod
    def from_raw(
        cls,
        status_code: int,
        headers: list[tuple[bytes, bytes]],
        decoding_error: type[Exception] = zlib.error,
    ) -> Self:
        """Return a reader for a response whose headers are bytes."""
        encodings = [
            value.decode("latin-1")
            for name, value in headers
            if name.lower() == b"content-encoding"
        ]
        return cls(status_code, Headers(partial(_decode, headers)), encodings, decoding_error)

    def encoding(self) -> str | None:
        """Return the compression of the body: `gzip`, `deflate` or None.

        Raises:
            InvalidBodyError: The encoding was not requested. A chain of encodings, or one with a
                higher ratio than those requested, could fill the memory with one chunk.
        """
        encodings = [value.strip().lower() for value in self._encodings]
        if encodings in ([], ["identity"]):
            return None
        if encodings in (["gzip"], ["deflate"]):
            return encodings[0]
        raise InvalidBodyError("the body has a content-encoding that was not requested")

    def receiver(self) -> Callable[[bytes], None]:
        """Return a function that accepts the chunks of the body as sent.

        Raises:
            InvalidBodyError: See `encoding`.
        """
        encoding = self.encoding()
        return self.add if encoding is None else Decompressor(encoding, self.add).feed

    def add(self, chunk: bytes) -> None:
        """Add a decompressed chunk.

        Raises:
            InvalidBodyError: The body is too large.
        """
        self._size += len(chunk)
        if self._size > MAX_BODY_SIZE:
            raise InvalidBodyError(f"the body is larger than {MAX_BODY_SIZE >> 20} MiB")
        self._chunks.append(chunk)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        raise_interruption(error)
        if isinstance(error, InvalidBodyError):
            self._problem = str(error)
        elif isinstance(error, self._decoding_error):
            self._problem = "the body cannot be decompressed"
        elif 200 <= self._status_code <= 299:
            return False
        else:  # the status of an error response is enough
            self._problem = "the body is incomplete"
        return True

    def response(self) -> TransportResponse:
        """Return the response with the body read so far."""
        return TransportResponse(
            status_code=self._status_code,
            headers=self._headers,
            content=b"".join(self._chunks),
            problem=self._problem,
        )


def _decode(headers: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


class Decompressor:
    """Incremental decompression, so that a bomb is detected before it fills the memory.

    Args:
        encoding: `gzip` or `deflate`.
        add: A function that accepts the decompressed chunks.
    """

    def __init__(self, encoding: str, add: Callable[[bytes], None]) -> None:
        self._add = add
        self._may_be_raw = encoding == "deflate"
        self._stream = zlib.decompressobj(_ZLIB if self._may_be_raw else _GZIP)

    def feed(self, chunk: bytes) -> None:
        """Decompress a chunk.

        Raises:
            zlib.error: The chunk is invalid.
        """
        while chunk:
            self._add(self._decompress(chunk))
            chunk = self._stream.unconsumed_tail

    def _decompress(self, chunk: bytes) -> bytes:
        may_be_raw, self._may_be_raw = self._may_be_raw, False
        try:
            return self._stream.decompress(chunk, _PIECE_SIZE)
        except zlib.error:
            # Some servers send `deflate` without its header.
            if not may_be_raw:
                raise
            self._stream = zlib.decompressobj(_RAW)
            return self._stream.decompress(chunk, _PIECE_SIZE)
