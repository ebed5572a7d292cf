"""Sans-I/O delivery state machine: picks the next batch and handles its result.

    claim -> send -> accepted                complete
                  -> invalid                 send both halves, until the invalid event is alone;
                                             dead-letter that one
                  -> retryable or fatal      release, and delay
                  -> ambiguous               release, and delay; or dead-letter, if
                                             `resend_ambiguous` is False
                  -> fails again and again   see `isolation`

`Worker` drives it in a thread; tests drive it step by step.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal

from .._delivery.backoff import Backoff
from .._delivery.result import SendResult
from .._errors import APIConnectionError
from .errors import SpoolError
from .isolation import Isolation
from .options import Settings
from .queue.base import Batch, EventQueue
from .stats import Delivery, report

if TYPE_CHECKING:
    from .._clock import Clock

logger: logging.Logger = logging.getLogger("statsig_api_client")

_SPOOL_PAUSE: Final = 1.0
"""Seconds until a failed spool is used again."""


class Dispatcher:
    """Delivery state of one process. One thread at a time may use it."""

    def __init__(self, settings: Settings, queue: EventQueue, clock: "Clock") -> None:
        self._settings = settings
        self._queue = queue
        self._clock = clock
        self._backoff = Backoff(clock)
        self._isolation = Isolation(settings.max_batch)
        self._parts: list[Batch] = []
        """Parts of a split batch that are still to be sent; the last one is next."""
        self._unwritten: list[Callable[[], None]] = []
        """Changes that could not be written to the spool yet, in order."""
        self._spool_again_at = 0.0
        self._has_skipped = False

    def next(self, *, hurry: bool) -> Batch | None:
        """Return the batch to send now, if there is one.

        Args:
            hurry: Do not wait until a batch is full or old.
        """
        try:
            return None if self._pause() else self._next(hurry=hurry)
        except SpoolError as error:
            self._spool_failed(error)
            return None

    def wait(self, *, hurry: bool) -> float | None:
        """Return the seconds until `next` may return a batch; None until a new event arrives."""
        pause = self._pause()
        if pause or hurry or self._parts or self._unwritten or self._isolation.suspects:
            # Other processes may release events at any time.
            return max(pause, _SPOOL_PAUSE / 20)
        return self._queue.due_in()

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
            self._backoff.drop_jitter()

    def handle(self, batch: Batch, result: SendResult) -> None:
        """Handle the result of an attempt to send a batch that `next` returned."""
        match result.status:
            case "accepted":
                self._backoff.succeeded()
                self._isolation.accepted(batch)
                self._write(lambda: self._queue.complete(batch))
                report(self._settings, Delivery(state="delivered", encoded=batch.events))
            case "invalid" if len(batch) > 1:
                self._backoff.succeeded()
                self._parts += reversed(batch.halves())
            case "invalid":
                self._backoff.succeeded()
                self._dead_letter(batch, result, "rejected")
            case "ambiguous" if not self._settings.resend_ambiguous:
                self._failed(result)
                self._dead_letter(batch, result, "ambiguous")
                self.release_all()
            case _:  # also "fatal": an API key or a URL may be corrected
                self._failed(result)
                self._retry_later(batch, result)

    def _retry_later(self, batch: Batch, result: SendResult) -> None:
        unclear = result.status == "ambiguous"
        match self._isolation.failed(batch, result):
            case "release":
                self._release([batch], retried=len(batch), unclear=unclear)
            case "hold":
                self._write(lambda: self._queue.release([], retried=1, unclear=unclear))
            case _:  # give up
                self._dead_letter(batch, result, "ambiguous" if unclear else "rejected")

    def interrupted(self, batch: Batch) -> None:
        """Handle an attempt that an exception interrupted: its result is unknown."""
        if self._settings.resend_ambiguous:
            self._isolation.remove(batch)
            self._release([batch], retried=len(batch), unclear=True)
        else:
            error = APIConnectionError("log_events: the attempt was interrupted", ambiguous=True)
            self._dead_letter(batch, SendResult.from_error(error), "ambiguous")
            self.release_all()

    def finish(self) -> None:
        """Release all claimed events, and write what could not be written yet.

        A change that cannot be written even now is lost: leases expire, and their events are sent
        again.
        """
        self.release_all()
        problem: SpoolError | None = None
        try:
            self._write_all()
        except SpoolError as error:
            problem = error
        if problem:
            logger.error("%s; events that were sent may be sent again", problem)

    def release_all(self) -> None:
        """Release all claimed events, since this process sends no more."""
        self._release(self._isolation.remove_all(), retried=0, unclear=False)

    def _pause(self) -> float:
        spool = self._spool_again_at - self._clock.monotonic()
        return max(0.0, self._backoff.remaining, spool)

    def _next(self, *, hurry: bool) -> Batch | None:
        self._write_all()
        while self._parts:
            batch = self._parts.pop()
            if self._queue.renew(batch):
                return batch
        self._renew_suspects()
        if suspect := self._isolation.suspect(is_proven=True):
            return suspect
        claimed = None
        if hurry or self._queue.due_in() == 0.0:
            claimed = self._queue.claim(self._isolation.limit)
        return claimed or self._isolation.suspect(is_proven=False)

    def _renew_suspects(self) -> None:
        """Renew the leases of suspects, which may have expired during a delay."""
        for batch in self._isolation.suspects:
            if not self._queue.renew(batch):
                self._isolation.remove(batch)

    def _failed(self, result: SendResult) -> None:
        self._backoff.failed(result.retry_after)
        logger.warning("%s; the events wait for %.3g s", result.reason, self._backoff.remaining)

    def _dead_letter(
        self, batch: Batch, result: SendResult, state: Literal["rejected", "ambiguous"]
    ) -> None:
        why = result.reason
        self._isolation.remove(batch)
        self._write(lambda: self._queue.dead_letter(batch, state, why))
        logger.error("%d events are not sent again (%s): %s", len(batch), state, why)
        report(self._settings, Delivery(state=state, encoded=batch.events, error=result.error))

    def _release(self, tried: list[Batch], *, retried: int, unclear: bool) -> None:
        batches = [*tried, *reversed(self._parts)]
        if not batches:
            return
        self._parts = []
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
