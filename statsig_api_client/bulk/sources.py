"""Records of files: JSON lines, CSV, Parquet, with the places at which to go on later."""

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from glob import glob
from hashlib import sha256
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from typing import TYPE_CHECKING, Final, NamedTuple

from attrs import field, frozen

from .csv_records import CsvRecord, read_records
from .errors import SourceError
from .json_lines import read_first_lines
from .settings import MAX_EVENT, Format
from .streams import Stream

if TYPE_CHECKING:
    from .parquet import Table

_FORMATS: Final[dict[str, Format]] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_HEAD: Final = 65536
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_BESIDE: Final = (".checkpoint", ".checkpoint.lock", ".dead-letters.jsonl")
"""What an import writes beside its input, unless it is told another place."""


class Record(NamedTuple):
    """A line or a row."""

    line: int
    """Its last line in its file, or its row; from 1."""
    after: int
    """The place behind it, in unpacked bytes, if the format has such."""
    content: bytes | Mapping[str, object]
    fault: str | None = None
    """Why it is none."""


@frozen
class Place:
    """Where reading goes on: a file, and how much of it has been read."""

    file: int = 0
    line: int = 0
    offset: int = 0


@frozen
class Source:
    """One file, or standard input."""

    path: Path | None
    """None: standard input."""
    format: Format
    size: int | None = field(default=None, eq=False)

    @property
    def name(self) -> str:
        """What messages call it."""
        if self.path is None:
            return "standard input"
        # Names need not be UTF-8, and what tells of them must be.
        return str(self.path).encode(errors="surrogateescape").decode(errors="backslashreplace")

    def identity(self) -> dict[str, object]:
        """By what a change is noticed: name, size, time of change, beginning and end."""
        assert self.path is not None  # noqa: S101  (standard input has none)
        stat = self.path.stat()
        with self.path.open("rb") as file:
            digest = sha256(file.read(_HEAD))
            file.seek(max(0, stat.st_size - _HEAD))
            digest.update(file.read(_HEAD))
        return {
            "name": str(self.path.absolute()),
            "size": stat.st_size,
            "changed": stat.st_mtime_ns,
            "sha256": digest.hexdigest(),
        }


def find_sources(
    source: str | Path | Sequence[str | Path],
    form: Format | None = None,
    written: Sequence[str | Path | None] = (),
) -> list[Source]:
    """The files that names and patterns mean, in the order in which they are read.

    What imports write beside them is none of them: else `events/*.jsonl` would be another input as
    soon as there are dead letters.

    Args:
        source: Names and patterns.
        form: The form of all of them; None: as their names say.
        written: Where this import writes, if it was told.

    Raises:
        SourceError: One is not there, cannot be read, is there twice, or is written to.
    """
    names = [source] if isinstance(source, str | Path) else source
    found: list[Source] = []
    for name in names:
        if str(name) == "-":
            found.append(Source(None, form or "jsonl"))
            continue
        path = Path(name)
        paths = [path] if path.exists() else _matching(str(name))
        if not paths:
            raise SourceError(f"{name}: there is no such file")
        found += [_source(path, form) for path in paths]
    if not found:
        raise SourceError("there is no input")
    if any(one.path is None for one in found):
        if len(found) > 1:
            raise SourceError("standard input cannot be read together with files")
        return found
    return _without_what_imports_write(found, written)


def _without_what_imports_write(
    found: list[Source], written: Sequence[str | Path | None]
) -> list[Source]:
    beside = {Path(f"{one.path}{suffix}").absolute() for one in found for suffix in _BESIDE}
    told = {Path(path).absolute() for path in written if path}
    left: dict[Path, Source] = {}
    for one in found:
        assert one.path is not None  # noqa: S101  (standard input is alone)
        path = one.path.absolute()
        if path in left:
            raise SourceError(f"{one.name}: is there twice, and would be sent twice")
        if path in told:
            raise SourceError(f"{one.name}: is where this import writes, and cannot be its input")
        if path not in beside:
            left[path] = one
    return [*left.values()]


def _matching(pattern: str) -> list[Path]:
    # Path.glob takes no absolute patterns.
    return sorted(map(Path, glob(pattern, recursive=True)))  # noqa: PTH207


def _source(path: Path, form: Format | None) -> Source:
    try:
        with path.open("rb") as file:
            stat = os.fstat(file.fileno())
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from None
    if not S_ISREG(stat.st_mode):
        raise SourceError(f"{path}: is no file to which one can go back; give it as -")
    suffixes = [suffix for suffix in path.suffixes if suffix not in (".gz", ".zst")]
    return Source(
        path, form or _FORMATS.get(suffixes[-1] if suffixes else "", "jsonl"), stat.st_size
    )


