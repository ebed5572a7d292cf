"""Decompresses a body piece by piece, so that one that unpacks to too much is noticed in time."""

import zlib
from collections.abc import Callable
from typing import Final

_PIECE: Final = 256 * 1024
"""Bytes: the most that is unpacked before it is looked at."""

_ZLIB: Final = zlib.MAX_WBITS
_GZIP: Final = zlib.MAX_WBITS + 16
_RAW: Final = -zlib.MAX_WBITS


class Inflating:
    """Takes the pieces of a compressed body and hands on what they unpack to.

    Args:
        encoding: `gzip` or `deflate`.
        add: What takes the result, in pieces of a bounded size.
    """

    def __init__(self, encoding: str, add: Callable[[bytes], None]) -> None:
        self._add = add
        self._may_be_raw = encoding == "deflate"
        self._stream = zlib.decompressobj(_ZLIB if self._may_be_raw else _GZIP)

    def feed(self, chunk: bytes) -> None:
        """Take a piece.

        Raises:
            zlib.error: It cannot be unpacked.
        """
        while chunk:
            self._add(self._unpack(chunk))
            chunk = self._stream.unconsumed_tail

    def _unpack(self, chunk: bytes) -> bytes:
        may_be_raw, self._may_be_raw = self._may_be_raw, False
        try:
            return self._stream.decompress(chunk, _PIECE)
        except zlib.error:
            # Some servers say `deflate` and leave out the head of it.
            if not may_be_raw:
                raise
            self._stream = zlib.decompressobj(_RAW)
            return self._stream.decompress(chunk, _PIECE)
