"""Recognition of unsupported formats by their first bytes."""

from typing import Final

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
"""The byte-order mark that some programs write before UTF-8."""
GZIP: Final = b"\x1f\x8b"
ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"
SKIPPABLE_FRAME: Final = tuple(bytes([low, 0x2A, 0x4D, 0x18]) for low in range(0x50, 0x60))
"""First bytes of frames without content, which Zstandard allows anywhere."""
LONGEST: Final = 16
"""Bytes that recognition needs."""

_UTF_16: Final = "UTF-16; convert it to UTF-8, for instance with iconv -f UTF-16 -t UTF-8"
_DECOMPRESS: Final = "{}; decompress it first, for instance with {}"
_SIGNATURES: Final = (
    # UTF-32 starts like UTF-16.
    (b"\xff\xfe\0\0", "UTF-32; convert it to UTF-8"),
    (b"\0\0\xfe\xff", "UTF-32; convert it to UTF-8"),
    (b"\xff\xfe", _UTF_16),
    (b"\xfe\xff", _UTF_16),
    (GZIP, "gzip in a compressed file; decompress it once"),
    (ZSTANDARD, "zstd in a compressed file; decompress it once"),
    (b"BZh", _DECOMPRESS.format("bzip2", "bunzip2")),
    (b"\xfd7zXZ\0", _DECOMPRESS.format("xz", "unxz")),
    (b"PK\x03\x04", "a zip archive or an Excel workbook; extract it, or export it as CSV"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; extract it first"),
    (b"\x04\x22\x4d\x18", _DECOMPRESS.format("lz4", "unlz4")),
    (b"\xff\x06\0\0sNaPpY", _DECOMPRESS.format("snappy", "snzip -d")),
    (b"PAR1", "Parquet; name it .parquet, or set the format"),
    (b"ARROW1", "Arrow; write it as Parquet"),
    (b"Obj\x01", "Avro; write it as Parquet or JSON lines"),
    (b"ORC", "ORC; write it as Parquet"),
    (b"SQLite format 3", "an SQLite database; export a table as CSV"),
)


def recognised(start: bytes) -> str | None:
    """Return the name of a binary format with a hint, or None for text.

    Args:
        start: The first bytes, at least `LONGEST` unless the input is shorter.
    """
    for signature, found in _SIGNATURES:
        if start.startswith(signature):
            return found
    # ASCII in UTF-16 without a byte-order mark has a zero in every other byte.
    if len(start) >= 4 and any(start[0:4:2]) != any(start[1:4:2]):
        return _UTF_16
    return "a binary file" if 0 in start else None
