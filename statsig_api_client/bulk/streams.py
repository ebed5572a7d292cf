"""Bytes of files and of standard input, unpacked if they are packed."""

import gzip
import io
import sys
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from .errors import SourceError

_CHUNK: Final = 1 << 18
_PACKED: Final = 1 << 10
"""Bytes that Zstandard unpacks at once: lines that repeat become ten thousand times as many."""


class Stream:
    """One input, open: what is read from it, and how far on the disk that is."""

    def __init__(self, path: Path | None) -> None:
        self._raw: BinaryIO = _standard_input() if path is None else path.open("rb", _CHUNK)
        self._keep_open = path is None
        self.is_plain: bool = False
        try:
            self.lines: BinaryIO = self._unpacked()
        except BaseException:
            self.close()
            raise

    def _unpacked(self) -> BinaryIO:
        start = cast("io.BufferedReader", self._raw).peek(4)[:4]
        if start[:2] == b"\x1f\x8b":
            unpacked = gzip.GzipFile(fileobj=self._raw)
            return io.BufferedReader(cast("io.RawIOBase", unpacked), _CHUNK)
        if start == b"\x28\xb5\x2f\xfd":
            return io.BufferedReader(_Zstandard(self._raw), _CHUNK)
        self.is_plain = not self._keep_open
        return self._raw

    def skip(self, offset: int) -> None:
        """Go to a place further on, in unpacked bytes from the beginning."""
        if self.is_plain:
            self.lines.seek(offset)
            return
        while offset > 0:
            chunk = self.lines.read(min(offset, _CHUNK))
            if not chunk:
                raise EOFError("it is shorter than it was")
            offset -= len(chunk)

    @property
    def consumed(self) -> int:
        """Bytes on the disk up to here; 0 when there is no disk."""
        return 0 if self._keep_open else self._raw.tell()

    def close(self) -> None:
        """Let go of the file."""
        if not self._keep_open:
            self._raw.close()


def _standard_input() -> BinaryIO:
    # Python has none if whoever started it has closed it.
    if cast("object", sys.stdin) is None:
        raise SourceError("standard input is closed")
    return sys.stdin.buffer


class _Zstandard(io.RawIOBase):
    """Unpacks Zstandard, and notices a frame that was cut off, as `stream_reader` does not."""

    def __init__(self, packed: BinaryIO) -> None:
        try:
            import zstandard  # noqa: PLC0415  (an extra)
        except ModuleNotFoundError:
            raise SourceError(
                "the input is packed by zstd: pip install 'statsig-api-client[bulk]'"
            ) from None
        self._packed = packed
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._begun = False
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as far as there is something."""
        while not self._ready:
            chunk = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = self._decompressor.decompressobj()
                self._begun = False
            chunk = chunk or self._packed.read(_PACKED)
            if not chunk:
                if self._begun:
                    raise EOFError("it ends in the middle of a frame")
                return 0
            self._begun = True
            self._ready = memoryview(self._frame.decompress(chunk))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size
