"""A reply as it comes in: what of it is worth reading, whatever the engine."""

import zlib
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from .._response import Headers
from .base import TransportResponse
from .inflate import Inflating
from .interruptions import raise_interruption

MAX_REPLY: Final = 10 * 1024 * 1024
"""Bytes: the most that a reply may have, decompressed. A config of Statsig has at most 100 kB."""


class Unwanted(Exception):  # noqa: N818  (nobody sees it)
    """The rest of a reply is not worth reading."""


class Incoming:
    """A reply whose body is still to come.

    Args:
        status_code: The HTTP status.
        headers: The headers.
        encodings: The values of `Content-Encoding`, of which there should be one at most.
        decoding_error: What the engine raises when it cannot decompress a body.
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

    def encoding(self) -> str | None:
        """How the body is compressed, `gzip` or `deflate`; None if it is not.

        Raises:
            Unwanted: The encoding was not asked for. A chain of encodings, or a kind that unpacks
                further than those that were, could fill the memory with one chunk.
        """
        encodings = [value.strip().lower() for value in self._encodings]
        if encodings in ([], ["identity"]):
            return None
        if encodings in (["gzip"], ["deflate"]):
            return encodings[0]
        raise Unwanted("it has a content-encoding that was not asked for")

    def receiver(self) -> Callable[[bytes], None]:
        """Return what takes the pieces of the body as they come over the wire.

        Raises:
            Unwanted: As `encoding`.
        """
        encoding = self.encoding()
        return self.add if encoding is None else Inflating(encoding, self.add).feed

    def add(self, chunk: bytes) -> None:
        """Take a piece of the body, decompressed.

        Raises:
            Unwanted: It is too much.
        """
        self._size += len(chunk)
        if self._size > MAX_REPLY:
            raise Unwanted(f"it is larger than {MAX_REPLY >> 20} MiB")
        self._chunks.append(chunk)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        """Catch an error that leaves a reply which means something without the rest of its body."""
        if not isinstance(error, Exception):
            return False
        raise_interruption(error)
        if isinstance(error, Unwanted):
            self._problem = str(error)
        elif isinstance(error, self._decoding_error):
            self._problem = "it cannot be decompressed"
        elif 200 <= self._status_code <= 299:
            return False
        else:  # the status says what happened
            self._problem = "it broke off"
        return True

    def reply(self) -> TransportResponse:
        """What has come in."""
        return TransportResponse(
            status_code=self._status_code,
            headers=self._headers,
            content=b"".join(self._chunks),
            problem=self._problem,
        )
