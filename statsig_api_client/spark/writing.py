"""Sends the rows of one partition: what a task does."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from .._client import Statsig
from .._delivery.result import SendResult
from .._delivery.sender import EventSender
from .._errors import StatsigError
from ..bulk.batches import Batch, Item
from ..bulk.dead_letters import State, letter
from ..bulk.delivery import Outcome, deliver
from ..bulk.errors import Fault
from ..bulk.mapping import EventMapping, RowReader
from ..bulk.outgoing import Outgoing
from ..bulk.pace import Pace
from ..bulk.refusals import Refusals
from ..bulk.settings import Settings
from ..bulk.sources import Place, Record
from .journal import Journal
from .options import SinkOptions
from .rows import Row
from .totals import Totals


class PartitionWriter:
    """One attempt at one partition.

    Args:
        statsig: The client to send with.
        options: How.
        mapping: Which column is which field.
        journal: What earlier attempts have done, and where this one writes what it does.
        partition: The number of the partition.
    """

    def __init__(
        self,
        statsig: Statsig,
        options: SinkOptions,
        mapping: EventMapping,
        journal: Journal,
        partition: int,
    ) -> None:
        self._sender = EventSender(statsig)
        self._options = options
        self._journal = journal
        self._partition = partition
        self._settings = Settings(
            allow_cut=options.allow_cut,
            allow_no_time=options.allow_no_time,
            max_rate=options.rate,
        )
        self._outgoing = Outgoing(
            self._settings, options.connection.environment, RowReader(mapping)
        )
        self._pace = Pace(
            most=options.concurrency,
            rate=options.rate,
            give_up_after=options.give_up_after,
            stop=threading.Event(),
            # Of what is left by another attempt all may be bad.
            most_refused=options.max_refused if journal.is_first else None,
        )
        self._flying: dict[Future[Outcome], Batch] = {}
        self._refusals = Refusals(self._pace)
        self._finished = False
        """Whether all rows were tried."""
        self._account: Counter[str] = Counter()

    def write(self, rows: Iterable[Row]) -> tuple[Totals, StatsigError | None]:
        """Send rows.

        Returns:
            What became of them, and why that was not all, if another attempt would do no better.

        Raises:
            StatsigError: Nothing succeeded for too long; another attempt may do better.
            OSError: The directory of the job cannot be written.
        """
        with ThreadPoolExecutor(self._options.concurrency, "statsig-spark") as pool:
            try:
                self._send_all(pool, rows)
            finally:
                # Whatever ended it: what has been delivered is written down.
                self._pace.halt()
                self._collect(most=0)
                for batch, outcome in self._refusals.rest(finished=self._finished):
                    self._settle(batch, outcome)
                self._journal.write()
        problem = self._pace.problem
        if problem is not None and SendResult.from_error(problem).status != "fatal":
            raise StatsigError(
                f"partition {self._partition}: nothing succeeded for "
                f"{self._options.give_up_after:g} seconds: {problem}"
            ) from problem
        if problem is None:
            self._account["unrecognised"] = self._journal.unrecognised
            self._account["overlapped"] = self._journal.overlapped()
        return Totals(**self._account), problem

    def _send_all(self, pool: ThreadPoolExecutor, rows: Iterable[Row]) -> None:
        for batch in self._batches(rows):
            if batch.events:
                future = pool.submit(
                    deliver,
                    self._sender,
                    batch,
                    self._pace,
                    resend_ambiguous=self._options.resend_ambiguous,
                )
                self._flying[future] = batch
            else:
                self._settle(batch, Outcome())
            self._collect(most=self._options.concurrency + 1)
            if self._pace.stopped:
                return
        self._collect(most=0)
        self._finished = not self._pace.stopped

    def _batches(self, rows: Iterable[Row]) -> Iterator[Batch]:
        batch, size = _empty(0), 0
        for number, row in enumerate(rows):
            self._account["read"] += 1
            item = Item(number, 0, Record(number + 1, 0, row))
            try:
                event = self._outgoing(row)
            except Fault as fault:
                if self._journal.recalls(_fault(row, str(fault))):
                    self._account["skipped"] += 1
                else:
                    batch.faults.append((item, str(fault)))
            else:
                if self._journal.recalls(event):
                    self._account["skipped"] += 1
                    continue
                batch.events.append(event)
                batch.items.append(item)
                size += len(event)
            if (
                max(len(batch.events), len(batch.faults)) >= self._settings.batch
                or size >= self._settings.max_batch_bytes
            ):
                yield batch
                batch, size = _empty(number + 1), 0
        yield batch

    def _collect(self, most: int) -> None:
        """Settle what has come back, and wait until at most so many batches are on their way."""
        while self._flying:
            enough = len(self._flying) <= most
            done, _ = wait(self._flying, timeout=0 if enough else None, return_when=FIRST_COMPLETED)
            for future in done:
                for batch, outcome in self._refusals.taken(
                    self._flying.pop(future), future.result()
                ):
                    self._settle(batch, outcome)
            if enough:
                return

    def _settle(self, batch: Batch, outcome: Outcome) -> None:
        events = batch.events
        delivered = [i for low, high in outcome.delivered for i in range(low, high)]
        contents = [events[i] for i in delivered]
        letters: list[bytes] = []
        if delivered or outcome.rejected or outcome.ambiguous or not events:
            # Bad rows wait for their batch, so that a key that is refused consumes nothing.
            for item, why in batch.faults:
                contents.append(_fault(item.record.content, why))
                letters.append(self._letter("rejected", item, why))
            self._account["rejected"] += len(batch.faults)
        else:
            self._account["unsent"] += len(batch.faults)
        apart: dict[State, list[tuple[int, str]]] = {
            "rejected": outcome.rejected,
            "ambiguous": outcome.ambiguous,
        }
        for state, indices in apart.items():
            for i, why in indices:
                contents.append(events[i])
                letters.append(self._letter(state, batch.items[i], why))
            self._account[state] += len(indices)
        self._account["delivered"] += len(delivered)
        known = len(delivered) + len(outcome.rejected) + len(outcome.ambiguous)
        self._account["unsent"] += len(events) - known
        self._account["requests"] += outcome.requests
        self._account["retried"] += outcome.retried
        self._account["resent"] += outcome.resent
        self._account["bytes_sent"] += sum(len(events[i]) for i in delivered)
        self._journal.settle(contents, letters)

    def _letter(self, state: State, item: Item, why: str) -> bytes:
        place = {"partition": self._partition, "row": item.record.line}
        return letter(place, state, why, item.record.content)


def _empty(first: int) -> Batch:
    return Batch(first, Place(), Place())


def _fault(content: object, why: str) -> bytes:
    """By what a bad row is known, wherever it is in its partition."""
    return letter({}, "rejected", why, content)  # type: ignore[arg-type]
