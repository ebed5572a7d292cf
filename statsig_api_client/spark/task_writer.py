"""Delivery of the rows of one partition."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, cast

from .._client import Statsig
from .._delivery.concurrency import RequestLimiter
from .._delivery.result import SendResult
from .._delivery.sender import EventSender
from .._errors import StatsigError
from ..bulk.batch_delivery import BatchResult
from ..bulk.batches import ImportBatch, NumberedRecord
from ..bulk.dead_letters import dead_letter_line
from ..bulk.errors import RowError
from ..bulk.event_builder import EventBuilder
from ..bulk.mapping.fields import EventMapping
from ..bulk.mapping.rows import Row, RowMapper
from ..bulk.pipeline import BatchAccount, DeadLetter, DeliveryPipeline
from ..bulk.readers.records import InputPosition, InputRecord
from ..bulk.reasons import ReasonCounter
from ..bulk.summary import RejectionReason
from .options import WriteOptions
from .progress_log import ProgressLog
from .totals import Totals

_MAX_REASONS: Final = 100
"""Maximum number of reasons in the message of a task."""


class TaskWriter:
    """One attempt to deliver a partition.

    Args:
        statsig: The client.
        options: Options of the write.
        mapping: Mapping of columns to event fields.
        progress: Progress of this and earlier attempts.
        partition: The number of the partition.
    """

    def __init__(
        self,
        statsig: Statsig,
        options: WriteOptions,
        mapping: EventMapping,
        progress: ProgressLog,
        partition: int,
    ) -> None:
        self._progress = progress
        self._partition = partition
        self._options = options.imports
        self._build_event = EventBuilder(
            options.imports, options.connection.environment, RowMapper(mapping)
        )
        self._limiter = RequestLimiter(
            max_concurrency=options.imports.max_concurrency,
            max_rate=options.imports.max_rate,
            give_up_after=options.imports.give_up_after,
            stop=threading.Event(),
        )
        self._pipeline = DeliveryPipeline(
            EventSender(statsig),
            self._limiter,
            options.imports,
            # All events that an earlier attempt left may be invalid.
            max_rejected=options.imports.max_rejected if progress.is_first else None,
            record=self._record,
        )
        self._counts: Counter[str] = Counter()
        self._reasons = ReasonCounter()

    def write(self, rows: Iterable[Row]) -> tuple[Totals, StatsigError | None]:
        """Deliver rows.

        Returns:
            The totals, and the error that stopped the task, if another attempt cannot succeed.

        Raises:
            StatsigError: No request succeeded for too long; another attempt may succeed.
            OSError: The directory of the job cannot be written.
        """
        try:
            self._pipeline.run(self._batches(rows))
        finally:
            problem = self._pipeline.finish()
            self._progress.write()
        if problem is not None:
            raise problem
        error = self._limiter.error
        if error is not None and SendResult.from_error(error).status != "fatal":
            raise StatsigError(
                f"partition {self._partition}: no request succeeded for "
                f"{self._options.give_up_after:g} seconds: {error}"
            ) from error
        if error is None:
            self._counts["unmatched"] = self._progress.unmatched
            self._counts["concurrent"] = self._progress.concurrent_events()
        return Totals(**self._counts), error

    def reasons(self) -> tuple[RejectionReason, ...]:
        """Return the most frequent reasons of the dead letters."""
        return self._reasons.most_frequent(_MAX_REASONS)

    def _batches(self, rows: Iterable[Row]) -> Iterator[ImportBatch]:
        batch, size = _empty_batch(0), 0
        for number, row in enumerate(rows):
            self._counts["read"] += 1
            size += self._add(batch, NumberedRecord(number, 0, InputRecord(number + 1, 0, row)))
            if (
                max(len(batch.events), len(batch.invalid)) >= self._options.events_per_request
                or size >= self._options.max_batch_bytes
            ):
                yield batch
                batch, size = _empty_batch(number + 1), 0
        yield batch

    def _add(self, batch: ImportBatch, numbered: NumberedRecord) -> int:
        """Add a row to a batch unless it is completed, and return the size of its event."""
        row = cast("Row", numbered.record.content)
        try:
            event = self._build_event(row)
        except RowError as error:
            if self._progress.is_completed(_invalid_row(row, str(error))):
                self._counts["skipped"] += 1
            else:
                batch.invalid.append((numbered, str(error)))
            return 0
        if self._progress.is_completed(event):
            self._counts["skipped"] += 1
            return 0
        batch.events.append(event)
        batch.records.append(numbered)
        return len(event)

    def _record(self, batch: ImportBatch, result: BatchResult) -> None:
        account = BatchAccount.of(batch, result)
        events = [batch.events[index] for index in account.delivered]
        letters = account.dead_letters
        states = Counter(letter.state for letter in letters)
        self._counts.update(states)
        for letter in letters:
            place = f"partition {self._partition}, row {letter.record.record.line}"
            self._reasons.add(letter.reason, place)
        self._counts.update(
            delivered=len(events),
            unsent=len(batch.events) + len(batch.invalid) - len(events) - len(letters),
            requests=result.requests,
            retried=result.retried,
            resent=result.resent,
            bytes_sent=sum(map(len, events)),
        )
        contents = [
            letter.event or _invalid_row(letter.record.record.content, letter.reason)
            for letter in letters
        ]
        self._progress.complete([*events, *contents], [self._line(letter) for letter in letters])

    def _line(self, letter: DeadLetter) -> bytes:
        record = letter.record.record
        place = {"partition": self._partition, "row": record.line}
        return dead_letter_line(place, letter.state, letter.reason, record.content)


def _empty_batch(first: int) -> ImportBatch:
    return ImportBatch(first, InputPosition(), InputPosition())


def _invalid_row(content: Row | bytes, reason: str) -> bytes:
    """Return bytes that identify an invalid row, independent of its place in the partition."""
    return dead_letter_line({}, "rejected", reason, content)
