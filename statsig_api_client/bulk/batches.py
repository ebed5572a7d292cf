"""Batches of an input."""

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from attrs import define, field

from .errors import RowError
from .event_builder import EventBuilder
from .options import ImportOptions
from .readers.files import InputSource
from .readers.records import InputPosition, InputRecord
from .readers.source_reader import SourceReader

_NO_SPAN: Final = (1 << 62, 1 << 62)
_MAX_EMPTY: Final = 100_000
_MAX_INPUT: Final = 4 * 1024 * 1024
"""Maximum bytes of lines and rows of a batch, since rows may have columns that are not mapped."""

RecordSpan: TypeAlias = tuple[int, int]
"""Numbers of consecutive records: the first, and the one after the last."""


class NumberedRecord(NamedTuple):
    """A record of a batch."""

    number: int
    """Its number in the complete input, from 0."""
    file: int
    record: InputRecord


@define(eq=False)
class ImportBatch:
    """Consecutive records, and their events, which are sent together."""

    first: int
    start: InputPosition
    end_position: InputPosition
    """The position after its last record."""
    events: list[bytes] = field(factory=list[bytes])
    """Serialized events."""
    records: list[NumberedRecord] = field(factory=list[NumberedRecord])
    """The record of each event."""
    invalid: list[tuple[NumberedRecord, str]] = field(factory=list[tuple[NumberedRecord, str]])
    """Records that cannot be sent, each with the reason."""
    blank: list[int] = field(factory=list[int])
    """Numbers of records without content."""
    completed: list[int] = field(factory=list[int])
    """Numbers of records that an earlier run completed."""

    @property
    def end(self) -> int:
        """The number after its last record."""
        counts = len(self.events), len(self.invalid), len(self.blank), len(self.completed)
        return self.first + sum(counts)


class BatchReader:
    """Reader that divides an input into batches."""

    def __init__(
        self,
        sources: list[InputSource],
        build_event: EventBuilder,
        options: ImportOptions,
        standard_input: SourceReader | None = None,
    ) -> None:
        self._sources = sources
        self._standard_input = standard_input
        self._build_event = build_event
        self._max_events = options.events_per_request
        self._max_bytes = options.max_batch_bytes
        self._reader: SourceReader | None = None
        self._bytes_of_read_files = 0
        self._bytes_of_closed_file = 0
        """Bytes that were read of the file in which the import stopped."""
        self.bytes_skipped: int = 0
        """Approximate part of `bytes_read` that earlier runs completed."""

    @property
    def bytes_read(self) -> int:
        """Bytes read of the files, before decompression."""
        of_file = self._reader.consumed if self._reader else self._bytes_of_closed_file
        return self._bytes_of_read_files + of_file

    @property
    def bytes_total(self) -> int | None:
        """Size of all files in bytes; None for standard input."""
        sizes = [source.size for source in self._sources]
        return None if None in sizes else sum(size for size in sizes if size)

    def read(
        self, number: int, position: InputPosition, completed: list[RecordSpan]
    ) -> Iterator[ImportBatch]:
        """Read all batches after a position.

        Args:
            number: The number of the first record after it.
            position: The position.
            completed: Records that an earlier run completed, in order.

        Raises:
            SourceError: The input cannot be read.
        """
        first = number
        for file, source in enumerate(self._sources):
            if file >= position.file:
                start = position if file == position.file else InputPosition(file)
                self._reader = self._standard_input or SourceReader(source)
                try:
                    for batch in self._batches(self._reader, number, start, completed):
                        if batch.first == first > 0:
                            self.bytes_skipped = self.bytes_read
                        yield batch
                        number = batch.end
                finally:
                    self._bytes_of_closed_file = self._reader.consumed
                    self._reader.close()
                    self._reader = None
            self._bytes_of_read_files += source.size or 0
            self._bytes_of_closed_file = 0

    def _batches(
        self, reader: SourceReader, number: int, start: InputPosition, completed: list[RecordSpan]
    ) -> Iterator[ImportBatch]:
        spans = iter([span for span in completed if span[1] > number])
        span_start, span_end = next(spans, _NO_SPAN)
        batch, size, kept, end = ImportBatch(number, start, start), 0, 0, start.offset
        record: InputRecord | None = None
        for record in reader.records(start):
            while number >= span_end:
                span_start, span_end = next(spans, _NO_SPAN)
            if number >= span_start:
                batch.completed.append(number)
            elif record.content == b"":
                batch.blank.append(number)
            else:
                is_line = isinstance(record.content, bytes)
                kept += len(record.content) if is_line else record.end - end
                size += self._add(batch, NumberedRecord(number, start.file, record))
            number, end = number + 1, record.end
            if (
                len(batch.events) >= self._max_events
                or size >= self._max_bytes
                or kept >= _MAX_INPUT
                or len(batch.invalid) >= self._max_events
                or len(batch.blank) + len(batch.completed) >= _MAX_EMPTY
            ):
                batch.end_position = InputPosition(start.file, record.line, record.end)
                yield batch
                batch = ImportBatch(number, batch.end_position, batch.end_position)
                size = kept = 0
        if record is not None and number > batch.first:
            batch.end_position = InputPosition(start.file, record.line, record.end)
            yield batch

    def _add(self, batch: ImportBatch, numbered: NumberedRecord) -> int:
        """Add a record with content to a batch, and return its size in memory."""
        record, error = numbered.record, numbered.record.error
        if error is None:
            try:
                event = self._build_event(record.content)
            except RowError as row_error:
                error = str(row_error)
            else:
                batch.events.append(event)
                batch.records.append(numbered)
                return len(event)
        batch.invalid.append((numbered, error))
        return len(record.content) if isinstance(record.content, bytes) else 0
