"""Batches: what is sent together, and which records that accounts for."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from attrs import define, field

from .errors import Fault
from .outgoing import Outgoing
from .settings import Settings
from .sources import Place, Reader, Record, Source

_NEVER: Final = (1 << 62, 1 << 62)
_MOST_EMPTY: Final = 100_000

Span = tuple[int, int]
"""Records by their numbers in the whole input: from the first to before the second."""


class Item(NamedTuple):
    """A record of a batch."""

    number: int
    """In the whole input, from 0."""
    file: int
    record: Record


@define(eq=False)
class Batch:
    """Records `first` to before `end`, which lie side by side."""

    first: int
    start: Place
    behind: Place
    """Where reading goes on after it."""
    events: list[bytes] = field(factory=list[bytes])
    items: list[Item] = field(factory=list[Item])
    """The record of each event."""
    faults: list[tuple[Item, str]] = field(factory=list[tuple[Item, str]])
    blank: list[int] = field(factory=list[int])
    settled: list[int] = field(factory=list[int])
    """What an earlier run has accounted for."""

    @property
    def end(self) -> int:
        """The number behind its last record."""
        counts = len(self.events), len(self.faults), len(self.blank), len(self.settled)
        return self.first + sum(counts)


class Batches:
    """Reads the input from a place on, and makes batches of it."""

    def __init__(
        self,
        sources: list[Source],
        outgoing: Outgoing,
        settings: Settings,
        begun: Reader | None = None,
    ) -> None:
        self._sources = sources
        self._begun = begun
        self._outgoing = outgoing
        self._settings = settings
        self._reader: Reader | None = None
        self._bytes_before = 0
        self.bytes_skipped: int = 0
        """Those of `bytes_read` that earlier runs have read, about."""

    @property
    def bytes_read(self) -> int:
        """Bytes of the files, as they are on the disk."""
        return self._bytes_before + (self._reader.consumed if self._reader else 0)

    @property
    def bytes_total(self) -> int | None:
        """Bytes of all files; None for standard input."""
        sizes = [source.size for source in self._sources]
        return None if None in sizes else sum(size for size in sizes if size)

    def read(self, number: int, place: Place, settled: list[Span]) -> Iterator[Batch]:
        """All batches from a place on.

        Args:
            number: The number of the first record.
            place: Where it is.
            settled: What is accounted for already, in order.

        Raises:
            SourceError: The input cannot be read.
        """
        began = number
        for file in range(len(self._sources)):
            source = self._sources[file]
            if file >= place.file:
                start = place if file == place.file else Place(file)
                self._reader = self._begun or Reader(source)
                try:
                    for batch in self._of_file(self._reader, number, start, settled):
                        if batch.first == began > 0:
                            self.bytes_skipped = self.bytes_read
                        yield batch
                        number = batch.end
                finally:
                    self._reader.close()
                    self._reader = None
            self._bytes_before += source.size or 0

    def _event(self, record: Record) -> bytes:
        if record.fault is not None:
            raise Fault(record.fault)
        return self._outgoing(record.content)

    def _of_file(
        self, reader: Reader, number: int, start: Place, settled: list[Span]
    ) -> Iterator[Batch]:
        spans = iter([span for span in settled if span[1] > number])
        first, end = next(spans, _NEVER)
        batch, size = Batch(number, start, start), 0
        most = self._settings.batch
        record: Record | None = None
        for record in reader.records(start):
            while number >= end:
                first, end = next(spans, _NEVER)
            if number >= first:
                batch.settled.append(number)
            elif record.content == b"":
                batch.blank.append(number)
            else:
                try:
                    event = self._event(record)
                except Fault as fault:
                    batch.faults.append((Item(number, start.file, record), str(fault)))
                    size += len(record.content) if isinstance(record.content, bytes) else 0
                else:
                    batch.events.append(event)
                    batch.items.append(Item(number, start.file, record))
                    size += len(event)
            number += 1
            if (
                len(batch.events) >= most
                or size >= self._settings.max_batch_bytes
                or len(batch.faults) >= most
                or len(batch.blank) + len(batch.settled) >= _MOST_EMPTY
            ):
                batch.behind = Place(start.file, record.line, record.after)
                yield batch
                batch, size = Batch(number, batch.behind, batch.behind), 0
        if record is not None and number > batch.first:
            batch.behind = Place(start.file, record.line, record.after)
            yield batch
