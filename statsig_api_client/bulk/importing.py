"""`import_events`: from files to Statsig, with every line accounted for."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final, Unpack

from .._client import Statsig
from .._delivery.sender import EventSender
from .batches import Batch, Batches, Item
from .dead_letters import DeadLetters, State
from .delivery import Outcome, deliver
from .errors import ImportStoppedError, SourceError
from .input import Input, open_input
from .interrupts import late_interrupts
from .ledger import Ledger
from .lock import only_import
from .pace import Pace
from .refusals import Refusals
from .settings import ImportOptions, Settings, settings
from .summary import ImportProgress, ImportSummary

_PROGRESS_EVERY: Final = 0.5


def import_events(
    statsig: Statsig, source: str | Path | Sequence[str | Path], **options: Unpack[ImportOptions]
) -> ImportSummary:
    """Send the events of files to Statsig, and account for every line.

    A checkpoint beside the input remembers how far it is: after an interruption of any kind the
    same call goes on there, and sends again at most what was on its way.

    Args:
        statsig: The client to send with. Its timeouts hold, its retries do not.
        source: Files, patterns such as `events/*.jsonl.gz`, or `-`, which is standard input.
        **options: How it behaves; see `ImportOptions`.

    Returns:
        What became of every line.

    Raises:
        SourceError: The input cannot be read, or has changed since the checkpoint was made.
        CheckpointInUseError: Another import is at work with the same checkpoint.
        ImportStoppedError: It ended before the input did: the key or everything was refused,
            Statsig was out of reach for too long, a file was broken, a disk full. Its `summary`
            tells what was sent.
        KeyboardInterrupt: Ctrl-C. What was on its way has come back, and is accounted for; after a
            second one it may not be. The same call goes on where it was.
        ConfigurationError: An option has a value that makes no sense.
        TypeError: There is no such option, or its value has the wrong type.

    Example:
        >>> with Statsig() as statsig:
        ...     import_events(statsig, "events-*.jsonl.gz", max_rate=5000).delivered
    """
    checked = settings(options)
    sender = EventSender(statsig, compress=checked.compress)
    opened = open_input(source, checked, sender.environment)
    with only_import(opened.checkpoint):
        started = _Import(sender, opened, checked)
        with late_interrupts(started.halt):
            return started.run()


class _Import:
    """One run."""

    def __init__(self, sender: EventSender, opened: Input, options: Settings) -> None:
        self._sender = sender
        self._options = options
        self._ledger = Ledger(opened.checkpoint, opened.identity)
        if not options.restart:
            self._ledger.load(force=options.force)
        names = [source.name for source in opened.sources]
        self._letters = DeadLetters(
            opened.dead_letters, names, self._ledger.dead_letter_bytes, replace=options.restart
        )
        self._ledger.dead_letter_bytes = self._letters.size
        self._batches = Batches(opened.sources, opened.outgoing, options, opened.begun)
        self._pace = Pace(
            most=options.max_concurrency,
            rate=options.max_rate,
            give_up_after=options.give_up_after,
            stop=options.stop or threading.Event(),
            most_refused=options.max_refused,
        )
        self._flying: dict[Future[Outcome], Batch] = {}
        self._refusals = Refusals(self._pace)
        self._account: Counter[str] = Counter(read=self._ledger.number, skipped=self._ledger.number)
        self._started = self._told = time.monotonic()
        self._stopped = False
        self._finished = False
        """Whether all of the input was tried."""

    def run(self) -> ImportSummary:
        """Import, until the input or the patience ends."""
        problem: Exception | None = None
        pool = ThreadPoolExecutor(self._options.max_concurrency, "statsig-import")
        waits = True
        try:
            try:
                self._send_all(pool)
            except (SourceError, OSError) as error:
                problem = error
            except KeyboardInterrupt:  # the second: the checkpoint knows what is on its way
                waits = False
                raise
            finally:
                self._pace.halt()
                pool.shutdown(wait=waits)
        finally:
            problem = self._settle_the_rest() or problem
            self._letters.close()
        self._tell()
        problem = self._pace.problem or problem
        if problem is None:
            return self.summary
        self._stopped = True
        why = str(problem)
        if isinstance(problem, OSError) and problem.filename is not None:
            why = f"{problem.filename}: {problem.strerror}"
        raise ImportStoppedError(f"the import stopped: {why}", summary=self.summary) from problem

    def halt(self) -> None:
        """Send no more, and end when what is on its way has come back."""
        self._pace.halt()

    @property
    def summary(self) -> ImportSummary:
        """The account so far."""
        return ImportSummary(
            **self._account,
            seconds=time.monotonic() - self._started,
            stopped=self._stopped,
            dead_letters=self._letters.path if self._ledger.dead_letters else None,
        )

    def _send_all(self, pool: ThreadPoolExecutor) -> None:
        ledger, options = self._ledger, self._options
        ledger.save()
        for batch in self._batches.read(ledger.number, ledger.place, ledger.settled):
            self._account["read"] += batch.end - batch.first
            self._account["skipped"] += len(batch.settled)
            ledger.begin(batch)
            if batch.events:
                self._save_or_settle(batch)
                future = pool.submit(
                    deliver,
                    self._sender,
                    batch,
                    self._pace,
                    resend_ambiguous=options.resend_ambiguous,
                )
                self._flying[future] = batch
            else:
                self._settle(batch, Outcome())
            self._collect(most=options.max_concurrency + 1)
            if self._pace.stopped:
                self._stopped = True
                return
        self._collect(most=0)
        self._finished = not self._pace.stopped

    def _save_or_settle(self, batch: Batch) -> None:
        """Remember a batch before it is sent; what cannot be remembered is not sent."""
        try:
            self._ledger.save()
        except OSError:
            self._settle(batch, Outcome())
            raise

    def _collect(self, most: int) -> None:
        """Settle what has come back, and wait until at most so many batches are on their way."""
        while self._flying:
            enough = len(self._flying) <= most
            pause = 0 if enough else _PROGRESS_EVERY
            done, _ = wait(self._flying, timeout=pause, return_when=FIRST_COMPLETED)
            for future in done:
                self._take_back(future)
            if time.monotonic() - self._told > _PROGRESS_EVERY:
                self._ledger.save()
                self._tell()
            if enough:
                return

    def _take_back(self, future: Future[Outcome]) -> None:
        """Settle a batch that has come back, unless it has to wait."""
        for batch, outcome in self._refusals.taken(self._flying.pop(future), future.result()):
            self._settle(batch, outcome)

    def _settle_the_rest(self) -> OSError | None:
        """Account for what was on its way when the import ended."""
        problem = None
        for future in [future for future in self._flying if future.done()]:
            try:
                self._take_back(future)
            except OSError as error:
                problem = error
        for batch, outcome in self._refusals.rest(finished=self._finished):
            try:
                self._settle(batch, outcome)
            except OSError as error:
                problem = error
        try:
            self._ledger.save()
        except OSError as error:
            problem = error
        return problem

    def _settle(self, batch: Batch, outcome: Outcome) -> None:
        items, events = batch.items, batch.events
        delivered = [i for low, high in outcome.delivered for i in range(low, high)]
        numbers = [items[i].number for i in delivered]
        letters: list[tuple[State, Item, str]] = []
        blank: list[int] = []
        if delivered or outcome.rejected or outcome.ambiguous or not events:
            # Bad lines wait for their batch, so that a key that is refused consumes nothing.
            blank = batch.blank
            letters.extend(("rejected", item, why) for item, why in batch.faults)
            letters.extend(("rejected", items[i], why) for i, why in outcome.rejected)
            letters.extend(("ambiguous", items[i], why) for i, why in outcome.ambiguous)
        account = Counter(
            delivered=len(numbers),
            blank=len(blank),
            retried=outcome.retried,
            resent=outcome.resent
            + self._ledger.was_in_flight(
                [*numbers, *(items[i].number for i, _ in outcome.ambiguous)]
            ),
            bytes_sent=sum(len(events[i]) for i in delivered),
        )
        numbers += blank
        try:
            self._letters.write(letters)
            self._ledger.dead_letter_bytes = self._letters.size
            self._ledger.dead_letters += len(letters)
            numbers += [item.number for _, item, _ in letters]
            account.update(state for state, _, _ in letters)
        finally:
            account["unsent"] = self._ledger.settle(batch, numbers)
            self._account.update(account)

    def _tell(self) -> None:
        """Call `on_progress`."""
        self._told = time.monotonic()
        if self._options.on_progress is not None:
            self._options.on_progress(
                ImportProgress(
                    summary=self.summary,
                    bytes_read=self._batches.bytes_read,
                    bytes_total=self._batches.bytes_total,
                    bytes_skipped=self._batches.bytes_skipped,
                    concurrency=self._pace.concurrency,
                )
            )
