"""`import_events`: delivery of files of events."""

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from .._client import Statsig
from .._delivery.concurrency import RequestLimiter
from .._delivery.sender import EventSender
from .batch_delivery import BatchResult
from .batches import BatchReader, ImportBatch
from .checkpoint import Checkpoint, exclusive_checkpoint
from .dead_letters import DeadLetterFile
from .errors import ImportStoppedError, SourceError
from .input import ImportInput, open_input
from .interrupts import deferred_interrupts
from .options import ImportOptions
from .pipeline import BatchAccount, DeliveryPipeline
from .reasons import ReasonCounter
from .summary import ImportProgress, ImportSummary

_PROGRESS_INTERVAL: Final = 0.5
"""Seconds between two calls of `on_progress`."""


def import_events(
    statsig: Statsig,
    source: str | Path | Sequence[str | Path],
    options: ImportOptions | None = None,
) -> ImportSummary:
    """Send the events of files to Statsig, and account for every line.

    A checkpoint next to the input stores the progress. After any interruption the same call
    resumes the import; only requests that were in progress are sent again.

    Args:
        statsig: The client. Its timeouts apply; its retries do not.
        source: Files, patterns such as `events/*.jsonl.gz`, or `-` for standard input.
        options: Options of the import.

    Returns:
        The number of lines by result.

    Raises:
        SourceError: The input cannot be read, or has changed since the checkpoint was written.
        CheckpointInUseError: Another import uses the checkpoint.
        ImportStoppedError: The import ended before the input did: Statsig rejected the API key or
            all events, could not be reached for too long, a file is damaged, or a disk is full.
            Its `summary` has the counts.
        KeyboardInterrupt: Ctrl-C was pressed. Requests in progress are completed first, unless it
            is pressed again.

    Example:
        >>> with Statsig() as statsig:
        ...     options = ImportOptions(max_rate=5000)
        ...     import_events(statsig, "events-*.jsonl.gz", options).delivered
    """
    options = options or ImportOptions()
    sender = EventSender(statsig, compress=options.compress)
    opened = open_input(source, options, sender.environment)
    with exclusive_checkpoint(opened.checkpoint):
        run = _ImportRun(sender, opened, options)
        with deferred_interrupts(run.stop):
            return run.run()


class _ImportRun:
    """One run of an import."""

    def __init__(self, sender: EventSender, opened: ImportInput, options: ImportOptions) -> None:
        self._options = options
        self._checkpoint = Checkpoint(opened.checkpoint, opened.identity, opened.mode)
        if not options.restart:
            self._checkpoint.load(files=len(opened.sources), force=options.force)
        self._dead_letters = DeadLetterFile(
            opened.dead_letters,
            [source.name for source in opened.sources],
            0 if options.restart else self._checkpoint.dead_letter_bytes,
            mode=opened.mode,
        )
        self._checkpoint.dead_letter_bytes = self._dead_letters.size
        self._batches = BatchReader(
            opened.sources, opened.build_event, options, opened.standard_input
        )
        self._limiter = RequestLimiter(
            max_concurrency=options.max_concurrency,
            max_rate=options.max_rate,
            give_up_after=options.give_up_after,
            stop=options.stop or threading.Event(),
        )
        self._pipeline = DeliveryPipeline(
            sender,
            self._limiter,
            options,
            max_rejected=options.max_rejected,
            record=self._record,
            on_tick=self._tick,
        )
        earlier = self._checkpoint.number
        self._reasons = ReasonCounter()
        self._counts: Counter[str] = Counter(read=earlier, skipped=earlier)
        self._started = self._reported = time.monotonic()
        self._stopped = False

    def run(self) -> ImportSummary:
        """Import until the input ends or the limiter stops the run."""
        problem: Exception | None = None
        try:
            try:
                self._checkpoint.save()
                if self._options.restart:
                    self._dead_letters.discard()
                self._stopped = not self._pipeline.run(self._begun_batches())
            except (SourceError, OSError) as error:
                problem = error
        finally:
            problem = self._finish() or problem
        self._report()
        problem = self._limiter.error or problem
        if problem is None:
            return self.summary
        self._stopped = True
        reason = str(problem)
        if isinstance(problem, OSError) and problem.filename is not None:
            reason = f"{problem.filename}: {problem.strerror}"
        raise ImportStoppedError(f"the import stopped: {reason}", summary=self.summary) from problem

    def stop(self) -> None:
        """Start no more requests."""
        self._limiter.stop()

    @property
    def summary(self) -> ImportSummary:
        """The counts so far."""
        return ImportSummary(
            **self._counts,
            seconds=time.monotonic() - self._started,
            stopped=self._stopped,
            reasons=self._reasons.most_frequent(),
            dead_letters=self._dead_letters.path if self._checkpoint.dead_letters else None,
        )

    def _begun_batches(self) -> Iterator[ImportBatch]:
        """Read batches, and record in the checkpoint that they are about to be sent."""
        checkpoint = self._checkpoint
        for batch in self._batches.read(
            checkpoint.number, checkpoint.position, checkpoint.completed
        ):
            self._counts["read"] += batch.end - batch.first
            self._counts["skipped"] += len(batch.completed)
            checkpoint.begin(batch)
            if batch.events:
                try:
                    checkpoint.save()
                except OSError:
                    self._record(batch, BatchResult())
                    raise
            yield batch

    def _finish(self) -> OSError | None:
        """Record the remaining results, and return the last error in recording."""
        problem = self._pipeline.finish()
        try:
            self._checkpoint.save()
        except OSError as error:
            problem = error
        self._dead_letters.close()
        return problem

    def _record(self, batch: ImportBatch, result: BatchResult) -> None:
        account = BatchAccount.of(batch, result)
        delivered = [batch.records[index].number for index in account.delivered]
        sent = [*delivered, *(batch.records[index].number for index, _ in result.ambiguous)]
        counts = Counter(
            delivered=len(delivered),
            blank=len(account.blank),
            retried=result.retried,
            resent=result.resent + self._checkpoint.count_interrupted(sent),
            bytes_sent=sum(len(batch.events[index]) for index in account.delivered),
        )
        completed = [*delivered, *account.blank]
        letters = account.dead_letters
        try:
            self._dead_letters.write(letters)
            self._checkpoint.dead_letter_bytes = self._dead_letters.size
            self._checkpoint.dead_letters += len(letters)
            completed += [letter.record.number for letter in letters]
            for letter in letters:
                counts[letter.state] += 1
                self._reasons.add(letter.reason, self._dead_letters.place(letter.record))
        finally:
            counts["unsent"] = self._checkpoint.complete(batch, completed)
            self._counts.update(counts)

    def _tick(self) -> None:
        if time.monotonic() - self._reported > _PROGRESS_INTERVAL:
            self._checkpoint.save()
            self._report()

    def _report(self) -> None:
        self._reported = time.monotonic()
        if self._options.on_progress is not None:
            self._options.on_progress(
                ImportProgress(
                    summary=self.summary,
                    bytes_read=self._batches.bytes_read,
                    bytes_total=self._batches.bytes_total,
                    bytes_skipped=self._batches.bytes_skipped,
                    concurrency=self._limiter.concurrency,
                )
            )
