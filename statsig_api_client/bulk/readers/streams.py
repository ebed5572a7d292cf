"""Byte streams of files and standard input, decompressed."""

import gzip
import io
import sys
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from ..errors import SourceError
from .files import InputSource
from .records import InputPosition
from .signatures import BYTE_ORDER_MARK, GZIP, SKIPPABLE_FRAME, ZSTANDARD

_CHUNK: Final = 1 << 18
_COMPRESSED_CHUNK: Final = 1 << 10
"""Bytes that Zstandard decompresses at a time: repeated lines grow ten thousand times."""


class InputStream:
    """An open input."""

    def __init__(self, path: Path | None) -> None:
        self._raw: BinaryIO = _standard_input() if path is None else path.open("rb", _CHUNK)
        self._is_standard_input = path is None
        self.is_seekable: bool = False
        try:
            self.lines: BinaryIO = self._decompressed()
        except BaseException:
            self.close()
            raise

    def _decompressed(self) -> BinaryIO:
        magic = cast("io.BufferedReader", self._raw).peek(4)[:4]
        if magic.startswith(GZIP):
            decompressed = gzip.GzipFile(fileobj=self._raw)
            return io.BufferedReader(cast("io.RawIOBase", decompressed), _CHUNK)
        if magic in (ZSTANDARD, *SKIPPABLE_FRAME):
            return io.BufferedReader(_Zstandard(self._raw), _CHUNK)
        self.is_seekable = not self._is_standard_input
        return self._raw

    def skip_byte_order_mark(self) -> int:
        """Skip a byte-order mark at the start, and return its size."""
        size = len(BYTE_ORDER_MARK)
        start = cast("io.BufferedReader", self.lines).peek(size)[:size]
        return len(self.lines.read(size)) if start == BYTE_ORDER_MARK else 0

    def skip(self, size: int) -> None:
        """Skip decompressed bytes.

        Raises:
            EOFError: The stream is shorter.
        """
        while size > 0:
            chunk = self.lines.read(min(size, _CHUNK))
            if not chunk:
                raise EOFError("it is shorter than it was")
            size -= len(chunk)

    @property
    def consumed(self) -> int:
        """Bytes read, before decompression; 0 for standard input."""
        return 0 if self._is_standard_input else self._raw.tell()

    def close(self) -> None:
        """Close the file."""
        if not self._is_standard_input:
            self._raw.close()


class TextReader:
    """State shared by the readers of text formats."""

    number_columns: frozenset[str] = frozenset()

    def __init__(self, source: InputSource) -> None:
        self.source = source
        self.stream: InputStream = InputStream(source.path)
        self.line: int = 0
        """Number of the last line read."""
        self.offset: int = 0
        """Number of decompressed bytes read."""

    @property
    def consumed(self) -> int:
        """Bytes read of the file, before decompression."""
        return self.stream.consumed

    def seek(self, position: InputPosition) -> None:
        """Continue at a position that an earlier run reached."""
        if not position.offset:
            return
        if self.stream.is_seekable:
            if self.source.size is not None and position.offset > self.source.size:
                raise EOFError("it is shorter than it was")
            self.stream.lines.seek(position.offset)
        else:
            self.stream.skip(position.offset - self.offset)
        self.line, self.offset = position.line, position.offset

    def close(self) -> None:
        """Close the file."""
        self.stream.close()


def is_damage(error: BaseException | None) -> bool:
    """Return whether an error means that a file cannot be read or decompressed."""
    is_known = isinstance(error, OSError | EOFError | zlib.error)
    return is_known or type(error).__module__.startswith(("pyarrow", "zst"))


def _standard_input() -> BinaryIO:
    # Python has no sys.stdin if its parent process closed it.
    if cast("object", sys.stdin) is None:
        raise SourceError("standard input is closed")
    return sys.stdin.buffer


class _Zstandard(io.RawIOBase):
    """A Zstandard stream that detects truncated frames, unlike `stream_reader`."""

    def __init__(self, compressed: BinaryIO) -> None:
        try:
            import zstandard
        except ModuleNotFoundError:
            raise SourceError(
                "the input is compressed with zstd: pip install 'statsig-api-client[bulk]'"
            ) from None
        self._compressed = compressed
        self._decompressor = zstandard.ZstdDecompressor()
        self._frame = self._decompressor.decompressobj()
        self._in_frame = False
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with decompressed bytes, and return their number."""
        while not self._ready:
            chunk = self._frame.unused_data if self._frame.eof else b""
            if self._frame.eof:
                self._frame = self._decompressor.decompressobj()
                self._in_frame = False
            chunk = chunk or self._compressed.read(_COMPRESSED_CHUNK)
            if not chunk:
                if self._in_frame:
                    raise EOFError("it ends in the middle of a frame")
                return 0
            self._in_frame = True
            self._ready = memoryview(self._frame.decompress(chunk))
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size
