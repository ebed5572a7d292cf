"""Sans-I/O delivery state machine: picks the next batch and handles its result.

    claim -> send -> accepted                complete
                  -> invalid                 send both halves, until the invalid event is alone;
                                             dead-letter that one
                  -> retryable               send again after a delay, while the server accepts
                                             other requests; else release, and delay all
                  -> fatal                   release, and delay all
                  -> ambiguous               as retryable; or dead-letter, if `resend_ambiguous`
                                             is False
                  -> fails again and again   see `isolation`

Several batches may be in progress; `AdaptiveLimit` limits their number and detects outages.
`Worker` drives the dispatcher in a thread; tests drive it step by step.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from .._delivery.adaptive_limit import AdaptiveLimit, Failure
from .._delivery.result import SendResult
from .._errors import APIConnectionError, RateLimitError
from .claim import Claim
from .errors import SpoolError
from .isolation import Isolation, is_proven, may_depend_on_events
from .options import CheckedOptions
from .queue.base import Batch, EventQueue
from .stats import Delivery, report

if TYPE_CHECKING:
    from .._clock import Clock

logger: logging.Logger = logging.getLogger("statsig_api_client")

_SPOOL_PAUSE: Final = 1.0
"""Seconds until a failed spool is used again."""
_POLL: Final = 0.05
"""Seconds between two looks at what other processes may have changed."""
_FIRST_DELAY: Final = 0.2
"""Seconds: the maximum of the first random delay of a batch that fails while others do not."""
_MAX_DELAY: Final = 0.5
"""Seconds: the maximum of any such delay."""
_DELAYED: Final = 2
"""Batches that may wait to be sent again, per concurrent request, before no more are claimed."""
_LOG_EVERY: Final = 60.0
"""Seconds between two lines in the log about batches that fail while others do not."""


class Dispatcher:
    """Delivery state of one process. One thread at a time may use it."""

    def __init__(self, options: CheckedOptions, queue: EventQueue, clock: "Clock") -> None:
        self._options = options
        self._queue = queue
        self._clock = clock
        self._limit = AdaptiveLimit(clock, options.max_concurrency)
        self._isolation = Isolation(options.max_batch)
        self._in_progress: dict[int, Claim] = {}
        """Claims whose last part is being sent, by the identity of its batch."""
        self._delayed: list[Claim] = []
        """Claims that wait to be sent, or sent again."""
        self._unwritten: list[Callable[[], None]] = []
        """Changes that could not be written to the spool yet, in order."""
        self._spool_again_at = 0.0
        self._has_skipped = False
        self._logged_at = -_LOG_EVERY

    @property
    def in_progress(self) -> int:
        """The number of batches that `next` returned and whose result is not known yet."""
        return len(self._in_progress)

    def next(self, *, hurry: bool) -> Batch | None:
        """Return the batch to send now, if there is one.

        Args:
            hurry: Do not wait until a batch is full or old.
        """
        if self._is_full():
            return None
        try:
            claim = None if self._pause() else self._next(hurry=hurry)
        except SpoolError as error:
            self._spool_failed(error)
            return None
        if claim is None:
            return None
        claim.request = self._limit.start()
        batch = claim.part.batch
        self._in_progress[id(batch)] = claim
        return batch

    def has_more(self) -> bool:
        """Return whether there is another batch to send at the same time."""
        return not (self._is_full() or self._pause()) and (
            self._delayed_for() == 0.0 or self._queue.due_in() == 0.0
        )

    def wait(self, *, hurry: bool) -> float | None:
        """Return the seconds until `next` may return a batch; None until something happens.

        That is a new event, or the result of a batch in progress.
        """
        if self._is_full():
            return None
        pause = self._pause()
        if pause or hurry or self._unwritten or self._isolation.waiting:
            # Other processes may release events at any time.
            return max(pause, _POLL)
        delays = [self._delayed_for(), self._queue.due_in() if self._has_room() else None]
        return min((delay for delay in delays if delay is not None), default=None)

    def is_behind(self, mark: int, *, here: bool = False) -> bool:
        """Return whether an event up to a queue position has no final state yet.

        With `here`, events that another process is sending do not count.
        """
        try:
            return not self._queue.reached(mark, here=here)
        except SpoolError as error:
            self._spool_failed(error)
            return True

    def skip_jitter(self) -> None:
        """Make one attempt without the random delay, before the logger closes."""
        if not self._has_skipped:
            self._has_skipped = True
            self._limit.drop_jitter()
            for claim in self._delayed:
                claim.again_at = 0.0

    def handle(self, batch: Batch, result: SendResult) -> None:
        """Handle the result of an attempt to send a batch that `next` returned."""
        claim = self._in_progress.pop(id(batch))
        match result.status:
            case "accepted":
                if self._limit.record_accepted(claim.request):
                    self._isolation.accepted(batch)
                else:
                    self._isolation.remove(batch)
                self._continue(claim)
                self._write(lambda: self._queue.complete(batch))
                report(self._options, Delivery(state="delivered", encoded=batch.events))
            case "invalid":
                self._limit.record_invalid(claim.request)
                if len(batch) > 1:
                    claim.split()
                    self._delayed.insert(0, claim)
                else:
                    self._continue(claim)
                    self._dead_letter(batch, result, "rejected")
            case "ambiguous" if not self._options.resend_ambiguous:
                failure = self._failed(claim, result)
                claim.parts.pop()
                self._delay(claim)
                self._dead_letter(batch, result, "ambiguous")
                if failure != "isolated":
                    self._release_delayed()
            case _:  # also "fatal": an API key or a URL may be corrected
                self._retry_later(claim, result)

    def _continue(self, claim: Claim) -> None:
        """Send the next part of a claim, now that the last one has its final state."""
        claim.parts.pop()
        claim.failures = 0
        if claim.parts:
            self._delayed.insert(0, claim)

    def _retry_later(self, claim: Claim, result: SendResult) -> None:
        part, batch = claim.part, claim.part.batch
        unclear = result.status == "ambiguous"
        failure = self._failed(claim, result)
        is_alone = len(claim.parts) == 1
        released: list[Batch] = []
        match self._isolation.failed(part, result, failure, is_alone=is_alone):
            case "release":
                released = claim.batches
            case "give up":
                self._dead_letter(batch, result, "ambiguous" if unclear else "rejected")
                if failure != "isolated":
                    self._release_delayed()
                return
            case "hold":
                if failure == "isolated":
                    self._isolation.delay(batch, self._again_at(_MAX_DELAY))
            case "split":
                claim.split_later()
                self._delay(claim)
            case _:
                claim.rotate()
                self._delay(claim)
        if failure != "isolated":
            released += self._remove_delayed()
        self._write(lambda: self._queue.release(released, retried=len(batch), unclear=unclear))

    def _failed(self, claim: Claim, result: SendResult) -> Failure:
        """Record a failure of the server, and log it."""
        claim.failures += 1
        part = claim.part
        if may_depend_on_events(result):
            part.failed(claim.evidence(self._limit.accepted, self._limit.failed))
            if is_proven(part) and not self._limit.is_probing:  # not evidence about the server
                self._limit.record_abandoned()
                return "isolated"
        failure = self._limit.record_failure(
            claim.request,
            result.retry_after,
            may_be_isolated=not (
                result.status == "fatal"
                or result.retry_after is not None
                or isinstance(result.error, RateLimitError)
            ),
        )
        now = self._clock.monotonic()
        if failure == "outage":
            logger.warning("%s; the events wait for %.3g s", result.reason, self._limit.delay)
        elif failure == "isolated" and now - self._logged_at >= _LOG_EVERY:
            self._logged_at = now
            logger.warning("%s; a batch is sent again, while others are accepted", result.reason)
        return failure

    def _again_at(self, limit: float) -> float:
        return self._clock.monotonic() + limit * self._clock.random()

    def _delay(self, claim: Claim) -> None:
        """Send the rest of a claim, if there is one, after a random delay."""
        if claim.parts:
            limit = min(_MAX_DELAY, _FIRST_DELAY * 2 ** (claim.failures - 1))
            claim.again_at = self._again_at(limit)
            self._delayed.append(claim)

    def interrupted(self, batch: Batch) -> None:
        """Handle an attempt that an exception interrupted: its result is unknown."""
        claim = self._in_progress.pop(id(batch))
        self._limit.record_abandoned()
        if self._options.resend_ambiguous:
            self._isolation.remove(batch)
            self._release(claim.batches, retried=len(batch), unclear=True)
        else:
            error = APIConnectionError("log_events: the attempt was interrupted", ambiguous=True)
            self._dead_letter(batch, SendResult.from_error(error), "ambiguous")
            claim.parts.pop()
            self._release(claim.batches)

    def finish(self) -> None:
        """Release all claimed events that are not being sent, and write what could not be written.

        A change that cannot be written even now is lost: leases expire, and their events are sent
        again.
        """
        self._release([*self._isolation.remove_waiting(), *self._remove_delayed()])
        problem: SpoolError | None = None
        try:
            self._write_all()
        except SpoolError as error:
            problem = error
        if problem:
            logger.error("%s; events that were sent may be sent again", problem)

    def _is_full(self) -> bool:
        """Return whether no batch may be sent before the result of another one is known."""
        return self._limit.is_full or (self._isolation.is_active and bool(self._in_progress))

    def _has_room(self) -> bool:
        """Return whether few enough batches wait to be sent again, so that more may be claimed."""
        return len(self._delayed) < _DELAYED * self._options.max_concurrency

    def _pause(self) -> float:
        spool = self._spool_again_at - self._clock.monotonic()
        return max(0.0, self._limit.delay, spool)

    def _delayed_for(self) -> float | None:
        """Return the seconds until a delayed claim is due; None without one."""
        if not self._delayed:
            return None
        first = min(claim.again_at for claim in self._delayed)
        return max(0.0, first - self._clock.monotonic())

    def _next(self, *, hurry: bool) -> Claim | None:
        self._write_all()
        self._renew()
        now = self._clock.monotonic()
        for claim in self._delayed:
            if claim.again_at <= now:
                self._delayed.remove(claim)
                return claim
        batch = self._isolation.next_suspect(now, is_proven=True)
        if batch is None and self._has_room() and (hurry or self._queue.due_in() == 0.0):
            batch = self._queue.claim(self._isolation.limit)
        if batch is None:
            batch = self._isolation.next_suspect(now, is_proven=False)
        return None if batch is None else Claim.of(batch)

    def _renew(self) -> None:
        """Renew the leases of batches that wait, which may have expired during a delay."""
        self._delayed = [it for it in self._delayed if self._queue.renew(it.part.batch)]
        for batch in self._isolation.waiting:
            if not self._queue.renew(batch):
                self._isolation.remove(batch)

    def _dead_letter(
        self, batch: Batch, result: SendResult, state: Literal["rejected", "ambiguous"]
    ) -> None:
        why = result.reason
        self._isolation.remove(batch)
        self._write(lambda: self._queue.dead_letter(batch, state, why))
        logger.error("%d events are not sent again (%s): %s", len(batch), state, why)
        report(self._options, Delivery(state=state, encoded=batch.events, error=result.error))

    def _remove_delayed(self) -> list[Batch]:
        """Forget and return the batches that wait to be sent."""
        delayed, self._delayed = self._delayed, []
        return [batch for claim in delayed for batch in claim.batches]

    def _release_delayed(self) -> None:
        self._release(self._remove_delayed())

    def _release(self, batches: list[Batch], *, retried: int = 0, unclear: bool = False) -> None:
        if batches:
            self._write(lambda: self._queue.release(batches, retried=retried, unclear=unclear))

    def _write(self, move: Callable[[], None]) -> None:
        """Change the queue; if that fails, repeat it before anything else is sent."""
        try:
            if not self._unwritten:
                move()
                return
        except SpoolError as error:
            self._spool_failed(error)
        self._unwritten.append(move)

    def _write_all(self) -> None:
        """Repeat the changes that failed, in order."""
        while self._unwritten:
            self._unwritten[0]()
            del self._unwritten[0]

    def _spool_failed(self, error: SpoolError) -> None:
        now = self._clock.monotonic()
        if now >= self._spool_again_at:  # log a failure once
            self._spool_again_at = now + _SPOOL_PAUSE
            logger.error("%s; trying again in %.3g s", error, _SPOOL_PAUSE)