class Reader:
    """Reads one source from a place on."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._line = 0
        self.columns: list[str] | None = None
        """The names of the columns; None when every record may have others."""
        self._stream: Stream | None = None
        self._table: Table | None = None
        self._offset = 0
        self._consumed = 0
        self._first: list[bytes] = []
        """Lines that were read to recognise the form of the input."""
        with self._troubles():
            if source.format == "parquet":
                self._table = _parquet(source)
                self.columns = self._table.columns
            else:
                self._stream = Stream(source.path)
                if source.format == "csv":
                    self.columns = self._header_or_close()

    @property
    def consumed(self) -> int:
        """Bytes of the file that have been read, about."""
        return self._consumed if self._stream is None else self._stream.consumed

    def check_form(self) -> None:
        """Check that a file of JSON lines is one; the header of CSV is checked by its names.

        Raises:
            SourceError: It has another form.
        """
        if self.source.format != "jsonl" or self._stream is None:
            return
        lines = self._stream.lines

        def readline() -> bytes:
            try:
                return lines.readline(MAX_EVENT)
            except Exception as error:
                if self.source.path is not None and _is_broken(error):
                    return b""  # reported when the file is read to be sent
                raise

        with self._troubles():
            try:
                self._first = read_first_lines(readline)
            except SourceError as error:
                raise SourceError(f"{self.source.name}: {error}") from None

    def close(self) -> None:
        """Let go of the file."""
        if self._stream is not None:
            self._stream.close()
        if self._table is not None:
            self._table.close()

    def records(self, place: Place) -> Iterator[Record]:
        """All records behind a place.

        Raises:
            SourceError: The file cannot be read, or is broken.
        """
        with self._troubles():
            if self._table is not None:
                yield from self._rows(self._table, place.line)
                return
            assert self._stream is not None  # noqa: S101
            if place.offset:
                self._stream.skip(place.offset - self._offset if not self._seeks else place.offset)
                self._line, self._offset = place.line, place.offset
            yield from self._lines() if self.columns is None else self._csv_rows(self.columns)

    @property
    def _seeks(self) -> bool:
        return self._stream is not None and self._stream.is_plain

    def _troubles(self) -> "_Troubles":
        return _Troubles(self)

    @property
    def where(self) -> str:
        """The place that has been reached, for messages."""
        return f"{self.source.name}, after line {self._line:,}" if self._line else self.source.name

    def _lines(self) -> Iterator[Record]:
        assert self._stream is not None  # noqa: S101
        readline = self._stream.lines.readline
        line, offset = self._line, self._offset
        first, self._first = self._first, []
        for raw in chain(first, iter(partial(readline, MAX_EVENT), b"")):
            line += 1
            offset += len(raw)
            content, fault = raw, None
            if line == 1:
                content = raw.removeprefix(_BYTE_ORDER_MARK)
            if len(raw) == MAX_EVENT and raw[-1:] != b"\n":
                content, offset = raw[:_HEAD], offset + self._rest_of_line()
                fault = f"the line has more than {MAX_EVENT:,} bytes"
            self._line = line
            yield Record(line, offset, content.strip(), fault)

    def _rest_of_line(self) -> int:
        assert self._stream is not None  # noqa: S101
        size = 0
        while raw := self._stream.lines.readline(_HEAD):
            size += len(raw)
            if raw[-1:] == b"\n":
                break
        return size

    def _csv(self) -> Iterator[CsvRecord]:
        assert self._stream is not None  # noqa: S101
        path = self.source.path
        tabs = path is not None and ".tsv" in path.suffixes
        for record in read_records(self._stream.lines, "\t" if tabs else ","):
            self._line += record.lines
            self._offset += record.size
            yield record

    def _header_or_close(self) -> list[str]:
        try:
            return self._header()
        except BaseException:
            self.close()
            raise

    def _header(self) -> list[str]:
        record = next(self._csv(), None)
        if record is None or not (record.cells or record.problem):
            raise SourceError(f"{self.source.name}: it is empty, without even a header")
        header = record.cells
        if record.problem is not None or b"\0" in record.content or header[0][:1] in "[{":
            raise SourceError(
                f"{self.source.name}: line 1: expected the header of CSV, got "
                f"{record.problem or 'another format'}"
            )
        header[0] = header[0].removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
        if len(set(header)) < len(header) or not all(header):
            raise SourceError(
                f"{self.source.name}: line 1: a header of different names is expected"
            )
        return header

    def _csv_rows(self, columns: list[str]) -> Iterator[Record]:
        for record in self._csv():
            problem = record.problem
            if problem is None and not record.cells:
                yield Record(self._line, self._offset, b"")
                continue
            if problem is None and len(record.cells) != len(columns):
                got = len(record.cells)
                problem = f"expected {len(columns)} columns, as the header has, got {got}"
            if problem is None and not _is_text(record.content):
                problem = "not UTF-8"
            if problem is None:
                row = dict(zip(columns, record.cells, strict=True))
                yield Record(self._line, self._offset, row)
            else:
                yield Record(self._line, self._offset, record.content.strip(), problem)

    def _rows(self, table: "Table", skipped: int) -> Iterator[Record]:
        for before, rows in table.read(skipped):
            for row, content in enumerate(rows, before + 1):
                if row > skipped:
                    self._line = row
                    yield Record(row, 0, content)
            self._consumed = (self.source.size or 0) * (before + len(rows)) // table.rows


def _is_text(content: bytes) -> bool:
    """Return whether bytes are UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Troubles:
    """Makes what goes wrong with a file a `SourceError` that says where."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, _: object) -> None:
        if isinstance(error, SourceError) or error is None:
            return
        if _is_broken(error):
            raise SourceError(f"{self._reader.where}: cannot be read: {error}") from error


def _is_broken(error: BaseException) -> bool:
    """Return whether an error says that a file cannot be read, or is not what it seems to be."""
    known = isinstance(error, OSError | EOFError | zlib.error)
    return known or type(error).__module__.startswith(("pyarrow", "zst"))


def _parquet(source: Source) -> "Table":
    if source.path is None:
        raise SourceError("Parquet is read from its end, and standard input cannot be")
    try:
        from .parquet import Table  # noqa: PLC0415  (an extra)
    except ModuleNotFoundError:
        raise SourceError(
            f"{source.name}: Parquet needs pyarrow: pip install 'statsig-api-client[bulk]'"
        ) from None
    table = Table(source.path)
    if len(set(table.columns)) < len(table.columns):
        table.close()
        raise SourceError(f"{source.name}: columns of different names are expected")
    return table
