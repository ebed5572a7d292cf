"""Concurrent delivery of batches, shared by file imports and Spark tasks."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain
from typing import Final, Literal, NamedTuple, TypeAlias

from attrs import define, field, frozen

from .._delivery.concurrency import RequestLimiter
from .._delivery.sender import EventSender
from .batch_delivery import BatchDelivery, BatchResult, RejectionLimit
from .batches import ImportBatch, NumberedRecord
from .options import ImportOptions

DeadLetterState: TypeAlias = Literal["rejected", "ambiguous"]

_TICK: Final = 0.5
"""Maximum number of seconds between two calls of `on_tick`."""


class DeadLetter(NamedTuple):
    """A record that was not delivered."""

    record: NumberedRecord
    state: DeadLetterState
    reason: str
    event: bytes | None = None
    """The serialized event, or None if the record cannot be sent."""


@frozen
class BatchAccount:
    """The completed records of a batch."""

    delivered: list[int]
    """Indices of events."""
    dead_letters: list[DeadLetter]
    blank: list[int]
    """Numbers of records without content."""

    @classmethod
    def of(cls, batch: ImportBatch, result: BatchResult) -> "BatchAccount":
        """Return the account of a batch.

        Records that cannot be sent are completed together with the events of their batch, so that
        an error that stops the import does not consume them.
        """
        delivered = [index for start, end in result.delivered for index in range(start, end)]
        if not (delivered or result.rejected or result.ambiguous) and batch.events:
            return cls([], [], [])
        letters = [DeadLetter(record, "rejected", why) for record, why in batch.invalid]
        sent: list[tuple[DeadLetterState, list[tuple[int, str]]]] = [
            ("rejected", result.rejected),
            ("ambiguous", result.ambiguous),
        ]
        for state, events in sent:
            letters += [
                DeadLetter(batch.records[index], state, why, batch.events[index])
                for index, why in events
            ]
        return cls(delivered, letters, batch.blank)


@define(eq=False)
class DeliveryPipeline:
    """Concurrent delivery of batches."""

    sender: EventSender
    limiter: RequestLimiter
    """Limit on requests, which also stops the pipeline."""
    options: ImportOptions
    record: Callable[[ImportBatch, BatchResult], None]
    """Function that records the result of a batch, in the calling thread."""
    on_tick: Callable[[], None] = lambda: None
    """Function that is called about twice a second, in the calling thread."""
    max_rejected: int | None = None
    """Number of events that the server may reject before it accepts any; None sets no limit."""
    _in_progress: dict[Future[BatchResult], ImportBatch] = field(
        factory=dict[Future[BatchResult], ImportBatch], init=False
    )
    _held: deque[tuple[ImportBatch, BatchResult]] = field(
        factory=deque[tuple[ImportBatch, BatchResult]], init=False
    )
    """Batches that the server rejected, as long as it has accepted nothing."""
    _completed: bool = field(default=False, init=False)
    """True if all batches were attempted."""

    def run(self, batches: Iterable[ImportBatch]) -> bool:
        """Deliver batches until they end or the limiter stops the pipeline.

        Call `finish` afterwards, even after an exception.

        Returns:
            Whether all batches were read.
        """
        pool = ThreadPoolExecutor(self.options.max_concurrency, "statsig-import")
        wait_for_requests = True
        try:
            return self._deliver_all(pool, batches)
        except KeyboardInterrupt:
            wait_for_requests = False
            raise
        finally:
            self.limiter.stop()
            pool.shutdown(wait=wait_for_requests)

    def finish(self) -> OSError | None:
        """Record the remaining results, and return the last error in recording."""
        problem = None
        results = (
            one
            for future in [future for future in self._in_progress if future.done()]
            for one in self._recordable(self._in_progress.pop(future), future.result())
        )
        for batch, result in chain(results, self._remaining()):
            try:
                self.record(batch, result)
            except OSError as error:
                problem = error
        return problem

    def _deliver_all(self, pool: ThreadPoolExecutor, batches: Iterable[ImportBatch]) -> bool:
        rejections = RejectionLimit(self.limiter, self.max_rejected)
        for batch in batches:
            if batch.events:
                delivery = BatchDelivery(
                    self.sender,
                    self.limiter,
                    rejections,
                    self.options.resend_ambiguous,
                    batch.events,
                )
                self._in_progress[pool.submit(delivery.run)] = batch
            else:
                self.record(batch, BatchResult())
            self._collect(max_in_progress=self.options.max_concurrency + 1)
            if self.limiter.stopped:
                return False
        self._collect(max_in_progress=0)
        self._completed = not self.limiter.stopped
        return True

    def _collect(self, max_in_progress: int) -> None:
        """Record results until at most `max_in_progress` batches are in progress."""
        while self._in_progress:
            is_enough = len(self._in_progress) <= max_in_progress
            done, _ = wait(
                self._in_progress, timeout=0 if is_enough else _TICK, return_when=FIRST_COMPLETED
            )
            for future in done:
                for batch, result in self._recordable(
                    self._in_progress.pop(future), future.result()
                ):
                    self.record(batch, result)
            self.on_tick()
            if is_enough:
                return

    def _recordable(
        self, batch: ImportBatch, result: BatchResult
    ) -> Iterator[tuple[ImportBatch, BatchResult]]:
        """Return the results that may be recorded, given one more."""
        if result.rejected and not self.limiter.accepted:
            self._held.append((batch, result))
            return
        yield batch, result
        while self.limiter.accepted and self._held:
            yield self._held.popleft()

    def _remaining(self) -> Iterator[tuple[ImportBatch, BatchResult]]:
        """Return the results that are still withheld at the end.

        If parts of the input were not attempted and nothing was accepted, no event counts as
        rejected.
        """
        while self._held:
            batch, result = self._held.popleft()
            if not (self.limiter.accepted or self._completed):
                result.rejected.clear()
            yield batch, result
